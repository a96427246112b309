import type { StringMap } from "../../core/api/meta.ts";
import { bytesValue, milliCpu } from "../../core/api/quantity.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import type { NodeNews } from "./node_events.ts";

/** Options of {@linkcode enforceAllocatable}. */
export interface EnforceAllocatableOptions {
  readonly runtime: Pick<ContainerRuntime, "name" | "limitPods">;
  /** What pods may have of the node together. */
  readonly amounts: StringMap;
  readonly onNews: (news: NodeNews) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const retryMs = 60_000;

/**
 * Keeps all pods of the node together to what they may have, where the runtime can; says so once. Tries until it works: as long
 * as they use more than that, the kernel may refuse it.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#enforcing-node-allocatable
 */
export async function enforceAllocatable(options: EnforceAllocatableOptions): Promise<void> {
  const { runtime, amounts, onNews, clock, log, signal } = options;
  const limits = {
    milliCpuRequest: milliCpu(amounts["cpu"]),
    milliCpuLimit: undefined,
    memoryBytesLimit: bytesValue(amounts["memory"]),
  };
  for (;;) {
    try {
      const isDone = (await runtime.limitPods?.(limits)) ?? false;
      const message = "Updated Node Allocatable limit across pods";
      if (isDone) onNews({ type: "Normal", reason: "NodeAllocatableEnforced", message });
      else log.info("What pods may have together is not enforced by this runtime here", { runtime: runtime.name });
      return;
    } catch (error) {
      const message = `Failed to update Node Allocatable Limits: ${errorMessage(error)}`;
      onNews({ type: "Warning", reason: "FailedNodeAllocatableEnforcement", message });
    }
    await clock.sleep(retryMs, { signal });
  }
}
