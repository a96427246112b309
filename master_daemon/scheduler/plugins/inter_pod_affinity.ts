import type { Pod } from "../../../core/kinds/mod.ts";
import type { NodeCounts } from "../_node_counts.ts";
import { podNeeds } from "../_pod_needs.ts";
import { type ClusterEvent, maxScore, type SchedulerPlugin } from "../framework.ts";
import type { NodeInfo } from "../node_info.ts";
import type { Snapshot } from "../snapshot.ts";

const name = "InterPodAffinity";

/** Pods by the values of one label of their nodes. */
interface Topology {
  readonly key: string;
  readonly counts: ReadonlyMap<string, number>;
}

interface FilterState {
  /** Where pods are that every required term of the pod selects. */
  readonly wanted: readonly Topology[];
  /** Whether nothing that is wanted is there yet, and the pod is such a one itself: it may be the first. */
  readonly mayBeFirst: boolean;
  /** Where pods are that the pod keeps off. */
  readonly avoided: readonly Topology[];
  /** Where pods are that keep the pod off. */
  readonly avoidedBy: readonly Topology[];
}

/** Counts of {@linkcode Topology} that a node scores, each with its weight. */
type ScoreState = readonly (Topology & { readonly weight: number })[];

/** Options of {@linkcode interPodAffinity}. */
export interface InterPodAffinityOptions {
  /** How much a pod's required affinity draws pods that it wants, 0 to 100. Default 1. */
  readonly hardPodAffinityWeight?: number;
  /** Whether what other pods prefer counts for pods only that prefer something themselves. Default false. */
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/**
 * Keeps pods near those that they want, and apart from those that they, or that do, not want.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
 */
export function interPodAffinity(options: InterPodAffinityOptions = {}): SchedulerPlugin {
  return {
    name,
    helpedBy: ["pod-added", "pod-updated", "pod-deleted", "node-added", "node-updated"],
    isHelpedBy: concerns,
    looksAtPods: true,
    preFilter(pod, snapshot, state) {
      const { affinity, antiAffinity } = podNeeds(pod).terms;
      const counts = affinity.length > 0 ? snapshot.podsOfTerms(affinity) : undefined;
      const found: FilterState = {
        wanted: affinity.map(({ topologyKey }) => topology(topologyKey, counts)),
        mayBeFirst:
          affinity.every(({ topologyKey }) => counts?.by(topologyKey).size === 0) &&
          affinity.every((term) => term.selects(pod, (namespace) => snapshot.cluster.namespaceLabels(namespace))),
        avoided: antiAffinity.map((term) => topology(term.topologyKey, snapshot.podsOfTerms([term]))),
        avoidedBy: snapshot
          .termsSelecting(pod, "antiAffinity")
          .map(({ term, counts }) => topology(term.topologyKey, counts)),
      };
      if (found.wanted.length + found.avoided.length + found.avoidedBy.length === 0) return "skip";
      state.once(name, () => found);
      return found.mayBeFirst ? undefined : narrowest(found.wanted, snapshot);
    },
    filter(_pod, { labels }, state) {
      const found = state.get<FilterState>(name);
      if (!found) return undefined;
      const { wanted, mayBeFirst, avoided, avoidedBy } = found;
      const isThere = ({ key, counts }: Topology) => Object.hasOwn(labels, key) && counts.has(labels[key] ?? "");
      const isWanted = mayBeFirst ? wanted.every(({ key }) => Object.hasOwn(labels, key)) : wanted.every(isThere);
      if (!isWanted) return { reason: "node(s) didn't match pod affinity rules" };
      if (avoided.some(isThere))
        return { reason: "node(s) didn't match pod anti-affinity rules", preemptionHelps: true };
      if (avoidedBy.some(isThere))
        return { reason: "node(s) didn't satisfy existing pods anti-affinity rules", preemptionHelps: true };
      return undefined;
    },
    preScore(pod, _nodes, snapshot, state) {
      const found = scoreState(pod, snapshot, options).filter(({ counts, weight }) => counts.size > 0 && weight !== 0);
      state.once(`${name}.score`, () => found);
      return found.length > 0;
    },
    score(_pod, { labels }, state) {
      let score = 0;
      for (const { key, counts, weight } of state.get<ScoreState>(`${name}.score`) ?? [])
        if (Object.hasOwn(labels, key)) score += weight * (counts.get(labels[key] ?? "") ?? 0);
      return score;
    },
    normalizeScores(scores) {
      const most = scores.reduce((max, score) => Math.max(max, score), Number.NEGATIVE_INFINITY);
      const least = scores.reduce((min, score) => Math.min(min, score), Number.POSITIVE_INFINITY);
      return scores.map((score) => (most > least ? Math.floor((maxScore * (score - least)) / (most - least)) : 0));
    },
  };
}

function topology(key: string, counts: NodeCounts | undefined): Topology {
  return { key, counts: counts?.by(key) ?? new Map() };
}

/** The nodes of the term with the fewest places, where it has few. */
function narrowest(wanted: readonly Topology[], snapshot: Snapshot) {
  const [fewest] = wanted.toSorted((a, b) => a.counts.size - b.counts.size);
  if (!fewest) return undefined;
  const { byValue } = snapshot.nodesBy(fewest.key);
  const nodes: NodeInfo[] = [];
  for (const value of fewest.counts.keys()) nodes.push(...(byValue.get(value) ?? []));
  return nodes.length * 2 < snapshot.nodes.length ? { nodes } : undefined;
}

function scoreState(
  pod: Pod,
  snapshot: Snapshot,
  { hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false }: InterPodAffinityOptions,
): ScoreState {
  const { preferredAffinity, preferredAntiAffinity } = podNeeds(pod).terms;
  const own = (list: typeof preferredAffinity, sign: 1 | -1) =>
    list.map(({ term, weight }) => ({
      ...topology(term.topologyKey, snapshot.podsOfTerms([term])),
      weight: sign * weight,
    }));
  const others = (kind: "affinity" | "preferredAffinity" | "preferredAntiAffinity", factor: number) =>
    snapshot
      .termsSelecting(pod, kind)
      .map(({ term, weight, counts }) => ({ ...topology(term.topologyKey, counts), weight: factor * weight }));
  const asksSomething = preferredAffinity.length + preferredAntiAffinity.length > 0;
  return [
    ...own(preferredAffinity, 1),
    ...own(preferredAntiAffinity, -1),
    ...(ignorePreferredTermsOfExistingPods && !asksSomething
      ? []
      : [
          ...others("affinity", hardPodAffinityWeight),
          ...others("preferredAffinity", 1),
          ...others("preferredAntiAffinity", -1),
        ]),
  ];
}

/** Whether a change of another pod has to do with what a pod wants, or with what wants it away. */
function concerns(event: ClusterEvent, pod: Pod): boolean {
  if (!("pod" in event)) return true;
  const { affinity, antiAffinity } = podNeeds(pod).terms;
  // Without the labels of namespaces it may only be said that a term selects: then it may help.
  const mayConcern = (other: Pod) =>
    affinity.some((term) => term.asksNamespaces || term.selects(other, () => undefined)) ||
    antiAffinity.some((term) => term.asksNamespaces || term.selects(other, () => undefined)) ||
    podNeeds(other).terms.antiAffinity.some((term) => term.asksNamespaces || term.selects(pod, () => undefined));
  if (event.type === "pod-updated") return mayConcern(event.pod) || mayConcern(event.previous);
  if (event.type === "pod-added")
    return affinity.some((term) => term.asksNamespaces || term.selects(event.pod, () => undefined));
  return mayConcern(event.pod);
}
