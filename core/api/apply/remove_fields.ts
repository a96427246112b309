import { checkDepth, isJsonObject } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import {
  below,
  emptySet,
  type FieldSet,
  type FieldSetBuilder,
  isEmptySet,
  isMember,
  selfElement,
} from "./field_set.ts";
import { type MergeType, memberType, shapeOf } from "./merge_type.ts";
import { fieldElement, itemElement } from "./path_element.ts";

/** What becomes of an object or list that nothing is left in: it goes, or null stands for it. */
export type Emptied = undefined | null;

/** `object` without the fields of a set. */
export function removeFields(object: JsonObject, set: FieldSet, type: MergeType, emptied: Emptied): JsonObject {
  if (isEmptySet(set)) return object;
  const left = remove(object, set, { type, emptied, depth: 0 });
  return isJsonObject(left) ? left : {};
}

interface Place {
  readonly type: MergeType;
  readonly emptied: Emptied;
  readonly depth: number;
}

function remove(value: Json, set: FieldSet, { type, emptied, depth }: Place): Json | undefined {
  checkDepth(depth);
  const shape = shapeOf(type, value);
  if (shape === "map" && type.map && !type.map.atomic && isJsonObject(value)) {
    const { map } = type;
    const entries: [string, Json][] = [];
    for (const [name, member] of Object.entries(value)) {
      const place = { type: memberType(map, name), emptied, depth: depth + 1 };
      const left = removeNode(member, below(set, fieldElement(name)), place);
      if (left !== undefined) entries.push([name, left]);
    }
    return entries.length > 0 ? Object.fromEntries(entries) : emptied;
  }
  if (shape === "list" && type.list && type.list.owned !== "atomic" && Array.isArray(value)) {
    const { list } = type;
    const items: Json[] = [];
    for (const item of value as readonly Json[]) {
      const key = itemElement(list, item);
      const place = { type: list.items(), emptied, depth: depth + 1 };
      const left = typeof key === "string" ? removeNode(item, below(set, key), place) : item;
      if (left !== undefined) items.push(left);
    }
    return items.length > 0 ? items : emptied;
  }
  return value;
}

function removeNode(value: Json, node: FieldSet | undefined, place: Place): Json | undefined {
  if (node === undefined) return value;
  return isMember(node) ? undefined : remove(value, node, place);
}

/**
 * The set with every declared field that has fields of the set below it: what is to go when all of these go. Sets name
 * such fields only when they are something of their own (null, empty, of a map).
 *
 * @see sigs.k8s.io/structured-merge-diff fieldpath Set.EnsureNamedFieldsAreMembers
 */
export function withDeclaredFields(set: FieldSet, type: MergeType): FieldSet {
  const result: FieldSetBuilder = {};
  for (const element in set) {
    const node = set[element] ?? emptySet;
    if (element === selfElement || isEmptySet(node)) {
      result[element] = node;
      continue;
    }
    const isField = element.startsWith("f:");
    const declared = isField ? type.map?.field(element.slice(2)) : undefined;
    const inner = isField ? (declared ?? type.map?.values()) : type.list?.items();
    const fields = inner ? withDeclaredFields(node, inner) : node;
    result[element] = declared && !Object.hasOwn(fields, selfElement) ? { [selfElement]: emptySet, ...fields } : fields;
  }
  return result;
}
