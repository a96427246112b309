import { checkDepth, getOwn, isJsonObject } from "../json_object.ts";
import { jsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import { StatusError } from "../status.ts";
import { type FieldFacts, fieldFacts } from "./facts.ts";

/** Member that says what to do with the object or list item it stands in. */
export const directiveKey = "$patch";
/** Member that lists the members which stay. */
export const retainKeysKey = "$retainKeys";
/** Prefix of the member that lists plain values to delete from a list. */
export const deleteFromListPrefix = "$deleteFromPrimitiveList/";
/** Prefix of the member that gives the order of a merged list. */
export const elementOrderPrefix = "$setElementOrder/";

/**
 * Applies a strategic merge patch. Returns a new object that may share parts with its arguments.
 *
 * @param type schema id of the object's type, e.g. `io.k8s.api.apps.v1.Deployment`
 * @throws StatusError `BadRequest` when the patch is malformed
 * @see https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
 */
export function applyStrategicPatch(object: JsonObject, patch: JsonObject, type: string | undefined): JsonObject {
  return mergeObject(object, patch, type, 0);
}

function mergeObject(original: JsonObject, patch: JsonObject, type: string | undefined, depth: number): JsonObject {
  checkDepth(depth);
  const directive = getOwn(patch, directiveKey);
  if (directive === "replace") return added(patch, depth) as JsonObject;
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") throw badDirective(directive);
  const result = new Map<string, Json>(Object.entries(original));
  retainKeys(result, patch);
  for (const field of patchedFields(patch)) {
    const value = mergeField(getOwn(original, field), patch, field, fieldFacts(type, field), depth);
    if (value === undefined) result.delete(field);
    else result.set(field, value);
  }
  return Object.fromEntries(result);
}

/** The fields that a patch speaks of, directives about them included. */
function patchedFields(patch: JsonObject): ReadonlySet<string> {
  const fields = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (key.startsWith(elementOrderPrefix)) fields.add(key.slice(elementOrderPrefix.length));
    else if (key.startsWith(deleteFromListPrefix)) fields.add(key.slice(deleteFromListPrefix.length));
    else if (key !== directiveKey && key !== retainKeysKey) fields.add(key);
  }
  return fields;
}

function retainKeys(result: Map<string, Json>, patch: JsonObject): void {
  const retained = getOwn(patch, retainKeysKey);
  if (retained === undefined) return;
  if (!Array.isArray(retained)) throw StatusError.badRequest("invalid patch format of retainKeys");
  const kept = new Set<Json>(retained);
  for (const [key, value] of Object.entries(patch))
    if (value !== null && !key.startsWith("$") && !kept.has(key))
      throw StatusError.badRequest("invalid patch format of retainKeys");
  for (const key of result.keys()) if (!kept.has(key)) result.delete(key);
}

/** What `field` becomes; undefined when it goes. */
function mergeField(
  current: Json | undefined,
  patch: JsonObject,
  field: string,
  facts: FieldFacts,
  depth: number,
): Json | undefined {
  const change = getOwn(patch, field);
  if (change === null) return undefined;
  const order = listMember(patch, `${elementOrderPrefix}${field}`, "setElementOrder list");
  const deletions = listMember(patch, `${deleteFromListPrefix}${field}`, "primitive list");
  if (Array.isArray(change) || (change === undefined && Array.isArray(current))) {
    const items: readonly Json[] | undefined = change;
    const list: readonly Json[] | undefined = Array.isArray(current) ? current : undefined;
    if (facts.strategy !== "merge") return items ?? current;
    return mergeList(list, { items, order, deletions }, facts, depth);
  }
  if (change === undefined) return current;
  if (!isJsonObject(change)) return change;
  if (!isJsonObject(current)) return isDeletion(change) ? undefined : added(change, depth);
  return facts.strategy === "replace" ? change : mergeObject(current, change, facts.type, depth + 1);
}

function listMember(patch: JsonObject, key: string, name: string): readonly Json[] | undefined {
  const value = getOwn(patch, key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw StatusError.badRequest(`invalid patch format of ${name}`);
  return value;
}

interface ListPatch {
  readonly items: readonly Json[] | undefined;
  readonly order: readonly Json[] | undefined;
  readonly deletions: readonly Json[] | undefined;
}

function mergeList(
  current: readonly Json[] | undefined,
  { items = [], order, deletions }: ListPatch,
  facts: FieldFacts,
  depth: number,
): readonly Json[] {
  const { mergeKey } = facts;
  const identify = (item: Json) => identity(item, mergeKey);
  if (order) checkOrder(items, order, mergeKey);
  let merged: readonly Json[];
  let replaced = false;
  if (!current) merged = added(items, depth) as readonly Json[];
  else if (mergeKey === undefined) merged = [...new Set([...current, ...items])];
  else ({ merged, replaced } = mergeItems(current, items, mergeKey, facts.type, depth));
  if (deletions) {
    const gone = new Set(deletions);
    merged = merged.filter((item) => !gone.has(item));
  }
  if (order) return arrange(merged, order.map(identify), (current ?? items).map(identify), identify);
  if (!current || replaced) return merged;
  return arrange(merged, items.map(identify), current.map(identify), identify);
}

/** Merges a list of objects by key: matching items are merged, others appended, `$patch` items obeyed. */
function mergeItems(
  current: readonly Json[],
  items: readonly Json[],
  mergeKey: string,
  type: string | undefined,
  depth: number,
): { merged: readonly Json[]; replaced: boolean } {
  const deleted = new Set<string>();
  const changes: JsonObject[] = [];
  let replaced = false;
  for (const item of items) {
    if (!isJsonObject(item)) throw StatusError.badRequest(`invalid patch format: ${show(item)} is not an object`);
    const directive = getOwn(item, directiveKey);
    if (directive === "replace") replaced = true;
    else if (directive === "delete") deleted.add(requiredIdentity(item, mergeKey));
    else if (directive === "merge") throw StatusError.badRequest("merging lists cannot yet be specified in the patch");
    else if (directive !== undefined) throw badDirective(directive);
    else changes.push(item);
  }
  if (replaced) return { merged: added(changes, depth) as readonly Json[], replaced };
  const merged = current.filter((item) => !deleted.has(identity(item, mergeKey)));
  const places = new Map<string, number>();
  for (const [index, item] of merged.entries()) {
    const id = identity(item, mergeKey);
    if (!places.has(id)) places.set(id, index);
  }
  for (const change of changes) {
    const id = requiredIdentity(change, mergeKey);
    const place = places.get(id);
    const item = place === undefined ? undefined : merged[place];
    if (place === undefined || !isJsonObject(item)) {
      places.set(id, merged.length);
      merged.push(added(change, depth));
    } else merged[place] = mergeObject(item, change, type, depth + 1);
  }
  return { merged, replaced };
}

/** What tells an item of a merged list apart from the others. */
function identity(item: Json, mergeKey: string | undefined): string {
  if (mergeKey === undefined) return jsonText(item);
  return jsonText(isJsonObject(item) ? getOwn(item, mergeKey) : item) ?? "";
}

function requiredIdentity(item: JsonObject, mergeKey: string): string {
  if (getOwn(item, mergeKey) === undefined)
    throw StatusError.badRequest(`map: ${show(item)} does not contain declared merge key: ${mergeKey}`);
  return identity(item, mergeKey);
}

/** The items of a patch must stand in its order list, in the same order. */
function checkOrder(items: readonly Json[], order: readonly Json[], mergeKey: string | undefined): void {
  const places = new Map(order.map((item, index) => [identity(item, mergeKey), index]));
  let last = -1;
  for (const item of items) {
    if (isJsonObject(item) && getOwn(item, directiveKey) !== undefined) continue;
    const place = places.get(identity(item, mergeKey)) ?? -1;
    if (place < last || place < 0)
      throw StatusError.badRequest("the order in patch list doesn't match the setElementOrder list");
    last = place;
  }
}

/**
 * Puts the items that `order` names into that order, and each other item before the first of them that it preceded in
 * `before`, or else behind.
 */
function arrange(
  merged: readonly Json[],
  order: readonly string[],
  before: readonly string[],
  identify: (item: Json) => string,
): readonly Json[] {
  const wanted = firstPlaces(order);
  const previous = firstPlaces(before);
  const place = (places: ReadonlyMap<string, number>, item: Json) => places.get(identify(item)) ?? Infinity;
  const named = merged.filter((item) => wanted.has(identify(item)));
  const others = merged.filter((item) => !wanted.has(identify(item)));
  named.sort((a, b) => place(wanted, a) - place(wanted, b));
  const result: Json[] = [];
  let next = 0;
  for (const item of named) {
    const limit = place(previous, item);
    for (let other = others[next]; other !== undefined && limit < Infinity; other = others[++next]) {
      if (place(previous, other) >= limit) break;
      result.push(other);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

function firstPlaces(ids: readonly string[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const [index, id] of ids.entries()) if (!places.has(id)) places.set(id, index);
  return places;
}

/** A value that is new in the object: without directives and without nulls, which only have a meaning for what is there. */
function added(value: Json, depth: number): Json {
  checkDepth(depth);
  if (Array.isArray(value)) {
    const list: readonly Json[] = value;
    return list
      .filter((item) => !isJsonObject(item) || getOwn(item, directiveKey) === undefined)
      .map((item) => added(item, depth + 1));
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, member]) => member !== null && !isDirective(key) && !isDeletion(member))
      .map(([key, member]) => [key, added(member, depth + 1)]),
  );
}

function isDeletion(value: Json): boolean {
  return isJsonObject(value) && getOwn(value, directiveKey) === "delete";
}

function isDirective(key: string): boolean {
  return (
    key === directiveKey ||
    key === retainKeysKey ||
    key.startsWith(elementOrderPrefix) ||
    key.startsWith(deleteFromListPrefix)
  );
}

function badDirective(directive: Json): StatusError {
  return StatusError.badRequest(`unknown patch type found: ${show(directive)}`);
}

function show(value: Json): string {
  const text = typeof value === "string" ? value : jsonText(value);
  return text.length > 256 ? `${text.slice(0, 256)}...` : text;
}
