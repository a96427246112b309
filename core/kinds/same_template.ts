import type { PodTemplateSpec } from "./pod.ts";
import { isPlainZero } from "./semantic_equal.ts";

/** The label that keeps the pods of a Deployment's ReplicaSets apart. */
export const podTemplateHashLabel = "pod-template-hash";

/** Whether two templates make the same pods, whatever hash they are labelled with. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return templateText(a) === templateText(b);
}

/** A text that templates have in common where they make the same pods. */
export function templateText(template: PodTemplateSpec): string {
  return stableJson(withoutHash(template));
}

/** A template as its owner has it. */
export function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([name]) => name !== podTemplateHashLabel);
  return { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(labels) } };
}

/** JSON with sorted members; null, undefined and empty lists count as absent, and so do false and 0 where they say no more. */
function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(
      ([name, member]) =>
        member !== null &&
        member !== undefined &&
        !(Array.isArray(member) && member.length === 0) &&
        !isPlainZero(name, member),
    )
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${stableJson(member)}`);
  return `{${members.join(",")}}`;
}
