import type { Pod } from "../../core/kinds/mod.ts";
import { bestNode } from "./_best_node.ts";
import { failureMessage } from "./_failure_message.ts";
import { podNeeds } from "./_pod_needs.ts";
import { podUid } from "./_pod_uid.ts";
import {
  CycleState,
  type PostFilterContext,
  type PostFilterResult,
  type Refusal,
  type SchedulerPlugin,
  type WeightedPlugin,
} from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";
import type { Placement, Unplaced } from "./placement.ts";
import type { Snapshot } from "./snapshot.ts";

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

/** Nodes that a pod fits on, at least one. */
export interface FoundNodes {
  readonly nodes: readonly NodeInfo[];
  readonly state: CycleState;
  readonly visited: number;
  /** Whether it is the node that the pod is nominated for, and no other was looked at. */
  readonly isNominated: boolean;
  /** What comes of it when others refuse those nodes, too. */
  nowhere(refused: ReadonlyMap<NodeInfo, Refusal>): Unplaced;
}

/** Finds the best node for a pod. Pure but for `random`, and for what it supposes of the snapshot meanwhile. */
export function placePod(pod: Pod, snapshot: Snapshot, options: PlaceOptions): Placement {
  const found = findNodes(pod, snapshot, options);
  return "nodes" in found ? chooseNode(pod, snapshot, found, options) : found;
}

/** Finds nodes that a pod fits on: all, or in a large cluster enough of them; the node that it is nominated for alone where it does. */
export function findNodes(
  pod: Pod,
  snapshot: Snapshot,
  options: PlaceOptions & { readonly ignoresNomination?: boolean },
): FoundNodes | Unplaced {
  const { nodes } = snapshot;
  if (nodes.length === 0) {
    const message = "no nodes available to schedule pods";
    return { node: undefined, message, refusedBy: [], refusals: new Map(), visited: 0, postFilter: undefined };
  }
  const { plugins, startAt = 0, percentageOfNodesToScore, ignoresNomination = false } = options;
  const search = preFilter(pod, snapshot, plugins);
  if ("rejection" in search) {
    const refusals = new Map(nodes.map((node) => [node, search] as const));
    return nowhere(pod, snapshot, options, { refusals, forAll: search.rejection.reason });
  }
  const { state, final, among } = search;
  const fits = (node: NodeInfo) => firstRefusal(pod, node, { snapshot, plugins, search });

  const nominated = ignoresNomination ? undefined : snapshot.node(snapshot.nominationOf(pod) ?? "");
  if (nominated && !fits(nominated)) {
    const alone = (refusals: ReadonlyMap<NodeInfo, Refusal>) => nowhere(pod, snapshot, options, { refusals, search });
    return { nodes: [nominated], state, visited: 1, isNominated: true, nowhere: alone };
  }

  const enough = nodesToFind(final?.length ?? nodes.length, percentageOfNodesToScore);
  let found = findFeasible(among ?? final ?? nodes, { fits, enough, startAt });
  // Nodes that an index ruled out are asked only for the reason.
  if (found.feasible.length === 0 && among) found = findFeasible(final ?? nodes, { fits, enough, startAt });
  const { feasible, refusals } = found;
  const visited = feasible.length + refusals.size;
  const refuse = (refused: ReadonlyMap<NodeInfo, Refusal>) => {
    const count = nodes.length - (final?.length ?? nodes.length);
    const rest = count > 0 ? { count, by: search.finalBy } : undefined;
    const all = refused.size === 0 ? refusals : new Map([...refusals, ...refused]);
    return nowhere(pod, snapshot, options, { refusals: all, search, rest });
  };
  if (feasible.length === 0) return refuse(new Map());
  return { nodes: feasible, state, visited, isNominated: false, nowhere: refuse };
}

/**
 * The best of the nodes that a pod fits on.
 *
 * @param options.added what others add to the scores of nodes
 */
export function chooseNode(
  pod: Pod,
  snapshot: Snapshot,
  { nodes, state, visited }: Pick<FoundNodes, "nodes" | "state" | "visited">,
  { plugins, random, added }: PlaceOptions & { readonly added?: ReadonlyMap<NodeInfo, number> },
): Placement {
  const best = bestNode(pod, nodes, { snapshot, plugins, state, random, added });
  return { ...best, state, visited, feasible: nodes.length };
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

/** What nodes are asked with. */
interface FilterContext {
  readonly snapshot: Snapshot;
  readonly plugins: readonly WeightedPlugin[];
  /** What the cycle began with; absent: what plug-ins found out then may not be so any more. */
  readonly search?: Search | undefined;
}

/**
 * Who refuses a node first. A pod must fit with those of at least its own priority that are to come to the node, and
 * without them, too: they may go elsewhere.
 */
function firstRefusal(pod: Pod, node: NodeInfo, { snapshot, plugins, search }: FilterContext): Refusal | undefined {
  const refusal = search ? filterNode(pod, node, search) : refusalNow(pod, node, snapshot, plugins);
  if (refusal || !snapshot.hasNominations) return refusal;
  const before = snapshot
    .nominatedFor(node.name)
    .filter((other) => (other.spec.priority ?? 0) >= (pod.spec.priority ?? 0) && podUid(other) !== podUid(pod));
  return before.length > 0 ? refusalBehind(before, pod, node, { snapshot, plugins, search }) : undefined;
}

/** Who refuses a node first when others are there before. */
function refusalBehind(
  before: readonly Pod[],
  pod: Pod,
  node: NodeInfo,
  { snapshot, plugins, search }: FilterContext,
): Refusal | undefined {
  // What keeps others away counts wherever those are.
  const isAlone =
    search && asksNodesAlone(search) && before.every((one) => podNeeds(one).terms.antiAffinity.length === 0);
  if (!isAlone) return snapshot.supposing(before, node.name, () => refusalNow(pod, node, snapshot, plugins));
  return snapshot.supposing(before, node.name, () => filterNode(pod, node, search), { asksNode: true });
}

/** Whether what the cycle began with holds whatever pods are on nodes. */
function asksNodesAlone({ filters }: Search): boolean {
  return !filters.some(({ looksAtPods }) => looksAtPods);
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

interface Failure {
  readonly refusals: ReadonlyMap<NodeInfo, Refusal>;
  /** What every node is refused for. */
  readonly forAll?: string;
  /** Nodes that were not asked, and who ruled them out. */
  readonly rest?: { readonly count: number; readonly by: readonly SchedulerPlugin[] } | undefined;
  /** What the cycle began with. */
  readonly search?: Search;
}

function nowhere(pod: Pod, snapshot: Snapshot, { plugins, random }: PlaceOptions, failure: Failure): Unplaced {
  const { refusals } = failure;
  const search = failure.search && asksNodesAlone(failure.search) ? failure.search : undefined;
  const fits = (node: NodeInfo) => firstRefusal(pod, node, { snapshot, plugins, search })?.rejection;
  let postFilter: PostFilterResult | undefined;
  const context: PostFilterContext = {
    snapshot,
    refusals,
    random,
    fits,
    without: (pods, ask) => snapshot.without(pods, ask, { asksNode: search !== undefined }),
  };
  for (const { plugin } of plugins) postFilter ??= plugin.postFilter?.(pod, context);
  const { forAll, rest } = failure;
  const refusedBy = new Set<SchedulerPlugin>();
  for (const { plugin } of refusals.values()) refusedBy.add(plugin);
  for (const plugin of rest?.by ?? []) refusedBy.add(plugin);
  return {
    node: undefined,
    message: failureMessage(refusals.values(), {
      count: snapshot.nodes.length,
      forAll,
      rest: rest && { count: rest.count, reason: unsatisfied(rest.by) },
      postFilter: postFilter?.message,
    }),
    refusedBy: [...refusedBy],
    refusals,
    visited: refusals.size,
    postFilter,
  };
}

function unsatisfied(plugins: readonly SchedulerPlugin[]): string {
  const names = plugins.map(({ name }) => name).sort();
  return `node(s) didn't satisfy plugin(s) [${names.join(" ")}]`;
}
