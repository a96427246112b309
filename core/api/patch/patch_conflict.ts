import { getOwn, isJsonObject, jsonEqual } from "../json_object.ts";
import { jsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type FieldFacts, fieldFacts } from "./facts.ts";
import { directiveKey, retainKeysKey } from "./strategic_patch.ts";

/**
 * Whether two strategic merge patches say different things of the same: one sets what the other sets otherwise or removes.
 *
 * @param type schema id of what they patch
 * @see k8s.io/apimachinery/pkg/util/strategicpatch MergingMapsHaveConflicts
 */
export function patchesConflict(left: JsonObject, right: JsonObject, type: string | undefined): boolean {
  // A directive is about the whole.
  if (!jsonEqual(getOwn(left, directiveKey) ?? null, getOwn(right, directiveKey) ?? null)) return true;
  return Object.entries(left).some(([field, value]) => {
    const other = getOwn(right, field);
    if (other === undefined || field === directiveKey || field === retainKeysKey) return false;
    return valuesConflict(value, other, fieldFacts(type, field));
  });
}

function valuesConflict(left: Json, right: Json, facts: FieldFacts): boolean {
  if (isJsonObject(left)) {
    if (!isJsonObject(right)) return true;
    return facts.strategy !== "replace" && patchesConflict(left, right, facts.type);
  }
  if (!Array.isArray(left)) return !jsonEqual(left, right);
  return !Array.isArray(right) || listsConflict(left, right, facts);
}

function listsConflict(left: readonly Json[], right: readonly Json[], facts: FieldFacts): boolean {
  const { strategy, mergeKey, type } = facts;
  const ofItems: FieldFacts = type === undefined ? {} : { type };
  if (strategy === "merge") {
    // Values are added to each other.
    if (mergeKey === undefined) return false;
    const others = new Map(right.map((item) => [idOf(item, mergeKey), item]));
    return left.some((item) => {
      const id = idOf(item, mergeKey);
      const other = others.get(id);
      return id === undefined || (other !== undefined && valuesConflict(item, other, ofItems));
    });
  }
  if (left.length !== right.length) return true;
  const [mine, theirs] = left.every(isJsonObject) ? [left, right] : [sorted(left), sorted(right)];
  return mine.some((item, index) => valuesConflict(item, theirs[index] ?? null, ofItems));
}

function idOf(item: Json, mergeKey: string): string | undefined {
  const value = isJsonObject(item) ? getOwn(item, mergeKey) : undefined;
  return value === undefined ? undefined : jsonText(value);
}

/** Values of a list whose order does not matter. */
function sorted(values: readonly Json[]): readonly Json[] {
  return [...values].sort((a, b) => (jsonText(a) < jsonText(b) ? -1 : 1));
}
