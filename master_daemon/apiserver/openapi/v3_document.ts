import type { Kind } from "../../../core/api/kind.ts";
import type { ApiSchema } from "../../../core/api/schema.ts";
import type { VirtualResource } from "../virtual/virtual_resource.ts";
import { customDefinitions, customReferences } from "./custom_definitions.ts";
import { type Doc, dialect3, reachable, writeDefinitions } from "./definitions.ts";
import {
  codesOf,
  definitionsUsed,
  type Operation,
  type PathItem,
  pathsOf,
  queryType,
  virtualPathOf,
} from "./operations.ts";

/** What a document is made of besides its kinds. */
export interface DocumentOptions {
  readonly schema: ApiSchema;
  readonly version: string;
  /** Resources that are never stored. */
  readonly virtual: readonly VirtualResource[];
}

/** The OpenAPI 3.0 document of one group and version. */
export function v3Document(kinds: readonly Kind[], { schema, version, virtual }: DocumentOptions): Doc {
  const items = [...kinds.flatMap(pathsOf), ...virtual.map(virtualPathOf)];
  const used = definitionsUsed(items);
  const own = customDefinitions(kinds, dialect3);
  const ids = reachable(schema, own.size > 0 ? [...used, ...customReferences] : used);
  const gvks = new Map(kinds.map(({ group, version, kind, schema }) => [schema, { group, version, kind }]));
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries(items.map((item) => [item.path, writePath(item)])),
    components: {
      schemas: writeDefinitions(schema, ids, { dialect: dialect3, kinds: gvks, own }),
    },
  };
}

function writePath({ parameters, operations }: PathItem): Doc {
  return {
    ...Object.fromEntries(operations.map((operation) => [operation.method, writeOperation(operation)])),
    parameters: parameters.map((name) => ({
      name,
      in: "path",
      description:
        name === "name" ? "name of the object" : "object name and auth scope, such as for teams and projects",
      required: true,
      schema: { type: "string", uniqueItems: true },
    })),
  };
}

function writeOperation(operation: Operation): Doc {
  const { id, action, kind, body, answer, query, method, strategic } = operation;
  const answered = { description: "OK", content: answerContent(answer) };
  return {
    operationId: id,
    ...(query.length > 0
      ? {
          parameters: query.map((name) => ({
            name,
            in: "query",
            schema: { type: queryType(name), uniqueItems: true },
          })),
        }
      : {}),
    ...(body
      ? {
          requestBody: {
            content: Object.fromEntries(bodyTypes(method, strategic).map((type) => [type, content(body)])),
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(codesOf(operation).map((code) => [code, answered])),
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
  };
}

function answerContent(id: string | undefined): Doc {
  if (id === undefined) return { "*/*": { schema: { type: "string" } } };
  return { "application/json": content(id), "application/yaml": content(id) };
}

function content(id: string): Doc {
  return { schema: { $ref: `${dialect3.prefix}${id}` } };
}

function bodyTypes(method: Operation["method"], strategic: boolean): readonly string[] {
  if (method !== "patch") return ["*/*"];
  return [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    ...(strategic ? ["application/strategic-merge-patch+json"] : []),
  ];
}
