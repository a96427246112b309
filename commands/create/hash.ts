import { goJson } from "../../core/api/go_json.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { sha256 } from "../../core/platform/hash.ts";

/** Letters that could make words are replaced. */
const replacements: ReadonlyMap<string, string> = new Map([
  ["0", "g"],
  ["1", "h"],
  ["3", "k"],
  ["a", "m"],
  ["e", "t"],
]);

/** The name with a hash of what the object holds. @see k8s.io/kubectl/pkg/util/hash */
export function withHash(name: string, content: JsonObject): string {
  const hex = sha256(goJson({ ...content, name })).slice(0, 10);
  return `${name}-${[...hex].map((digit) => replacements.get(digit) ?? digit).join("")}`;
}
