import { keyText, type ObjectKey } from "../../core/api/meta.ts";
import { type HostPort, hostPorts, PortTable } from "../../core/kinds/host_ports.ts";
import type { Node, Pod } from "../../core/kinds/mod.ts";
import { claimKeys } from "../../core/kinds/pod_claims.ts";
import { podRequests, type ResourceAmounts, resourceAmounts } from "../../core/kinds/pod_resources.ts";
import { nonZeroRequests } from "./_non_zero_requests.ts";
import { podUid } from "./_pod_uid.ts";
import { noStorage, type StorageView } from "./storage.ts";

/** What a node has and what its pods take. */
export interface NodeInfo {
  readonly name: string;
  readonly node: Node;
  /** `other` without `pods`. */
  readonly allocatable: ResourceAmounts;
  readonly allocatablePods: number;
  readonly requested: ResourceAmounts;
  /** Requests with a guess for containers that ask for nothing, for comparing nodes. */
  readonly nonZeroRequested: { readonly milliCpu: number; readonly memoryBytes: number };
  readonly podCount: number;
  /** Whether a pod of lower priority is on the node. */
  hasPodBelow(priority: number): boolean;
  /** Whether a pod of the node has the port already. */
  isPortTaken(port: HostPort): boolean;
}

interface PodShare {
  readonly nodeName: string;
  readonly requests: ResourceAmounts;
  readonly nonZero: { readonly milliCpu: number; readonly memoryBytes: number };
  readonly ports: readonly HostPort[];
  readonly priority: number;
  /** Its claims, as texts. */
  readonly claims: readonly string[];
  readonly assumed: boolean;
}

class Entry implements NodeInfo {
  readonly name: string;
  /** Undefined while only pods of the node are known. */
  known: Node | undefined;
  allocatable: ResourceAmounts = resourceAmounts(undefined);
  allocatablePods = 0;
  readonly requested = { milliCpu: 0, memoryBytes: 0, ephemeralStorageBytes: 0, other: new Map<string, number>() };
  readonly nonZeroRequested = { milliCpu: 0, memoryBytes: 0 };
  readonly #ports = new PortTable();
  readonly #priorities = new Map<number, number>();
  podCount = 0;

  constructor(name: string) {
    this.name = name;
  }

  get node(): Node {
    if (!this.known) throw new RangeError(`Cannot read the node: ${this.name} is not known`);
    return this.known;
  }

  setNode(node: Node): void {
    const { pods: maxPods, ...list } = node.status?.allocatable ?? {};
    this.known = node;
    this.allocatable = resourceAmounts(list);
    this.allocatablePods = maxPods === undefined ? 0 : (resourceAmounts({ pods: maxPods }).other.get("pods") ?? 0);
  }

  add(share: PodShare): void {
    this.#count(share, 1);
    this.#ports.add(share.ports);
  }

  remove(share: PodShare): void {
    this.#count(share, -1);
    this.#ports.remove(share.ports);
  }

  #count({ requests, nonZero, priority }: PodShare, sign: 1 | -1): void {
    this.podCount += sign;
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

/**
 * The cluster as the scheduler sees it, kept up to date change by change. Placing a pod is synchronous, so that nothing
 * changes while it looks.
 *
 * A pod that was given a node counts from that moment (*assumed*), and stays until the cache shows it there, or it is
 * forgotten because binding failed.
 */
export class Snapshot {
  readonly #entries = new Map<string, Entry>();
  readonly #shares = new Map<string, PodShare>();
  /** How many pods that have a node use a claim. */
  readonly #claimUsers = new Map<string, number>();
  #nodes: readonly NodeInfo[] | undefined;
  /** Claims and volumes. */
  readonly storage: StorageView;

  constructor({ storage = noStorage }: { readonly storage?: StorageView } = {}) {
    this.storage = storage;
  }

  /** Every known node, in the order in which they became known. */
  get nodes(): readonly NodeInfo[] {
    this.#nodes ??= [...this.#entries.values()].filter(({ known }) => known !== undefined);
    return this.#nodes;
  }

  setNode(node: Node): void {
    const { name = "" } = node.metadata;
    const entry = this.#entry(name);
    if (!entry.known) this.#nodes = undefined;
    entry.setNode(node);
  }

  deleteNode({ metadata: { name = "" } }: Node): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#nodes = undefined;
    // Its pods may be seen to go later than the node.
    entry.known = undefined;
    this.#dropIfEmpty(entry);
  }

  /** Counts a pod on the node that it is on. */
  setPod(pod: Pod): void {
    this.#put(pod, pod.spec.nodeName ?? "", false);
  }

  deletePod(pod: Pod): void {
    this.#take(podUid(pod));
  }

  /** Counts a pod on a node that it was given, before anybody else knows. */
  assume(pod: Pod, nodeName: string): void {
    this.#put(pod, nodeName, true);
  }

  /** Takes an assumption back; a pod that is known to be on its node stays. */
  forget(pod: Pod): void {
    if (this.isAssumed(pod)) this.#take(podUid(pod));
  }

  isAssumed(pod: Pod): boolean {
    return this.#shares.get(podUid(pod))?.assumed === true;
  }

  /** Whether a pod that has a node uses a claim. */
  isClaimUsed(key: ObjectKey): boolean {
    return this.#claimUsers.has(keyText(key));
  }

  #countClaims({ claims }: PodShare, sign: 1 | -1): void {
    for (const claim of claims) {
      const users = (this.#claimUsers.get(claim) ?? 0) + sign;
      if (users > 0) this.#claimUsers.set(claim, users);
      else this.#claimUsers.delete(claim);
    }
  }

  #put(pod: Pod, nodeName: string, assumed: boolean): void {
    const uid = podUid(pod);
    this.#take(uid);
    const share: PodShare = {
      nodeName,
      requests: podRequests(pod),
      nonZero: nonZeroRequests(pod),
      ports: hostPorts(pod),
      priority: pod.spec.priority ?? 0,
      claims: claimKeys(pod).map(keyText),
      assumed,
    };
    this.#shares.set(uid, share);
    this.#countClaims(share, 1);
    this.#entry(nodeName).add(share);
  }

  #take(uid: string): void {
    const share = this.#shares.get(uid);
    if (!share) return;
    this.#shares.delete(uid);
    this.#countClaims(share, -1);
    const entry = this.#entries.get(share.nodeName);
    entry?.remove(share);
    if (entry) this.#dropIfEmpty(entry);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name) ?? new Entry(name);
    this.#entries.set(name, entry);
    return entry;
  }

  #dropIfEmpty(entry: Entry): void {
    if (!entry.known && entry.podCount === 0) this.#entries.delete(entry.name);
  }
}
