import { jsonText } from "../../../core/api/json_text.ts";
import type { Kind } from "../../../core/api/kind.ts";
import type { GroupVersionKind } from "../../../core/api/schema.ts";
import { customDefinitions, customReferences } from "./custom_definitions.ts";
import { dialect2, reachable, writeDefinitions } from "./definitions.ts";
import {
  codesOf,
  definitionsUsed,
  type Operation,
  type PathItem,
  pathsOf,
  queryType,
  virtualPathOf,
} from "./operations.ts";
import { inSlices } from "./slices.ts";
import type { DocumentOptions } from "./v3_document.ts";

const encoder = new TextEncoder();

/** A Swagger 2.0 schema, as far as ours go. */
export interface V2Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly items?: V2Schema;
  readonly additionalProperties?: V2Schema;
  readonly properties?: Readonly<Record<string, V2Schema>>;
  readonly [extension: `x-${string}`]: unknown;
}

/** A parameter of a path, of the query, or the body. */
export interface V2Parameter {
  readonly name: string;
  readonly in: "query" | "path" | "body";
  readonly required?: boolean;
  readonly type?: string;
  readonly description?: string;
  readonly schema?: V2Schema;
}

/** One thing that can be done. */
export interface V2Operation {
  readonly operationId: string;
  readonly parameters: readonly V2Parameter[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly schema?: V2Schema }>>;
  readonly "x-kubernetes-action": string;
  readonly "x-kubernetes-group-version-kind": GroupVersionKind;
}

/** One path. */
export type V2Path = { readonly [M in Operation["method"]]?: V2Operation } & {
  readonly parameters: readonly V2Parameter[];
};

/** A whole Swagger 2.0 document. */
export interface V2Document {
  readonly swagger: "2.0";
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, V2Path>>;
  readonly definitions: Readonly<Record<string, V2Schema>>;
}

/** The Swagger 2.0 document of everything that is served, written in slices. */
export async function v2Document(
  kinds: readonly Kind[],
  { schema, version, virtual }: DocumentOptions,
): Promise<V2Document> {
  const items = [...kinds.flatMap(pathsOf), ...virtual.map(virtualPathOf)];
  const paths: [string, V2Path][] = [];
  for await (const slice of inSlices(items)) for (const item of slice) paths.push([item.path, writePath(item)]);
  const used = definitionsUsed(items);
  const own = customDefinitions(kinds, dialect2);
  const ids = reachable(schema, own.size > 0 ? [...used, ...customReferences] : used);
  const gvks = new Map(kinds.map(({ group, version, kind, schema }) => [schema, { group, version, kind }]));
  const definitions: [string, unknown][] = [];
  for await (const slice of inSlices(ids))
    definitions.push(...Object.entries(writeDefinitions(schema, slice, { dialect: dialect2, kinds: gvks, own })));
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries(paths),
    definitions: Object.fromEntries(definitions) as Record<string, V2Schema>,
  };
}

/** A document as JSON. */
export async function encodeJson({ paths, definitions, ...head }: V2Document): Promise<Uint8Array> {
  const parts = [jsonText(head).slice(0, -1), ',"paths":{'];
  const add = async (map: Readonly<Record<string, unknown>>) => {
    let separator = "";
    for await (const slice of inSlices(Object.entries(map))) {
      parts.push(separator, jsonText(Object.fromEntries(slice)).slice(1, -1));
      separator = ",";
    }
  };
  await add(paths);
  parts.push('},"definitions":{');
  await add(definitions);
  return encoder.encode(`${parts.join("")}}}`);
}

function writePath({ parameters, operations }: PathItem): V2Path {
  return {
    ...Object.fromEntries(operations.map((operation) => [operation.method, writeOperation(operation)])),
    parameters: parameters.map((name) => ({ name, in: "path", required: true, type: "string" })),
  };
}

function writeOperation(operation: Operation): V2Operation {
  const { id, action, kind, body, answer, query } = operation;
  const answered = { description: "OK", schema: answer === undefined ? { type: "string" } : reference(answer) };
  const sent: V2Parameter[] = body ? [{ name: "body", in: "body", required: true, schema: reference(body) }] : [];
  return {
    operationId: id,
    parameters: [...sent, ...query.map((name): V2Parameter => ({ name, in: "query", type: queryType(name) }))],
    responses: {
      ...Object.fromEntries(codesOf(operation).map((code) => [code, answered])),
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
  };
}

function reference(id: string): V2Schema {
  return { $ref: `${dialect2.prefix}${id}` };
}
