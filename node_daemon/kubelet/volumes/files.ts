import { constants } from "node:fs";
import { chmod, lstat, mkdir, open, readdir, rm } from "node:fs/promises";

/** Makes a folder with these mode bits, whatever the umask; what is above it is made 0700. An existing one is left as it is. */
export async function ensureFolder(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first !== undefined) await chmod(path, mode);
  const found = await lstat(path);
  if (!found.isDirectory()) throw new Error(`${path} is not a directory`);
}

/** Makes an empty file with these mode bits, whatever the umask. Never through a link; an existing file is left as it is. */
export function createFile(path: string, mode: number): Promise<void> {
  return writeInto(path, { mode, flags: 0 });
}

/** Writes a text into a file with these mode bits. Never through a link; an existing file stays the same file. */
export function rewriteFile(path: string, text: string, mode: number): Promise<void> {
  return writeInto(path, { mode, flags: constants.O_TRUNC, text });
}

async function writeInto(
  path: string,
  { mode, flags, text }: { readonly mode: number; readonly flags: number; readonly text?: string },
): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | flags, mode);
  try {
    await file.chmod(mode);
    if (text !== undefined) await file.writeFile(text);
  } finally {
    await file.close();
  }
}

/** The end of a file, at most `maxBytes` of it; undefined when there is no such plain file. Never through a link. */
export async function readTail(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    // Non-blocking: a container may have put a pipe there, and opening one waits for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      const isPlain = (await file.stat()).isFile();
      if (!isPlain) return undefined;
      const length = Math.min(size, maxBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isCode(error, "ENOENT", "ELOOP", "ENXIO", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Names in a folder; none when there is no folder. */
export async function listFolder(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** Removes a folder with everything in it. Links are removed, not followed; nothing there is no error. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    // A container may have made folders that even their owner cannot look into.
    if (!isCode(error, "EACCES", "EPERM", "ENOTEMPTY")) throw error;
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** Makes every folder below `path` readable and writable for its owner. */
async function openFolders(path: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory()) return;
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(`${path}/${entry.name}`);
  }
}

/** Whether an error of the file system has one of these codes. */
export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
