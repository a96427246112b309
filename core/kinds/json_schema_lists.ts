import { type FieldError, fieldError } from "../api/status.ts";
import { keyPath } from "../api/structural/embedded_resources.ts";
import { isSchemaList, itemsOf, type JsonSchemaProps, propertyOf } from "../api/structural/json_schema_props.ts";

const listTypeField = "x-kubernetes-list-type";
const keysField = "x-kubernetes-list-map-keys";

/** What is wrong with what a schema says about how lists and maps merge. @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy */
export function checkListAndMapTypes(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { type } = schema;
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType !== undefined) {
    if (type !== "object") errors.push(mustBe("object", type, path, "x-kubernetes-map-type"));
    if (mapType !== "atomic" && mapType !== "granular")
      errors.push(fieldError.notSupported(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]));
  }
  const listType = schema[listTypeField];
  const keys = schema[keysField] ?? [];
  if (listType !== undefined) {
    if (type !== "array") errors.push(mustBe("array", type, path, listTypeField));
    if (!["atomic", "set", "map"].includes(listType))
      errors.push(fieldError.notSupported(`${path}.${listTypeField}`, listType, ["atomic", "set", "map"]));
  }
  if (keys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    const field = `${path}.${listTypeField}`;
    errors.push(
      listType === undefined ? fieldError.required(field, detail) : fieldError.invalid(field, listType, detail),
    );
  }
  return listType === "map" ? [...errors, ...checkMapList(schema, keys, path)] : errors;
}

function mustBe(wanted: string, type: string | undefined, path: string, extension: string): FieldError {
  const detail = `must be ${wanted} if ${extension} is specified`;
  return type ? fieldError.invalid(`${path}.type`, type, detail) : fieldError.required(`${path}.type`, detail);
}

function checkMapList(schema: JsonSchemaProps, keys: readonly string[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (keys.length === 0)
    errors.push(fieldError.required(`${path}.${keysField}`, "must not be empty if x-kubernetes-list-type is map"));
  if (schema.items === undefined)
    errors.push(fieldError.required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map"));
  if (isSchemaList(schema.items)) {
    const detail = "must only have a single schema if x-kubernetes-list-type is map";
    errors.push(fieldError.invalid(`${path}.items`, schema.items, detail));
  }
  const items = itemsOf(schema);
  if (!items) return errors;
  if (items.type !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, fieldError.invalid(`${path}.items.type`, items.type ?? "", detail)];
  }
  const seen = new Set<string>();
  for (const key of keys) {
    const own = propertyOf(items, key);
    if (!own)
      errors.push(fieldError.invalid(`${path}.${keysField}`, keys, "entries must all be names of item properties"));
    else if (own.type === "array" || own.type === "object") {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(fieldError.invalid(`${keyPath(`${path}.items.properties`, key)}.type`, items.type, detail));
    }
    if (seen.has(key))
      errors.push(fieldError.invalid(`${path}.${keysField}`, keys, "must not contain duplicate entries"));
    seen.add(key);
  }
  return errors;
}

/** What keeps the items of a set or map from being told apart. */
export function checkListKeys(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  const items = itemsOf(schema);
  const listType = schema[listTypeField];
  if (!items || (listType !== "set" && listType !== "map")) return [];
  const errors: FieldError[] = [];
  if (items.nullable)
    errors.push(
      fieldError.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`),
    );
  for (const key of listType === "map" ? (schema[keysField] ?? []) : []) {
    const own = propertyOf(items, key);
    if (!own) continue;
    const place = keyPath(`${path}.items.properties`, key);
    if (!items.required?.includes(key) && own.default === undefined) {
      const detail =
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.push(fieldError.required(`${place}.default`, detail));
    }
    if (own.nullable) {
      const detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
      errors.push(fieldError.forbidden(`${place}.nullable`, detail));
    }
  }
  return errors;
}
