import type { Pod } from "../../core/kinds/mod.ts";
import { type ClusterEvent, CycleState, type Rejection, type WeightedPlugin } from "./framework.ts";
import type { NodeInfo, Snapshot } from "./snapshot.ts";

/** Where a pod goes, or why nowhere. */
export type Placement =
  | {
      readonly node: NodeInfo;
      /** What plug-ins remember of it. */
      readonly state: CycleState;
    }
  | {
      readonly node: undefined;
      /** As Kubernetes words it. */
      readonly message: string;
      /** What may help. */
      readonly helpedBy: ReadonlySet<ClusterEvent>;
    };

/** What placing depends on besides the pod and the cluster. */
export interface PlaceOptions {
  readonly plugins: readonly WeightedPlugin[];
  /** Breaks ties. */
  readonly random: () => number;
  /** Index of the node at which the search begins, so that large clusters are filled evenly. Default 0. */
  readonly startAt?: number;
}

/** Finds the best node for a pod. Pure but for `random`. */
export function placePod(pod: Pod, snapshot: Snapshot, { plugins, random, startAt = 0 }: PlaceOptions): Placement {
  const { nodes } = snapshot;
  if (nodes.length === 0) {
    const message = "no nodes available to schedule pods";
    return { node: undefined, message, helpedBy: new Set(["node-added"]) };
  }
  const state = new CycleState();
  const helpedBy = new Set<ClusterEvent>();
  for (const { plugin } of plugins) {
    const rejection = plugin.preFilter?.(pod, snapshot, state);
    if (!rejection) continue;
    for (const event of plugin.helpedBy ?? []) helpedBy.add(event);
    const rejections = nodes.map((node) => ({ node, rejection }));
    return { node: undefined, message: failureMessage(pod, rejections, { forAll: rejection.reason }), helpedBy };
  }

  const feasible: NodeInfo[] = [];
  const rejections: NodeRejection[] = [];
  const enough = nodesToFind(nodes.length);
  for (let count = 0; count < nodes.length && feasible.length < enough; count++) {
    const node = nodes[(startAt + count) % nodes.length] as NodeInfo;
    const refusal = firstRejection(pod, node, plugins, state);
    if (!refusal) feasible.push(node);
    else {
      rejections.push({ node, rejection: refusal.rejection });
      for (const event of refusal.plugin.helpedBy ?? []) helpedBy.add(event);
    }
  }
  const node = best(pod, feasible, plugins, state, random);
  return node ? { node, state } : { node: undefined, message: failureMessage(pod, rejections), helpedBy };
}

/** In a large cluster a part of the nodes that fit is enough to choose among. */
function nodesToFind(count: number): number {
  if (count < 100) return count;
  const percentage = Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor((count * percentage) / 100));
}

function firstRejection(pod: Pod, node: NodeInfo, plugins: readonly WeightedPlugin[], state: CycleState) {
  for (const { plugin } of plugins) {
    const rejection = plugin.filter?.(pod, node, state);
    if (rejection) return { plugin, rejection };
  }
  return undefined;
}

function best(
  pod: Pod,
  nodes: readonly NodeInfo[],
  plugins: readonly WeightedPlugin[],
  state: CycleState,
  random: () => number,
): NodeInfo | undefined {
  if (nodes.length <= 1) return nodes[0];
  const totals = nodes.map(() => 0);
  for (const { plugin, weight } of plugins) {
    if (!plugin.score || weight === 0) continue;
    const scores = nodes.map((node) => plugin.score?.(pod, node, state) ?? 0);
    const normal = plugin.normalizeScores?.(scores) ?? scores;
    for (const [at, score] of normal.entries()) totals[at] = (totals[at] ?? 0) + score * weight;
  }
  const greatest = Math.max(...totals);
  const winners = nodes.filter((_, at) => totals[at] === greatest);
  return winners[Math.floor(random() * winners.length)];
}

interface NodeRejection {
  readonly node: NodeInfo;
  readonly rejection: Rejection;
}

/**
 * Why a pod fits nowhere: how many nodes gave which reason, and whether it would help if others went.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/scheduler/framework/types.go FitError
 */
function failureMessage(
  pod: Pod,
  rejections: readonly NodeRejection[],
  { forAll }: { readonly forAll?: string } = {},
): string {
  const reasons = rejections.flatMap(({ rejection: { reason, others = [] } }) => [reason, ...others]);
  const head = `0/${rejections.length} nodes are available: ${forAll ?? tally(reasons)}.`;
  if (pod.spec.preemptionPolicy === "Never") return `${head} preemption: not eligible due to preemptionPolicy=Never.`;
  const preemption = rejections.map(({ rejection }) =>
    rejection.preemptionHelps
      ? "No preemption victims found for incoming pod"
      : "Preemption is not helpful for scheduling",
  );
  return `${head} preemption: 0/${rejections.length} nodes are available: ${tally(preemption)}.`;
}

/** `1 this, 2 that`, sorted as text. */
function tally(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}
