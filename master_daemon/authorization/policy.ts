import type { ResourceType } from "../../core/api/kind.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { type ClusterRole, clusterRole } from "../../core/kinds/cluster_role.ts";
import { type ClusterRoleBinding, clusterRoleBinding } from "../../core/kinds/cluster_role_binding.ts";
import type { PolicyRule, RoleRef, Subject } from "../../core/kinds/rbac.ts";
import { rbacGroup } from "../../core/kinds/rbac_validation.ts";
import { role } from "../../core/kinds/role.ts";
import { roleBinding } from "../../core/kinds/role_binding.ts";

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

/** The user that a service account is. */
export function accountUser(namespace: string, name: string): UserInfo {
  return {
    username: accountUsername(namespace, name),
    groups: [...accountGroups(namespace), "system:authenticated"],
  };
}

/** A Role or ClusterRole. */
export type RoleObject = ClusterRole;

/** A RoleBinding or ClusterRoleBinding. */
export type BindingObject = ClusterRoleBinding;

/** The kinds of the API group. */
export const rbacTypes: {
  readonly role: ResourceType<RoleObject>;
  readonly clusterRole: ResourceType<RoleObject>;
  readonly roleBinding: ResourceType<BindingObject>;
  readonly clusterRoleBinding: ResourceType<BindingObject>;
} = { role, clusterRole, roleBinding, clusterRoleBinding };

export type { PolicyRule, RoleRef, Subject };
export { rbacGroup };
