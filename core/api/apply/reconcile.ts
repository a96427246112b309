import type { Json, JsonObject } from "../meta.ts";
import {
  below,
  emptySet,
  type FieldSet,
  type FieldSetBuilder,
  isEmptySet,
  isMember,
  put,
  selfElement,
  setOfPath,
  union,
} from "./field_set.ts";
import { fieldsOf } from "./fields_of.ts";
import type { MergeType } from "./merge_type.ts";

/**
 * A set of fields as the type has them now: what became atomic is owned as a whole, what was atomic is owned field by field.
 *
 * @see sigs.k8s.io/structured-merge-diff typed/reconcile_schema.go
 */
export function reconcileFields(set: FieldSet, object: JsonObject, type: MergeType): FieldSet {
  const all = fieldsOf(object as Json, type);
  const next = reconcile(set, all, type);
  return next ?? set;
}

/** The fields below a node; undefined when they stay as they are. */
function reconcile(set: FieldSet, all: FieldSet | undefined, type: MergeType): FieldSet | undefined {
  let result: FieldSetBuilder | undefined;
  for (const element in set) {
    if (element === selfElement) continue;
    const node = set[element] ?? emptySet;
    const inner = element.startsWith("f:")
      ? (type.map?.field(element.slice(2)) ?? type.map?.values())
      : type.list?.items();
    if (!inner) continue;
    const present = all && below(all, element);
    const next = reconcileNode(node, present, inner);
    if (next === node) continue;
    result ??= { ...set };
    result[element] = next;
  }
  return result;
}

/** Any element, to work on a node by itself. */
const at = "f:";

function reconcileNode(node: FieldSet, all: FieldSet | undefined, type: MergeType): FieldSet {
  const isAtomic = type.map ? type.map.atomic : type.list?.owned === "atomic";
  const hasFields = !isEmptySet(node);
  if (isAtomic && hasFields) return emptySet;
  const isGranular = (type.map && !type.map.atomic) || (type.list && type.list.owned !== "atomic");
  if (isGranular && !type.scalar && !hasFields) return all ? (union(setOfPath([at]), { [at]: all })[at] ?? node) : node;
  const fields = reconcile(node, all, type);
  if (!fields) return node;
  const result: FieldSetBuilder = {};
  const { [selfElement]: _self, ...rest } = fields;
  put(result, at, { member: isMember(node), fields: rest });
  return result[at] ?? emptySet;
}
