import { type LabelSelector, selectorFromObject } from "../../core/api/labels.ts";
import type { StringMap } from "../../core/api/meta.ts";
import type { Pod, PodAffinityTerm } from "../../core/kinds/mod.ts";

/** The labels of a namespace; undefined when there is none of that name. */
export type NamespaceLabels = (name: string) => StringMap | undefined;

/** A term of a pod's affinity, ready to be asked. */
export interface AffinityTerm {
  readonly topologyKey: string;
  /** Equal for terms that select the same pods. */
  readonly identity: string;
  /** Whether what it selects depends on the labels of namespaces. */
  readonly asksNamespaces: boolean;
  selects(pod: Pod, namespaceLabels: NamespaceLabels): boolean;
}

/** A term that is wished for: more for a greater weight. */
export interface WeightedTerm {
  readonly term: AffinityTerm;
  readonly weight: number;
}

/** What a pod wants of its neighbours. */
export interface PodTerms {
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
}

const noTerms: PodTerms = { affinity: [], antiAffinity: [], preferredAffinity: [], preferredAntiAffinity: [] };

/** The terms of a pod. @see https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/ */
export function podTerms(pod: Pod): PodTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return noTerms;
  const weighted = (list: NonNullable<typeof podAffinity>["preferredDuringSchedulingIgnoredDuringExecution"] = []) =>
    list.map(({ weight, podAffinityTerm }) => ({ weight, term: affinityTerm(podAffinityTerm, pod) }));
  const required = (list: readonly PodAffinityTerm[] = []) => list.map((term) => affinityTerm(term, pod));
  return {
    affinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

/** A selector that wants the pod's own values of some labels, too, or keeps off those of others. */
export function withLabelKeys(
  selector: LabelSelector,
  { labels = {} }: Pod["metadata"],
  {
    matchLabelKeys = [],
    mismatchLabelKeys = [],
  }: { readonly matchLabelKeys?: readonly string[]; readonly mismatchLabelKeys?: readonly string[] },
): LabelSelector {
  const own = (keys: readonly string[], operator: "In" | "NotIn") =>
    keys
      .filter((key) => Object.hasOwn(labels, key))
      .map((key) => ({ key, operator, values: [labels[key] ?? ""] }) as const);
  const added = [...own(matchLabelKeys, "In"), ...own(mismatchLabelKeys, "NotIn")];
  if (added.length === 0) return selector;
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] };
}

function affinityTerm(term: PodAffinityTerm, pod: Pod): AffinityTerm {
  const { topologyKey, labelSelector } = term;
  const selector = selectorFromObject(labelSelector && withLabelKeys(labelSelector, pod.metadata, term));
  const namespaceSelector = term.namespaceSelector && selectorFromObject(term.namespaceSelector);
  const named = term.namespaces ?? [];
  const namespaces = new Set(named.length === 0 && !namespaceSelector ? [pod.metadata.namespace ?? ""] : named);
  const asksNamespaces = namespaceSelector !== undefined && !namespaceSelector.empty;
  return {
    topologyKey,
    identity: JSON.stringify([
      [...namespaces].sort(),
      namespaceSelector ? namespaceSelector.toString() : null,
      labelSelector ? selector.toString() : null,
    ]),
    asksNamespaces,
    selects({ metadata: { namespace = "", labels } }, namespaceLabels) {
      if (!selector.matches(labels)) return false;
      if (namespaces.has(namespace) || namespaceSelector?.empty) return true;
      return asksNamespaces && namespaceSelector.matches(namespaceLabels(namespace) ?? {});
    },
  };
}
