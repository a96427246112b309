import { checkDepth, getOwn, isJsonObject } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type ListType, type MapType, type MergeType, memberType, shapeOf } from "./merge_type.ts";
import { itemElement } from "./path_element.ts";

/**
 * `object` with what `applied` names put in. Nothing is removed. Items keep their places, those that `applied` names come
 * in its order.
 */
export function mergeObjects(object: JsonObject, applied: JsonObject, type: MergeType): JsonObject {
  return merge(object, applied, type, 0) as JsonObject;
}

function merge(object: Json, applied: Json, type: MergeType, depth: number): Json {
  checkDepth(depth);
  const shape = shapeOf(type, applied);
  if (shape !== shapeOf(type, object)) return applied;
  if (shape === "map" && type.map && !type.map.atomic && isJsonObject(object) && isJsonObject(applied))
    return mergeMembers(object, applied, type.map, depth);
  if (shape === "list" && type.list && type.list.owned !== "atomic" && Array.isArray(object) && Array.isArray(applied))
    return mergeItems(object, applied, type.list, depth);
  return applied;
}

function mergeMembers(object: JsonObject, applied: JsonObject, map: MapType, depth: number): JsonObject {
  const result = new Map<string, Json>(Object.entries(object));
  for (const [name, value] of Object.entries(applied)) {
    const current = getOwn(object, name);
    result.set(name, current === undefined ? value : merge(current, value, memberType(map, name), depth + 1));
  }
  return Object.fromEntries(result);
}

interface Indexed {
  readonly elements: readonly string[];
  /** Undefined for what stands there more than once: it is not merged but replaced. */
  readonly items: ReadonlyMap<string, Json | undefined>;
}

function indexItems(items: readonly Json[], list: ListType): Indexed {
  const elements: string[] = [];
  const index = new Map<string, Json | undefined>();
  for (const [place, item] of items.entries()) {
    const key = itemElement(list, item);
    // What has no key of its own matches nothing, and stays.
    const element = typeof key === "string" ? key : `i:${place}`;
    elements.push(element);
    index.set(element, index.has(element) ? undefined : item);
  }
  return { elements, items: index };
}

/**
 * Merges two lists: items that only `object` has stay between their neighbours, all others stand in the order of `applied`.
 *
 * @see sigs.k8s.io/structured-merge-diff typed/merge.go visitListItems
 */
function mergeItems(object: readonly Json[], applied: readonly Json[], list: ListType, depth: number): readonly Json[] {
  const [left, right] = [indexItems(object, list), indexItems(applied, list)];
  const shared = right.elements.filter((element) => left.items.has(element));
  const taken = new Set<string>();
  const result: Json[] = [];
  let [l, r, next] = [0, 0, 0];
  const take = (element: string) => {
    const item = right.items.get(element) ?? null;
    const current = left.items.get(element);
    result.push(current === undefined ? item : merge(current, item, list.items(), depth + 1));
    taken.add(element);
    r++;
    if (shared[next] === element) next++;
  };
  while (l < left.elements.length || r < right.elements.length) {
    const [mine, theirs] = [left.elements[l], right.elements[r]];
    if (mine !== undefined && mine === theirs) {
      take(mine);
      l++;
    } else if (mine !== undefined && !right.items.has(mine)) {
      result.push(object[l] ?? null);
      l++;
    } else if (theirs !== undefined && mine !== undefined && shared[next] !== undefined && shared[next] !== mine) {
      // It will stand where `applied` has it.
      l++;
    } else {
      if (mine !== undefined && taken.has(mine)) l++;
      if (theirs !== undefined) take(theirs);
    }
  }
  return result;
}
