import type { StringMap } from "../../core/api/meta.ts";
import { safeLetters } from "../../core/api/safe_letters.ts";
import type { PodTemplateSpec } from "../../core/kinds/mod.ts";
import { templateText } from "../../core/kinds/same_template.ts";

/**
 * A short name part that stands for a pod template: equal templates give equal hashes; `collisionCount` gives another one
 * when two templates that differ met in one hash.
 */
export function podTemplateHash(template: PodTemplateSpec, collisionCount = 0): string {
  const text = `${templateText(template)}#${collisionCount}`;
  return [...String(fnv1a(new TextEncoder().encode(text)))]
    .map((digit) => safeLetters[digit.charCodeAt(0) % safeLetters.length])
    .join("");
}

/** A copy of `map` with one more entry. */
export function withEntry(map: StringMap | undefined, name: string, value: string): StringMap {
  return Object.fromEntries([...Object.entries(map ?? {}).filter(([key]) => key !== name), [name, value]]);
}

/** FNV-1a with 32 bits. @see http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
