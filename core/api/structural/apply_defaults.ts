import { getOwn, isJsonObject, setOwn } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import { additionalOf, itemsOf, type JsonSchemaProps, propertyOf } from "./json_schema_props.ts";

/**
 * The object with the defaults of its structural schema: for members that are missing, and for nulls where the schema
 * allows none. Idempotent. The values are those of the schema, shared.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting
 */
export function applySchemaDefaults(object: JsonObject, schema: JsonSchemaProps): JsonObject {
  return fill(object, schema) as JsonObject;
}

function fill(value: Json, schema: JsonSchemaProps): Json {
  if (Array.isArray(value)) {
    const own = itemsOf(schema);
    if (!own) return value;
    const filled = value.map((item: Json) => fill(isBadNull(item, own) ? (own.default ?? null) : item, own));
    return filled.some((item, index) => item !== value[index]) ? filled : value;
  }
  return isJsonObject(value) ? fillMembers(value, schema) : value;
}

function fillMembers(value: JsonObject, schema: JsonSchemaProps): JsonObject {
  const result: { [key: string]: Json } = {};
  const additional = additionalOf(schema);
  let changed = false;
  for (const [key, member] of Object.entries(value)) {
    const own = propertyOf(schema, key) ?? additional;
    const present = own && isBadNull(member, own) ? (own.default ?? null) : member;
    const filled = own ? fill(present, own) : present;
    changed ||= filled !== member;
    setOwn(result, key, filled);
  }
  for (const [key, own] of Object.entries(schema.properties ?? {})) {
    if (own.default === undefined || own.default === null || Object.hasOwn(value, key)) continue;
    changed = true;
    setOwn(result, key, fill(own.default, own));
  }
  return changed ? result : value;
}

function isBadNull(value: Json | undefined, schema: JsonSchemaProps): boolean {
  return value === null && !schema.nullable;
}

/**
 * The object without the nulls that its schema does not allow, except where a default takes their place. A null in a
 * list stays: it is an item.
 */
export function pruneNulls(value: JsonObject, schema: JsonSchemaProps): JsonObject {
  return withoutNulls(value, schema) as JsonObject;
}

function withoutNulls(value: Json, schema: JsonSchemaProps | undefined): Json {
  if (Array.isArray(value)) {
    const own = schema && itemsOf(schema);
    const kept = value.map((item: Json) => withoutNulls(item, own));
    return kept.some((item, index) => item !== value[index]) ? kept : value;
  }
  if (!isJsonObject(value)) return value;
  const result: { [key: string]: Json } = {};
  let changed = false;
  for (const [key, member] of Object.entries(value)) {
    const own = schema && (propertyOf(schema, key) ?? additionalOf(schema));
    if (own && isBadNull(member, own) && (getOwn(own as JsonObject, "default") ?? null) === null) {
      changed = true;
      continue;
    }
    const kept = withoutNulls(member, own);
    changed ||= kept !== member;
    setOwn(result, key, kept);
  }
  return changed ? result : value;
}
