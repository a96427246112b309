import { readPieces, walkTree } from "../../core/platform/file_tree.ts";
import { nameOf } from "../../core/platform/files.ts";
import { tarEnd, tarHeader, tarPadding } from "../../core/util/tar.ts";
import type { CommandEnv } from "../env.ts";
import { UsageError } from "../verb.ts";
import { cleanRemotePath } from "./file_spec.ts";
import type { RemoteCommand } from "./remote_command.ts";

/** What of a container's side a copy needs. */
export type ArchiveTarget = Pick<RemoteCommand, "run">;

/** What is copied where. */
export interface Upload {
  readonly from: string;
  readonly to: string;
  /** Owner and permissions are those of what tar makes. */
  readonly noPreserve: boolean;
  /** Told how many more bytes of the archive have been sent. */
  onBytes?(bytes: number): void;
}

/** Copies a file or folder into a container: into the folder `to` if that is one. @returns the exit code of tar */
export async function copyToPod(
  remote: ArchiveTarget,
  { from, to, noPreserve, onBytes }: Upload,
  env: CommandEnv,
): Promise<number> {
  const { signal, terminal } = env;
  const intoFolder = await isRemoteFolder(remote, to, signal);
  const target = cleanRemotePath(intoFolder ? `${to}/${nameOf(from)}` : to);
  const slash = target.lastIndexOf("/");
  const folder = slash < 0 ? "." : target.slice(0, slash) || "/";
  const command = [
    "tar",
    ...(noPreserve ? ["--no-same-permissions", "--no-same-owner"] : []),
    "-xmf",
    "-",
    "-C",
    folder,
  ];
  const code = await remote.run(command, {
    stdin: counted(
      pack(from, target.slice(slash + 1), (line) => terminal.warn(line)),
      onBytes,
    ),
    stdout: (bytes) => terminal.write(bytes),
    stderr: (bytes) => terminal.writeError(bytes),
    signal,
  });
  if (code !== 0) terminal.warn(`command terminated with exit code ${code}`);
  return code;
}

async function isRemoteFolder(remote: ArchiveTarget, path: string, signal: AbortSignal): Promise<boolean> {
  const ignore = () => {};
  try {
    return (await remote.run(["test", "-d", path], { stdout: ignore, stderr: ignore, signal })) === 0;
  } catch (error) {
    // A container without `test` may have `tar`.
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** The same pieces; those that were taken are told. */
async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  onBytes: Upload["onBytes"],
): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of pieces) {
    yield piece;
    onBytes?.(piece.length);
  }
}

/** What lies at `path`, as an archive in which it goes by `name`. Only folders with nothing in them have entries: those that are there keep their permissions. */
async function* pack(path: string, name: string, warn: (line: string) => void): AsyncGenerator<Uint8Array, void, void> {
  for await (const node of walkTree(path)) {
    if (node.type === "folder" && !node.empty) continue;
    if (node.type === "other") {
      warn(`warning: skipping special file: ${JSON.stringify(node.path)}`);
      continue;
    }
    const size = node.type === "file" ? node.size : 0;
    yield tarHeader({ ...node, size, name: node.name === "" ? name : `${name}/${node.name}` });
    yield* readPieces(node.path, size);
    yield tarPadding(size);
  }
  yield tarEnd;
}
