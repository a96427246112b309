import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { bindingColumns, type RoleRef, type Subject } from "./rbac.ts";
import { checkBinding, checkRoleRefKept, rbacGroup, withBindingDefaults } from "./rbac_validation.ts";

/** Grants a cluster role in the whole cluster. */
export interface ClusterRoleBinding extends KubeObject {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[];
}

/** The kind ClusterRoleBinding. */
export const clusterRoleBinding: Kind<ClusterRoleBinding> = defineKind<ClusterRoleBinding>({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  namespaced: false,
  schema: "io.k8s.api.rbac.v1.ClusterRoleBinding",
  validateName: () => undefined,
  createOnUpdate: true,
  strategy: {
    applyDefaults: withBindingDefaults,
    validate: (binding) => checkBinding(binding, { namespaced: false }),
    validateUpdate: (next, previous) => checkRoleRefKept(next.roleRef, previous.roleRef),
  },
  columns: bindingColumns,
});
