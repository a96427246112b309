import type { StringMap } from "../../core/api/meta.ts";
import { safeLetters } from "../../core/api/safe_letters.ts";
import type { PodTemplateSpec } from "../../core/kinds/mod.ts";

/** The label that keeps the pods of a Deployment's ReplicaSets apart. */
export const podTemplateHashLabel = "pod-template-hash";

/**
 * A short name part that stands for a pod template: equal templates give equal hashes; `collisionCount` gives another one
 * when two templates that differ met in one hash.
 */
export function podTemplateHash(template: PodTemplateSpec, collisionCount = 0): string {
  const text = `${stableJson(withoutHash(template))}#${collisionCount}`;
  return [...String(fnv1a(new TextEncoder().encode(text)))]
    .map((digit) => safeLetters[digit.charCodeAt(0) % safeLetters.length])
    .join("");
}

/** Whether two templates make the same pods, whatever hash they are labelled with. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return stableJson(withoutHash(a)) === stableJson(withoutHash(b));
}

/** A copy of `map` with one more entry. */
export function withEntry(map: StringMap | undefined, name: string, value: string): StringMap {
  return Object.fromEntries([...Object.entries(map ?? {}).filter(([key]) => key !== name), [name, value]]);
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([name]) => name !== podTemplateHashLabel);
  return { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(labels) } };
}

/** FNV-1a with 32 bits. @see http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** JSON with sorted members; null, undefined and empty lists count as absent. */
function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== null && member !== undefined && !(Array.isArray(member) && member.length === 0))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${stableJson(member)}`);
  return `{${members.join(",")}}`;
}
