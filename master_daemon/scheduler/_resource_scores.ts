import type { Pod } from "../../core/kinds/mod.ts";
import { podRequests } from "../../core/kinds/pod_resources.ts";
import { nonZeroRequests } from "./_non_zero_requests.ts";
import { maxScore } from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";

/** A resource by which nodes are compared. */
export interface ScoredResource {
  readonly name: string;
  /** 1 to 100. */
  readonly weight: number;
}

/** Which nodes are better: those with more left, with less left, or as a shape says. */
export interface ScoringStrategy {
  readonly type: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
  readonly resources: readonly ScoredResource[];
  /** Points of a broken line: score (0 to 10) by utilisation (0 to 100), least utilisation first. */
  readonly shape?: readonly { readonly utilization: number; readonly score: number }[];
}

/** What a node would have taken of a resource, the pod included, and what it has. */
export interface Usage {
  readonly requested: number;
  readonly capacity: number;
}

/** What a pod asks of the resources by which nodes are compared; undefined where that does not count. */
export type Wanted = readonly (number | undefined)[];

/**
 * What a pod asks of some resources. Whoever asks for nothing of an extended resource is not compared by it.
 *
 * @param options.guess whether containers that ask for no cpu or memory are taken to use some
 */
export function wantedOf(
  pod: Pod,
  resources: readonly ScoredResource[],
  { guess }: { readonly guess: boolean },
): Wanted {
  const exact = podRequests(pod);
  const { milliCpu, memoryBytes } = guess ? nonZeroRequests(pod) : exact;
  return resources.map(({ name }) => {
    if (name === "cpu") return milliCpu;
    if (name === "memory") return memoryBytes;
    if (name === "ephemeral-storage") return exact.ephemeralStorageBytes;
    return exact.other.get(name) || undefined;
  });
}

/** What a node would have taken of a resource; undefined when the node has none of it. */
export function usageOf(
  node: NodeInfo,
  name: string,
  { wanted, guess }: { readonly wanted: number; readonly guess: boolean },
): Usage | undefined {
  const { allocatable, requested, nonZeroRequested } = node;
  const usage = (capacity: number, taken: number) =>
    capacity === 0 ? undefined : { requested: taken + wanted, capacity };
  if (name === "cpu") return usage(allocatable.milliCpu, (guess ? nonZeroRequested : requested).milliCpu);
  if (name === "memory") return usage(allocatable.memoryBytes, (guess ? nonZeroRequested : requested).memoryBytes);
  if (name === "ephemeral-storage") return usage(allocatable.ephemeralStorageBytes, requested.ephemeralStorageBytes);
  return usage(allocatable.other.get(name) ?? 0, requested.other.get(name) ?? 0);
}

/** 0 to 100 for a node by a strategy. */
export function strategyScore(
  node: NodeInfo,
  wanted: Wanted,
  { type, resources, shape = [] }: ScoringStrategy,
): number {
  let [sum, weights] = [0, 0];
  for (let at = 0; at < resources.length; at++) {
    const resource = resources[at] as ScoredResource;
    const amount = wanted[at];
    const usage = amount === undefined ? undefined : usageOf(node, resource.name, { wanted: amount, guess: true });
    if (!usage) continue;
    const score = type === "RequestedToCapacityRatio" ? shapeScore(usage, shape) : freeScore(usage, type);
    if (type === "RequestedToCapacityRatio" && score <= 0) continue;
    sum += score * resource.weight;
    weights += resource.weight;
  }
  if (weights === 0) return 0;
  return type === "RequestedToCapacityRatio" ? Math.round(sum / weights) : Math.floor(sum / weights);
}

function freeScore({ requested, capacity }: Usage, type: "LeastAllocated" | "MostAllocated"): number {
  if (type === "MostAllocated") return Math.floor((Math.min(requested, capacity) * maxScore) / capacity);
  return requested > capacity ? 0 : Math.floor(((capacity - requested) * maxScore) / capacity);
}

function shapeScore({ requested, capacity }: Usage, shape: NonNullable<ScoringStrategy["shape"]>): number {
  const utilization = requested > capacity ? 100 : 100 - Math.floor(((capacity - requested) * 100) / capacity);
  const scale = maxScore / 10;
  const next = shape.findIndex((point) => utilization <= point.utilization);
  const [before, after] = [shape[next - 1], shape[next] ?? shape.at(-1)];
  if (!after) return 0;
  if (!before || next < 0) return after.score * scale;
  const part = (utilization - before.utilization) / (after.utilization - before.utilization);
  return before.score * scale + Math.trunc((after.score - before.score) * scale * part);
}
