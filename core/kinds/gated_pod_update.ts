import type { StringMap } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { compact } from "../util/compact.ts";
import type { Affinity, NodeSelectorTerm, PodSpec } from "./pod.ts";
import { semanticEqual } from "./semantic_equal.ts";
import type { FieldErrors } from "./validators.ts";

type NodeAffinity = NonNullable<Affinity["nodeAffinity"]>;

/**
 * What may not change in where a gated pod may go: it may only be narrowed.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, validateNodeSelectorMutation and validateNodeAffinityMutation
 */
export function checkGatedUpdate(next: PodSpec, previous: PodSpec): FieldErrors {
  if (!isGated(previous)) return [];
  const { nodeSelector = {} } = next;
  const detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
  return [
    ...(onlyAdds(nodeSelector, previous.nodeSelector)
      ? []
      : [fieldError.invalid("spec.nodeSelector", nodeSelector, detail)]),
    ...checkNodeAffinity(next.affinity?.nodeAffinity, previous.affinity?.nodeAffinity),
  ];
}

/** `spec` with where it may go taken from `previous`, for a gated pod. */
export function withPlaceOf(spec: PodSpec, previous: PodSpec): PodSpec {
  if (!isGated(previous)) return spec;
  const affinity = compact<Affinity>({ ...spec.affinity, nodeAffinity: previous.affinity?.nodeAffinity });
  return compact<PodSpec>({ ...spec, nodeSelector: previous.nodeSelector, affinity });
}

function isGated({ schedulingGates }: PodSpec): boolean {
  return (schedulingGates?.length ?? 0) > 0;
}

function onlyAdds(next: StringMap, old: StringMap = {}): boolean {
  return Object.entries(old).every(([key, value]) => Object.hasOwn(next, key) && next[key] === value);
}

function checkNodeAffinity(next: NodeAffinity | undefined, previous: NodeAffinity | undefined): FieldErrors {
  const required = "requiredDuringSchedulingIgnoredDuringExecution";
  const field = `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms`;
  const [terms, old] = [next, previous].map((affinity) => affinity?.[required]?.nodeSelectorTerms ?? []);
  if (!terms || !old?.length) return [];
  if (terms.length !== old.length) {
    const detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
    return [fieldError.invalid(field, terms, detail)];
  }
  return terms.flatMap((term, index) =>
    onlyAddsTo(term, old[index] ?? {})
      ? []
      : [fieldError.invalid(`${field}[${index}]`, term, "only additions are allowed (no mutations or deletions)")],
  );
}

function onlyAddsTo(next: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const lists = ["matchExpressions", "matchFields"] as const;
  // An empty term matches no node: nothing may be added to it.
  if (lists.every((list) => !old[list]?.length)) return lists.every((list) => !next[list]?.length);
  return lists.every((list) => {
    const before = old[list] ?? [];
    return semanticEqual(next[list]?.slice(0, before.length), before);
  });
}
