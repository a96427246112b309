import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { type BindingSpec, bindingColumns, withBindingDefaults } from "./admission_policy.ts";
import { checkBindingSpec } from "./admission_policy_validation.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkOneOf, type FieldErrors } from "./validators.ts";

/** Puts a validating policy to work: where, with which parameters, and what becomes of what breaks it. */
export interface ValidatingAdmissionPolicyBinding extends KubeObject {
  readonly spec?: BindingSpec & { readonly validationActions?: readonly ("Deny" | "Warn" | "Audit")[] };
}

const actions = ["Audit", "Deny", "Warn"];

/** The kind ValidatingAdmissionPolicyBinding. */
export const validatingAdmissionPolicyBinding: Kind<ValidatingAdmissionPolicyBinding> =
  defineKind<ValidatingAdmissionPolicyBinding>({
    group: "admissionregistration.k8s.io",
    version: "v1",
    kind: "ValidatingAdmissionPolicyBinding",
    plural: "validatingadmissionpolicybindings",
    namespaced: false,
    categories: ["api-extensions"],
    schema: "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    conditionalUpdate: true,
    strategy: {
      applyDefaults: withBindingDefaults,
      validate: ({ spec = {} }) => [
        ...checkBindingSpec(spec, "spec"),
        ...checkActions(spec.validationActions ?? [], "spec.validationActions"),
      ],
    },
    columns: [nameColumn, ...bindingColumns, ageColumn],
  });

function checkActions(values: readonly string[], field: string): FieldErrors {
  const clash =
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
  return [
    ...values.flatMap((value, index) => [
      ...checkOneOf(`${field}[${index}]`, value, actions),
      ...(values.indexOf(value) < index ? [fieldError.duplicate(`${field}[${index}]`, value)] : []),
    ]),
    ...(values.includes("Deny") && values.includes("Warn") ? [fieldError.invalid(field, values, clash)] : []),
    ...(values.length === 0 ? [fieldError.required(field, "at least one validation action is required")] : []),
  ];
}
