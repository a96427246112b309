import { checkDepth, isJsonObject, jsonEqual } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import { emptySet, type FieldSet, type FieldSetBuilder, selfElement } from "./field_set.ts";
import { type ListType, type MapType, type MergeType, memberType, type Shape, shapeOf } from "./merge_type.ts";
import { fieldElement, itemElement } from "./path_element.ts";

/** What tells two objects apart. */
export interface Comparison {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** What differs in one place. The builders are made when something does. */
interface Sides {
  changed: FieldSetBuilder | undefined;
  removed: FieldSetBuilder | undefined;
}

/** Compares two objects of a type. What both share, as the same value in memory, is not looked at. */
export function compareObjects(before: Json | undefined, after: Json | undefined, type: MergeType): Comparison {
  const sides: Sides = { changed: undefined, removed: undefined };
  const root = "f:";
  compare(sides, root, before, after, type, 0);
  return { changed: withoutSelf(sides.changed?.[root]), removed: withoutSelf(sides.removed?.[root]) };
}

function withoutSelf(node: FieldSet | undefined): FieldSet {
  if (!node) return emptySet;
  const { [selfElement]: _self, ...fields } = node;
  return fields;
}

function noteChanged(sides: Sides, element: string, node: FieldSet): void {
  sides.changed ??= {};
  sides.changed[element] = node;
}

function noteRemoved(sides: Sides, element: string, node: FieldSet): void {
  sides.removed ??= {};
  sides.removed[element] = node;
}

function compare(
  parent: Sides,
  element: string,
  before: Json | undefined,
  after: Json | undefined,
  type: MergeType,
  depth: number,
): void {
  if (before === after) return;
  checkDepth(depth);
  const shape = shapeOf(type, after ?? before);
  if (before !== undefined && after !== undefined) {
    // What changes its shape differs in both ways.
    const previous = shapeOf(type, before);
    if (previous !== shape) compareShape(parent, element, before, after, { type, shape: previous }, depth);
  }
  compareShape(parent, element, before, after, { type, shape }, depth);
}

function compareShape(
  parent: Sides,
  element: string,
  before: Json | undefined,
  after: Json | undefined,
  { type, shape }: { readonly type: MergeType; readonly shape: Shape },
  depth: number,
): void {
  if (shape === "map" && type.map && !type.map.atomic) {
    const previous = isJsonObject(before) ? before : undefined;
    const next = isJsonObject(after) ? after : undefined;
    if (!isNothing(previous) || !isNothing(next)) {
      const sides: Sides = { changed: undefined, removed: undefined };
      compareMembers(sides, previous, next, type.map, depth + 1);
      attach(parent, element, sides, before, after);
      return;
    }
  } else if (shape === "list" && type.list && type.list.owned !== "atomic") {
    const previous: readonly Json[] = Array.isArray(before) ? before : noItems;
    const next: readonly Json[] = Array.isArray(after) ? after : noItems;
    if (previous.length > 0 || next.length > 0) {
      const sides: Sides = { changed: undefined, removed: undefined };
      compareItems(sides, previous, next, type.list, depth + 1);
      attach(parent, element, sides, before, after);
      return;
    }
  }
  if (after === undefined) noteRemoved(parent, element, emptySet);
  else if (before === undefined || !jsonEqual(before, after)) noteChanged(parent, element, emptySet);
}

const noItems: readonly Json[] = [];

/** Notes what is below a place; what appears or goes as a whole is noted itself too. */
function attach(
  parent: Sides,
  element: string,
  { changed, removed }: Sides,
  before: Json | undefined,
  after: Json | undefined,
): void {
  if (before === undefined) noteChanged(parent, element, changed ? { [selfElement]: emptySet, ...changed } : emptySet);
  else if (changed) noteChanged(parent, element, changed);
  if (after === undefined) noteRemoved(parent, element, removed ? { [selfElement]: emptySet, ...removed } : emptySet);
  else if (removed) noteRemoved(parent, element, removed);
}

function isNothing(members: JsonObject | undefined): boolean {
  if (members) for (const _ in members) return false;
  return true;
}

function compareMembers(
  sides: Sides,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  map: MapType,
  depth: number,
): void {
  if (before) for (const name of Object.keys(before)) compareMember(sides, name, before, after, map, depth);
  if (after)
    for (const name of Object.keys(after))
      if (!before || !Object.hasOwn(before, name)) compareMember(sides, name, before, after, map, depth);
  // Of two that are there both have it; of one that comes or goes it does too.
  if ((before === undefined) === (after === undefined)) return;
  const present = before ?? after ?? {};
  for (const name of map.embedded.keys())
    if (!Object.hasOwn(present, name)) compareMember(sides, name, before, after, map, depth);
}

function compareMember(
  sides: Sides,
  name: string,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  map: MapType,
  depth: number,
): void {
  const [previous, next] = [memberOf(before, name, map), memberOf(after, name, map)];
  if (previous === next) return;
  const type = memberType(map, name);
  // Most members are plain values.
  if (typeof previous !== "object" && typeof next !== "object") {
    if (next === undefined) noteRemoved(sides, fieldElement(name), emptySet);
    else noteChanged(sides, fieldElement(name), emptySet);
  } else compare(sides, fieldElement(name), previous, next, type, depth);
}

function memberOf(members: JsonObject | undefined, name: string, map: MapType): Json | undefined {
  if (!members) return undefined;
  return Object.hasOwn(members, name) ? members[name] : map.embedded.get(name);
}

/** Items by their elements; what cannot be told apart together. */
function indexItems(items: readonly Json[], list: ListType): ReadonlyMap<string, Json[]> {
  const index = new Map<string, Json[]>();
  for (const item of items) {
    const key = itemElement(list, item);
    if (typeof key !== "string") continue;
    const known = index.get(key);
    if (known) known.push(item);
    else index.set(key, [item]);
  }
  return index;
}

function compareItems(
  sides: Sides,
  before: readonly Json[],
  after: readonly Json[],
  list: ListType,
  depth: number,
): void {
  // Most lists are as they were.
  if (before.length === after.length && before.every((item, index) => jsonEqual(item, after[index]))) return;
  const previous = indexItems(before, list);
  const next = indexItems(after, list);
  const type = list.items();
  for (const [element, olds] of previous) compareItem(sides, element, olds, next.get(element) ?? noItems, type, depth);
  for (const [element, news] of next)
    if (!previous.has(element)) compareItem(sides, element, noItems, news, type, depth);
}

function compareItem(
  sides: Sides,
  element: string,
  olds: readonly Json[],
  news: readonly Json[],
  type: MergeType,
  depth: number,
): void {
  if (olds.length > 1 && news.length > 1) {
    if (!jsonEqual(olds, news)) noteChanged(sides, element, emptySet);
  } else if (olds.length > 1) {
    compare(sides, element, undefined, news[0], type, depth);
    noteRemoved(sides, element, emptySet);
  } else if (news.length > 1) {
    compare(sides, element, olds[0], undefined, type, depth);
    noteChanged(sides, element, emptySet);
  } else compare(sides, element, olds[0], news[0], type, depth);
}
