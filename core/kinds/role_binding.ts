import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { bindingColumns, type RoleRef, type Subject } from "./rbac.ts";
import { checkBinding, checkRoleRefKept, rbacGroup, withBindingDefaults } from "./rbac_validation.ts";

/** Grants a role, or a cluster role, in one namespace. */
export interface RoleBinding extends KubeObject {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[];
}

/** The kind RoleBinding. */
export const roleBinding: Kind<RoleBinding> = defineKind<RoleBinding>({
  group: rbacGroup,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  namespaced: true,
  schema: "io.k8s.api.rbac.v1.RoleBinding",
  validateName: () => undefined,
  createOnUpdate: true,
  strategy: {
    applyDefaults: withBindingDefaults,
    validate: (binding) => checkBinding(binding, { namespaced: true }),
    validateUpdate: (next, previous) => checkRoleRefKept(next.roleRef, previous.roleRef),
  },
  columns: bindingColumns,
});
