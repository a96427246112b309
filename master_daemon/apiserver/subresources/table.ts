import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";

/** A subresource as discovery tells of it. */
export interface SubresourceEntry {
  readonly name: string;
  /** Kind of what is exchanged. */
  readonly response: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
}

const core = (kind: string) => ({ group: "", version: "v1", kind });

const proxyVerbs = ["create", "delete", "get", "patch", "update"];

/** Subresources of particular resources, by `apiVersion/plural`. */
const special: ReadonlyMap<string, readonly SubresourceEntry[]> = new Map([
  ["v1/namespaces", [{ name: "finalize", response: core("Namespace"), verbs: ["update"] }]],
  ["v1/nodes", [{ name: "proxy", response: core("NodeProxyOptions"), verbs: proxyVerbs }]],
  ["v1/services", [{ name: "proxy", response: core("ServiceProxyOptions"), verbs: proxyVerbs }]],
  [
    "v1/serviceaccounts",
    [
      {
        name: "token",
        response: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
        verbs: ["create"],
      },
    ],
  ],
  [
    "v1/pods",
    [
      { name: "attach", response: core("PodAttachOptions"), verbs: ["create", "get"] },
      { name: "binding", response: core("Binding"), verbs: ["create"] },
      { name: "eviction", response: { group: "policy", version: "v1", kind: "Eviction" }, verbs: ["create"] },
      { name: "exec", response: core("PodExecOptions"), verbs: ["create", "get"] },
      { name: "log", response: core("Pod"), verbs: ["get"] },
      { name: "portforward", response: core("PodPortForwardOptions"), verbs: ["create", "get"] },
      { name: "proxy", response: core("PodProxyOptions"), verbs: proxyVerbs },
    ],
  ],
]);

const storedVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** What can be done with a kind. */
export function verbsOf({ verbs = storedVerbs }: Kind): readonly string[] {
  return verbs;
}

/** The subresources of a kind, sorted by name. */
export function subresourcesOf(kind: Kind): readonly SubresourceEntry[] {
  const entries = [...(special.get(`${apiVersionOf(kind)}/${kind.plural}`) ?? [])];
  const { group, version } = kind;
  for (const name of ["approval", "status"] as const)
    if (kind.subresources[name])
      entries.push({ name, response: { group, version, kind: kind.kind }, verbs: ["get", "patch", "update"] });
  for (const name of Object.keys(kind.parts ?? {}))
    entries.push({ name, response: { group, version, kind: kind.kind }, verbs: ["get", "patch", "update"] });
  if (kind.subresources.scale)
    entries.push({
      name: "scale",
      response: { group: "autoscaling", version: "v1", kind: "Scale" },
      verbs: ["get", "patch", "update"],
    });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
