import { constants } from "node:fs";
import {
  chmod,
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureFolder, isCode } from "./files.ts";
import { groupMode } from "./fs_group.ts";

/** One file of a volume. */
export interface PayloadFile {
  readonly data: Uint8Array;
  /** Mode bits, e.g. 0o644. */
  readonly mode: number;
  /** User that is to own the file. Absent: the daemon's. */
  readonly uid?: number | undefined;
}

/** The files of a volume by their relative path. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const dataLink = "..data";
const newDataLink = "..data_tmp";
/** Folders of versions: `..2026_01_31_12_00_00.x7Zq1b`. */
const versionFolder = /^\.\.\d{4}_\d{2}_\d{2}_\d{2}_\d{2}_\d{2}\.[A-Za-z0-9]+$/;

/** Options of {@linkcode writeAtomically}. */
export interface WriteOptions {
  /** Milliseconds since the epoch, for the name of the version. */
  readonly now: number;
  /** Group that is to own the files and may read them. Absent: whichever. */
  readonly gid?: number | undefined;
}

/**
 * Makes the files of a folder be exactly `payload`, all at once for whoever looks: the content is written to a new folder
 * beside the old one, and a link is switched over.
 *
 * The folder may be written to by a container, so nothing found in it is trusted: links are removed, not followed, and
 * only folders that are named as ours are deleted.
 *
 * @returns whether anything had to be written
 * @see k8s.io/kubernetes/pkg/volume/util/atomic_writer.go
 */
export async function writeAtomically(folder: string, payload: Payload, { now, gid }: WriteOptions): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  await ensureFolder(folder, 0o755);
  const current = await currentVersion(folder);
  if (current !== undefined && (await holds(join(folder, current), payload, gid))) return false;

  const stamp = new Date(now).toISOString().slice(0, 19).replaceAll(/[-T:]/g, "_");
  const version = await mkdtemp(join(folder, `..${stamp}.`));
  await chmod(version, 0o755);
  for (const [path, file] of payload) await writeFile(version, path, file);
  // Before it is shown. All in it is ours: no container has seen it yet.
  if (gid !== undefined) await giveToGroup(version, gid);

  const temporary = join(folder, newDataLink);
  await rm(temporary, { recursive: true, force: true });
  await symlink(version.slice(folder.length + 1), temporary);
  await replace(temporary, join(folder, dataLink));
  await linkNames(folder, new Set([...payload.keys()].map(firstComponent)));
  await removeOldVersions(folder, version.slice(folder.length + 1));
  return true;
}

/** @throws Error for paths that lead out of the folder, or look like our own names */
function checkPath(path: string): void {
  const parts = path.split("/");
  if (path.length > 4096 || parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) {
    throw new Error(`invalid path: ${JSON.stringify(path)}`);
  }
  if (path.startsWith("..")) throw new Error(`invalid path: must not start with '..': ${JSON.stringify(path)}`);
}

function firstComponent(path: string): string {
  return path.split("/", 1)[0] ?? path;
}

/** Name of the folder that is shown now, if it is one of ours. */
async function currentVersion(folder: string): Promise<string | undefined> {
  try {
    const target = await readlink(join(folder, dataLink));
    if (!versionFolder.test(target)) return undefined;
    return (await lstat(join(folder, target))).isDirectory() ? target : undefined;
  } catch (error) {
    if (isCode(error, "ENOENT", "EINVAL")) return undefined;
    throw error;
  }
}

/** Whether a version has exactly these files. */
async function holds(version: string, payload: Payload, gid: number | undefined): Promise<boolean> {
  const present = await listFiles(version);
  if (present.length !== payload.size) return false;
  for (const path of present) {
    const wanted = payload.get(path);
    if (!wanted || !(await sameFile(join(version, path), wanted, gid))) return false;
  }
  return true;
}

async function sameFile(path: string, { data, mode, uid }: PayloadFile, gid: number | undefined): Promise<boolean> {
  const wanted = gid === undefined ? mode : groupMode(mode, { isFolder: false, readOnly: true });
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size !== data.length || (stat.mode & 0o777) !== (wanted & 0o777)) return false;
    if (gid !== undefined && stat.gid !== gid) return false;
    if (uid !== undefined && stat.uid !== uid) return false;
    return (await file.readFile()).equals(data);
  } finally {
    await file.close();
  }
}

/** Relative paths of everything below a folder that is no folder. */
async function listFiles(folder: string, prefix = ""): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const path = prefix ? `${prefix}/${entry.name}` : entry.name;
    if (entry.isDirectory()) names.push(...(await listFiles(folder, path)));
    else names.push(path);
  }
  return names;
}

async function writeFile(version: string, path: string, { data, mode, uid }: PayloadFile): Promise<void> {
  const target = join(version, path);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(target, flags, 0o600);
  try {
    await file.writeFile(data);
    if (uid !== undefined) await lchown(target, uid, (await file.stat()).gid);
    await file.chmod(mode & 0o777);
  } finally {
    await file.close();
  }
}

/** Gives a version that was just written to a group, which may read it. */
async function giveToGroup(path: string, gid: number): Promise<void> {
  const found = await lstat(path);
  const isFolder = found.isDirectory();
  if (isFolder) for (const name of await readdir(path)) await giveToGroup(join(path, name), gid);
  await lchown(path, found.uid, gid);
  await chmod(path, groupMode(found.mode & 0o7777, { isFolder, readOnly: true }));
}

/** Renames over whatever is there, also over a folder that somebody planted. */
async function replace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isCode(error, "EISDIR", "ENOTEMPTY", "EEXIST")) throw error;
    await rm(to, { recursive: true, force: true });
    await rename(from, to);
  }
}

/** Makes the names that containers see lead to the present version, and removes those that are no longer there. */
async function linkNames(folder: string, names: ReadonlySet<string>): Promise<void> {
  for (const name of names) {
    const link = join(folder, name);
    const target = `${dataLink}/${name}`;
    const present = await readlink(link).catch(() => undefined);
    if (present === target) continue;
    await rm(link, { recursive: true, force: true });
    await symlink(target, link);
  }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (names.has(entry.name) || entry.name.startsWith("..") || !entry.isSymbolicLink()) continue;
    const target = await readlink(join(folder, entry.name)).catch(() => "");
    if (target.startsWith(`${dataLink}/`)) await unlink(join(folder, entry.name));
  }
}

async function removeOldVersions(folder: string, current: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === current || !versionFolder.test(entry.name)) continue;
    await rm(join(folder, entry.name), { recursive: true, force: true });
  }
}
