import type { Selector } from "../../core/api/labels.ts";
import { keyText, type ObjectKey } from "../../core/api/meta.ts";
import type { Node, Pod } from "../../core/kinds/mod.ts";
import type { ResourceAmounts } from "../../core/kinds/pod_resources.ts";
import type { AffinityTerm } from "./_affinity_terms.ts";
import { addTo, type NodeCounts } from "./_node_counts.ts";
import { NodeIndexes } from "./_node_indexes.ts";
import { inZoneOrder, zoneOf } from "./_node_order.ts";
import { Nominations } from "./_nominations.ts";
import { PodCounts } from "./_pod_counts.ts";
import { podUid } from "./_pod_uid.ts";
import { type TermCount, TermCounts, type TermKind } from "./_term_counts.ts";
import { type ClusterView, emptyCluster } from "./cluster_view.ts";
import { countsTheSame, NodeEntry, type NodeInfo, type PodInfo, podInfo } from "./node_info.ts";
import { noStorage, type StorageView } from "./storage.ts";

interface Share {
  readonly info: PodInfo;
  readonly nodeName: string;
  assumed: boolean;
}

interface Supposition {
  /** Whether only the node itself is asked meanwhile: then nothing else hears of what is supposed. Default false. */
  readonly asksNode?: boolean;
}

/**
 * The cluster as the scheduler sees it, kept up to date change by change, with what plug-ins ask about: nodes by label, pods
 * by what selects them, pods' terms by what they select. Placing a pod is synchronous, so that nothing changes while it looks.
 *
 * - A pod that was given a node counts from that moment (*assumed*), and stays until the cache shows it there, or it is
 *   forgotten because binding failed.
 * - A pod for whom others were displaced is *nominated* for their node.
 */
export class Snapshot {
  readonly #entries = new Map<string, NodeEntry>();
  readonly #shares = new Map<string, Share>();
  readonly #nominations = new Nominations();
  /** How many pods that have a node use a claim. */
  readonly #claimUsers = new Map<string, number>();
  readonly #indexes = new NodeIndexes(() => this.#known());
  readonly #podCounts: PodCounts;
  readonly #termCounts: TermCounts;
  #nodes: readonly NodeInfo[] | undefined;
  /** Claims and volumes. */
  readonly storage: StorageView;
  /** Namespaces, budgets, workloads. */
  readonly cluster: ClusterView;

  constructor({
    storage = noStorage,
    cluster = emptyCluster,
  }: { readonly storage?: StorageView; readonly cluster?: ClusterView } = {}) {
    this.storage = storage;
    this.cluster = cluster;
    const namespaceLabels = (name: string) => cluster.namespaceLabels(name);
    this.#podCounts = new PodCounts({ namespaceLabels, all: () => this.#placed() });
    this.#termCounts = new TermCounts({ namespaceLabels });
  }

  /** Every known node; those of different zones in turn. */
  get nodes(): readonly NodeInfo[] {
    this.#nodes ??= inZoneOrder([...this.#known()]);
    return this.#nodes;
  }

  node(name: string): NodeInfo | undefined {
    const entry = this.#entries.get(name);
    return entry?.known && entry;
  }

  /** Nodes by the values of a label, and how many have it. */
  nodesBy(label: string): { readonly byValue: ReadonlyMap<string, ReadonlySet<NodeInfo>>; readonly size: number } {
    return this.#indexes.by(label);
  }

  /** How many nodes were cordoned. */
  get unschedulableNodes(): number {
    return this.#indexes.unschedulable;
  }

  /** How many nodes have taints that keep pods off. */
  get taintedNodes(): number {
    return this.#indexes.tainted;
  }

  /**
   * The nodes among which all are that have so much left, when those are few; undefined: they are many, and looking at each
   * costs no more.
   */
  nodesWithFree(wanted: Pick<ResourceAmounts, "milliCpu" | "memoryBytes">): readonly NodeInfo[] | undefined {
    return this.#indexes.withFree(wanted, this.nodes.length / 4);
  }

  /** On how many nodes an image is. */
  nodesWithImage(name: string): number {
    return this.#indexes.withImage(name);
  }

  /** Pods that every one of the terms selects. Stays up to date. */
  podsOfTerms(terms: readonly AffinityTerm[]): NodeCounts {
    return this.#podCounts.ofTerms(terms);
  }

  /** Pods of a namespace that are not being deleted. Stays up to date. */
  podsOfSelector(namespace: string, selector: Selector): NodeCounts {
    return this.#podCounts.ofSelector(namespace, selector);
  }

  /** Terms of pods on nodes that select a pod which has none yet. */
  termsSelecting(pod: Pod, kind: TermKind): readonly TermCount[] {
    return this.#termCounts.selecting(pod, kind);
  }

  setNode(node: Node): void {
    const { name = "" } = node.metadata;
    const entry = this.#entry(name);
    const zone = entry.known && zoneOf(entry);
    this.#change(entry, node);
    if (zone !== zoneOf(entry)) this.#nodes = undefined;
  }

  deleteNode({ metadata: { name = "" } }: Node): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#nodes = undefined;
    // Its pods may be seen to go later than the node.
    this.#change(entry, undefined);
    this.#dropIfEmpty(entry);
  }

  /** Counts a pod on the node that it is on. */
  setPod(pod: Pod): void {
    const share = this.#shares.get(podUid(pod));
    if (share && share.nodeName === pod.spec.nodeName) {
      const info = podInfo(pod);
      if (countsTheSame(info, share.info)) {
        share.info.pod = pod;
        share.info.startMs = info.startMs;
        share.assumed = false;
        return;
      }
    }
    this.#put(pod, { nodeName: pod.spec.nodeName ?? "", assumed: false });
  }

  deletePod(pod: Pod): void {
    this.#take(podUid(pod));
  }

  /** Counts a pod on a node that it was given, before anybody else knows. */
  assume(pod: Pod, nodeName: string): void {
    this.#put(pod, { nodeName, assumed: true });
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

  /** The node that others were displaced from for a pod; undefined: none any more. */
  nominate(pod: Pod, nodeName: string | undefined): void {
    this.#nominations.set(pod, nodeName);
  }

  /** Pods that are to come to a node. */
  nominatedFor(nodeName: string): readonly Pod[] {
    return this.#nominations.podsFor(nodeName);
  }

  /** Whether any pod is to come to any node. */
  get hasNominations(): boolean {
    return !this.#nominations.empty;
  }

  nominationOf(pod: Pod): string | undefined {
    return this.#nominations.nodeOf(pod);
  }

  /** What `ask` finds out, if these pods were on a node, too. */
  supposing<T>(pods: readonly Pod[], nodeName: string, ask: () => T, { asksNode = false }: Supposition = {}): T {
    const added = pods
      .filter((pod) => !this.#shares.has(podUid(pod)))
      .map((pod) => ({ info: podInfo(pod), nodeName, assumed: true }));
    for (const share of added) this.#add(share, { asksNode });
    try {
      return ask();
    } finally {
      for (const share of added) this.#remove(share, { asksNode });
    }
  }

  /** What `ask` finds out, if these pods were not on their nodes; `putBack` makes one of them be there again. */
  without<T>(
    pods: readonly PodInfo[],
    ask: (change: { putBack(info: PodInfo): void; remove(info: PodInfo): void }) => T,
    { asksNode = false }: Supposition = {},
  ): T {
    const away = new Map<PodInfo, Share>();
    const remove = (info: PodInfo) => {
      const share = this.#shares.get(podUid(info.pod));
      if (!share || away.has(info)) return;
      away.set(info, share);
      this.#remove(share, { asksNode });
    };
    const putBack = (info: PodInfo) => {
      const share = away.get(info);
      if (!share) return;
      away.delete(info);
      this.#add(share, { asksNode });
    };
    for (const info of pods) remove(info);
    try {
      return ask({ putBack, remove });
    } finally {
      for (const info of [...away.keys()]) putBack(info);
    }
  }

  /** Tells that a namespace is new or has other labels. */
  namespacesChanged(): void {
    this.#podCounts.namespacesChanged();
  }

  #put(pod: Pod, { nodeName, assumed }: Omit<Share, "info">): void {
    this.#take(podUid(pod));
    this.#add({ info: podInfo(pod), nodeName, assumed });
  }

  #take(uid: string): void {
    const share = this.#shares.get(uid);
    if (share) this.#remove(share);
  }

  #add(share: Share, { asksNode = false }: Supposition = {}): void {
    const { info, nodeName } = share;
    const entry = this.#entry(nodeName);
    entry.add(info);
    if (asksNode) return;
    this.#shares.set(podUid(info.pod), share);
    this.#count(info, entry, 1);
  }

  #remove({ info, nodeName }: Share, { asksNode = false }: Supposition = {}): void {
    const entry = this.#entry(nodeName);
    entry.remove(info);
    if (asksNode) return;
    this.#shares.delete(podUid(info.pod));
    this.#count(info, entry, -1);
    this.#dropIfEmpty(entry);
  }

  #count(info: PodInfo, entry: NodeEntry, amount: 1 | -1): void {
    this.#podCounts.add(info.pod, entry, amount);
    this.#termCounts.add(info, entry, amount);
    this.#indexes.placeByFree(entry);
    for (const claim of info.claims) addTo(this.#claimUsers, claim, amount);
  }

  #change(entry: NodeEntry, node: Node | undefined): void {
    const { labels } = entry;
    if (!this.#indexes.set(entry, node)) return;
    this.#podCounts.relabel(entry, labels);
    this.#termCounts.relabel(entry, labels);
  }

  #entry(name: string): NodeEntry {
    const present = this.#entries.get(name);
    if (present) return present;
    const entry = new NodeEntry(name);
    this.#entries.set(name, entry);
    return entry;
  }

  #dropIfEmpty(entry: NodeEntry): void {
    if (!entry.known && entry.podCount === 0) this.#entries.delete(entry.name);
  }

  *#known(): Generator<NodeEntry, void, void> {
    for (const entry of this.#entries.values()) if (entry.known) yield entry;
  }

  *#placed(): Generator<readonly [Pod, NodeEntry], void, void> {
    for (const entry of this.#entries.values()) for (const { pod } of entry.pods) yield [pod, entry];
  }
}
