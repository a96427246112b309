import { type Selector, selectorFromObject } from "../../../core/api/labels.ts";
import type { Pod } from "../../../core/kinds/mod.ts";
import { isNodeWanted } from "../../../core/kinds/node_selection.ts";
import { untolerated } from "../../../core/kinds/tolerates.ts";
import { withLabelKeys } from "../_affinity_terms.ts";
import type { NodeCounts } from "../_node_counts.ts";
import { type ClusterEvent, maxScore, type SchedulerPlugin } from "../framework.ts";
import type { NodeInfo } from "../node_info.ts";
import type { Snapshot } from "../snapshot.ts";

const name = "PodTopologySpread";
const hostname = "kubernetes.io/hostname";

type PodConstraint = NonNullable<Pod["spec"]["topologySpreadConstraints"]>[number];

/** A constraint for pods that have none, but for its selector: that of the pod's services and workload. */
export type DefaultConstraint = Pick<PodConstraint, "maxSkew" | "topologyKey" | "whenUnsatisfiable">;

/** Options of {@linkcode podTopologySpread}. */
export interface PodTopologySpreadOptions {
  /** Constraints for pods that have none. Default: Kubernetes' own. */
  readonly defaultConstraints?: readonly DefaultConstraint[];
}

const systemConstraints: readonly DefaultConstraint[] = [
  { topologyKey: hostname, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

interface Constraint {
  readonly maxSkew: number;
  readonly key: string;
  readonly selector: Selector;
  readonly minDomains: number;
  readonly asksAffinity: boolean;
  readonly asksTaints: boolean;
}

/** A constraint with the pods that it counts. */
interface Spread {
  readonly key: string;
  readonly maxSkew: number;
  /** 1 where the pod counts itself. */
  readonly self: number;
  readonly counts: ReadonlyMap<string, number>;
  /** The fewest that a domain has. */
  readonly least: number;
}

interface ScoreState {
  readonly parts: readonly {
    readonly key: string;
    readonly maxSkew: number;
    readonly weight: number;
    countOn(node: NodeInfo): number;
  }[];
  /** Without the labels that they would be compared by. */
  readonly ignored: ReadonlySet<NodeInfo>;
}

/**
 * Spreads the pods of a workload over domains: nodes, zones, whatever nodes are labelled with.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
 */
export function podTopologySpread({ defaultConstraints }: PodTopologySpreadOptions = {}): SchedulerPlugin {
  const constraintsOf = (pod: Pod, snapshot: Snapshot, action: string) =>
    constraints(pod, snapshot, { action, defaults: defaultConstraints ?? systemConstraints });
  return {
    name,
    helpedBy: ["pod-added", "pod-updated", "pod-deleted", "node-added", "node-updated", "node-deleted"],
    isHelpedBy: concerns,
    looksAtPods: true,
    preFilter(pod, snapshot, state) {
      const found = constraintsOf(pod, snapshot, "DoNotSchedule");
      if (found.length === 0) return "skip";
      state.once(name, () => spreads(pod, found, snapshot));
      return undefined;
    },
    filter(_pod, { labels }, state) {
      for (const { key, maxSkew, self, counts, least } of state.get<readonly Spread[]>(name) ?? []) {
        if (!Object.hasOwn(labels, key))
          return { reason: "node(s) didn't match pod topology spread constraints (missing required label)" };
        if ((counts.get(labels[key] ?? "") ?? 0) + self - least > maxSkew)
          return { reason: "node(s) didn't match pod topology spread constraints", preemptionHelps: true };
      }
      return undefined;
    },
    preScore(pod, nodes, snapshot, state) {
      const found = constraintsOf(pod, snapshot, "ScheduleAnyway");
      // A node without a zone can still be compared by what is on it.
      const needsAll = pod.spec.topologySpreadConstraints !== undefined || defaultConstraints !== undefined;
      if (found.length > 0) state.once(`${name}.score`, () => scoreState(pod, nodes, found, { snapshot, needsAll }));
      return found.length > 0;
    },
    score(_pod, node, state) {
      const found = state.get<ScoreState>(`${name}.score`);
      if (!found) return 0;
      if (found.ignored.has(node)) return Number.NaN;
      let score = 0;
      for (const { key, maxSkew, weight, countOn } of found.parts)
        if (Object.hasOwn(node.labels, key)) score += countOn(node) * weight + (maxSkew - 1);
      return Math.round(score);
    },
    normalizeScores(scores) {
      let [least, most] = [Number.POSITIVE_INFINITY, 0];
      for (const score of scores) {
        if (score < least) least = score;
        if (score > most) most = score;
      }
      return scores.map((score) => {
        if (Number.isNaN(score)) return 0;
        return most === 0 ? maxScore : Math.floor((maxScore * (most + least - score)) / most);
      });
    },
  };
}

function constraints(
  pod: Pod,
  snapshot: Snapshot,
  { action, defaults }: { readonly action: string; readonly defaults: readonly DefaultConstraint[] },
): readonly Constraint[] {
  const own = pod.spec.topologySpreadConstraints ?? [];
  if (own.length > 0) {
    return own
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
      .map((constraint) => ({
        maxSkew: constraint.maxSkew,
        key: constraint.topologyKey,
        selector: selectorFromObject(
          constraint.labelSelector &&
            withLabelKeys(constraint.labelSelector, pod.metadata, { matchLabelKeys: constraint.matchLabelKeys ?? [] }),
        ),
        minDomains: constraint.minDomains ?? 1,
        asksAffinity: constraint.nodeAffinityPolicy !== "Ignore",
        asksTaints: constraint.nodeTaintsPolicy === "Honor",
      }));
  }
  const wanted = defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action);
  const selector = wanted.length > 0 ? snapshot.cluster.workloadSelector(pod) : undefined;
  if (!selector) return [];
  return wanted.map(({ maxSkew, topologyKey }) => ({
    maxSkew,
    key: topologyKey,
    selector,
    minDomains: 1,
    asksAffinity: true,
    asksTaints: false,
  }));
}

function spreads(pod: Pod, constraints: readonly Constraint[], snapshot: Snapshot): readonly Spread[] {
  return constraints.map((constraint) => {
    const { key, maxSkew, selector, minDomains } = constraint;
    const pods = snapshot.podsOfSelector(pod.metadata.namespace ?? "", selector);
    const { counts, domains } = domainCounts(pod, constraint, constraints, { snapshot, pods });
    let least = domains < minDomains || counts.size < domains ? 0 : Number.POSITIVE_INFINITY;
    if (least > 0) for (const count of counts.values()) if (count < least) least = count;
    return { key, maxSkew, self: selector.matches(pod.metadata.labels) ? 1 : 0, counts, least };
  });
}

/** How many pods each domain has that the pod could go to, and how many domains there are: some may have none. */
function domainCounts(
  pod: Pod,
  constraint: Constraint,
  all: readonly Constraint[],
  { snapshot, pods }: { readonly snapshot: Snapshot; readonly pods: NodeCounts },
): { readonly counts: ReadonlyMap<string, number>; readonly domains: number } {
  const { key } = constraint;
  const { byValue } = snapshot.nodesBy(key);
  const isEligible = eligibility(pod, constraint);
  const haveAllLabels = all.every((other) => snapshot.nodesBy(other.key).size === snapshot.nodes.length);
  // Every node counts: what is kept up to date needs no look at each of them.
  if (!isEligible && (all.length === 1 || haveAllLabels)) return { counts: pods.by(key), domains: byValue.size };
  const counts = new Map<string, number>();
  for (const [value, nodes] of byValue) {
    for (const node of nodes) {
      if (!all.every((other) => Object.hasOwn(node.labels, other.key)) || isEligible?.(node) === false) continue;
      counts.set(value, (counts.get(value) ?? 0) + pods.on(node));
    }
  }
  return { counts, domains: counts.size };
}

/** Which nodes count; undefined: all. */
function eligibility(pod: Pod, { asksAffinity, asksTaints }: Constraint): ((node: NodeInfo) => boolean) | undefined {
  const { nodeSelector = {}, affinity } = pod.spec;
  const isSelective =
    Object.keys(nodeSelector).length > 0 ||
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined;
  const looksAtAffinity = asksAffinity && isSelective;
  if (!looksAtAffinity && !asksTaints) return undefined;
  return ({ node, hardTaints }) =>
    (!looksAtAffinity || isNodeWanted(pod, node)) &&
    (!asksTaints || untolerated(hardTaints, pod.spec.tolerations, ["NoSchedule", "NoExecute"]) === undefined);
}

function scoreState(
  pod: Pod,
  nodes: readonly NodeInfo[],
  constraints: readonly Constraint[],
  { snapshot, needsAll }: { readonly snapshot: Snapshot; readonly needsAll: boolean },
): ScoreState {
  const hasAll = ({ labels }: NodeInfo) => constraints.every(({ key }) => Object.hasOwn(labels, key));
  const ignored = new Set(needsAll ? nodes.filter((node) => !hasAll(node)) : []);
  const parts = constraints.map((constraint) => {
    const { key, maxSkew, selector } = constraint;
    const pods = snapshot.podsOfSelector(pod.metadata.namespace ?? "", selector);
    if (key === hostname) {
      const weight = Math.log(nodes.length - ignored.size + 2);
      return { key, maxSkew, weight, countOn: (node: NodeInfo) => pods.on(node) };
    }
    const values = new Set<string>();
    for (const node of nodes) if (!ignored.has(node)) values.add(node.labels[key] ?? "");
    const { counts } = domainCounts(pod, constraint, needsAll ? constraints : [constraint], { snapshot, pods });
    const countOn = ({ labels }: NodeInfo) => counts.get(labels[key] ?? "") ?? 0;
    return { key, maxSkew, weight: Math.log(values.size + 2), countOn };
  });
  return { parts, ignored };
}

/** Whether a change of another pod changes what a pod's constraints count. */
function concerns(event: ClusterEvent, pod: Pod): boolean {
  if (!("pod" in event)) return true;
  const { topologySpreadConstraints: list } = pod.spec;
  if (!list) return true;
  const counts = ({ metadata }: Pod) =>
    metadata.namespace === pod.metadata.namespace &&
    list.some(({ labelSelector }) => selectorFromObject(labelSelector).matches(metadata.labels));
  return counts(event.pod) || (event.type === "pod-updated" && counts(event.previous));
}
