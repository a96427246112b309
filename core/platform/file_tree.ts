import { constants } from "node:fs";
import { copyFile, lstat, mkdir, open, readdir, readlink, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";

/** A file, folder or link as it lies on disk. */
export interface FileNode {
  readonly path: string;
  /** Below the place where the walk began, with slashes; empty for that place itself. */
  readonly name: string;
  readonly type: "file" | "folder" | "symlink" | "other";
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Of links: what they lead to. */
  readonly linkName: string;
  /** Of folders: whether there is nothing in it. */
  readonly empty: boolean;
}

const pieceBytes = 64 * 1024;

/** What lies at `path` and below it, in the order of names, a folder before what is in it. Links are told of, not followed. */
export async function* walkTree(path: string, name = ""): AsyncGenerator<FileNode, void, void> {
  const stat = await lstat(path);
  const { uid, gid, size } = stat;
  const type = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "symlink" : "other";
  const children = type === "folder" ? (await readdir(path)).sort() : [];
  const linkName = type === "symlink" ? await readlink(path) : "";
  const modified = Math.floor(stat.mtimeMs / 1000);
  yield {
    path,
    name,
    type,
    size,
    mode: stat.mode & 0o7777,
    uid,
    gid,
    modified,
    linkName,
    empty: children.length === 0,
  };
  for (const child of children) yield* walkTree(join(path, child), name === "" ? child : `${name}/${child}`);
}

/** The first `size` bytes of a file. @throws Error when it has fewer by now */
export async function* readPieces(path: string, size: number): AsyncGenerator<Uint8Array, void, void> {
  const file = await openFile(path, "r");
  try {
    for (let left = size; left > 0; ) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(Math.min(left, pieceBytes)));
      if (bytesRead === 0) throw new Error(`${path}: file became shorter while it was read`);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Writes a file as its content comes, in the place of one that is there. */
export async function writePieces(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await openFile(path, "w");
  try {
    for await (const piece of content) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}

async function openFile(path: string, flags: "r" | "w"): ReturnType<typeof open> {
  try {
    return await open(path, flags);
  } catch (cause) {
    throw inGoWords(cause, "open", path);
  }
}

/** Makes a folder, and those above it that are missing. */
export async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw inGoWords(cause, "mkdir", path);
  }
}

/** Copies one file, in the place of one that is there. */
export async function copyOneFile(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}

/** Whether `path` lies in the folder `root`, as both are written. */
export function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Whether `path` is in the folder `root` once the links on its way are followed. Neither need be there. */
export async function leadsBelow(root: string, path: string): Promise<boolean> {
  if (path === root) return true;
  const [place, target] = [await followed(root), await followed(path)];
  return place !== undefined && target !== undefined && isBelow(place, target);
}

/** Where a path leads as far as it exists; undefined for a link to nowhere. */
async function followed(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    const dangling = await lstat(path).then(
      (stat) => stat.isSymbolicLink(),
      () => false,
    );
    const parent = dirname(path);
    if (dangling || parent === path) return undefined;
    const place = await followed(parent);
    return place === undefined ? undefined : join(place, relative(parent, path));
  }
}

const goWords: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
  ENOSPC: "no space left on device",
  ELOOP: "too many levels of symbolic links",
};

function inGoWords(cause: unknown, doing: string, path: string): Error {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  // Node says EEXIST of a file that is where a folder has to be.
  const why = code === "EEXIST" && doing === "mkdir" ? "not a directory" : (goWords[code] ?? (code || String(cause)));
  return new Error(`${doing} ${path}: ${why}`, { cause });
}
