import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { isThere } from "../../core/platform/files.ts";
import { sha256 } from "../../core/platform/hash.ts";
import { currentUid } from "../../core/platform/processes.ts";
import { errorMessage } from "../../core/util/log.ts";
import { collectGroups, type GroupForm, groupsName, removeGroup } from "./cgroup_leftovers.ts";
import type { PodGroups } from "./docker_pod_groups.ts";
import { cpuWeight } from "./process_cgroup.ts";
import type { ContainerLimits } from "./runtime.ts";

const top = "wherry";
/** systemd takes no longer names of units. */
const maxName = 255;
/** What follows a node's name in a pod's: a dash, the identity of a sandbox, and what kind of unit it is. */
const podNameSpace = 1 + 64 + ".slice".length;

/** What slices are made with. */
export interface SliceOptions {
  /** Mount point of the hierarchy. */
  readonly root?: string;
  /** Asks systemd for something. @throws what systemd says */
  readonly systemctl?: (...words: string[]) => Promise<void>;
}

async function askSystemd(...words: string[]): Promise<void> {
  await promisify(execFile)("systemctl", words, { timeout: 30_000 });
}

/**
 * The slice around the containers of all pods, as engines name it that leave their cgroups to systemd. A dash would begin the name of a
 * slice within, and runc takes none with a colon: names hold the folder of the daemon with `_` and two digits for each other sign.
 */
export function nodeSlice(owner: string): string {
  const name = `${top}-${escapeName(groupsName(owner))}`;
  return `${name.length + podNameSpace <= maxName ? name : `${top}-${sha256(owner)}`}.slice`;
}

/** The slice of a pod. */
export function podSlice(owner: string, sandboxId: string): string {
  return nodeSlice(owner).replace(/\.slice$/, `-${sandboxId}.slice`);
}

function escapeName(name: string): string {
  return name
    .replace(/[^A-Za-z0-9.%]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%", "_");
}

/** Where systemd has the group of a slice: one whose name has a dash lies in the one that is named by what comes before. */
export function sliceFolder(slice: string): string {
  const parts = slice.replace(/\.slice$/, "").split("-");
  return parts.map((_part, index) => `${parts.slice(0, index + 1).join("-")}.slice`).join("/");
}

/**
 * Finds out whether this daemon may set what the engine leaves to systemd, on cgroups of version 2; otherwise says why not.
 *
 * @param owner folder of the daemon
 * @param runningId a container of the engine that runs, in no slice of this daemon
 */
export async function openPodSlices(
  owner: string,
  runningId: string,
  { root = "/sys/fs/cgroup", systemctl = askSystemd }: SliceOptions = {},
): Promise<PodGroups | string> {
  if (!(await isThere(join(root, "system.slice", `docker-${runningId}.scope`))))
    return "the cgroups of the container engine are not to be seen from here";
  if (currentUid() !== 0) return "the cgroups of the container engine are not this daemon's to set";
  const set = async (slice: string, properties: readonly string[]) => {
    if (properties.length > 0) await systemctl("set-property", "--runtime", slice, ...properties);
  };
  try {
    // Else all containers together would weigh as much as one program beside them.
    await set(`${top}.slice`, [weightOf(1000 * availableParallelism())]);
  } catch (error) {
    return `systemd does not let this daemon set the cgroups of the container engine: ${errorMessage(error)}`;
  }
  return {
    parent: nodeSlice(owner),
    async make(sandboxId, limits) {
      const slice = podSlice(owner, sandboxId);
      await set(slice, propertiesOf(limits));
      return slice;
    },
    set: (sandboxId, limits) => set(podSlice(owner, sandboxId), propertiesOf(limits)),
    isMade: (sandboxId) => isThere(join(root, sliceFolder(podSlice(owner, sandboxId)))),
    limitAll: ({ milliCpuRequest = 0, memoryBytesLimit }) =>
      set(nodeSlice(owner), [`MemoryMax=${memoryBytesLimit ?? "infinity"}`, weightOf(milliCpuRequest)]),
  };
}

function propertiesOf({ milliCpuRequest, milliCpuLimit, memoryBytesLimit }: ContainerLimits): readonly string[] {
  return [
    ...(memoryBytesLimit === undefined ? [] : [`MemoryMax=${memoryBytesLimit}`, "MemorySwapMax=0"]),
    // Per cent of a processor.
    ...(milliCpuLimit === undefined ? [] : [`CPUQuota=${Math.max(10, milliCpuLimit) / 10}%`]),
    ...(milliCpuRequest === undefined ? [] : [weightOf(milliCpuRequest)]),
  ];
}

function weightOf(milliCpu: number): string {
  return `CPUWeight=${cpuWeight(milliCpu)}`;
}

/** Removes the slice of a pod of which nothing runs, where there is one. */
export async function removePodSlice(owner: string, sandboxId: string, options?: SliceOptions): Promise<void> {
  await removeSlice(podSlice(owner, sandboxId), options);
}

/** Removes the slice around those of all pods, unless something runs in it. */
export async function removeNodeSlice(owner: string, options?: SliceOptions): Promise<void> {
  await removeSlice(nodeSlice(owner), options);
}

/** Removes slices in which nothing runs: this daemon's of pods that are not known, and all of daemons whose folder is gone. */
export async function collectPodSlices(
  owner: string,
  { isKnown, ownOnly }: { readonly isKnown: (sandboxId: string) => boolean; readonly ownOnly: boolean },
  options: SliceOptions = {},
): Promise<void> {
  const form: GroupForm = {
    nameOf: nodeSlice,
    ownerOf: (name) => name.slice(`${top}-`.length, -".slice".length).replaceAll("_", "%"),
    idOf: (name) => /-([^-]+)\.slice$/.exec(name)?.[1],
    remove: (folder) => removeSlice(basename(folder), options),
  };
  await collectGroups(join(options.root ?? "/sys/fs/cgroup", `${top}.slice`), { owner, isKnown, ownOnly, form });
}

/** To stop a slice ends what runs in it: those in which something does are left alone. */
async function removeSlice(
  slice: string,
  { root = "/sys/fs/cgroup", systemctl = askSystemd }: SliceOptions = {},
): Promise<void> {
  const folder = join(root, sliceFolder(slice));
  const events = await readFile(join(folder, "cgroup.events"), "utf8").catch(() => "");
  if (!/^populated 0$/m.test(events)) return;
  const inside = await readdir(folder).catch(() => []);
  for (const name of inside) if (name.endsWith(".slice")) await removeSlice(name, { root, systemctl });
  await systemctl("stop", slice).catch(() => {});
  await systemctl("revert", slice).catch(() => {});
  await removeGroup(folder);
}
