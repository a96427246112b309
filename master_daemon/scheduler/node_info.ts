import type { StringMap } from "../../core/api/meta.ts";
import { type HostPort, PortTable } from "../../core/kinds/host_ports.ts";
import type { Node, Pod, Taint } from "../../core/kinds/mod.ts";
import { type ResourceAmounts, resourceAmounts } from "../../core/kinds/pod_resources.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { type PodNeeds, podNeeds } from "./_pod_needs.ts";

/** A pod on a node, and what it takes there. */
export interface PodInfo extends PodNeeds {
  /** In its newest state. */
  pod: Pod;
  /** When it started, in milliseconds since 1970; pods that have not yet come last. */
  startMs: number;
}

/** What a node has and what its pods take. */
export interface NodeInfo {
  readonly name: string;
  readonly node: Node;
  readonly labels: StringMap;
  /** Whether it was cordoned. */
  readonly unschedulable: boolean;
  /** Those that keep pods off. */
  readonly hardTaints: readonly Taint[];
  /** Those that would rather keep pods off. */
  readonly softTaints: readonly Taint[];
  /** Sizes in bytes by name. */
  readonly images: ReadonlyMap<string, number>;
  /** `other` without `pods`. */
  readonly allocatable: ResourceAmounts;
  readonly allocatablePods: number;
  readonly requested: ResourceAmounts;
  /** Requests with a guess for containers that ask for nothing, for comparing nodes. */
  readonly nonZeroRequested: { readonly milliCpu: number; readonly memoryBytes: number };
  readonly podCount: number;
  readonly pods: Iterable<PodInfo>;
  /** Whether a pod of lower priority is on the node. */
  hasPodBelow(priority: number): boolean;
  /** Whether a pod of the node has the port already. */
  isPortTaken(port: HostPort): boolean;
}

/** What a pod takes on a node. */
export function podInfo(pod: Pod): PodInfo {
  const { startTime } = pod.status ?? {};
  return { pod, startMs: startTime ? Date.parse(startTime) : Number.MAX_SAFE_INTEGER, ...podNeeds(pod) };
}

/** Whether nothing changed that anybody counts: most updates are of a pod's status. */
export function countsTheSame(next: PodInfo, previous: PodInfo): boolean {
  const { metadata, spec } = next.pod;
  const { metadata: metadataBefore, spec: specBefore } = previous.pod;
  return (
    (metadata.deletionTimestamp === undefined) === (metadataBefore.deletionTimestamp === undefined) &&
    semanticEqual(metadata.labels, metadataBefore.labels) &&
    next.priority === previous.priority &&
    next.requests.milliCpu === previous.requests.milliCpu &&
    next.requests.memoryBytes === previous.requests.memoryBytes &&
    next.requests.ephemeralStorageBytes === previous.requests.ephemeralStorageBytes &&
    (next.requests.other.size === 0) === (previous.requests.other.size === 0) &&
    [...next.requests.other].every(([name, amount]) => previous.requests.other.get(name) === amount) &&
    semanticEqual(spec.affinity, specBefore.affinity)
  );
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One node of a snapshot, kept up to date. */
export class NodeEntry implements NodeInfo {
  readonly name: string;
  /** Undefined while only pods of the node are known. */
  known: Node | undefined;
  labels: StringMap = {};
  unschedulable = false;
  hardTaints: readonly Taint[] = [];
  softTaints: readonly Taint[] = [];
  images: ReadonlyMap<string, number> = new Map();
  allocatable: ResourceAmounts = resourceAmounts(undefined);
  allocatablePods = 0;
  readonly requested: Mutable<Omit<ResourceAmounts, "other">> & { readonly other: Map<string, number> } = {
    milliCpu: 0,
    memoryBytes: 0,
    ephemeralStorageBytes: 0,
    other: new Map(),
  };
  readonly nonZeroRequested: Mutable<PodInfo["nonZero"]> = { milliCpu: 0, memoryBytes: 0 };
  readonly #pods = new Set<PodInfo>();
  readonly #ports = new PortTable();
  readonly #priorities = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
  }

  get node(): Node {
    if (!this.known) throw new RangeError(`Cannot read the node: ${this.name} is not known`);
    return this.known;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  get pods(): Iterable<PodInfo> {
    return this.#pods;
  }

  /** The node as it is now; undefined: it is gone, though pods may be left. */
  set(node: Node | undefined): void {
    const { pods: maxPods, ...list } = node?.status?.allocatable ?? {};
    const taints = node?.spec?.taints ?? [];
    this.known = node;
    this.labels = node?.metadata.labels ?? {};
    this.unschedulable = node?.spec?.unschedulable === true;
    this.hardTaints = taints.filter(({ effect }) => effect !== "PreferNoSchedule");
    this.softTaints = taints.filter(({ effect }) => effect === "PreferNoSchedule");
    this.images = new Map(
      (node?.status?.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) =>
        names.map((name) => [name, sizeBytes] as const),
      ),
    );
    this.allocatable = resourceAmounts(list);
    this.allocatablePods = maxPods === undefined ? 0 : (resourceAmounts({ pods: maxPods }).other.get("pods") ?? 0);
  }

  add(info: PodInfo): void {
    this.#pods.add(info);
    this.#count(info, 1);
    this.#ports.add(info.ports);
  }

  remove(info: PodInfo): void {
    this.#pods.delete(info);
    this.#count(info, -1);
    this.#ports.remove(info.ports);
  }

  #count({ requests, nonZero, priority }: PodInfo, sign: 1 | -1): void {
    this.requested.milliCpu += sign * requests.milliCpu;
    this.requested.memoryBytes += sign * requests.memoryBytes;
    this.requested.ephemeralStorageBytes += sign * requests.ephemeralStorageBytes;
    for (const [name, amount] of requests.other) {
      this.requested.other.set(name, (this.requested.other.get(name) ?? 0) + sign * amount);
    }
    this.nonZeroRequested.milliCpu += sign * nonZero.milliCpu;
    this.nonZeroRequested.memoryBytes += sign * nonZero.memoryBytes;
    const ofPriority = (this.#priorities.get(priority) ?? 0) + sign;
    if (ofPriority > 0) this.#priorities.set(priority, ofPriority);
    else this.#priorities.delete(priority);
  }

  hasPodBelow(priority: number): boolean {
    for (const present of this.#priorities.keys()) if (present < priority) return true;
    return false;
  }

  isPortTaken(port: HostPort): boolean {
    return this.#ports.conflicts(port);
  }
}
