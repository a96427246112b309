import { checkDepth, getOwn, isJsonObject, jsonEqual } from "../json_object.ts";
import { jsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type FieldFacts, fieldFacts, listKeyDefault } from "./facts.ts";
import {
  applyStrategicPatch,
  deleteFromListPrefix,
  directiveKey,
  elementOrderPrefix,
  retainKeysKey,
} from "./strategic_patch.ts";

/**
 * The strategic merge patch that `kubectl apply` sends: what `modified` says is set, what `original` said and `modified`
 * no longer does is removed, everything else in `current` stays. Empty when nothing changes.
 *
 * @param original what was applied last; undefined when nothing was
 * @param type schema id, e.g. `io.k8s.api.apps.v1.Deployment`
 * @see k8s.io/apimachinery/pkg/util/strategicpatch CreateThreeWayMergePatch
 */
export function createStrategicPatch(
  original: JsonObject | undefined,
  modified: JsonObject,
  current: JsonObject,
  type: string,
): JsonObject {
  return diffObject({ original, modified, current }, type, 0);
}

/**
 * The same as a JSON merge patch, for kinds without facts (custom resources): lists are replaced.
 *
 * @see k8s.io/apimachinery/pkg/util/jsonmergepatch CreateThreeWayJSONMergePatch
 */
export function createMergePatch(
  original: JsonObject | undefined,
  modified: JsonObject,
  current: JsonObject,
): JsonObject {
  return diffObject({ original, modified, current }, undefined, 0);
}

interface ThreeWay<T> {
  readonly original: T | undefined;
  readonly modified: T;
  readonly current: T;
}
type Patch = Map<string, Json>;

function diffObject(
  { original, modified, current }: ThreeWay<JsonObject>,
  type: string | undefined,
  depth: number,
  keepsOnlyModified = false,
): JsonObject {
  checkDepth(depth);
  const patch: Patch = new Map();
  for (const [field, wanted] of Object.entries(modified)) {
    const now = getOwn(current, field);
    if (wanted === null) {
      if (now !== undefined) patch.set(field, null);
    } else if (now === undefined || kindOf(now) !== kindOf(wanted)) patch.set(field, wanted);
    else diffField(patch, field, { original: getOwn(original, field), modified: wanted, current: now }, type, depth);
  }
  for (const field of Object.keys(original ?? {}))
    if (!Object.hasOwn(modified, field) && Object.hasOwn(current, field)) patch.set(field, null);
  if (keepsOnlyModified && patch.size > 0) {
    const kept = Object.keys(modified).filter((key) => getOwn(modified, key) !== null);
    patch.set(retainKeysKey, kept.sort());
    // What is not retained goes anyway.
    for (const [key, value] of patch) if (value === null) patch.delete(key);
  }
  return Object.fromEntries(patch);
}

function kindOf(value: Json): string {
  return Array.isArray(value) ? "array" : typeof value;
}

function diffField(
  patch: Patch,
  field: string,
  { original, modified, current }: ThreeWay<Json>,
  type: string | undefined,
  depth: number,
): void {
  const facts = fieldFacts(type, field);
  if (isJsonObject(modified) && isJsonObject(current) && facts.strategy !== "replace") {
    const before = isJsonObject(original) ? original : undefined;
    const change = diffObject({ original: before, modified, current }, facts.type, depth + 1, facts.retainKeys);
    if (Object.keys(change).length > 0) patch.set(field, change);
  } else if (Array.isArray(modified) && Array.isArray(current) && facts.strategy === "merge") {
    const lists = { original: Array.isArray(original) ? original : [], modified, current };
    if (facts.mergeKey === undefined) diffValues(patch, field, lists);
    else diffItems(patch, field, lists, { ...facts, mergeKey: facts.mergeKey }, depth);
  } else if (!jsonEqual(modified, current)) patch.set(field, modified);
}

interface Lists {
  readonly original: readonly Json[];
  readonly modified: readonly Json[];
  readonly current: readonly Json[];
}

/** A merged list of plain values, e.g. finalizers. */
function diffValues(patch: Patch, field: string, { original, modified, current }: Lists): void {
  const wanted = new Set(modified);
  const present = new Set(current);
  const additions = [...wanted].filter((value) => !present.has(value));
  const deletions = [...new Set(original)].filter((value) => !wanted.has(value) && present.has(value));
  if (additions.length > 0) patch.set(field, additions);
  if (deletions.length > 0) patch.set(`${deleteFromListPrefix}${field}`, deletions);
  const orderDiffers = !jsonEqual(
    current.filter((value) => wanted.has(value)),
    [...wanted].filter((value) => present.has(value)),
  );
  if (additions.length > 0 || deletions.length > 0 || orderDiffers)
    patch.set(`${elementOrderPrefix}${field}`, [...wanted]);
}

/** A merged list of objects, e.g. containers. */
function diffItems(
  patch: Patch,
  field: string,
  { original, modified, current }: Lists,
  facts: FieldFacts & { readonly mergeKey: string },
  depth: number,
): void {
  const { mergeKey } = facts;
  const before = indexBy(original, [mergeKey]);
  const wanted = indexBy(modified, [mergeKey]);
  const present = indexBy(current, [mergeKey]);
  if (!before || !wanted || !present) {
    replaceItems(patch, field, { original, modified, current }, facts, depth);
    return;
  }
  const items: Json[] = [];
  for (const [id, item] of wanted) {
    const now = present.get(id);
    const change = now && diffItem({ original: before.get(id), modified: item, current: now }, facts, depth);
    if (!change) items.push(item);
    else if (Object.keys(change).length > 0) items.push({ ...change, [mergeKey]: getOwn(item, mergeKey) ?? null });
  }
  for (const [id, item] of before)
    if (!wanted.has(id) && present.has(id))
      items.push({ [directiveKey]: "delete", [mergeKey]: getOwn(item, mergeKey) ?? null });
  const kept = (index: ReadonlyMap<string, JsonObject>) => [...index.keys()].filter((id) => wanted.has(id));
  const common = [...wanted.keys()].filter((id) => present.has(id));
  if (items.length > 0) patch.set(field, items);
  if (items.length > 0 || !jsonEqual(kept(present), common))
    patch.set(
      `${elementOrderPrefix}${field}`,
      [...wanted.values()].map((item) => ({ [mergeKey]: getOwn(item, mergeKey) ?? null })),
    );
}

function diffItem(items: ThreeWay<JsonObject>, { type, retainKeys }: FieldFacts, depth: number): JsonObject {
  return diffObject(items, type, depth + 1, retainKeys);
}

/**
 * The merge key does not tell the items apart (port 53 over TCP and UDP): merges here by the keys that do, and replaces
 * the list as a whole.
 */
function replaceItems(
  patch: Patch,
  field: string,
  { original, modified, current }: Lists,
  facts: FieldFacts & { readonly mergeKey: string },
  depth: number,
): void {
  const keys = facts.listKeys ?? [facts.mergeKey];
  const before = indexBy(original, keys);
  const wanted = indexBy(modified, keys);
  const present = indexBy(current, keys);
  let result: readonly Json[] = modified;
  if (before && wanted && present) {
    const merged = [...wanted].map(([id, item]): Json => {
      const now = present.get(id);
      if (!now) return item;
      const change = diffItem({ original: before.get(id), modified: item, current: now }, facts, depth);
      return applyStrategicPatch(now, change, facts.type);
    });
    const others = [...present].filter(([id]) => !wanted.has(id) && !before.has(id)).map(([, item]) => item);
    result = [...merged, ...others];
  }
  if (!jsonEqual(result, current)) patch.set(field, [...result, { [directiveKey]: "replace" }]);
}

/** Items by the values of their keys; undefined when these do not tell them apart. */
function indexBy(items: readonly Json[], keys: readonly string[]): ReadonlyMap<string, JsonObject> | undefined {
  const index = new Map<string, JsonObject>();
  for (const item of items) {
    if (!isJsonObject(item)) return undefined;
    const values = keys.map((key) => getOwn(item, key) ?? listKeyDefault(key));
    if (values[0] === undefined) return undefined;
    const id = jsonText(values);
    if (index.has(id)) return undefined;
    index.set(id, item);
  }
  return index;
}
