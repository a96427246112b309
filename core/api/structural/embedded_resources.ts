import { asObject, getOwn, isJsonObject, setOwn } from "../json_object.ts";
import { dns1035LabelError } from "../kind.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type FieldError, fieldError } from "../status.ts";
import { pathSegmentError, validateMetadata } from "../validate_meta.ts";
import { additionalOf, itemsOf, type JsonSchemaProps, propertyOf } from "./json_schema_props.ts";
import { readObjectMeta } from "./object_meta.ts";

/** What {@linkcode readEmbeddedResources} found. */
export interface EmbeddedResources {
  readonly object: JsonObject;
  /** Paths of unknown members of embedded resources' metadata. */
  readonly unknownFields: readonly string[];
  /** The first embedded resource that cannot be read. */
  readonly error?: FieldError;
}

interface Reading {
  readonly unknownFields: string[];
  error: FieldError | undefined;
}

/**
 * Reads the metadata of the resources that an object embeds, as that of every object: unknown members are dropped.
 *
 * @param path of the object itself; `""` for a whole one
 */
export function readEmbeddedResources(object: JsonObject, schema: JsonSchemaProps, path = ""): EmbeddedResources {
  const reading: Reading = { unknownFields: [], error: undefined };
  const read = readValue(object, schema, path, reading) as JsonObject;
  const { unknownFields, error } = reading;
  return { object: read, unknownFields, ...(error ? { error } : {}) };
}

function readValue(value: Json, schema: JsonSchemaProps | undefined, path: string, reading: Reading): Json {
  if (!schema) return value;
  if (Array.isArray(value)) {
    const own = itemsOf(schema);
    const read = value.map((item: Json, index) => readValue(item, own, `${path}[${index}]`, reading));
    return read.some((item, index) => item !== value[index]) ? read : value;
  }
  if (!isJsonObject(value)) return value;
  const result: { [key: string]: Json } = {};
  let changed = false;
  for (const [key, member] of Object.entries(value)) {
    const read = schema["x-kubernetes-embedded-resource"]
      ? readMetaField(key, member, childPath(path, key), reading)
      : member;
    const own = propertyOf(schema, key);
    const place = own ? childPath(path, key) : keyPath(path, key);
    const inner = readValue(read, own ?? additionalOf(schema), place, reading);
    changed ||= inner !== member;
    setOwn(result, key, inner);
  }
  return changed ? result : value;
}

function readMetaField(key: string, value: Json, path: string, reading: Reading): Json {
  if (key === "apiVersion" || key === "kind") {
    if (typeof value !== "string") reading.error ??= fieldError.invalid(path, value, "must be a string");
    return value;
  }
  if (key !== "metadata") return value;
  const { object, unknownFields, typeError } = readObjectMeta(value);
  if (typeError !== undefined) {
    reading.error ??= fieldError.invalid(path, value, typeError);
    return value;
  }
  reading.unknownFields.push(...unknownFields.map((field) => `${path}.${field}`));
  return object;
}

/**
 * What is wrong with the apiVersion, kind and metadata of the resources that a value embeds.
 *
 * @param path of the value; `""` for a whole object
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#rawextension
 */
export function validateEmbeddedResources(
  value: Json | undefined,
  schema: JsonSchemaProps | undefined,
  path = "",
): readonly FieldError[] {
  if (!schema || value === undefined) return [];
  if (Array.isArray(value)) {
    const own = itemsOf(schema);
    if (!own) return [];
    return value.flatMap((item: Json, index) => validateEmbeddedResources(item, own, `${path}[${index}]`));
  }
  if (!isJsonObject(value)) return [];
  const errors = schema["x-kubernetes-embedded-resource"] ? validateResource(value, path) : [];
  const members = Object.entries(value).flatMap(([key, member]) => {
    const own = propertyOf(schema, key);
    if (own) return validateEmbeddedResources(member, own, childPath(path, key));
    return validateEmbeddedResources(member, additionalOf(schema), keyPath(path, key));
  });
  return [...errors, ...members];
}

/** Embedded resources are held to no more than their custom resource is. */
const embedded = { definition: "", listKind: "", schema: {} };

function validateResource(resource: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = [
    ...checkText(resource, childPath(path, "apiVersion"), "apiVersion", apiVersionError),
    ...checkText(resource, childPath(path, "kind"), "kind", kindError),
  ];
  const metadata = getOwn(resource, "metadata");
  if (metadata === undefined) return errors;
  const { object, typeError } = readObjectMeta(metadata);
  if (typeError !== undefined) return [...errors, fieldError.invalid(childPath(path, "metadata"), metadata, typeError)];
  // A name is not needed here: the resource may be a template.
  const named = asObject({ metadata: { ...object, name: object["name"] || "fakename" } });
  const kind = { namespaced: Boolean(named.metadata.namespace), validateName: pathSegmentError, custom: embedded };
  return [
    ...errors,
    ...validateMetadata(kind, named).map((error) => ({ ...error, field: childPath(path, error.field) })),
  ];
}

function checkText(
  resource: JsonObject,
  field: string,
  key: "apiVersion" | "kind",
  reasonOf: (text: string) => string | undefined,
): readonly FieldError[] {
  const value = getOwn(resource, key);
  if (value === undefined) return [fieldError.required(field, "must not be empty")];
  if (typeof value !== "string") return [fieldError.invalid(field, value, "must be a string")];
  const reason = value === "" ? "must not be empty" : reasonOf(value);
  return reason === undefined ? [] : [fieldError.invalid(field, value, reason)];
}

function apiVersionError(text: string): string | undefined {
  return text.split("/").length > 2 ? `unexpected GroupVersion string: ${text}` : undefined;
}

function kindError(text: string): string | undefined {
  const reason = dns1035LabelError(text.toLowerCase());
  return reason === undefined ? undefined : `may have mixed case, but should otherwise match: ${reason}`;
}

/** The path of a member that the schema names. */
export function childPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** The path of a member that is one of many. */
export function keyPath(path: string, key: string): string {
  return `${path}[${key}]`;
}
