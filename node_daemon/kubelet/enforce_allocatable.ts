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
 * Keeps all pods of the node together to what they may have, and says so, or why not. Tries again where the kernel refuses it:
 * it does as long as they use more than that.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#enforcing-node-allocatable
 */
export async function enforceAllocatable(options: EnforceAllocatableOptions): Promise<void> {
  const { runtime, amounts, onNews, clock, log, signal } = options;
  if (!runtime.limitPods)
    return log.info("What pods may have together is not enforced by this runtime", { runtime: runtime.name });
  const limits = {
    milliCpuRequest: milliCpu(amounts["cpu"]),
    milliCpuLimit: undefined,
    memoryBytesLimit: bytesValue(amounts["memory"]),
  };
  const failed = (problem: string) => {
    const message = `Failed to update Node Allocatable Limits: ${problem}`;
    onNews({ type: "Warning", reason: "FailedNodeAllocatableEnforcement", message });
  };
  for (;;) {
    try {
      const problem = await runtime.limitPods(limits, { signal });
      const message = "Updated Node Allocatable limit across pods";
      if (problem === undefined) onNews({ type: "Normal", reason: "NodeAllocatableEnforced", message });
      else failed(problem);
      return;
    } catch (error) {
      signal.throwIfAborted();
      failed(errorMessage(error));
    }
    await clock.sleep(retryMs, { signal });
  }
}
