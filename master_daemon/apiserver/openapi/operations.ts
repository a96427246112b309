import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import type { GroupVersionKind } from "../../../core/api/schema.ts";
import { type SubresourceEntry, subresourcesOf, verbsOf } from "../subresources/table.ts";
import type { VirtualResource } from "../virtual/virtual_resource.ts";
import { listSchemaOf } from "./custom_definitions.ts";

/** What a path does, free of any version of OpenAPI. */
export interface Operation {
  readonly method: "get" | "put" | "post" | "delete" | "patch";
  readonly id: string;
  /** Kubernetes' word for it. */
  readonly action: "list" | "get" | "post" | "put" | "patch" | "delete" | "deletecollection" | "connect";
  readonly kind: GroupVersionKind;
  /** Definition of what is sent, where something is. */
  readonly body: string | undefined;
  /** Definition of what comes back; undefined: text. */
  readonly answer: string | undefined;
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

const logging = [
  "container",
  "follow",
  "insecureSkipTLSVerifyBackend",
  "limitBytes",
  "previous",
  "sinceSeconds",
  "tailLines",
  "timestamps",
];

/** The folder that documents of a group and version are served under: `api/v1`, `apis/apps/v1`. */
export function folderOf(kind: { readonly group: string; readonly version: string }): string {
  return `${kind.group ? "apis" : "api"}/${apiVersionOf(kind)}`;
}

/** All paths of a kind: the collection, the object and its subresources. */
export function pathsOf(kind: Kind): readonly PathItem[] {
  const paths = new KindPaths(kind);
  const shown = kind.namespaced ? [paths.collection(), paths.everywhere()] : [paths.collection()];
  return [...shown, paths.object(), ...subresourcesOf(kind).map((entry) => paths.subresource(entry))].filter(
    ({ operations }) => operations.length > 0,
  );
}

/** The path of a resource that is created, answered and forgotten. */
export function virtualPathOf(resource: VirtualResource): PathItem {
  const { group, version, kind, plural, namespaced, schema } = resource;
  const root = `/${folderOf(resource)}`;
  const id = `create${pascal(group || "core")}${pascal(version)}${namespaced ? "Namespaced" : ""}${kind}`;
  const post: Operation = {
    method: "post",
    id,
    action: "post",
    kind: { group, version, kind },
    body: schema,
    answer: schema,
    query: writing,
    strategic: true,
  };
  return namespaced
    ? { path: `${root}/namespaces/{namespace}/${plural}`, parameters: ["namespace"], operations: [post] }
    : { path: `${root}/${plural}`, parameters: [], operations: [post] };
}

/** What a subresource exchanges where that is not the object itself; what is only ever streamed has no definition. */
const exchanged: ReadonlyMap<string, string> = new Map([
  ["Binding", "io.k8s.api.core.v1.Binding"],
  ["Eviction", "io.k8s.api.policy.v1.Eviction"],
  ["Scale", "io.k8s.api.autoscaling.v1.Scale"],
  ["TokenRequest", "io.k8s.api.authentication.v1.TokenRequest"],
]);

class KindPaths {
  readonly #kind: Kind;
  readonly #own: GroupVersionKind;
  readonly #verbs: readonly string[];
  readonly #root: string;
  readonly #folder: string;
  readonly #inside: readonly string[];

  constructor(kind: Kind) {
    const { group, version, plural, namespaced } = kind;
    this.#kind = kind;
    this.#own = { group, version, kind: kind.kind };
    this.#verbs = verbsOf(kind);
    this.#root = `/${folderOf(kind)}`;
    this.#folder = namespaced ? `${this.#root}/namespaces/{namespace}/${plural}` : `${this.#root}/${plural}`;
    this.#inside = namespaced ? ["namespace"] : [];
  }

  collection(): PathItem {
    const { schema } = this.#kind;
    return {
      path: this.#folder,
      parameters: this.#inside,
      operations: [
        ...this.#when("list", () => this.#list()),
        ...this.#when("create", () => this.#operation("post", "post", "create", { body: schema, query: writing })),
        ...this.#when("deletecollection", () =>
          this.#operation("delete", "deletecollection", "deleteCollection", {
            body: `${meta}.DeleteOptions`,
            answer: `${meta}.Status`,
            query: [...deleting, ...listing],
          }),
        ),
      ],
    };
  }

  /** The collection across all namespaces. */
  everywhere(): PathItem {
    const everywhere = this.#list();
    const id = `${everywhere.id.replace("Namespaced", "")}ForAllNamespaces`;
    return {
      path: `${this.#root}/${this.#kind.plural}`,
      parameters: [],
      operations: this.#when("list", () => ({ ...everywhere, id })),
    };
  }

  object(): PathItem {
    const { schema } = this.#kind;
    return this.#objectItem("", [
      ...this.#when("get", () => this.#operation("get", "get", "read", { query: [] })),
      ...this.#when("update", () => this.#operation("put", "put", "replace", { body: schema, query: writing })),
      ...this.#when("patch", () =>
        this.#operation("patch", "patch", "patch", { body: `${meta}.Patch`, query: [...writing, "force"] }),
      ),
      ...this.#when("delete", () =>
        this.#operation("delete", "delete", "delete", {
          body: `${meta}.DeleteOptions`,
          answer: `${meta}.Status`,
          query: deleting,
        }),
      ),
    ]);
  }

  subresource({ name, response, verbs }: SubresourceEntry): PathItem {
    const isOwn = response.kind === this.#kind.kind;
    const id = isOwn ? this.#kind.schema : exchanged.get(response.kind);
    const make = id === undefined || name === "log" ? this.#streamed.bind(this) : this.#exchange.bind(this, id);
    return this.#objectItem(
      `/${name}`,
      methods.filter(([verb]) => verbs.includes(verb)).map(([, method]) => make(method, name, response)),
    );
  }

  #exchange(id: string, method: Operation["method"], name: string, of: GroupVersionKind): Operation {
    const action = method === "get" ? "get" : method;
    const word = { get: "read", put: "replace", patch: "patch", post: "create", delete: "delete" }[method];
    const operation = this.#operation(method, action, word, {
      of,
      answer: id,
      ...(method === "get" ? {} : { body: method === "patch" ? `${meta}.Patch` : id }),
      query: method === "get" ? [] : method === "patch" ? [...writing, "force"] : writing,
    });
    return { ...operation, id: `${operation.id}${pascal(name)}` };
  }

  /** Text, or a connection: neither has a definition. */
  #streamed(method: Operation["method"], name: string, of: GroupVersionKind): Operation {
    const isLog = name === "log";
    const word = isLog ? "read" : `connect${pascal(method)}`;
    const operation = this.#operation(method, isLog ? "get" : "connect", word, { of, query: isLog ? logging : [] });
    return { ...operation, id: `${operation.id}${pascal(name)}`, answer: undefined };
  }

  #objectItem(tail: string, operations: readonly Operation[]): PathItem {
    return { path: `${this.#folder}/{name}${tail}`, parameters: ["name", ...this.#inside], operations };
  }

  #list(): Operation {
    return this.#operation("get", "list", "list", { answer: listSchemaOf(this.#kind), query: listing });
  }

  #when(verb: string, make: () => Operation): readonly Operation[] {
    return this.#verbs.includes(verb) ? [make()] : [];
  }

  #operation(
    method: Operation["method"],
    action: Operation["action"],
    word: string,
    {
      body,
      answer = this.#kind.schema,
      query,
      of = this.#own,
    }: {
      readonly body?: string;
      readonly answer?: string;
      readonly query: readonly string[];
      readonly of?: GroupVersionKind;
    },
  ): Operation {
    const { group, version, namespaced, custom } = this.#kind;
    const id = `${word}${pascal(group || "core")}${pascal(version)}${namespaced ? "Namespaced" : ""}${this.#kind.kind}`;
    return { method, id, action, kind: of, body, answer, query, strategic: custom === undefined };
  }
}

const methods: readonly (readonly [string, Operation["method"]])[] = [
  ["get", "get"],
  ["update", "put"],
  ["create", "post"],
  ["delete", "delete"],
  ["patch", "patch"],
];

/** `discovery.k8s.io` is `Discovery`, `v1` is `V1`. */
function pascal(text: string): string {
  const [word = ""] = text.split(".");
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

const integers: ReadonlySet<string> = new Set([
  "limit",
  "timeoutSeconds",
  "gracePeriodSeconds",
  "limitBytes",
  "sinceSeconds",
  "tailLines",
]);
const booleans: ReadonlySet<string> = new Set([
  "watch",
  "force",
  "allowWatchBookmarks",
  "sendInitialEvents",
  "follow",
  "insecureSkipTLSVerifyBackend",
  "previous",
  "timestamps",
]);

/** Whether a query parameter is text, a number or a yes or no. */
export function queryType(name: string): "string" | "integer" | "boolean" {
  if (integers.has(name)) return "integer";
  return booleans.has(name) ? "boolean" : "string";
}

/** Ids of the definitions that operations name. */
export function definitionsUsed(items: readonly PathItem[]): readonly string[] {
  return items.flatMap(({ operations }) =>
    operations.flatMap(({ body, answer }) => [body, answer].filter((id) => id !== undefined)),
  );
}

/** The answers of an operation by their codes: each is the same, whether something was made, changed or only accepted. */
export function codesOf({ method, action }: Operation): readonly string[] {
  if (action === "connect" || method === "get") return ["200"];
  if (method === "post") return ["200", "201", "202"];
  return method === "delete" ? ["200", "202"] : ["200", "201"];
}
