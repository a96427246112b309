import { mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

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
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
