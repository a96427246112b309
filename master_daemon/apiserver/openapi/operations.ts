import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import type { GroupVersionKind } from "../../../core/api/schema.ts";
import { listSchemaOf } from "./custom_definitions.ts";

/** What a path does, free of any version of OpenAPI. */
export interface Operation {
  readonly method: "get" | "put" | "post" | "delete" | "patch";
  readonly id: string;
  /** Kubernetes' word for it. */
  readonly action: "list" | "get" | "post" | "put" | "patch" | "delete" | "deletecollection";
  readonly kind: GroupVersionKind;
  /** Definition of what is sent, where something is. */
  readonly body: string | undefined;
  /** Definition of what comes back. */
  readonly answer: string;
  /** Names of the query parameters that clients look for. */
  readonly query: readonly string[];
  /** Whether strategic merge patches are taken: not by custom resources, whose types nothing says how to merge. */
  readonly strategic: boolean;
}

/** One path with what can be done there. */
export interface PathItem {
  readonly path: string;
  /** Names of the parameters inside the path. */
  readonly parameters: readonly string[];
  readonly operations: readonly Operation[];
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const writing = ["dryRun", "fieldManager", "fieldValidation"];
const deleting = ["dryRun", "gracePeriodSeconds", "propagationPolicy"];
const listing = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];

/** The folder that documents of a group and version are served under: `api/v1`, `apis/apps/v1`. */
export function folderOf(kind: { readonly group: string; readonly version: string }): string {
  return `${kind.group ? "apis" : "api"}/${apiVersionOf(kind)}`;
}

/** All paths of a kind: the collection, the object and its subresources. */
export function pathsOf(kind: Kind): readonly PathItem[] {
  const { group, version, plural, namespaced, schema } = kind;
  const own: GroupVersionKind = { group, version, kind: kind.kind };
  const root = `/${folderOf(kind)}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const inside = namespaced ? ["namespace"] : [];
  const suffix = `${pascal(group || "core")}${pascal(version)}${namespaced ? "Namespaced" : ""}${kind.kind}`;
  const list = listSchemaOf(kind);
  const operation = (
    method: Operation["method"],
    action: Operation["action"],
    name: string,
    {
      body,
      answer = schema,
      query,
      of = own,
    }: Partial<Pick<Operation, "body" | "answer">> & {
      query: readonly string[];
      of?: GroupVersionKind;
    },
  ): Operation => ({
    method,
    id: `${name}${suffix}`,
    action,
    kind: of,
    body,
    answer,
    query,
    strategic: kind.custom === undefined,
  });
  const object = (tail: string, operations: readonly Operation[]): PathItem => ({
    path: `${collection}/{name}${tail}`,
    parameters: ["name", ...inside],
    operations,
  });
  const readAndWrite = (tail: string, id: string, of: GroupVersionKind): PathItem =>
    object(
      tail,
      (["get", "put", "patch"] as const)
        .map((method) =>
          operation(method, method, verbs[method], {
            of,
            answer: id,
            ...(method === "get" ? {} : { body: method === "patch" ? `${meta}.Patch` : id }),
            query: method === "get" ? [] : method === "patch" ? [...writing, "force"] : writing,
          }),
        )
        .map((o) => ({ ...o, id: `${o.id}${pascal(tail.slice(1))}` })),
    );
  const post = (tail: string, id: string, of: GroupVersionKind): PathItem =>
    object(tail, [
      {
        ...operation("post", "post", "create", { of, body: id, answer: id, query: writing }),
        id: `create${suffix}${of.kind}`,
      },
    ]);

  const items: PathItem[] = [
    {
      path: collection,
      parameters: inside,
      operations: [
        operation("get", "list", "list", { answer: list, query: listing }),
        operation("post", "post", "create", { body: schema, query: writing }),
        operation("delete", "deletecollection", "deleteCollection", {
          body: `${meta}.DeleteOptions`,
          answer: `${meta}.Status`,
          query: [...deleting, ...listing],
        }),
      ],
    },
    object("", [
      operation("get", "get", "read", { query: [] }),
      operation("put", "put", "replace", { body: schema, query: writing }),
      operation("patch", "patch", "patch", { body: `${meta}.Patch`, query: [...writing, "force"] }),
      operation("delete", "delete", "delete", {
        body: `${meta}.DeleteOptions`,
        answer: `${meta}.Status`,
        query: deleting,
      }),
    ]),
  ];
  if (namespaced) {
    const everywhere = operation("get", "list", "list", { answer: list, query: listing });
    items.push({
      path: `${root}/${plural}`,
      parameters: [],
      operations: [{ ...everywhere, id: `${everywhere.id.replace("Namespaced", "")}ForAllNamespaces` }],
    });
  }
  if (kind.subresources.status) items.push(readAndWrite("/status", schema, own));
  if (kind.subresources.scale)
    items.push(
      readAndWrite("/scale", "io.k8s.api.autoscaling.v1.Scale", { group: "autoscaling", version: "v1", kind: "Scale" }),
    );
  if (group === "" && plural === "pods") {
    items.push(
      post("/binding", "io.k8s.api.core.v1.Binding", { group: "", version: "v1", kind: "Binding" }),
      post("/eviction", "io.k8s.api.policy.v1.Eviction", { group: "policy", version: "v1", kind: "Eviction" }),
    );
  }
  return items;
}

const verbs = { get: "read", put: "replace", patch: "patch" } as const;

/** `discovery.k8s.io` is `Discovery`, `v1` is `V1`. */
function pascal(text: string): string {
  const [word = ""] = text.split(".");
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

/** Whether a query parameter is text, a number or a yes or no. */
export function queryType(name: string): "string" | "integer" | "boolean" {
  if (["limit", "timeoutSeconds", "gracePeriodSeconds"].includes(name)) return "integer";
  return ["watch", "force", "allowWatchBookmarks", "sendInitialEvents"].includes(name) ? "boolean" : "string";
}
