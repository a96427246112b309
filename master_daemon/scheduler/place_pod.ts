import type { Pod } from "../../core/kinds/mod.ts";
import { failureMessage } from "./_failure_message.ts";
import { podUid } from "./_pod_uid.ts";
import {
  CycleState,
  type PostFilterResult,
  type Rejection,
  type SchedulerPlugin,
  type WeightedPlugin,
} from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why a pod was refused, and by whom. */
export interface Refusal {
  readonly plugin: SchedulerPlugin;
  readonly rejection: Rejection;
}

/** How one plug-in found the node that a pod goes to. */
export interface PluginScore {
  readonly plugin: string;
  /** 0 to 100. */
  readonly score: number;
  readonly weight: number;
}

/** Where a pod goes, or why nowhere. */
export type Placement =
  | {
      readonly node: NodeInfo;
      /** What plug-ins remember of it. */
      readonly state: CycleState;
      /** How many nodes were looked at. */
      readonly visited: number;
      /** How many of them fit. */
      readonly feasible: number;
      readonly scores: readonly PluginScore[];
    }
  | {
      readonly node: undefined;
      /** As Kubernetes words it. */
      readonly message: string;
      /** Who refused it somewhere: nobody when there is no node. */
      readonly refusedBy: readonly SchedulerPlugin[];
      /** Who refused which node. */
      readonly refusals: ReadonlyMap<NodeInfo, Refusal>;
      readonly visited: number;
      /** What is to be done so that it gets a node. */
      readonly postFilter: PostFilterResult | undefined;
    };

/** What placing depends on besides the pod and the cluster. */
export interface PlaceOptions {
  readonly plugins: readonly WeightedPlugin[];
  /** Breaks ties. */
  readonly random: () => number;
  /** Index of the node at which the search begins, so that large clusters are filled evenly. Default 0. */
  readonly startAt?: number;
  /** How many percent of the nodes that fit are enough to choose among; 0, the default: fewer in larger clusters. */
  readonly percentageOfNodesToScore?: number;
}

/** Finds the best node for a pod. Pure but for `random`, and for what it supposes of the snapshot meanwhile. */
export function placePod(pod: Pod, snapshot: Snapshot, options: PlaceOptions): Placement {
  const { nodes } = snapshot;
  if (nodes.length === 0) {
    const message = "no nodes available to schedule pods";
    return { node: undefined, message, refusedBy: [], refusals: new Map(), visited: 0, postFilter: undefined };
  }
  const { plugins, random, startAt = 0, percentageOfNodesToScore } = options;
  const search = preFilter(pod, snapshot, plugins);
  if ("rejection" in search) {
    const refusals = new Map(nodes.map((node) => [node, search] as const));
    return nowhere(pod, snapshot, options, { refusals, forAll: search.rejection.reason });
  }
  const { state, final, among } = search;
  const fits = (node: NodeInfo) => firstRefusal(pod, node, { snapshot, plugins, search });

  const nominated = snapshot.node(snapshot.nominationOf(pod) ?? "");
  if (nominated && !fits(nominated)) return { node: nominated, state, visited: 1, feasible: 1, scores: [] };

  const enough = nodesToFind(final?.length ?? nodes.length, percentageOfNodesToScore);
  let found = findFeasible(among ?? final ?? nodes, { fits, enough, startAt });
  // Nodes that an index ruled out are asked only for the reason.
  if (found.feasible.length === 0 && among) found = findFeasible(final ?? nodes, { fits, enough, startAt });
  const { feasible, refusals } = found;
  const visited = feasible.length + refusals.size;
  if (feasible.length === 0) {
    const count = nodes.length - (final?.length ?? nodes.length);
    const rest = count > 0 ? { count, by: search.finalBy } : undefined;
    return nowhere(pod, snapshot, options, { refusals, search, rest });
  }
  const best = chooseBest(pod, feasible, { snapshot, plugins, state, random });
  return { ...best, state, visited, feasible: feasible.length };
}

interface Search {
  readonly state: CycleState;
  /** Those that may refuse nodes. */
  readonly filters: readonly SchedulerPlugin[];
  /** The only nodes that are asked, when a plug-in says so, and such plug-ins. */
  readonly final: readonly NodeInfo[] | undefined;
  readonly finalBy: readonly SchedulerPlugin[];
  /** The fewest nodes among which those must be that fit, as an index has it. */
  readonly among: readonly NodeInfo[] | undefined;
}

function preFilter(pod: Pod, snapshot: Snapshot, plugins: readonly WeightedPlugin[]): Search | Refusal {
  const state = new CycleState();
  let final: readonly NodeInfo[] | undefined;
  let among: readonly NodeInfo[] | undefined;
  const finalBy: SchedulerPlugin[] = [];
  const filters: SchedulerPlugin[] = [];
  for (const { plugin } of plugins) {
    const result = plugin.preFilter?.(pod, snapshot, state);
    if (result === "skip") continue;
    if (plugin.filter) filters.push(plugin);
    if (!result) continue;
    if ("reason" in result) return { plugin, rejection: result };
    if (result.isFinal) {
      const wanted = new Set(result.nodes);
      final = final ? final.filter((node) => wanted.has(node)) : result.nodes;
      finalBy.push(plugin);
    } else if (!among || result.nodes.length < among.length) among = result.nodes;
  }
  if (final && among) {
    const wanted = new Set(final);
    among = among.filter((node) => wanted.has(node));
  }
  return { state, filters, final, finalBy, among };
}

function findFeasible(
  nodes: readonly NodeInfo[],
  options: {
    readonly fits: (node: NodeInfo) => Refusal | undefined;
    readonly enough: number;
    readonly startAt: number;
  },
): { readonly feasible: readonly NodeInfo[]; readonly refusals: Map<NodeInfo, Refusal> } {
  const { fits, enough, startAt } = options;
  const feasible: NodeInfo[] = [];
  const refusals = new Map<NodeInfo, Refusal>();
  for (let count = 0; count < nodes.length && feasible.length < enough; count++) {
    const node = nodes[(startAt + count) % nodes.length] as NodeInfo;
    const refusal = fits(node);
    if (refusal) refusals.set(node, refusal);
    else feasible.push(node);
  }
  return { feasible, refusals };
}

/** In a large cluster a part of the nodes that fit is enough to choose among. */
function nodesToFind(count: number, wantedPercentage = 0): number {
  if (count < 100 || wantedPercentage >= 100) return count;
  const percentage = wantedPercentage || Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor((count * percentage) / 100));
}

/**
 * Who refuses a node first. A pod must fit with those of at least its own priority that are to come to the node, and
 * without them, too: they may go elsewhere.
 *
 * @param options.search what the cycle began with; absent: what plug-ins found out then may not be so any more
 */
function firstRefusal(
  pod: Pod,
  node: NodeInfo,
  {
    snapshot,
    plugins,
    search,
  }: { readonly snapshot: Snapshot; readonly plugins: readonly WeightedPlugin[]; readonly search?: Search | undefined },
): Refusal | undefined {
  if (snapshot.hasNominations) {
    const before = snapshot
      .nominatedFor(node.name)
      .filter((other) => (other.spec.priority ?? 0) >= (pod.spec.priority ?? 0) && podUid(other) !== podUid(pod));
    const suppose = () => snapshot.supposing(before, node.name, () => refusalNow(pod, node, snapshot, plugins));
    const refusal = before.length > 0 ? suppose() : undefined;
    if (refusal) return refusal;
  }
  return search ? filterNode(pod, node, search) : refusalNow(pod, node, snapshot, plugins);
}

/** Who refuses a node first, as the snapshot is at this moment. */
function refusalNow(
  pod: Pod,
  node: NodeInfo,
  snapshot: Snapshot,
  plugins: readonly WeightedPlugin[],
): Refusal | undefined {
  const search = preFilter(pod, snapshot, plugins);
  return "rejection" in search ? search : filterNode(pod, node, search);
}

function filterNode(pod: Pod, node: NodeInfo, { filters, state }: Search): Refusal | undefined {
  for (let at = 0; at < filters.length; at++) {
    const plugin = filters[at] as SchedulerPlugin;
    const rejection = plugin.filter?.(pod, node, state);
    if (rejection) return { plugin, rejection };
  }
  return undefined;
}

function chooseBest(
  pod: Pod,
  nodes: readonly NodeInfo[],
  options: {
    readonly snapshot: Snapshot;
    readonly plugins: readonly WeightedPlugin[];
    readonly state: CycleState;
    readonly random: () => number;
  },
): { readonly node: NodeInfo; readonly scores: readonly PluginScore[] } {
  const { snapshot, plugins, state, random } = options;
  const [only] = nodes as readonly [NodeInfo];
  if (nodes.length === 1) return { node: only, scores: [] };
  const totals = new Float64Array(nodes.length);
  const parts: { readonly plugin: string; readonly weight: number; readonly scores: readonly number[] }[] = [];
  for (const { plugin, weight } of plugins) {
    if (!plugin.score || weight === 0 || plugin.preScore?.(pod, nodes, snapshot, state) === false) continue;
    const raw = nodes.map((node) => plugin.score?.(pod, node, state) ?? 0);
    const scores = plugin.normalizeScores?.(raw) ?? raw;
    for (let at = 0; at < totals.length; at++) totals[at] = (totals[at] ?? 0) + (scores[at] ?? 0) * weight;
    parts.push({ plugin: plugin.name, weight, scores });
  }
  const at = greatest(totals, random);
  const scores = parts.map(({ plugin, weight, scores }) => ({ plugin, weight, score: scores[at] ?? 0 }));
  return { node: nodes[at] ?? only, scores };
}

/** Where the greatest number is; of several, each is as likely. */
function greatest(numbers: Float64Array, random: () => number): number {
  let best = 0;
  let ties = 1;
  for (let at = 1; at < numbers.length; at++) {
    const [number, most] = [numbers[at] ?? 0, numbers[best] ?? 0];
    if (number > most) {
      best = at;
      ties = 1;
    } else if (number === most && random() * ++ties < 1) best = at;
  }
  return best;
}

interface Failure {
  readonly refusals: ReadonlyMap<NodeInfo, Refusal>;
  /** What every node is refused for. */
  readonly forAll?: string;
  /** Nodes that were not asked, and who ruled them out. */
  readonly rest?: { readonly count: number; readonly by: readonly SchedulerPlugin[] } | undefined;
  /** What the cycle began with. */
  readonly search?: Search;
}

function nowhere(pod: Pod, snapshot: Snapshot, { plugins, random }: PlaceOptions, failure: Failure): Placement {
  const { refusals } = failure;
  const search = failure.search?.filters.some(({ looksAtPods }) => looksAtPods) ? undefined : failure.search;
  const rejections = new Map([...refusals].map(([node, { rejection }]) => [node, rejection] as const));
  const fits = (node: NodeInfo) => firstRefusal(pod, node, { snapshot, plugins, search })?.rejection;
  let postFilter: PostFilterResult | undefined;
  for (const { plugin } of plugins) postFilter ??= plugin.postFilter?.(pod, { snapshot, rejections, random, fits });
  const { forAll, rest } = failure;
  return {
    node: undefined,
    message: failureMessage([...rejections.values()], {
      count: snapshot.nodes.length,
      forAll,
      rest: rest && { count: rest.count, reason: unsatisfied(rest.by) },
      postFilter: postFilter?.message,
    }),
    refusedBy: [...new Set([...[...refusals.values()].map(({ plugin }) => plugin), ...(rest?.by ?? [])])],
    refusals,
    visited: refusals.size,
    postFilter,
  };
}

function unsatisfied(plugins: readonly SchedulerPlugin[]): string {
  const names = plugins.map(({ name }) => name).sort();
  return `node(s) didn't satisfy plugin(s) [${names.join(" ")}]`;
}
