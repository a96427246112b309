import { folderUsage } from "../../core/platform/folder_usage.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { ProcessContainer } from "./process_container.ts";
import { processStats, type Usage } from "./process_stats.ts";
import { listProcesses, withDescendants } from "./process_table.ts";
import type { ContainerStats, DiskStats } from "./runtime.ts";

/** Where {@linkcode containerUsage} learns more than the processes tell. */
export interface UsageSources {
  readonly clock: Pick<Clock, "now">;
  /** What a container's cgroup tells better; undefined: it has none. */
  readonly cgroup: (container: ProcessContainer) => Promise<Usage | undefined>;
}

/** What the programs of running containers use. */
export async function containerUsage(
  running: readonly ProcessContainer[],
  { clock, cgroup }: UsageSources,
): Promise<readonly ContainerStats[]> {
  const all = await listProcesses();
  const at = clock.now();
  const usage = running.map(async (container): Promise<ContainerStats | undefined> => {
    const leader = container.supervisor?.pid;
    if (!container.running || leader === undefined) return undefined;
    const { podUid } = container;
    const { id, config, createdAt } = container.stored;
    const counted = await processStats(withDescendants(all, leader));
    return { id, podUid, name: config.name, at, createdAt, ...counted, ...(await cgroup(container)) };
  });
  return (await Promise.all(usage)).filter((entry) => entry !== undefined);
}

/** What running containers wrote into their folders and logs. */
export async function containerDisks(running: readonly ProcessContainer[]): Promise<DiskStats["containers"]> {
  return Promise.all(
    running.map(async (container) => {
      const { podUid } = container;
      const { id, config } = container.stored;
      const root = await folderUsage(container.root);
      const logBytes = await container.output.bytesOnDisk();
      return { id, podUid, name: config.name, rootBytes: root?.bytes, rootInodes: root?.inodes, logBytes };
    }),
  );
}
