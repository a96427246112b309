import type { Json, JsonObject } from "./meta.ts";
import { quantityError } from "./quantity.ts";
import { type ApiSchema, definitionOf, type SchemaNode, typeName } from "./schema.ts";

/** What {@linkcode validateAndPrune} found. */
export interface PruneResult {
  /** A copy with known fields only, without nulls, times in UTC. */
  readonly object: JsonObject;
  /** Paths of the fields that were dropped, e.g. `spec.containers[0].imagePulPolicy`. At most 100. */
  readonly unknownFields: readonly string[];
  /** Why the object cannot be read at all, in the words of Kubernetes' decoder: the first value of a wrong type. */
  readonly typeError?: string;
}

/** Clients are told this many unknown fields and no more. */
const maxUnknown = 100;
const maxInt32 = 2 ** 31;

/**
 * Reads an object as its definition describes it: drops unknown fields and nulls, and finds values of the wrong type.
 * Linear in the size of the object. An id that the schema does not know lets the object pass as it is.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation
 */
export function validateAndPrune(schema: ApiSchema, id: string, object: JsonObject): PruneResult {
  const definition = definitionOf(schema, id);
  if (!definition) return { object, unknownFields: [] };
  const state: State = { schema, unknownFields: [], typeError: undefined };
  const pruned = visitObject(object, definition, { id, path: undefined }, state);
  return {
    object: pruned as JsonObject,
    unknownFields: state.unknownFields,
    ...(state.typeError === undefined ? {} : { typeError: state.typeError }),
  };
}

/** `Deployment in version "v1" cannot be handled as a Deployment: …`: the message of 400 for what cannot be read. */
export function decodeErrorText(
  { kind, version }: { readonly kind: string; readonly version: string },
  detail: string,
): string {
  return `${kind} in version "${version}" cannot be handled as a ${kind}: ${detail}`;
}

/** What strict field validation says about unknown and duplicate fields. */
export function strictErrorText(problems: readonly string[]): string {
  return `strict decoding error: ${problems.join(", ")}`;
}

interface State {
  readonly schema: ApiSchema;
  readonly unknownFields: string[];
  typeError: string | undefined;
}

/** Where a value is: linked, so that a path costs nothing until somebody is told of it. */
interface Path {
  readonly parent: Path | undefined;
  readonly step: string | number;
  /** Whether the step is a field that Go knows by name: not an index, not a key of a map. */
  readonly field: boolean;
}

interface Place {
  /** The definition that encloses the value. */
  readonly id: string;
  readonly path: Path | undefined;
}

function visit(value: Json, node: SchemaNode, place: Place, state: State): Json {
  if (node.$ref !== undefined) {
    const definition = definitionOf(state.schema, node.$ref);
    if (!definition) return value;
    if (definition.type === "object")
      return visitObject(value, definition, { id: node.$ref, path: place.path }, state, place);
    return visitLeaf(value, definition, place, state);
  }
  if (node.type === "object") return visitObject(value, node, place, state);
  if (node.type === "array") return visitArray(value, node, place, state);
  return visitLeaf(value, node, place, state);
}

function visitObject(value: Json, node: SchemaNode, place: Place, state: State, outer: Place = place): Json {
  if (!isObject(value)) return wrongType(value, goType(node, place.id), outer, state);
  const { properties, additionalProperties } = node;
  if (additionalProperties) {
    const entries: [string, Json][] = [];
    for (const [key, member] of Object.entries(value)) {
      if (member === null && additionalProperties.type !== "string") continue;
      const path = { parent: place.path, step: key, field: false };
      entries.push([key, visit(member ?? "", additionalProperties, { id: place.id, path }, state)]);
    }
    return Object.fromEntries(entries);
  }
  if (!properties) return value;
  const result: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    const path = { parent: place.path, step: key, field: true };
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (!property) {
      if (state.unknownFields.length < maxUnknown) state.unknownFields.push(pathText(path));
    } else if (member !== null) {
      // Names of known fields are Kubernetes': none of them is __proto__.
      result[key] = visit(member, property, { id: place.id, path }, state);
    }
  }
  return result;
}

function visitArray(value: Json, node: SchemaNode, place: Place, state: State): Json {
  if (!Array.isArray(value)) return wrongType(value, goType(node, place.id), place, state);
  const { items } = node;
  if (!items) return value;
  return value.map((item: Json, step) =>
    visit(item ?? zeroOf(items), items, { id: place.id, path: { parent: place.path, step, field: false } }, state),
  );
}

/** What null in a list stands for. */
function zeroOf(node: SchemaNode): Json {
  if (node.type === "string") return "";
  if (node.type === "integer") return 0;
  return node.type === "boolean" ? false : {};
}

function visitLeaf(value: Json, node: SchemaNode, place: Place, state: State): Json {
  if (node.format === "int-or-string") {
    if (typeof value === "string" || isInt(value, maxInt32)) return value;
    state.typeError ??= `json: cannot unmarshal ${jsonWord(value, true)} into Go value of type int32`;
    return value;
  }
  if (node.oneOf) return readQuantity(value, state);
  switch (node.type) {
    case "string":
      if (typeof value !== "string") return wrongType(value, goType(node, place.id), place, state);
      if (node.format === "date-time") return readTime(value, state);
      if (node.format === "byte") checkBase64(value, state);
      return value;
    case "boolean":
      return typeof value === "boolean" ? value : wrongType(value, "bool", place, state);
    case "integer":
      return isInt(value, node.format === "int64" ? Number.MAX_SAFE_INTEGER : maxInt32)
        ? value
        : wrongType(value, goType(node, place.id), place, state);
    case "number":
      if (typeof value === "bigint") return Number(value);
      return typeof value === "number" ? value : wrongType(value, "float64", place, state);
    default:
      return value;
  }
}

function isInt(value: Json, bound: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= -bound && value < bound;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readQuantity(value: Json, state: State): Json {
  // As every number that stands for a quantity: it is written as text.
  if (typeof value === "bigint") return String(value);
  const reason =
    typeof value === "string" || typeof value === "number"
      ? quantityError(value)
      : "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  if (reason !== undefined) state.typeError ??= reason;
  return value;
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** A moment in UTC. Fractions stay: only MicroTime carries them. */
function readTime(value: string, state: State): Json {
  const parsed = rfc3339.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(parsed)) {
    const quoted = JSON.stringify(value.slice(0, 64));
    state.typeError ??= `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`;
    return value;
  }
  if (value.endsWith("Z")) return value;
  const text = new Date(parsed).toISOString();
  return value.includes(".") ? text : `${text.slice(0, 19)}Z`;
}

function checkBase64(value: string, state: State): void {
  const text = value.replace(/[\r\n]/g, "");
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return;
  const bad = text.search(/[^A-Za-z0-9+/]/);
  state.typeError ??= `illegal base64 data at input byte ${bad < 0 ? text.length - (text.length % 4) : bad}`;
}

function wrongType(value: Json, type: string, { id, path }: Place, state: State): Json {
  const word = jsonWord(value, type.startsWith("int"));
  const where = path ? `Go struct field ${typeName(id)}.${goPath(path)}` : "Go value";
  state.typeError ??= `json: cannot unmarshal ${word} into ${where} of type ${type}`;
  return value;
}

/** What Go's decoder calls a JSON value; numbers that do not fit are shown. */
function jsonWord(value: Json, showNumber: boolean): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number" || typeof value === "bigint") return showNumber ? `number ${value}` : "number";
  if (typeof value === "boolean") return "bool";
  return value === null ? "null" : typeof value;
}

/** What a type is called in Go. */
function goType(node: SchemaNode, enclosing: string): string {
  if (node.$ref !== undefined) return qualifiedType(node.$ref);
  switch (node.type) {
    case "array":
      return `[]${node.items ? goType(node.items, enclosing) : "interface {}"}`;
    case "object":
      return node.additionalProperties
        ? `map[string]${goType(node.additionalProperties, enclosing)}`
        : qualifiedType(enclosing);
    case "string":
      return node.format === "byte" ? "[]uint8" : "string";
    case "integer":
      return node.format ?? "int32";
    case "boolean":
      return "bool";
    default:
      return node.type ?? "string";
  }
}

function qualifiedType(id: string): string {
  return id.split(".").slice(-2).join(".");
}

function steps(path: Path): Path[] {
  const all: Path[] = [];
  for (let at: Path | undefined = path; at; at = at.parent) all.push(at);
  return all.reverse();
}

function goPath(path: Path): string {
  return steps(path)
    .filter((step) => step.field)
    .map(({ step }) => step)
    .join(".");
}

function pathText(path: Path): string {
  return steps(path).reduce((text, { step }) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text ? `${text}.${step}` : step;
  }, "");
}
