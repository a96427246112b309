import { ConnectionError } from "../../core/client/connection_error.ts";
import { copyOneFile, isBelow, leadsBelow, makeFolders, writePieces } from "../../core/platform/file_tree.ts";
import { folderOf, joinPath, resolvePath } from "../../core/platform/files.ts";
import { AsyncQueue } from "../../core/util/async_queue.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { readTar, type TarEntry } from "../../core/util/tar.ts";
import type { CommandEnv } from "../env.ts";
import { UsageError } from "../verb.ts";
import { archivePrefix } from "./file_spec.ts";
import type { RemoteCommand } from "./remote_command.ts";

/** What of a container's side a copy needs. */
export type ArchiveSource = Pick<RemoteCommand, "namespace" | "pod" | "run">;

/** What is copied where. */
export interface Download {
  readonly from: string;
  readonly to: string;
  /** How often it is taken up again when the connection is lost; below 0: without end. */
  readonly retries: number;
  /** Told how many more bytes of the archive have come. */
  onBytes?(bytes: number): void;
}

/** Tar ended with an exit code that says so. */
class TarFailed extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`command terminated with exit code ${code}`);
    this.code = code;
  }
}

/** Copies a file or folder out of a container. @returns the exit code of tar. @throws UsageError for an archive that is not what was asked for */
export async function copyFromPod(remote: ArchiveSource, download: Download, env: CommandEnv): Promise<number> {
  const { from, to } = download;
  const warnLink = linkWarning(remote, from, env);
  const prefix = archivePrefix(from);
  try {
    for await (const entry of readTar(archive(remote, download, env))) {
      const place = placeOf(entry.name, prefix, to);
      if (place === undefined) throw new UsageError("tar contents corrupted");
      await unpack(entry, place, { to, prefix, warnLink }, env);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof TarFailed)) throw error;
    env.terminal.warn(error.message);
    return error.code;
  }
}

interface Unpacking {
  readonly to: string;
  readonly prefix: string;
  readonly warnLink: (place: string, linkName: string) => void;
}

/** Puts one entry in its place, or says why not. */
async function unpack(entry: TarEntry, place: string, { to, prefix, warnLink }: Unpacking, env: CommandEnv) {
  if (!(await staysIn(to, place))) {
    env.terminal.warn(`warning: file ${JSON.stringify(place)} is outside target destination, skipping`);
    return;
  }
  await makeFolders(entry.type === "folder" ? place : folderOf(place));
  switch (entry.type) {
    case "folder":
      return;
    case "file":
      return await writePieces(place, entry.content);
    case "symlink":
      return warnLink(place, entry.linkName);
    case "hardlink": {
      // The second name of a file that the archive had already.
      const first = placeOf(entry.linkName, prefix, to);
      if (first !== undefined && first !== place && (await staysIn(to, first))) return await copyOneFile(first, place);
      return env.terminal.warn(`warning: skipping link: ${JSON.stringify(place)} -> ${JSON.stringify(entry.linkName)}`);
    }
    case "other":
      env.terminal.warn(`warning: skipping special file: ${JSON.stringify(place)}`);
  }
}

/** Where an entry goes; undefined when it is none of those that were asked for. */
function placeOf(name: string, prefix: string, to: string): string | undefined {
  const plain = name.replace(/^(\.\/+)+/, "").replace(/^\.$/, "");
  if (prefix === "") return plain.startsWith("/") ? undefined : joinPath(to, plain);
  if (plain !== prefix && !plain.startsWith(`${prefix}/`)) return undefined;
  // A slash at the end of a folder's name is no part of it.
  return joinPath(to, plain.slice(prefix.length)).replace(/(?<=[^/])\/$/, "");
}

async function staysIn(to: string, place: string): Promise<boolean> {
  const [root, path] = [resolvePath(to), resolvePath(place)];
  return isBelow(root, path) && (await leadsBelow(root, path));
}

/** Links are not made: what they lead to is in the container. The first one is told with another way. */
function linkWarning({ namespace, pod }: ArchiveSource, from: string, env: CommandEnv): Unpacking["warnLink"] {
  let told = false;
  const quote = (text: string | undefined) => JSON.stringify(text ?? "");
  return (place, linkName) => {
    const instead = `(consider using "wherry exec -n ${quote(namespace)} ${quote(pod.metadata.name)} -- tar cf - ${quote(from)} | tar xf -")`;
    env.terminal.warn(`warning: skipping symlink: ${quote(place)} -> ${quote(linkName)}${told ? "" : ` ${instead}`}`);
    told = true;
  };
}

/**
 * The archive that tar makes in the container, piece by piece: the next is asked for when one has been taken. With
 * retries a connection that is lost is made again, and goes on behind the bytes that came.
 */
async function* archive(
  remote: ArchiveSource,
  { from, retries, onBytes }: Download,
  env: CommandEnv,
): AsyncGenerator<Uint8Array, void, void> {
  let received = 0;
  for (let attempt = 0; ; attempt++) {
    const before = received;
    try {
      for await (const piece of archiveFrom(remote, tarCommand(from, retries, received), env)) {
        received += piece.length;
        onBytes?.(piece.length);
        yield piece;
      }
      return;
    } catch (error) {
      if (!(error instanceof ConnectionError) || retries === 0) throw error;
      if (retries > 0 && attempt >= retries) {
        await env.terminal.write(`Dropping out copy after ${attempt} retries\n`);
        throw error;
      }
      await env.terminal.write(`Resuming copy at ${received} bytes, retry ${attempt + 1}/${retries}\n`);
      if (received === before) await env.clock.sleep(1000, { signal: env.signal });
    }
  }
}

function tarCommand(from: string, retries: number, received: number): readonly string[] {
  if (retries === 0) return ["tar", "cf", "-", from];
  return ["sh", "-c", `tar cf - '${from.replaceAll("'", "'\\''")}' | tail -c+${received + 1}`];
}

async function* archiveFrom(
  remote: ArchiveSource,
  command: readonly string[],
  env: CommandEnv,
): AsyncGenerator<Uint8Array, void, void> {
  const pieces = new AsyncQueue<{ readonly bytes: Uint8Array; readonly taken: Deferred<void> }>();
  const left = new AbortController();
  const ended = remote
    .run(command, {
      stdout: async (bytes) => {
        const taken = deferred();
        if (pieces.push({ bytes, taken })) await taken.promise;
      },
      // As kubectl does: what tar has to say of it stands where the copy's own messages would.
      stderr: (bytes) => env.terminal.write(bytes),
      signal: AbortSignal.any([env.signal, left.signal]),
    })
    .then(
      (code) => (code === 0 ? pieces.end() : pieces.fail(new TarFailed(code))),
      (error: unknown) => pieces.fail(error),
    );
  try {
    for await (const { bytes, taken } of pieces) {
      try {
        yield bytes;
      } finally {
        taken.resolve();
      }
    }
  } finally {
    left.abort();
    await ended;
  }
}
