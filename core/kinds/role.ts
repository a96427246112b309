import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { createdColumn, nameColumn } from "./cells.ts";
import type { PolicyRule } from "./rbac.ts";
import { checkRules, rbacGroup } from "./rbac_validation.ts";

/** What may be done in one namespace. */
export interface Role extends KubeObject {
  readonly rules?: readonly PolicyRule[];
}

/** The kind Role. */
export const role: Kind<Role> = defineKind<Role>({
  group: rbacGroup,
  version: "v1",
  kind: "Role",
  plural: "roles",
  namespaced: true,
  schema: "io.k8s.api.rbac.v1.Role",
  validateName: () => undefined,
  createOnUpdate: true,
  strategy: { validate: ({ rules }) => checkRules(rules, { namespaced: true }) },
  columns: [nameColumn, createdColumn],
});
