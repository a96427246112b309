import { isJsonObject, setOwn } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import {
  additionalOf,
  asResource,
  itemsOf,
  type JsonSchemaProps,
  metaFields,
  propertyOf,
} from "./json_schema_props.ts";

/** What {@linkcode pruneUnknown} left and dropped. */
export interface Pruned {
  readonly object: JsonObject;
  /** Paths of what was dropped (`spec.list[0].field`), sorted. At most 100. */
  readonly unknownFields: readonly string[];
}

const maxUnknown = 100;

/**
 * An object without the members that its structural schema does not name. Metadata of the object and of embedded
 * resources stays as it is. Linear in the size of the object.
 *
 * @param isResourceRoot whether the object itself is a resource
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning
 */
export function pruneUnknown(object: JsonObject, schema: JsonSchemaProps, isResourceRoot: boolean): Pruned {
  const unknownFields: string[] = [];
  const pruned = prune(object, isResourceRoot ? asResource(schema) : schema, "", unknownFields);
  return { object: pruned as JsonObject, unknownFields: unknownFields.sort() };
}

/** As {@linkcode pruneUnknown}, for any value. */
export function pruneValue(value: Json, schema: JsonSchemaProps): Json {
  return prune(value, schema, "", []);
}

function prune(value: Json, schema: JsonSchemaProps | undefined, path: string, unknown: string[]): Json {
  if (Array.isArray(value)) return pruneItems(value, schema, path, unknown);
  if (!isJsonObject(value)) return value;
  const keeps = schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  const isResource = schema?.["x-kubernetes-embedded-resource"] === true;
  const additional = schema && additionalOf(schema);
  const result: { [key: string]: Json } = {};
  let changed = false;
  for (const [key, member] of Object.entries(value)) {
    const own = (schema && propertyOf(schema, key)) ?? additional;
    if (isResource && metaFields.has(key)) setOwn(result, key, member);
    else if (own) {
      const kept = prune(member, own, path === "" ? key : `${path}.${key}`, unknown);
      changed ||= kept !== member;
      setOwn(result, key, kept);
    } else if (keeps) setOwn(result, key, member);
    else {
      changed = true;
      if (unknown.length < maxUnknown && (path !== "" || !metaFields.has(key)))
        unknown.push(path === "" ? key : `${path}.${key}`);
    }
  }
  return changed ? result : value;
}

function pruneItems(
  items: readonly Json[],
  schema: JsonSchemaProps | undefined,
  path: string,
  unknown: string[],
): Json {
  const own = schema && itemsOf(schema);
  const keeps = schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  if (keeps && !own) return items;
  // A list that keeps unknown fields keeps those of its items.
  const item = keeps ? { ...own, "x-kubernetes-preserve-unknown-fields": true } : own;
  const kept = items.map((value, index) => prune(value, item, `${path}[${index}]`, unknown));
  return kept.some((item, index) => item !== items[index]) ? kept : items;
}
