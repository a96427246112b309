import { isJsonObject } from "../json_object.ts";
import { jsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type FieldError, fieldError } from "../status.ts";
import { childPath, keyPath } from "./embedded_resources.ts";
import { itemsOf, type JsonSchemaProps, propertyOf } from "./json_schema_props.ts";

/**
 * What occurs twice in lists that are sets, or maps by some of their items' members.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export function validateListTypes(value: Json, schema: JsonSchemaProps | undefined, path = ""): readonly FieldError[] {
  if (!schema) return [];
  if (Array.isArray(value)) return validateList(value, schema, path);
  if (!isJsonObject(value)) return [];
  const { additionalProperties } = schema;
  const additional = typeof additionalProperties === "object" ? additionalProperties : undefined;
  return Object.entries(value).flatMap(([key, member]) => {
    const own = propertyOf(schema, key);
    return own
      ? validateListTypes(member, own, childPath(path, key))
      : validateListTypes(member, additional, keyPath(path, key));
  });
}

function validateList(items: readonly Json[], schema: JsonSchemaProps, path: string): readonly FieldError[] {
  const type = schema["x-kubernetes-list-type"];
  const errors: FieldError[] = [];
  if (type === "set") {
    for (const index of repeated(items)) errors.push(fieldError.duplicate(`${path}[${index}]`, items[index]));
  } else if (type === "map") errors.push(...validateMap(items, schema["x-kubernetes-list-map-keys"] ?? [], path));
  const own = itemsOf(schema);
  if (own)
    for (const [index, item] of items.entries()) errors.push(...validateListTypes(item, own, `${path}[${index}]`));
  return errors;
}

function validateMap(items: readonly Json[], keys: readonly string[], path: string): readonly FieldError[] {
  const wrong = items.findIndex((item) => item !== null && !isJsonObject(item));
  if (wrong >= 0) {
    const detail = "must be an object for an array of list-type map";
    return [fieldError.invalid(`${path}[${wrong}]`, items[wrong], detail)];
  }
  const own = items.map((item) => keysOf(item, keys));
  return repeated(own).map((index) => fieldError.duplicate(`${path}[${index}]`, own[index]));
}

function keysOf(item: Json, keys: readonly string[]): JsonObject {
  if (!isJsonObject(item)) return {};
  return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(item, key) ? [[key, item[key] ?? null]] : [])));
}

/** Indexes of the items that occurred before; each value is told of once. */
function repeated(items: readonly Json[]): readonly number[] {
  const seen = new Map<string, number>();
  return items.flatMap((item, index) => {
    const key = canonical(item);
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    return times === 2 ? [index] : [];
  });
}

/** JSON with members in order. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isJsonObject(value)) return jsonText(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}
