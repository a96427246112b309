import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import {
  access,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { randomUuid } from "./uuid.ts";

/** The absolute form of `path`, read relative to the folder `from` (default: the working directory). */
export function resolvePath(path: string, from = "."): string {
  return resolve(from, path);
}

/** The folder that holds `path`. */
export function folderOf(path: string): string {
  return dirname(path);
}

/** `parts` as one path. */
export function joinPath(...parts: readonly string[]): string {
  return join(...parts);
}

/** `path` as seen from the folder `from`. */
export function relativePath(from: string, path: string): string {
  return relative(from, path);
}

/** Where a path leads, links followed. @throws Error when it leads nowhere */
export function realPathOf(path: string): Promise<string> {
  return realpath(path);
}

/** The text of a file; undefined when there is none. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The text of a small file that a program waits for before it does anything; undefined when there is none. It is read at
 * once: reading it in the background takes several times longer than the file does.
 */
export function readSettings(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a text file, in the place of one that is there. */
export async function writeTextFile(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
}

/**
 * Adds to the end of a file, which is made with its folders where it is missing.
 *
 * @param options.anew what is there already goes
 */
export async function appendToFile(
  path: string,
  data: string | Uint8Array,
  { anew }: { readonly anew: boolean },
): Promise<void> {
  if (anew) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, data, { mode: 0o600, flag: anew ? "w" : "a" });
}

/** The bytes of a file. @throws Error in Go's words when it cannot be read */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = codeOf(cause);
    const why =
      code === "ENOENT"
        ? `open ${path}: no such file or directory`
        : code === "EISDIR"
          ? `read ${path}: is a directory`
          : code === "EACCES"
            ? `open ${path}: permission denied`
            : `open ${path}: ${code ?? String(cause)}`;
    throw new Error(why, { cause });
  }
}

/** Whether `path` is a folder; undefined when there is nothing. */
export async function isFolder(path: string): Promise<boolean | undefined> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Whether something is at `path` that this process can reach. */
export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Names of the regular files in a folder, sorted. */
export async function listRegularFiles(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return basename(path);
}

/**
 * Changes a file that holds credentials: mode 0600, missing folders 0700, replaced as a whole or not at all, links
 * followed. While it runs `PATH.lock` stands beside the file, which is how kubectl too keeps writers apart.
 *
 * @param change gets the present text (undefined: no file) and returns the new one
 * @throws Error when another process holds the lock
 */
export async function changePrivateFile(
  path: string,
  change: (text: string | undefined) => string | Promise<string>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await realpath(path).catch(() => resolve(path));
  const lock = `${target}.lock`;
  await (await openNew(lock)).close();
  try {
    const next = await change(await readTextFile(target));
    const temporary = `${target}.${process.pid}.tmp`;
    await unlink(temporary).catch(() => {});
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(next);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } finally {
    await unlink(lock);
  }
}

/** Writes a file of mode 0600, as a whole or not at all; missing folders get mode 0700. It need not outlive a power cut. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: "wx" });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

/** The text of a file that this user wrote and nobody else may; undefined for any other. Read at once, as settings are. */
export function readPrivateFile(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { uid, mode } = fstatSync(file);
    return uid === process.getuid?.() && (mode & 0o077) === 0 ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** As {@linkcode replacePrivateFile}, done when it returns: for what a program that is about to end leaves behind. */
export function leavePrivateFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600, flag: "wx" });
  renameSync(temporary, path);
}

async function openNew(lock: string): ReturnType<typeof open> {
  try {
    return await open(lock, "wx", 0o600);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    throw new Error(`Cannot write: ${lock} exists; another process is writing, or died writing (then remove it)`, {
      cause: error,
    });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as Error & { code?: string }).code : undefined;
}

/**
 * The file at `path`, or the files of the folder there whose names end in one of `extensions`, sorted; undefined when
 * there is nothing.
 */
export async function listFiles(
  path: string,
  { recursive, extensions }: { readonly recursive: boolean; readonly extensions: readonly string[] },
): Promise<readonly string[] | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const files: string[] = [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = join(path, entry.name);
      if (entry.isDirectory() && recursive) files.push(...((await listFiles(child, { recursive, extensions })) ?? []));
      else if (!entry.isDirectory() && extensions.some((extension) => entry.name.endsWith(extension)))
        files.push(child);
    }
    return files;
  } catch (error) {
    if (codeOf(error) === "ENOTDIR") return [path];
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A new folder for what need not last, its name beginning with `prefix`, mode 0700; removed with its content on disposal. */
export async function temporaryFolder(prefix: string): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  // What is ending may still write into it.
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** A new file that only this user may read, its name between `prefix` and `suffix`. It stays until it is removed. */
export async function temporaryFile(
  prefix: string,
  suffix: string,
  text: string,
): Promise<{ readonly path: string; read(): Promise<string> }> {
  const path = join(tmpdir(), `${prefix}${randomUuid()}${suffix}`);
  await writeFile(path, text, { mode: 0o600, flag: "wx" });
  return { path, read: () => readFile(path, "utf8") };
}

/** Removes a file; one that is not there is no error. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
