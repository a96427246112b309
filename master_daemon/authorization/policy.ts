import type { ResourceType } from "../../core/api/kind.ts";
import type { LabelSelector } from "../../core/api/labels.ts";
import type { KubeObject } from "../../core/api/meta.ts";

/** What may be done. @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#api-overview */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** Who may. */
export interface Subject {
  readonly kind: string;
  readonly apiGroup?: string;
  readonly name: string;
  readonly namespace?: string;
}

/** The role that a binding gives. */
export interface RoleRef {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

/** A RoleBinding, or a ClusterRoleBinding when it has no namespace. */
export interface Binding {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly roleRef: RoleRef;
  readonly subjects: readonly Subject[];
}

/** A Role, or a ClusterRole when it has no namespace. */
export interface RoleRules {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

/** What a service account is called as a user. */
export function accountUsername(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** Namespace and name of the service account that a user is; undefined when it is none. */
export function accountOf(username: string): { readonly namespace: string; readonly name: string } | undefined {
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  return match?.[1] && match[2] ? { namespace: match[1], name: match[2] } : undefined;
}

/** The groups of every service account of a namespace. */
export function accountGroups(namespace: string): readonly string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** Name of the API group of roles and bindings. */
export const rbacGroup = "rbac.authorization.k8s.io";

/** A Role or ClusterRole. */
export interface RoleObject extends KubeObject {
  readonly rules?: readonly PolicyRule[] | null;
  /** Of a ClusterRole that is made of others, which their labels choose. */
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelector[] };
}

/** A RoleBinding or ClusterRoleBinding. */
export interface BindingObject extends KubeObject {
  readonly subjects?: readonly Subject[] | null;
  readonly roleRef: RoleRef;
}

function rbacType<T extends KubeObject>(kind: string, namespaced: boolean): ResourceType<T> {
  return { group: rbacGroup, version: "v1", kind, plural: `${kind.toLowerCase()}s`, namespaced };
}

/** The kinds of the API group. */
export const rbacTypes: {
  readonly role: ResourceType<RoleObject>;
  readonly clusterRole: ResourceType<RoleObject>;
  readonly roleBinding: ResourceType<BindingObject>;
  readonly clusterRoleBinding: ResourceType<BindingObject>;
} = {
  role: rbacType("Role", true),
  clusterRole: rbacType("ClusterRole", false),
  roleBinding: rbacType("RoleBinding", true),
  clusterRoleBinding: rbacType("ClusterRoleBinding", false),
};
