import { getOwn, isJsonObject, jsonEqual } from "../json_object.ts";
import { jsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import type { JsonSchemaProps } from "./json_schema_props.ts";

/** What stood in the place of a value before an update. */
export interface Old {
  readonly value: Json;
}

/** What the member of an object was; undefined when the schema does not let members be followed. */
export function correlatedMember({ value }: Old, schema: JsonSchemaProps, name: string): Old | undefined {
  if (schema["x-kubernetes-map-type"] === "atomic" || !isJsonObject(value)) return undefined;
  const member = getOwn(value, name);
  return member === undefined ? undefined : { value: member };
}

const indexes = new WeakMap<readonly Json[], Map<string, Json>>();

/** What the item of a list was: only items of lists with keys can be followed. */
export function correlatedItem({ value }: Old, schema: JsonSchemaProps, item: Json): Old | undefined {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (schema["x-kubernetes-list-type"] !== "map" || keys.length === 0) return undefined;
  if (!Array.isArray(value) || !isJsonObject(item)) return undefined;
  let index = indexes.get(value);
  if (!index) {
    index = new Map();
    for (const old of value as readonly Json[]) if (isJsonObject(old)) index.set(listKey(old, keys), old);
    indexes.set(value, index);
  }
  const found = index.get(listKey(item, keys));
  return found !== undefined && isSame(found, item, keys) ? { value: found } : undefined;
}

/** Text of the values that tell an item from others. */
function listKey(item: JsonObject, keys: readonly string[]): string {
  return jsonText(keys.map((key) => getOwn(item, key) ?? null));
}

function isSame(a: Json, b: JsonObject, keys: readonly string[]): boolean {
  return isJsonObject(a) && keys.every((key) => jsonEqual(getOwn(a, key), getOwn(b, key)));
}
