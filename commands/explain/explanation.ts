import { compareText, goText } from "../../core/api/go_value.ts";
import { getOwn, isJsonObject } from "../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import { UsageError } from "../verb.ts";
import { indented, wrapped } from "./word_wrap.ts";

/** What is to be explained. */
export interface ExplainRequest {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Names of fields, from the outermost. */
  readonly path: readonly string[];
  readonly recursive: boolean;
  /** Levels of fields with `recursive`; 0: all. */
  readonly maxDepth: number;
}

/** What there is to say of a resource. */
export interface Explanation {
  /** Which kind it is. */
  readonly head: string;
  /** Undefined: there is no such field. */
  readonly body: string | undefined;
}

/**
 * What a group version's OpenAPI document says of a resource or of one of its fields.
 *
 * @throws UsageError with kubectl's words for what it does not say
 * @see k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl
 */
export function explanation(document: JsonObject, request: ExplainRequest): Explanation {
  const gvk = groupVersionKind(document, request);
  const schemas = getOwn(asObject(getOwn(document, "components")), "schemas");
  const schema = Object.values(asObject(schemas) ?? {}).find((one) => describesKind(one, gvk));
  if (!isJsonObject(schema)) throw new UsageError(`GVK ${goText(gvk)} not found in OpenAPI schema`);
  const group = textOf(gvk["group"]);
  const head = `${group ? `GROUP:      ${group}\n` : ""}KIND:       ${textOf(gvk["kind"])}\nVERSION:    ${textOf(gvk["version"])}\n\n`;
  const text = new Explainer(document, request).output(schema, request.path, new Set());
  return { head, body: text === "" ? undefined : `${text}\n` };
}

function asObject(value: Json | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function groupVersionKind(document: JsonObject, { group, version, plural }: ExplainRequest): JsonObject {
  const prefix = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const paths = asObject(getOwn(document, "paths"));
  for (const place of [prefix, `${prefix}/namespaces/{namespace}`]) {
    for (const path of [`${place}/${plural}`, `${place}/${plural}/{name}`]) {
      const operations = asObject(getOwn(paths, path));
      for (const method of ["get", "post", "put", "patch", "delete"]) {
        const found = asObject(getOwn(asObject(getOwn(operations, method)), "x-kubernetes-group-version-kind"));
        if (found) return found;
      }
    }
  }
  const name = `${group}/${version}, Resource=${plural}`;
  throw new UsageError(`GVR (${name}) not found in OpenAPI schema`);
}

function describesKind(schema: Json, gvk: JsonObject): boolean {
  const kinds = isJsonObject(schema) ? getOwn(schema, "x-kubernetes-group-version-kind") : undefined;
  return (
    Array.isArray(kinds) &&
    (kinds as readonly Json[]).some(
      (one) =>
        isJsonObject(one) && ["group", "version", "kind"].every((name) => textOf(one[name]) === textOf(gvk[name])),
    )
  );
}

/** Values of an enumeration that a list of fields shows. */
const maxValues = 4;

class Explainer {
  readonly #document: JsonObject;
  readonly #recursive: boolean;
  readonly #maxDepth: number;

  constructor(document: JsonObject, { recursive, maxDepth }: ExplainRequest) {
    this.#document = document;
    this.#recursive = recursive;
    this.#maxDepth = maxDepth;
  }

  /** What stands below the head for the field that `path` leads to; empty when there is none. */
  output(schema: JsonObject, path: readonly string[], seen: ReadonlySet<string>): string {
    const resolved = this.#resolve(schema);
    const [first, ...rest] = path;
    if (first === undefined) {
      const description = this.#description(schema).replace(/\n$/, "\n") || "<empty>";
      const fields = this.#fields(resolved, 1, new Set());
      return `DESCRIPTION:\n${indented(wrapped(description, 76), 4)}\n${externalDocs(resolved, 0)}${fields && `FIELDS:\n${fields}`}`;
    }
    const reference = textOf(schema["$ref"]);
    if (reference && seen.has(reference)) return "";
    const properties = asObject(resolved["properties"]);
    const field = asObject(getOwn(properties, first));
    if (field) {
      const head = rest.length === 0 ? `FIELD: ${first} <${this.#type(field)}>\n${longEnum(field)}\n\n` : "";
      const below = this.output(field, rest, new Set());
      return below === "" ? "" : head + below;
    }
    const next = reference ? new Set([...seen, reference]) : seen;
    for (const inner of [resolved["items"], resolved["additionalProperties"]])
      if (isJsonObject(inner)) return this.output(inner, path, next);
    for (const one of listOf(resolved["allOf"])) {
      const text = this.output(one, path, next);
      if (text !== "") return text;
    }
    return "";
  }

  #resolve(schema: JsonObject): JsonObject {
    const reference = textOf(schema["$ref"]);
    if (!reference.startsWith("#/")) return schema;
    let found: JsonObject | undefined = this.#document;
    for (const part of reference.slice(2).split("/")) found = asObject(getOwn(found, part));
    return found ?? schema;
  }

  #description(schema: JsonObject): string {
    const resolved = this.#resolve(schema);
    const own = textOf(resolved["description"]);
    const below = [...listOf(resolved["allOf"]), resolved["items"], resolved["additionalProperties"]];
    return [own && `${own}\n`, ...below.map((one) => (isJsonObject(one) ? this.#description(one) : ""))].join("");
  }

  #fields(schema: JsonObject, level: number, seen: ReadonlySet<string>): string {
    const reference = textOf(schema["$ref"]);
    if (reference && seen.has(reference)) return "";
    const next = reference ? new Set([...seen, reference]) : seen;
    const resolved = this.#resolve(schema);
    const required = Array.isArray(resolved["required"]) ? (resolved["required"] as readonly Json[]) : [];
    const parts: string[] = [];
    for (const [name, field] of membersOf(resolved["properties"])) {
      parts.push(this.#field(name, field, level, required.includes(name)));
      if (this.#recursive && (this.#maxDepth === 0 || level < this.#maxDepth))
        parts.push(this.#fields(field, level + 1, next));
    }
    for (const one of [...listOf(resolved["allOf"]), resolved["items"], resolved["additionalProperties"]])
      if (isJsonObject(one)) parts.push(this.#fields(one, level, next));
    return parts.join("");
  }

  #field(name: string, field: JsonObject, level: number, required: boolean): string {
    const margin = level * 2;
    const line = `${indented(name, margin)}\t<${this.#type(field)}>${required ? " -required-" : ""}${shortEnum(field, margin)}\n`;
    if (this.#recursive) return line;
    const description = textOf(field["description"]) || "<no description>";
    return `${line}${indented(wrapped(description, 78 - margin), margin + 2)}\n${externalDocs(field, margin + 2)}\n`;
  }

  /** `string`, `[]Container`, `map[string]string`: the type in few words. */
  #type(schema: JsonObject): string {
    const { items, additionalProperties, allOf, properties, $ref: reference, type } = schema;
    if (isJsonObject(items)) return `[]${this.#type(items)}`;
    if (isJsonObject(additionalProperties)) return `map[string]${this.#type(additionalProperties)}`;
    const [only, ...more] = listOf(allOf);
    if (only && more.length === 0 && !properties) return this.#type(only);
    if (typeof reference === "string") {
      const resolved = this.#resolve(schema);
      const kind = resolved === schema ? "" : textOf(resolved["type"]);
      if (kind && kind !== "object") return kind;
      return reference.split("/").at(-1)?.split(".").at(-1) || "Object";
    }
    return type === "object" ? "Object" : textOf(type) || "Object";
  }
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}

function membersOf(value: Json | undefined): readonly (readonly [string, JsonObject])[] {
  return Object.entries(asObject(value) ?? {})
    .filter((member): member is [string, JsonObject] => isJsonObject(member[1]))
    .sort(([a], [b]) => compareText(a, b));
}

function valuesOf(schema: JsonObject): readonly string[] {
  const values = schema["enum"];
  return Array.isArray(values) ? (values as readonly Json[]).map((one) => (one === "" ? '""' : goText(one))) : [];
}

function longEnum(schema: JsonObject): string {
  const values = valuesOf(schema);
  return values.length === 0 ? "" : `ENUM:${values.map((value) => `\n    ${value}`).join("")}`;
}

function shortEnum(schema: JsonObject, margin: number): string {
  const values = valuesOf(schema);
  if (values.length === 0) return "";
  const more = values.length > maxValues ? ", ...." : "";
  return `\n${" ".repeat(margin)}enum: ${values.slice(0, maxValues).join(", ")}${more}`;
}

function externalDocs(schema: JsonObject, margin: number): string {
  const docs = asObject(schema["externalDocs"]);
  if (!docs) return "";
  const description = textOf(docs["description"]);
  const url = textOf(docs["url"]);
  return [
    "\n",
    `${indented("EXTERNAL DOCS:", margin)}\n`,
    description && `${indented(wrapped(description, 76 - margin), margin + 4)}\n`,
    url && `${indented(`URL: ${url}`, margin + 4)}\n`,
  ].join("");
}
