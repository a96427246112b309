import type { StringMap } from "../api/meta.ts";
import type { Node } from "./node.ts";
import type { NodeSelectorRequirement, NodeSelectorTerm, Pod } from "./pod.ts";

/** Whether a node is one that the pod's nodeSelector and required node affinity ask for. */
export function isNodeWanted({ spec }: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => own(labels, key) === value);
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return selected && (!required || required.nodeSelectorTerms.some((term) => matchesNodeTerm(term, node)));
}

/** Whether a node is as a term has it. A term without requirements matches nothing. */
export function matchesNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { "metadata.name": node.metadata.name ?? "" };
  return (
    matchExpressions.every((requirement) => matches(requirement, node.metadata.labels ?? {})) &&
    matchFields.every((requirement) => matches(requirement, fields))
  );
}

function matches({ key, operator, values = [] }: NodeSelectorRequirement, labels: StringMap): boolean {
  const value = own(labels, key);
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      const [actual, bound] = [integer(value), integer(values[0])];
      if (actual === undefined || bound === undefined) return false;
      return operator === "Gt" ? actual > bound : actual < bound;
    }
  }
}

function own(labels: StringMap, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
}
