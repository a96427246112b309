import type { Client } from "../../core/client/client.ts";
import type { Node, Pod } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Candidate } from "./_preemption.ts";
import type { NodeInfo, PodInfo } from "./node_info.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** Why a pod does not fit, in Kubernetes' words. */
export interface Rejection {
  readonly reason: string;
  /** What else is missing on the same node. */
  readonly others?: readonly string[];
  /** Whether the pod would fit if others went. */
  readonly preemptionHelps?: boolean;
  /** By how much, in the units that pods ask in: thousandths of a CPU, bytes, whole others. */
  readonly lacks?: readonly { readonly resource: string; readonly requested: number; readonly free: number }[];
}

/** Why a pod was refused, and by whom. */
export interface Refusal {
  readonly plugin: SchedulerPlugin;
  readonly rejection: Rejection;
}

/** What happened in the cluster that may make room for a pod. Pods are pods on nodes. */
export type ClusterEvent =
  | { readonly type: "node-added" | "node-deleted"; readonly node: Node }
  | { readonly type: "node-updated"; readonly node: Node; readonly previous: Node }
  | { readonly type: "pod-added" | "pod-deleted"; readonly pod: Pod }
  | { readonly type: "pod-updated"; readonly pod: Pod; readonly previous: Pod }
  | { readonly type: "storage-changed" };

/** What plug-ins remember while one pod is being placed. */
export class CycleState {
  readonly #values = new Map<string, unknown>();

  /** What `compute` gave the first time it was asked for under `name`. */
  once<T>(name: string, compute: () => T): T {
    if (!this.#values.has(name)) this.#values.set(name, compute());
    return this.#values.get(name) as T;
  }

  /** What was kept under `name`, if anything. */
  get<T>(name: string): T | undefined {
    return this.#values.get(name) as T | undefined;
  }
}

/** The only nodes that a plug-in's filter can let a pod onto. */
export interface Narrowing {
  readonly nodes: readonly NodeInfo[];
  /** Whether other nodes are not asked even for the reason why not. Default false. */
  readonly isFinal?: boolean;
}

/** What a plug-in does its work before a binding with. */
export interface BindContext {
  readonly client: Client;
  readonly storage: Storage;
  readonly clock: Clock;
  /** Aborted when the pod is gone, too. */
  readonly signal: AbortSignal;
}

/** A pod of which plug-ins have not yet said whether it may be bound. */
export interface WaitingPod {
  readonly pod: Pod;
  /** Names of the plug-ins that it waits for. */
  readonly pending: readonly string[];
  /** Lets it go on as far as that plug-in is concerned. */
  allow(plugin: string): void;
  /** Takes its node from it; it is tried again when something happens that helps that plug-in. */
  reject(plugin: string, reason: string): void;
}

/** All pods that wait so. */
export interface WaitingPods {
  get(uid: string): WaitingPod | undefined;
  list(): readonly WaitingPod[];
}

/** How long a pod is to wait until the plug-in says more: then it is rejected. At most 15 minutes. */
export interface Waiting {
  readonly waitMs: number;
}

/** What a plug-in may look at when a pod fits nowhere. */
export interface PostFilterContext {
  readonly snapshot: Snapshot;
  /** By node. Nodes that were not asked have none. */
  readonly refusals: ReadonlyMap<NodeInfo, Refusal>;
  readonly random: () => number;
  /** Why the pod does not fit on a node as things are now; undefined when it does. */
  fits(node: NodeInfo): Rejection | undefined;
  /** What `ask` finds out by `fits`, if these pods were not on their nodes; `putBack` makes one of them be there again. */
  without<T>(
    pods: readonly PodInfo[],
    ask: (change: { putBack(info: PodInfo): void; remove(info: PodInfo): void }) => T,
  ): T;
}

/** What is to be done for a pod that fits nowhere. */
export interface PostFilterResult {
  /** Said behind why the pod does not fit; undefined when it is to get a node. */
  readonly message: string | undefined;
  /** The node that the pod is to get. Empty: it is to get none any more. Undefined: that stays as it is. */
  readonly nominatedNodeName?: string;
  /** Pods that have to go for it. */
  readonly victims?: readonly Pod[];
  /** All nodes that would do, the chosen one among them, for servers outside to choose from. */
  readonly candidates?: readonly Candidate[];
}

/** A pod that waits for its turn. */
export interface QueuedPod {
  readonly pod: Pod;
  /** Grows with every entry into the queue: who waits longer has the lesser one. */
  readonly order: number;
}

/**
 * Has a say in where a pod goes. Synchronous but for `preBind` and `bind`: all that it may look at is in memory.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/
 */
export interface SchedulerPlugin {
  readonly name: string;
  /** What may turn this plug-in's "no" into a "yes": only then is the pod tried again at once. */
  readonly helpedBy?: readonly ClusterEvent["type"][];
  /** Whether this very event may help this very pod. Asked for events of `helpedBy`; absent: it may. */
  isHelpedBy?(event: ClusterEvent, pod: Pod): boolean;
  /** Whether `a` is tried before `b`: asked of the first plug-in of the first profile that has this. */
  queueSort?(a: QueuedPod, b: QueuedPod): boolean;
  /**
   * Whether what `preFilter` finds out depends on the pods that are on nodes: then it is asked again whenever some of them
   * are supposed to be gone. What it skips it must skip then, too. Default false.
   */
  readonly looksAtPods?: true;
  /** Asked once for a pod. A rejection is for every node; `skip`: no node would be refused, its filter is not asked. */
  preFilter?(pod: Pod, snapshot: Snapshot, state: CycleState): Rejection | Narrowing | "skip" | undefined;
  /** Asked for each node; undefined means that the pod fits. */
  filter?(pod: Pod, node: NodeInfo, state: CycleState): Rejection | undefined;
  /** Asked when no node fits: what would have to go. */
  postFilter?(pod: Pod, context: PostFilterContext): PostFilterResult | undefined;
  /** Asked once with the nodes that fit. False: all are as good. */
  preScore?(pod: Pod, nodes: readonly NodeInfo[], snapshot: Snapshot, state: CycleState): boolean;
  /** How good a node is that fits: 0 to 100, or anything that `normalizeScores` brings there. */
  score?(pod: Pod, node: NodeInfo, state: CycleState): number;
  /** Brings the scores of all nodes into 0 to 100. */
  normalizeScores?(scores: readonly number[]): readonly number[];
  /** Takes what the pod needs on its node, in memory, before the next pod is placed. */
  reserve?(pod: Pod, node: NodeInfo, state: CycleState): void;
  /** Gives it back: the pod was not bound. */
  unreserve?(pod: Pod, node: NodeInfo, state: CycleState): void;
  /** Asked last before the next pod is placed: whether the pod may be bound now, not, or must wait until the plug-in says more. */
  permit?(pod: Pod, node: NodeInfo, state: CycleState, waiting: WaitingPods): Rejection | Waiting | undefined;
  /**
   * What has to be done before the pod is bound to its node; undefined: nothing. What it gives back rejects when it cannot
   * be done: the pod is tried again.
   */
  preBind?(pod: Pod, node: NodeInfo, state: CycleState): ((context: BindContext) => Promise<void>) | undefined;
  /** Binds the pod; undefined: that is for the next plug-in to do. What it gives back rejects when that failed. */
  bind?(pod: Pod, node: NodeInfo, context: BindContext): Promise<void> | undefined;
  /** Told when the pod was bound. */
  postBind?(pod: Pod, node: NodeInfo, state: CycleState): void;
}

/** A plug-in and how much its score counts. */
export interface WeightedPlugin {
  readonly plugin: SchedulerPlugin;
  readonly weight: number;
}

/** The best score. */
export const maxScore = 100;

/** Scales scores so that the greatest is {@linkcode maxScore}; `reverse` makes the least the best. */
export function scaleScores(
  scores: readonly number[],
  { reverse = false }: { readonly reverse?: boolean } = {},
): readonly number[] {
  const greatest = scores.reduce((most, score) => Math.max(most, score), 0);
  if (greatest === 0) return scores.map(() => (reverse ? maxScore : 0));
  return scores.map((score) => {
    const scaled = Math.floor((score * maxScore) / greatest);
    return reverse ? maxScore - scaled : scaled;
  });
}
