import { readdir, readlink, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { isThere } from "../../core/platform/files.ts";
import { collectGroups, groupsName, removeGroup } from "./cgroup_leftovers.ts";
import {
  collectPodSlices,
  nodeSlice,
  openPodSlices,
  podSlice,
  removeNodeSlice,
  removePodSlice,
  sliceFolder,
} from "./docker_pod_slices.ts";
import { openCgroups } from "./process_cgroup.ts";
import { makeFolder } from "./process_files.ts";
import type { ContainerLimits } from "./runtime.ts";

const root = "/sys/fs/cgroup";
const top = "wherry";

/** cgroups around the containers of a pod and of all pods, for engines whose cgroups are this daemon's to set. */
export interface PodGroups {
  /** The group around those of all pods, as the engine is told of it. */
  readonly parent: string;
  /** Makes the group of a pod, and returns what the engine is to be told of it. */
  make(sandboxId: string, limits: ContainerLimits): Promise<string>;
  /** Sets the limits of a pod that has a group; those that are undefined stay as they are. */
  set(sandboxId: string, limits: ContainerLimits): Promise<void>;
  /** Whether a pod has a group. */
  isMade(sandboxId: string): Promise<boolean>;
  /** Sets what the containers of all pods may use together. */
  limitAll(limits: ContainerLimits): Promise<void>;
}

/** The group around the containers of all pods, as the engine names it. */
export function nodeGroup(owner: string): string {
  return `/${top}/${groupsName(owner)}`;
}

/** The group of a pod, as the engine names it. */
export function groupOf(owner: string, sandboxId: string): string {
  return `${nodeGroup(owner)}/${sandboxId}`;
}

/** Where the group of a container may be that was made in one of these, below the place of a hierarchy. */
export function placesOf(owner: string, sandboxId: string, containerId: string): readonly string[] {
  const groups = [nodeGroup(owner), groupOf(owner, sandboxId)];
  const slices = [nodeSlice(owner), podSlice(owner, sandboxId)];
  return [
    ...groups.map((group) => `${group}/${containerId}`),
    ...slices.map((slice) => `${sliceFolder(slice)}/docker-${containerId}.scope`),
  ];
}

/**
 * Finds out whether the engine makes its cgroups where this daemon sees them, and may set them. Otherwise says why not: the engine
 * is in a container of its own, or on another machine.
 *
 * @param owner folder of the daemon, made if need be: while it is there, nobody else removes its groups
 * @param options.driver the engine's cgroup driver
 * @param options.runningId a container of the engine that runs
 */
export async function openPodGroups(
  owner: string,
  { driver, runningId }: { readonly driver: string | undefined; readonly runningId: string },
): Promise<PodGroups | string> {
  if (driver === "systemd") return await openPodSlices(owner, runningId);
  if (driver !== "cgroupfs")
    return `the cgroups of the container engine are not known: its driver is ${driver ?? "not told"}`;
  const places = [join(root, "docker", runningId), join(root, "memory", "docker", runningId)];
  if (!(await someIsThere(places))) return "the cgroups of the container engine are not to be seen from here";
  await makeFolder(owner);
  const cgroups = await openCgroups(owner, { root, isTop: true });
  if (!cgroups) return "the cgroups of the container engine are not this daemon's to set";
  return {
    parent: nodeGroup(owner),
    async make(sandboxId, limits) {
      await cgroups.makeGroup(sandboxId, limits);
      return groupOf(owner, sandboxId);
    },
    set: (sandboxId, limits) => cgroups.set(sandboxId, limits),
    isMade: (sandboxId) =>
      someIsThere([root, join(root, "memory")].map((hierarchy) => join(hierarchy, groupOf(owner, sandboxId)))),
    limitAll: (limits) => cgroups.limitAll(limits),
  };
}

async function someIsThere(paths: readonly string[]): Promise<boolean> {
  return (await Promise.all(paths.map(isThere))).includes(true);
}

/** Removes the group of a pod of which nothing runs, where there is one, also what the engine has added to it. */
export async function removePodGroup(owner: string, sandboxId: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeGroup(join(hierarchy, groupOf(owner, sandboxId)));
  await removePodSlice(owner, sandboxId);
}

/** Removes what is around the groups of all pods of a daemon, unless some are left. */
export async function removeTopGroup(owner: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await rmdir(join(hierarchy, nodeGroup(owner))).catch(() => {});
  await removeNodeSlice(owner);
}

/** Removes the groups of pods of which nothing runs that daemons left which were killed; of this daemon's those that are not known. */
export async function collectPodGroups(owner: string, isKnown: (sandboxId: string) => boolean): Promise<void> {
  const ownOnly = !(await seesMachine());
  for (const hierarchy of await hierarchies()) await collectGroups(join(hierarchy, top), { owner, isKnown, ownOnly });
  await collectPodSlices(owner, { isKnown, ownOnly });
}

/** Whether every process of the machine is to be seen: who is in a container cannot tell whether other daemons are gone. */
export async function seesMachine(): Promise<boolean> {
  return (await readlink("/proc/self/ns/pid").catch(() => "")) === firstProcesses;
}

/** The namespace of processes that Linux starts with: part of its ABI. */
const firstProcesses = "pid:[4026531836]";

/** Where hierarchies are mounted: version 2's at the root itself, unless there are some of version 1. */
async function hierarchies(): Promise<readonly string[]> {
  const names = await readdir(root).catch(() => []);
  return [root, ...names.filter((name) => name !== top).map((name) => join(root, name))];
}
