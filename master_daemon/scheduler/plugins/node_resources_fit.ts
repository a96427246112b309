import { podRequests, type ResourceAmounts } from "../../../core/kinds/pod_resources.ts";
import { nonZeroRequests } from "../_non_zero_requests.ts";
import { maxScore, type SchedulerPlugin } from "../framework.ts";
import type { NodeInfo } from "../snapshot.ts";

/** Keeps pods off nodes that have too little left, and rather on those that have most left. */
export const nodeResourcesFit: SchedulerPlugin = {
  name: "NodeResourcesFit",
  helpedBy: ["node-added", "node-updated", "pod-deleted"],
  filter(pod, node, state) {
    const wanted = state.once("NodeResourcesFit", () => podRequests(pod));
    const lacking = lackingResources(wanted, node);
    const [first, ...others] = lacking;
    if (!first) return undefined;
    return {
      reason: first.reason,
      others: others.map(({ reason }) => reason),
      // An empty node would not do either.
      preemptionHelps: lacking.every(({ isTooSmall }) => !isTooSmall),
    };
  },
  score(pod, { allocatable, nonZeroRequested }, state) {
    const wanted = state.once("NodeResourcesFit.score", () => nonZeroRequests(pod));
    const cpu = leftOver(allocatable.milliCpu, nonZeroRequested.milliCpu + wanted.milliCpu);
    const memory = leftOver(allocatable.memoryBytes, nonZeroRequested.memoryBytes + wanted.memoryBytes);
    const counted = [cpu, memory].filter((score) => score !== undefined);
    if (counted.length === 0) return 0;
    return Math.floor(counted.reduce((sum, score) => sum + score, 0) / counted.length);
  },
};

interface Lack {
  readonly reason: string;
  readonly isTooSmall: boolean;
}

function lackingResources(wanted: ResourceAmounts, node: NodeInfo): readonly Lack[] {
  const { allocatable, requested } = node;
  const lacking: Lack[] = [];
  if (node.podCount + 1 > node.allocatablePods) lacking.push({ reason: "Too many pods", isTooSmall: false });
  const check = (name: string, amount: number, present: number, taken: number) => {
    if (amount === 0 || amount <= present - taken) return;
    lacking.push({ reason: `Insufficient ${name}`, isTooSmall: amount > present });
  };
  check("cpu", wanted.milliCpu, allocatable.milliCpu, requested.milliCpu);
  check("memory", wanted.memoryBytes, allocatable.memoryBytes, requested.memoryBytes);
  check(
    "ephemeral-storage",
    wanted.ephemeralStorageBytes,
    allocatable.ephemeralStorageBytes,
    requested.ephemeralStorageBytes,
  );
  for (const [name, amount] of wanted.other) {
    check(name, amount, allocatable.other.get(name) ?? 0, requested.other.get(name) ?? 0);
  }
  return lacking;
}

/** Share that is left, 0 to 100; undefined when the node does not say how much it has. */
function leftOver(capacity: number, used: number): number | undefined {
  if (capacity === 0) return undefined;
  return used > capacity ? 0 : Math.floor(((capacity - used) * maxScore) / capacity);
}
