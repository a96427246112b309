import { stat } from "node:fs/promises";
import { availableMemoryBytes } from "../../../core/platform/machine.ts";
import { fileSystemUsage, processSlots } from "../../../core/platform/machine_usage.ts";
import type { Clock } from "../../../core/util/clock.ts";
import type { Logger } from "../../../core/util/log.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import type { NodeFigures } from "./eviction_manager.ts";
import type { Observation, Signal } from "./signals.ts";

/** Options of {@linkcode nodeFigures}. */
export interface NodeFiguresOptions {
  readonly runtime: ContainerRuntime;
  readonly nodeName: string;
  readonly memoryCapacityBytes: number;
  /** The kubelet's folder: its file system is the node's. */
  readonly rootDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends every look. */
  readonly closing: AbortSignal;
}

/** The figures of this machine. Memory that is left is what the system could give to a new program, files that it may drop included. */
export function nodeFigures(options: NodeFiguresOptions): NodeFigures {
  const { runtime, memoryCapacityBytes, rootDir } = options;
  let uses: Promise<NodeFigures["uses"]> | undefined;
  return {
    async observe({ signal }) {
      const observations = new Map<Signal, Observation>();
      observations.set("memory.available", { available: availableMemoryBytes(), capacity: memoryCapacityBytes });
      const { processes, maxProcesses: capacity } = await processSlots();
      if (processes !== undefined && capacity !== undefined)
        observations.set("pid.available", { available: capacity - processes, capacity });
      await observeDisk("nodefs", rootDir, observations);
      // An engine that does not answer, or whose folder lies on another machine, cannot tell.
      const folder = await runtime.images.folder({ signal }).catch(() => undefined);
      signal.throwIfAborted();
      if (folder !== undefined) await observeDisk("imagefs", folder, observations);
      const isSeen = observations.has("imagefs.available") && folder !== undefined;
      return {
        observations,
        layout: { imagesApart: isSeen && (await deviceOf(folder)) !== (await deviceOf(rootDir)) },
      };
    },
    async uses(pods, how) {
      // Hardly ever needed.
      uses ??= import("./pod_uses.ts").then(({ podUses }) => podUses(options));
      return (await uses)(pods, how);
    },
  };
}

async function observeDisk(
  name: "nodefs" | "imagefs",
  path: string,
  observations: Map<Signal, Observation>,
): Promise<void> {
  const usage = await fileSystemUsage(path).catch(() => undefined);
  if (!usage) return;
  observations.set(`${name}.available`, { available: usage.freeBytes, capacity: usage.totalBytes });
  // Some file systems have no table of files that could fill up.
  if (usage.inodes > 0) observations.set(`${name}.inodesFree`, { available: usage.inodesFree, capacity: usage.inodes });
}

async function deviceOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.dev;
}
