import type { Pod } from "../../../core/kinds/mod.ts";
import { type ResourceAmounts, resourceAmounts } from "../../../core/kinds/pod_resources.ts";
import { podNeeds } from "../_pod_needs.ts";
import { cpuAndMemory, type ScoringStrategy, strategyScore, type Wanted, wantedOf } from "../_resource_scores.ts";
import type { SchedulerPlugin } from "../framework.ts";
import type { NodeInfo } from "../node_info.ts";

const name = "NodeResourcesFit";
const ofScore = `${name}.score`;

/** Options of {@linkcode nodeResourcesFit}. */
export interface NodeResourcesFitOptions {
  /** Default: nodes with most cpu and memory left. */
  readonly scoringStrategy?: ScoringStrategy;
  /** Extended resources that are not looked at. */
  readonly ignoredResources?: readonly string[];
  /** What comes before the `/` of such resources. */
  readonly ignoredResourceGroups?: readonly string[];
}

const leastAllocated: ScoringStrategy = { type: "LeastAllocated", resources: cpuAndMemory };

/** Keeps pods off nodes that have too little left, and rather on those that the strategy likes. */
export function nodeResourcesFit(options: NodeResourcesFitOptions = {}): SchedulerPlugin {
  const { scoringStrategy = leastAllocated, ignoredResources = [], ignoredResourceGroups = [] } = options;
  const isIgnored = (resource: string) =>
    resource.includes("/") &&
    (ignoredResources.includes(resource) || ignoredResourceGroups.includes(resource.slice(0, resource.indexOf("/"))));
  const wantedBy = (pod: Pod): ResourceAmounts => {
    const { requests: all } = podNeeds(pod);
    if (all.other.size === 0) return all;
    return {
      ...all,
      other: new Map([...all.other].filter(([resource, amount]) => amount > 0 && !isIgnored(resource))),
    };
  };
  return {
    name,
    helpedBy: ["node-added", "node-updated", "pod-deleted", "pod-updated"],
    isHelpedBy(event, pod) {
      if ("node" in event) return isEnough(resourceAmounts(event.node.status?.allocatable), wantedBy(pod));
      if (event.type !== "pod-updated") return true;
      return isLess(podNeeds(event.pod).requests, podNeeds(event.previous).requests);
    },
    preFilter(pod, snapshot, state) {
      const nodes = snapshot.nodesWithFree(state.once(name, () => wantedBy(pod)));
      return nodes && { nodes };
    },
    filter(pod, node, state) {
      const wanted = state.get<ResourceAmounts>(name) ?? wantedBy(pod);
      if (fits(wanted, node)) return undefined;
      const [first, ...others] = lackingResources(wanted, node);
      if (!first) return undefined;
      return {
        reason: first.reason,
        others: others.map(({ reason }) => reason),
        // An empty node would not do either.
        preemptionHelps: !first.isTooSmall && others.every(({ isTooSmall }) => !isTooSmall),
        lacks: [first, ...others].map(({ resource, requested, free }) => ({ resource, requested, free })),
      };
    },
    preScore(pod, _nodes, _snapshot, state) {
      state.once<Wanted>(ofScore, () => wantedOf(pod, scoringStrategy.resources, { guess: true }));
      return true;
    },
    score(pod, node, state) {
      const wanted = state.get<Wanted>(ofScore) ?? wantedOf(pod, scoringStrategy.resources, { guess: true });
      return strategyScore(node, wanted, scoringStrategy);
    },
  };
}

interface Lack {
  readonly reason: string;
  readonly resource: string;
  readonly requested: number;
  readonly free: number;
  readonly isTooSmall: boolean;
}

/** Whether nothing is lacking: asked for every node, so without making anything. */
function fits(wanted: ResourceAmounts, node: NodeInfo): boolean {
  const { allocatable, requested } = node;
  return (
    node.podCount < node.allocatablePods &&
    (wanted.milliCpu === 0 || wanted.milliCpu <= allocatable.milliCpu - requested.milliCpu) &&
    (wanted.memoryBytes === 0 || wanted.memoryBytes <= allocatable.memoryBytes - requested.memoryBytes) &&
    wanted.ephemeralStorageBytes === 0 &&
    wanted.other.size === 0
  );
}

function lackingResources(wanted: ResourceAmounts, node: NodeInfo): readonly Lack[] {
  const { allocatable, requested } = node;
  const lacking: Lack[] = [];
  if (node.podCount + 1 > node.allocatablePods) {
    const free = Math.max(0, node.allocatablePods - node.podCount);
    lacking.push({ reason: "Too many pods", resource: "pods", requested: 1, free, isTooSmall: false });
  }
  const check = (resource: string, amount: number, present: number, taken: number) => {
    if (amount === 0 || amount <= present - taken) return;
    const reason = `Insufficient ${resource}`;
    lacking.push({ reason, resource, requested: amount, free: present - taken, isTooSmall: amount > present });
  };
  check("cpu", wanted.milliCpu, allocatable.milliCpu, requested.milliCpu);
  check("memory", wanted.memoryBytes, allocatable.memoryBytes, requested.memoryBytes);
  check(
    "ephemeral-storage",
    wanted.ephemeralStorageBytes,
    allocatable.ephemeralStorageBytes,
    requested.ephemeralStorageBytes,
  );
  for (const [resource, amount] of wanted.other)
    check(resource, amount, allocatable.other.get(resource) ?? 0, requested.other.get(resource) ?? 0);
  return lacking;
}

/** Whether there is as much as is wanted. */
function isEnough(present: ResourceAmounts, wanted: ResourceAmounts): boolean {
  return (
    wanted.milliCpu <= present.milliCpu &&
    wanted.memoryBytes <= present.memoryBytes &&
    wanted.ephemeralStorageBytes <= present.ephemeralStorageBytes &&
    [...wanted.other].every(([resource, amount]) => amount <= (present.other.get(resource) ?? 0))
  );
}

/** Whether something became less. */
function isLess(next: ResourceAmounts, previous: ResourceAmounts): boolean {
  return !isEnough(next, previous);
}
