import type { KubeObject } from "../../../core/api/meta.ts";
import { autoUpdate } from "../../../core/kinds/rbac_reconcile.ts";
import { once } from "../../../core/util/once.ts";
import { type BindingObject, rbacGroup as group, type PolicyRule, type RoleObject, type Subject } from "../policy.ts";
import { aggregatedRoles, clusterRoleBindings, clusterRoles } from "./cluster_roles.ts";
import { controllerRoles } from "./controller_roles.ts";
import { namespaceRoles } from "./namespace_roles.ts";

/** Roles and bindings that every cluster has. */
export interface BootstrapPolicy {
  readonly clusterRoles: readonly RoleObject[];
  readonly clusterRoleBindings: readonly BindingObject[];
  readonly roles: readonly RoleObject[];
  readonly roleBindings: readonly BindingObject[];
}

const apiVersion = `${group}/v1`;

/** All that is to be there. Objects as upstream writes them, rules of aggregated roles included. */
export const bootstrapPolicy: () => BootstrapPolicy = once(() => {
  const plain = Object.entries(clusterRoles).map(([name, text]) => clusterRole(name, parseRules(text)));
  const controllers = Object.entries(controllerRoles);
  return {
    clusterRoles: [
      ...plain,
      ...aggregatedRoles.map((name) => aggregated(name, plain)),
      ...controllers.map(([name, text]) => clusterRole(`system:controller:${name}`, parseRules(text))),
    ],
    clusterRoleBindings: [
      ...Object.entries(clusterRoleBindings).map(([name, subjects]) => clusterBinding(name, subjects)),
      ...controllers.map(([name]) =>
        clusterBinding(`system:controller:${name}`, [`ServiceAccount kube-system/${name}`]),
      ),
    ],
    roles: namespaceRoles.map(({ namespace, name, rules }) => ({
      apiVersion,
      kind: "Role",
      metadata: metadataOf(name, { namespace }),
      rules: parseRules(rules),
    })),
    roleBindings: namespaceRoles.map(({ namespace, name, binding = name, subjects }) => ({
      apiVersion,
      kind: "RoleBinding",
      metadata: metadataOf(binding, { namespace }),
      roleRef: { apiGroup: group, kind: "Role", name },
      subjects: subjects.map(parseSubject),
    })),
  };
});

function clusterRole(name: string, rules: readonly PolicyRule[]): RoleObject {
  // The one that metrics-server brings along has another name.
  const target = name === "system:aggregated-metrics-reader" ? "view" : /^system:aggregate-to-(.+)$/.exec(name)?.[1];
  const labels = target ? { [`${group}/aggregate-to-${target}`]: "true" } : {};
  return { apiVersion, kind: "ClusterRole", metadata: metadataOf(name, { labels }), rules };
}

/** `admin` holds all that `edit` does, and `edit` all that `view` does: each is labelled as a part of the greater one. */
function aggregated(name: string, plain: readonly RoleObject[]): RoleObject {
  const index = aggregatedRoles.indexOf(name);
  const greater = aggregatedRoles[index - 1];
  const labels = greater ? { [`${group}/aggregate-to-${greater}`]: "true" } : {};
  const parts = ["edit", "view", "admin"].filter((part) => aggregatedRoles.indexOf(part) >= index);
  return {
    apiVersion,
    kind: "ClusterRole",
    metadata: metadataOf(name, { labels }),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${group}/aggregate-to-${name}`]: "true" } }] },
    // In the order in which the controller of aggregated roles puts them, lest it write them anew.
    rules: parts.flatMap((part) =>
      plain
        .filter(({ metadata }) => metadata.labels?.[`${group}/aggregate-to-${part}`] === "true")
        .flatMap(({ rules = [] }) => rules),
    ),
  };
}

function clusterBinding(name: string, subjects: readonly string[]): BindingObject {
  return {
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata: metadataOf(name, {}),
    roleRef: { apiGroup: group, kind: "ClusterRole", name },
    subjects: subjects.map(parseSubject),
  };
}

function metadataOf(
  name: string,
  { namespace, labels = {} }: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> },
): KubeObject["metadata"] {
  return {
    name,
    ...(namespace ? { namespace } : {}),
    annotations: { [autoUpdate]: "true" },
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
  };
}

function parseSubject(text: string): Subject {
  const [kind = "", who = ""] = text.split(" ");
  if (kind !== "ServiceAccount") return { apiGroup: group, kind, name: who };
  const [namespace = "", name = ""] = who.split("/");
  return { kind, name, namespace };
}

const read = ["get", "list", "watch"];
const write = ["create", "delete", "deletecollection", "patch", "update"];
const verbSets = new Map<string, readonly string[]>([
  ["read", read],
  ["write", write],
  ["all", [...read, ...write]],
]);

/** The rules that lines of the tables stand for. */
export function parseRules(text: string): readonly PolicyRule[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").map(parseRule);
}

function parseRule(line: string): PolicyRule {
  const [first = "", second = "", third, names] = (
    line === "events" ? "create,update,patch core,events.k8s.io events" : line
  )
    .split(" ")
    .map((word) => word.split(","));
  const verbs = [...first].flatMap((verb) => verbSets.get(verb) ?? [verb]).sort();
  if (!third) return { nonResourceURLs: [...second].sort(), verbs };
  const apiGroups = [...second].map((name) => (name === "core" ? "" : name)).sort();
  return { apiGroups, ...(names ? { resourceNames: names.sort() } : {}), resources: third.sort(), verbs };
}
