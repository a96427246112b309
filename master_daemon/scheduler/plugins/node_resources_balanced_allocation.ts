import { type ScoredResource, usageOf, type Wanted, wantedOf } from "../_resource_scores.ts";
import { maxScore, type SchedulerPlugin } from "../framework.ts";

const name = "NodeResourcesBalancedAllocation";

/** Options of {@linkcode nodeResourcesBalancedAllocation}. */
export interface BalancedAllocationOptions {
  /** Default: cpu and memory. */
  readonly resources?: readonly ScoredResource[];
}

const cpuAndMemory: readonly ScoredResource[] = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];

/** Prefers nodes of which the pod would leave equal shares of each resource. */
export function nodeResourcesBalancedAllocation({
  resources = cpuAndMemory,
}: BalancedAllocationOptions = {}): SchedulerPlugin {
  return {
    name,
    preScore(pod, _nodes, _snapshot, state) {
      const wanted = state.once<Wanted>(name, () => wantedOf(pod, resources, { guess: false }));
      return wanted.some((amount) => amount !== undefined && amount > 0);
    },
    score(_pod, node, state) {
      const wanted = state.get<Wanted>(name) ?? [];
      const shares: number[] = [];
      for (let at = 0; at < resources.length; at++) {
        const amount = wanted[at];
        if (amount === undefined) continue;
        const usage = usageOf(node, resources[at]?.name ?? "", { wanted: amount, guess: false });
        if (usage) shares.push(Math.min(1, usage.requested / usage.capacity));
      }
      return Math.floor((1 - deviation(shares)) * maxScore);
    },
  };
}

/** The standard deviation. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
