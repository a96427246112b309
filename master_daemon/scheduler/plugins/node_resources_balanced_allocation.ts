import { capacityOf, cpuAndMemory, type ScoredResource, takenOf, type Wanted, wantedOf } from "../_resource_scores.ts";
import { maxScore, type SchedulerPlugin } from "../framework.ts";

const name = "NodeResourcesBalancedAllocation";

/** Options of {@linkcode nodeResourcesBalancedAllocation}. */
export interface BalancedAllocationOptions {
  /** Default: cpu and memory. */
  readonly resources?: readonly ScoredResource[];
}

const exactly = { guess: false };

/** Prefers nodes of which the pod would leave equal shares of each resource. */
export function nodeResourcesBalancedAllocation({
  resources = cpuAndMemory,
}: BalancedAllocationOptions = {}): SchedulerPlugin {
  // One for all nodes: it is asked for many in a row.
  const shares = new Float64Array(resources.length);
  return {
    name,
    preScore(pod, _nodes, _snapshot, state) {
      const wanted = state.once<Wanted>(name, () => wantedOf(pod, resources, { guess: false }));
      return wanted.some((amount) => amount !== undefined && amount > 0);
    },
    score(_pod, node, state) {
      const wanted = state.get<Wanted>(name) ?? [];
      let [count, sum] = [0, 0];
      for (let at = 0; at < resources.length; at++) {
        const { name: resource } = resources[at] as ScoredResource;
        const amount = wanted[at];
        const capacity = capacityOf(node, resource);
        if (amount === undefined || capacity === 0) continue;
        const share = Math.min(1, (takenOf(node, resource, exactly) + amount) / capacity);
        shares[count++] = share;
        sum += share;
      }
      let squares = 0;
      for (let at = 0; at < count; at++) squares += ((shares[at] ?? 0) - sum / count) ** 2;
      const deviation = count < 2 ? 0 : Math.sqrt(squares / count);
      return Math.floor((1 - deviation) * maxScore);
    },
  };
}
