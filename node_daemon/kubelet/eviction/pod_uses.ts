import { usageByPod } from "../stats/pod_usage.ts";
import { summaryOf } from "../stats/summary.ts";
import { UsageReader } from "../stats/usage_reader.ts";
import type { NodeFigures } from "./eviction_manager.ts";
import type { NodeFiguresOptions } from "./node_figures.ts";

/** What pods of this machine use: the same figures as `/stats/summary` tells. */
export function podUses(options: NodeFiguresOptions): NodeFigures["uses"] {
  const { nodeName, memoryCapacityBytes, closing } = options;
  const reader = new UsageReader(options, closing);
  return async (pods) => {
    const [now, disk] = await Promise.all([reader.sample(), reader.disk()]);
    const samples = { before: now, now };
    const summary = summaryOf({ nodeName, memoryCapacityBytes, samples, pods: usageByPod(pods, { now }), disk });
    return new Map(summary.pods.map((pod) => [pod.podRef.uid, pod]));
  };
}
