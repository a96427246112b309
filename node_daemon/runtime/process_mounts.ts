import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, posix } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { mountPointOf, mountPoints } from "../../core/platform/mount_table.ts";
import { type Mount, RuntimeFailure } from "./runtime.ts";

/**
 * The root of a container of the process runtime that may mount: the machine's own, and the container's volumes at their
 * paths, wherever the machine has nothing of that name.
 *
 * It is a folder in which the machine's folders are mounted. Where a place for a mount is missing, the folder that lacks it
 * is made anew, with links to what the machine has in it, and the place. Nothing is made on the machine itself.
 */

/** Where the folders lie in a container that were made anew for it, as the machine has them. */
const originals = "/.wherry";
/** What is mounted on the machine later is seen in a container, never the other way round. */
const machineOptions = "rbind,rslave";
/** Of what other things are mounted on. */
const folderMode = 0o755;
const fileMode = 0o644;

/** Where a mount is seen, without `.` and the like; empty: the root. */
export function placeOf({ containerPath }: Pick<Mount, "containerPath">): string {
  return posix.normalize(`/${containerPath}`).replace(/\/+$/, "");
}

/**
 * The places of mounts, outer ones first.
 *
 * @throws RuntimeFailure CreateContainerError for mounts over the root and inside each other
 */
export function placesOf<T extends Pick<Mount, "containerPath">>(
  mounts: readonly T[],
): readonly { readonly mount: T; readonly at: string }[] {
  const places = mounts
    .map((mount) => ({ mount, at: placeOf(mount) }))
    .sort((first, second) => first.at.length - second.at.length);
  for (const { at } of places) {
    if (at === "") throw new RuntimeFailure("CreateContainerError", "the process runtime cannot mount over /");
    const outer = places.find((other) => at.startsWith(`${other.at}/`));
    if (!outer) continue;
    const message = `mount "${at}" lies inside mount "${outer.at}": the process runtime cannot nest mounts`;
    throw new RuntimeFailure("CreateContainerError", message);
  }
  return places;
}

/** The mounts of a container that has shared memory for itself, unless it mounts its own there, or what that lies in. */
export function withSharedMemory(mounts: readonly Mount[], folder: string | undefined): readonly Mount[] {
  const containerPath = "/dev/shm";
  const isTaken = mounts.some((mount) => {
    const at = placeOf(mount);
    return `${containerPath}/`.startsWith(`${at}/`) || at.startsWith(`${containerPath}/`);
  });
  return folder === undefined || isTaken ? mounts : [...mounts, { hostPath: folder, containerPath, readOnly: false }];
}

/** What is to be mounted where, with options as mount(8) takes them. */
export interface BindMount {
  /** Default: what `source` is, mounted once more. */
  readonly type?: "proc";
  readonly source: string;
  readonly target: string;
  readonly options: string;
}

/** A mount that has its place. */
interface Placed {
  readonly source: string;
  /** Without links on the way. */
  readonly at: string;
  readonly isFolder: boolean;
  /** Whether the machine has something of its sort there. */
  readonly hasPlace: boolean;
  readonly options: string;
}

/**
 * Makes the folder that becomes a container's root.
 *
 * @param options.hasOwnProcesses whether its `/proc` is of who mounts it, rather than the machine's
 * @returns what has to be mounted in it, in this order
 */
export async function makeSystemRoot(
  folder: string,
  mounts: readonly Mount[],
  { hasOwnProcesses = false }: { readonly hasOwnProcesses?: boolean } = {},
): Promise<readonly BindMount[]> {
  const placed = await Promise.all(placesOf(mounts).map(({ mount, at }) => settle(mount, at)));
  const anew = new Set(["/"]);
  for (const { at, hasPlace } of placed) {
    if (hasPlace) continue;
    for (let parent = dirname(at); parent !== "/"; parent = dirname(parent)) anew.add(parent);
  }
  const places = new Set(placed.map(({ at }) => at));
  const binds: BindMount[] = [];
  for (const path of [...anew].sort()) {
    binds.push(...makeAnew(path, { folder, anew, places, hasOwnProcesses }));
    // What is done in one turn is some hundred links at most, but for the oddest of machines.
    await nextTurn();
  }
  for (const { at, isFolder, source, options } of placed) {
    const isInAnew = anew.has(dirname(at));
    // What lies deeper in a folder that was made anew is reached by a link, which only the container can follow.
    const isBehindLink = !isInAnew && anew.has(`/${at.split("/")[1]}`);
    const target = join(folder, isBehindLink ? originals : "", at);
    if (isInAnew && isFolder) mkdirSync(target, { mode: folderMode });
    else if (isInAnew) writeFileSync(target, "", { flag: "wx", mode: fileMode });
    binds.push({ source, target, options });
  }
  return binds;
}

/**
 * Why mounts cannot be passed on as a container asks for: in the words of the runtimes that find it out themselves. Undefined
 * when they can.
 */
export async function propagationProblem({ hostPath, propagation }: Mount): Promise<string | undefined> {
  if (propagation !== "shared" && propagation !== "slave") return undefined;
  const path = await realpath(hostPath);
  const point = mountPointOf(path, await mountPoints());
  if (point?.isShared || (propagation === "slave" && point?.isSlave)) return undefined;
  const wanted = propagation === "shared" ? "shared" : "shared or slave";
  return `path ${path} is mounted on ${point?.path ?? "/"} but it is not a ${wanted} mount`;
}

/** Where this machine has what a program of a container with these mounts finds at a path. */
export function machinePath(path: string, mounts: readonly Mount[]): string {
  for (const mount of mounts) {
    const at = placeOf(mount);
    if (path === at || path.startsWith(`${at}/`)) return mount.hostPath + path.slice(at.length);
  }
  return path;
}

async function settle(mount: Mount, place: string): Promise<Placed> {
  const { hostPath, pinnedPath, readOnly, propagation = "private" } = mount;
  const source = pinnedPath ?? hostPath;
  const [isFolder, at] = await Promise.all([stat(source).then((found) => found.isDirectory()), withoutLinks(place)]);
  const found = await stat(at).catch(() => undefined);
  const options = ["rbind", `r${propagation}`, ...(readOnly ? ["ro"] : [])].join(",");
  return { source, at, isFolder, hasPlace: found?.isDirectory() === isFolder, options };
}

/** A path with the links of its part that exists resolved. */
async function withoutLinks(path: string): Promise<string> {
  const found = await realpath(path).catch(() => undefined);
  if (found !== undefined || path === "/") return found ?? path;
  return join(await withoutLinks(dirname(path)), basename(path));
}

interface Layout {
  readonly folder: string;
  /** Folders that are made anew. */
  readonly anew: ReadonlySet<string>;
  /** Where mounts are seen. */
  readonly places: ReadonlySet<string>;
  readonly hasOwnProcesses: boolean;
}

/**
 * Makes one folder with what the machine has in it. Without waiting: each step is a few microseconds, and a thread would
 * take longer to be asked.
 */
function makeAnew(path: string, { folder, anew, places, hasOwnProcesses }: Layout): readonly BindMount[] {
  const target = join(folder, path);
  mkdirSync(target, { recursive: true, mode: folderMode });
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return [];
  chownSync(target, found.uid, found.gid);
  chmodSync(target, found.mode & 0o7777);
  const isRoot = path === "/";
  const binds: BindMount[] = [];
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (anew.has(inner) || places.has(inner)) continue;
    const made = join(folder, inner);
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(inner), made);
    else if (!isRoot) symlinkSync(`${originals}${inner}`, made);
    else {
      if (entry.isDirectory()) mkdirSync(made, { mode: folderMode });
      else writeFileSync(made, "", { mode: fileMode });
      if (hasOwnProcesses && inner === processFolder) binds.push(processMount(made));
      else binds.push({ source: inner, target: made, options: machineOptions });
    }
  }
  if (isRoot || dirname(path) !== "/") return binds;
  const original = join(folder, originals, path);
  mkdirSync(original, { recursive: true, mode: folderMode });
  if (hasOwnProcesses && path === processFolder) return [...binds, processMount(original)];
  return [...binds, { source: path, target: original, options: machineOptions }];
}

const processFolder = "/proc";

function processMount(target: string): BindMount {
  return { type: "proc", source: "proc", target, options: "nosuid,nodev,noexec" };
}

/** Mounts as a file of the form of fstab(5). */
export function mountTable(binds: readonly BindMount[]): string {
  const word = (text: string) =>
    text.replaceAll(/[\\\s#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return binds
    .map(({ type = "none", source, target, options }) => `${word(source)} ${word(target)} ${type} ${options} 0 0\n`)
    .join("");
}
