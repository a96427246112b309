import { checkDepth, isJsonObject } from "../json_object.ts";
import type { Json } from "../meta.ts";
import { emptySet, type FieldSet, type FieldSetBuilder, put } from "./field_set.ts";
import { type ListType, type MapType, type MergeType, memberType, shapeOf } from "./merge_type.ts";
import { fieldElement, itemElement } from "./path_element.ts";

/** The fields that an object names: what whoever applies it owns. */
export function fieldsOf(object: Json, type: MergeType): FieldSet {
  return visit(object, type, 0).fields;
}

interface Node {
  readonly member: boolean;
  readonly fields: FieldSet;
}

const nothing: Node = { member: false, fields: emptySet };
const leaf: Node = { member: true, fields: emptySet };

function visit(value: Json, type: MergeType, depth: number): Node {
  checkDepth(depth);
  const shape = shapeOf(type, value);
  if (shape === "scalar") return leaf;
  if (shape === "list") return visitList(value, type.list, depth);
  if (!type.map || type.map.atomic) return leaf;
  return isJsonObject(value) ? { member: false, fields: fieldsOfMap(value, type.map, depth) } : nothing;
}

function fieldsOfMap(value: { readonly [name: string]: Json }, map: MapType, depth: number): FieldSet {
  const set: FieldSetBuilder = {};
  for (const [name, member] of Object.entries(value)) {
    const declared = map.field(name);
    const node = visit(member, declared ?? memberType(map, name), depth + 1);
    // What says "nothing" is owned too, or nobody could take it back.
    const isNothing = member === null || (isJsonObject(member) && Object.keys(member).length === 0);
    put(set, fieldElement(name), { member: node.member || isNothing || !declared, fields: node.fields });
  }
  return set;
}

function visitList(value: Json, list: ListType | undefined, depth: number): Node {
  if (!list || list.owned === "atomic") return leaf;
  if (!Array.isArray(value)) return nothing;
  const items = new Map<string, Json | undefined>();
  for (const item of value as readonly Json[]) {
    const key = itemElement(list, item);
    // Of items that cannot be told apart only the key is owned.
    if (typeof key === "string") items.set(key, items.has(key) ? undefined : item);
  }
  const set: FieldSetBuilder = {};
  for (const [element, item] of items) {
    const fields = item === undefined ? emptySet : visit(item, list.items(), depth + 1).fields;
    put(set, element, { member: true, fields });
  }
  return { member: false, fields: set };
}
