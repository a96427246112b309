import type { Pod } from "../../core/kinds/mod.ts";
import { podNeeds } from "./_pod_needs.ts";
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

/** What nodes are compared by unless a profile says otherwise. */
export const cpuAndMemory: readonly ScoredResource[] = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];

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
  const { requests: exact, nonZero } = podNeeds(pod);
  const { milliCpu, memoryBytes } = guess ? nonZero : exact;
  return resources.map(({ name }) => {
    if (name === "cpu") return milliCpu;
    if (name === "memory") return memoryBytes;
    if (name === "ephemeral-storage") return exact.ephemeralStorageBytes;
    return exact.other.get(name) || undefined;
  });
}

/** What a node has of a resource. */
export function capacityOf({ allocatable }: NodeInfo, resource: string): number {
  switch (resource) {
    case "cpu":
      return allocatable.milliCpu;
    case "memory":
      return allocatable.memoryBytes;
    case "ephemeral-storage":
      return allocatable.ephemeralStorageBytes;
    default:
      return allocatable.other.get(resource) ?? 0;
  }
}

/** What is taken of it. */
export function takenOf(node: NodeInfo, resource: string, { guess }: { readonly guess: boolean }): number {
  const { requested, nonZeroRequested } = node;
  switch (resource) {
    case "cpu":
      return guess ? nonZeroRequested.milliCpu : requested.milliCpu;
    case "memory":
      return guess ? nonZeroRequested.memoryBytes : requested.memoryBytes;
    case "ephemeral-storage":
      return requested.ephemeralStorageBytes;
    default:
      return requested.other.get(resource) ?? 0;
  }
}

const guessing = { guess: true };

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
    const capacity = capacityOf(node, resource.name);
    if (amount === undefined || capacity === 0) continue;
    const requested = takenOf(node, resource.name, guessing) + amount;
    const score =
      type === "RequestedToCapacityRatio"
        ? shapeScore(requested, capacity, shape)
        : freeScore(requested, capacity, type);
    if (type === "RequestedToCapacityRatio" && score <= 0) continue;
    sum += score * resource.weight;
    weights += resource.weight;
  }
  if (weights === 0) return 0;
  return type === "RequestedToCapacityRatio" ? Math.round(sum / weights) : Math.floor(sum / weights);
}

function freeScore(requested: number, capacity: number, type: "LeastAllocated" | "MostAllocated"): number {
  if (type === "MostAllocated") return Math.floor((Math.min(requested, capacity) * maxScore) / capacity);
  return requested > capacity ? 0 : Math.floor(((capacity - requested) * maxScore) / capacity);
}

function shapeScore(requested: number, capacity: number, shape: NonNullable<ScoringStrategy["shape"]>): number {
  const utilization = requested > capacity ? 100 : 100 - Math.floor(((capacity - requested) * 100) / capacity);
  const scale = maxScore / 10;
  const next = shape.findIndex((point) => utilization <= point.utilization);
  const [before, after] = [shape[next - 1], shape[next] ?? shape.at(-1)];
  if (!after) return 0;
  if (!before || next < 0) return after.score * scale;
  const part = (utilization - before.utilization) / (after.utilization - before.utilization);
  return before.score * scale + Math.trunc((after.score - before.score) * scale * part);
}
