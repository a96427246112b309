import { compareText } from "../../core/api/go_value.ts";
import { getOwn, isJsonObject } from "../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import { UsageError } from "../verb.ts";
import { filled } from "./fill.ts";

/** What is to be explained. */
export interface ExplainV2Request {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Names of fields, from the outermost. */
  readonly path: readonly string[];
  readonly recursive: boolean;
}

const lineWidth = 80;

/**
 * What a server's OpenAPI v2 document says of a kind or of one of its fields, as kubectl printed it before v3.
 *
 * @throws UsageError with kubectl's words for what it does not say
 * @see k8s.io/kubectl/pkg/explain/model_printer.go
 */
export function explanationV2(
  document: JsonObject,
  { group, version, kind, path, recursive }: ExplainV2Request,
): string {
  const definitions = asObject(getOwn(document, "definitions"));
  const named = Object.values(definitions).find((one) => describesKind(one, { group, version, kind }));
  if (!isJsonObject(named)) throw new UsageError(`couldn't find resource for "${group}/${version}, Kind=${kind}"`);
  const target = (schema: JsonObject) => targetOf(schema, definitions);
  const found = fieldAt(named, path, target);
  const { descriptions, inner } = unwrapped(found, target);
  const fields = fieldsOf(inner);
  const type = typeOf(found, target);
  const name = path.at(-1);
  const innerType = textOf(inner["type"]);
  let title = "";
  if (fields && name !== undefined) title = `RESOURCE: ${name} <${type}>\n\n`;
  else if (!fields && innerType && innerType !== "object") title = `FIELD:    ${name ?? ""} <${type}>\n\n`;
  // Of an object of any form kubectl says what it is twice.
  if (!fields && innerType === "object") descriptions.push(textOf(inner["description"]));
  const said = descriptions.map((text) => filled(text, lineWidth - 5, 5)).join("\n") || "     <empty>\n";
  const listed = fields && `\nFIELDS:\n${(recursive ? allFields : fieldTexts)(inner, target)}`;
  return `KIND:     ${kind}\nVERSION:  ${group ? `${group}/` : ""}${version}\n\n${title}DESCRIPTION:\n${said}${listed ?? ""}`;
}

/** What a schema refers to; the schema itself where it refers to nothing. */
type Target = (schema: JsonObject) => JsonObject;

function targetOf(schema: JsonObject, definitions: JsonObject): JsonObject {
  const reference = textOf(schema["$ref"]);
  return reference ? asObject(getOwn(definitions, reference.slice(reference.lastIndexOf("/") + 1))) : schema;
}

/** What a list or a map consists of. */
function elementOf(schema: JsonObject): JsonObject | undefined {
  for (const one of [schema["items"], schema["additionalProperties"]]) if (isJsonObject(one)) return one;
  return undefined;
}

function fieldsOf(schema: JsonObject): JsonObject | undefined {
  const { properties } = schema;
  return isJsonObject(properties) ? properties : undefined;
}

/** The schema that a path leads to, through lists and maps. Below what has no fields every path leads to it itself. */
function fieldAt(schema: JsonObject, path: readonly string[], target: Target): JsonObject {
  const [first, ...rest] = path;
  if (first === undefined) return schema;
  const resolved = target(schema);
  const fields = fieldsOf(resolved);
  if (!fields) {
    const element = elementOf(resolved);
    return element ? fieldAt(element, path, target) : schema;
  }
  const field = getOwn(fields, first);
  if (!isJsonObject(field)) throw new UsageError(`field "${first}" does not exist`);
  return fieldAt(field, rest, target);
}

/** What lists, maps and references lead to, and what is said on the way there. */
function unwrapped(
  schema: JsonObject,
  target: Target,
): { readonly descriptions: string[]; readonly inner: JsonObject } {
  const descriptions: string[] = [];
  let inner = schema;
  for (;;) {
    const said = textOf(inner["description"]);
    if (said) descriptions.push(said);
    const resolved = target(inner);
    const next = resolved !== inner ? resolved : fieldsOf(inner) ? undefined : elementOf(inner);
    if (!next) return { descriptions, inner };
    inner = next;
  }
}

function typeOf(schema: JsonObject, target: Target): string {
  const resolved = target(schema);
  if (fieldsOf(resolved)) return "Object";
  const element = elementOf(resolved);
  const type = textOf(resolved["type"]);
  if (type === "array") return `[]${element ? typeOf(element, target) : ""}`;
  if (type === "object") return `map[string]${element ? typeOf(element, target) : ""}`;
  return type;
}

function fieldTexts(schema: JsonObject, target: Target): string {
  const required = schema["required"];
  return members(schema)
    .map(([name, field]) => {
      const mark = Array.isArray(required) && required.includes(name) ? " -required-" : "";
      return `   ${name}\t<${typeOf(field, target)}>${mark}\n${filled(textOf(field["description"]), lineWidth - 5, 5)}\n`;
    })
    .join("");
}

function allFields(
  schema: JsonObject,
  target: Target,
  margin = "   ",
  above: ReadonlySet<JsonObject> = new Set(),
): string {
  return members(schema)
    .map(([name, field]) => {
      const line = `${margin}${name}\t<${typeOf(field, target)}>\n`;
      const { inner } = unwrapped(field, target);
      // What contains itself is shown once.
      if (above.has(inner)) return line;
      return line + allFields(inner, target, `${margin}   `, new Set([...above, inner]));
    })
    .join("");
}

function members(schema: JsonObject): readonly (readonly [string, JsonObject])[] {
  return Object.entries(fieldsOf(schema) ?? {})
    .filter((member): member is [string, JsonObject] => isJsonObject(member[1]))
    .sort(([a], [b]) => compareText(a, b));
}

function describesKind(schema: Json, wanted: { readonly [name: string]: string }): boolean {
  const kinds = isJsonObject(schema) ? getOwn(schema, "x-kubernetes-group-version-kind") : undefined;
  return (
    Array.isArray(kinds) &&
    (kinds as readonly Json[]).some(
      (one) => isJsonObject(one) && Object.entries(wanted).every(([name, value]) => textOf(one[name]) === value),
    )
  );
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
