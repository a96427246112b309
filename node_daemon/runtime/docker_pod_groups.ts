import { access, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { openCgroups } from "./process_cgroup.ts";
import type { ContainerLimits } from "./runtime.ts";

const root = "/sys/fs/cgroup";
/** Where the engine is told to make what is in a group, as its cgroup driver names it. */
const top = "/wherry";

/** cgroups around the containers of a pod, for engines whose cgroups are this daemon's to set. */
export interface PodGroups {
  /** Makes the group of a pod, and returns what the engine is to be told of it. */
  make(sandboxId: string, limits: ContainerLimits): Promise<string>;
}

/** The group of a pod, as the engine names it. */
export function groupOf(sandboxId: string): string {
  return `${top}/${sandboxId}`;
}

/**
 * Finds out whether the engine makes its cgroups where this daemon sees them, and may set them. Undefined where it does not:
 * it leaves them to systemd, or is in a container of its own.
 *
 * @param options.driver the engine's cgroup driver
 * @param options.runningId a container of the engine that runs
 */
export async function openPodGroups({
  driver,
  runningId,
}: {
  readonly driver: string | undefined;
  readonly runningId: string;
}): Promise<PodGroups | undefined> {
  if (driver !== "cgroupfs") return undefined;
  const places = [join(root, "docker", runningId), join(root, "memory", "docker", runningId)];
  const seen = await Promise.all(
    places.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!seen.includes(true)) return undefined;
  const cgroups = await openCgroups(root, { isTop: true });
  if (!cgroups) return undefined;
  return {
    async make(sandboxId, limits) {
      await cgroups.makeGroup(sandboxId, limits);
      return groupOf(sandboxId);
    },
  };
}

/** Removes the group of a pod of which nothing runs, where there is one, also what the engine has added to it. */
export async function removePodGroup(sandboxId: string): Promise<void> {
  const hierarchies = await readdir(root).catch(() => []);
  for (const hierarchy of ["", ...hierarchies]) await rmdir(join(root, hierarchy, groupOf(sandboxId))).catch(() => {});
}
