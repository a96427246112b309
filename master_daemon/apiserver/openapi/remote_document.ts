import { getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import { jsonText } from "../../../core/api/json_text.ts";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import type { Operation } from "./operations.ts";
import type { V2Operation, V2Parameter, V2Path, V2Schema } from "./v2_document.ts";

/** What another server says of one group and version, in Swagger 2.0. */
export interface V2Part {
  readonly paths: Readonly<Record<string, V2Path>>;
  readonly definitions: Readonly<Record<string, V2Schema>>;
}

const methods: readonly Operation["method"][] = ["get", "put", "post", "delete", "patch"];
const prefix = "#/definitions/";
/** Deepest schema that is read. */
const maxDepth = 100;

/**
 * The paths of a group and version in another server's Swagger document, and the definitions that they use. Only what our
 * own documents have is taken of it: whatever else stands there is left out.
 */
export function readV2Part(document: Json, folder: string): V2Part {
  const own = membersOf(document, "paths").filter(([path]) => path === `/${folder}` || path.startsWith(`/${folder}/`));
  const paths = Object.fromEntries(own.map(([path, item]) => [path, readPath(item)]));
  const all = new Map(membersOf(document, "definitions"));
  const definitions = new Map<string, V2Schema>();
  const waiting = [...referencesIn(paths)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const found = all.get(name);
    if (found === undefined || definitions.has(name)) continue;
    const schema = readSchema(found);
    definitions.set(name, schema);
    waiting.push(...referencesIn(schema));
  }
  // Clients look kinds up by their definitions, used by a path or not.
  return { paths, definitions: Object.fromEntries(definitions) };
}

function membersOf(value: Json | undefined, name: string): readonly [string, Json][] {
  const member = isJsonObject(value) ? getOwn(value, name) : undefined;
  return isJsonObject(member) ? Object.entries(member) : [];
}

function readPath(item: Json): V2Path {
  const operations = methods.flatMap((method) => {
    const found = isJsonObject(item) ? getOwn(item, method) : undefined;
    return isJsonObject(found) ? [[method, readOperation(found)] as const] : [];
  });
  return { ...Object.fromEntries(operations), parameters: readParameters(item) };
}

function readOperation(operation: JsonObject): V2Operation {
  const responses = membersOf(operation, "responses").map(([code, response]) => {
    const schema = isJsonObject(response) ? getOwn(response, "schema") : undefined;
    const description = textOf(response, "description") ?? "";
    return [code, { description, ...(isJsonObject(schema) ? { schema: readSchema(schema) } : {}) }] as const;
  });
  return {
    operationId: textOf(operation, "operationId") ?? "",
    parameters: readParameters(operation),
    responses: Object.fromEntries(responses),
    ...extensionsOf(operation),
  } as unknown as V2Operation;
}

function readParameters(holder: Json): readonly V2Parameter[] {
  const list = isJsonObject(holder) ? getOwn(holder, "parameters") : undefined;
  return (Array.isArray(list) ? (list as readonly Json[]) : []).flatMap((one) => {
    const place = textOf(one, "in");
    if (!isJsonObject(one) || (place !== "query" && place !== "path" && place !== "body")) return [];
    const schema = getOwn(one, "schema");
    return [
      {
        name: textOf(one, "name") ?? "",
        in: place,
        ...(getOwn(one, "required") === true ? { required: true } : {}),
        ...textMembers(one, ["type", "description"]),
        ...(isJsonObject(schema) ? { schema: readSchema(schema) } : {}),
      },
    ];
  });
}

function readSchema(schema: Json, depth = 0): V2Schema {
  if (!isJsonObject(schema) || depth > maxDepth) return {};
  const list = (name: string): readonly string[] | undefined => {
    const value = getOwn(schema, name);
    return Array.isArray(value) ? value.filter((one: Json) => typeof one === "string") : undefined;
  };
  const child = (name: string): V2Schema | undefined => {
    const value = getOwn(schema, name);
    return isJsonObject(value) ? readSchema(value, depth + 1) : undefined;
  };
  const [required, values, items, additionalProperties] = [
    list("required"),
    list("enum"),
    child("items"),
    child("additionalProperties"),
  ];
  const properties = membersOf(schema, "properties");
  return {
    ...textMembers(schema, ["$ref", "description", "type", "format"]),
    ...(required ? { required } : {}),
    ...(values ? { enum: values } : {}),
    ...(items ? { items } : {}),
    ...(additionalProperties ? { additionalProperties } : {}),
    ...(properties.length > 0
      ? { properties: Object.fromEntries(properties.map(([name, one]) => [name, readSchema(one, depth + 1)])) }
      : {}),
    ...extensionsOf(schema),
  };
}

function textOf(holder: Json, name: string): string | undefined {
  const value = isJsonObject(holder) ? getOwn(holder, name) : undefined;
  return typeof value === "string" ? value : undefined;
}

function textMembers(holder: JsonObject, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = textOf(holder, name);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

function extensionsOf(holder: JsonObject): Readonly<Record<`x-${string}`, Json>> {
  return Object.fromEntries(Object.entries(holder).filter(([name]) => name.startsWith("x-")));
}

/** Names of the definitions that stand anywhere in a part of a document. */
function referencesIn(value: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  visit(value);
  return names;

  function visit(one: unknown): void {
    if (typeof one !== "object" || one === null) return;
    for (const [name, member] of Object.entries(one)) {
      if (name === "$ref" && typeof member === "string" && member.startsWith(prefix))
        names.add(member.slice(prefix.length));
      else visit(member);
    }
  }
}

/** A copy in which every reference is renamed. */
export function renameReferences<T>(value: T, rename: (name: string) => string): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => renameReferences(one, rename)) as T;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) =>
      name === "$ref" && typeof member === "string" && member.startsWith(prefix)
        ? [name, `${rename(member.slice(prefix.length))}`]
        : [name, renameReferences(member, rename)],
    ),
  ) as T;
}

/**
 * Puts what others say into a document. A definition that is there already under the same name, but is another one, gets a
 * name of its own.
 *
 * @see k8s.io/kube-openapi/pkg/aggregator MergeSpecs
 */
export function mergeParts<T extends V2Part>(document: T, parts: readonly V2Part[]): T {
  if (parts.length === 0) return document;
  const definitions = new Map(Object.entries(document.definitions));
  const paths = new Map(Object.entries(document.paths));
  for (const part of parts) {
    const names = new Map<string, string>();
    for (const [name, schema] of Object.entries(part.definitions)) {
      const known = definitions.get(name);
      if (known === undefined || jsonText(known) === jsonText(schema)) continue;
      let number = 2;
      while (definitions.has(`${name}_v${number}`)) number++;
      names.set(name, `${name}_v${number}`);
    }
    const rename = (name: string) => `${prefix}${names.get(name) ?? name}`;
    for (const [name, schema] of Object.entries(part.definitions))
      definitions.set(names.get(name) ?? name, renameReferences(schema, rename));
    // What is served here goes first.
    for (const [path, item] of Object.entries(part.paths))
      if (!paths.has(path)) paths.set(path, renameReferences(item, rename));
  }
  return { ...document, paths: Object.fromEntries(paths), definitions: Object.fromEntries(definitions) };
}
