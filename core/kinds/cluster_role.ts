import { defineKind, type Kind } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { createdColumn, nameColumn } from "./cells.ts";
import type { PolicyRule } from "./rbac.ts";
import { checkRules, rbacGroup } from "./rbac_validation.ts";
import type { FieldErrors } from "./validators.ts";

/** What may be done in the whole cluster, or in the namespaces whose role bindings grant it. */
export interface ClusterRole extends KubeObject {
  readonly rules?: readonly PolicyRule[];
  /** Cluster roles whose rules a controller gathers into this one. */
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelector[] };
}

/** The kind ClusterRole. */
export const clusterRole: Kind<ClusterRole> = defineKind<ClusterRole>({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
  schema: "io.k8s.api.rbac.v1.ClusterRole",
  validateName: () => undefined,
  createOnUpdate: true,
  strategy: {
    validate: ({ rules, aggregationRule }) => [
      ...checkRules(rules, { namespaced: false }),
      ...checkAggregation(aggregationRule),
    ],
  },
  columns: [nameColumn, createdColumn],
});

function checkAggregation(rule: ClusterRole["aggregationRule"]): FieldErrors {
  if (!rule) return [];
  const field = "aggregationRule.clusterRoleSelectors";
  const { clusterRoleSelectors: selectors = [] } = rule;
  if (selectors.length === 0)
    return [fieldError.required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  return selectors.flatMap((selector, index) => {
    const errors = validateLabelSelector(selector, `${field}[${index}]`);
    const useless = fieldError.invalid(`${field}[${index}]`, null, "invalid label selector.");
    return errors.length > 0 ? [...errors, useless] : [];
  });
}
