import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { type MatchResources, type ParamRef, withMatchDefaults } from "./admission_policy.ts";
import { checkMatchResources, checkParamRef, checkPolicyName } from "./admission_policy_validation.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkOneOf, type FieldErrors } from "./validators.ts";

/** Puts a validating policy to work: where, with which parameters, and what becomes of what breaks it. */
export interface ValidatingAdmissionPolicyBinding extends KubeObject {
  readonly spec?: {
    readonly policyName?: string;
    readonly paramRef?: ParamRef;
    readonly matchResources?: MatchResources;
    readonly validationActions?: readonly ("Deny" | "Warn" | "Audit")[];
  };
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
      applyDefaults: (object) => {
        const { spec } = object;
        if (!spec?.matchResources) return object;
        return { ...object, spec: { ...spec, matchResources: withMatchDefaults(spec.matchResources) } };
      },
      validate: ({ spec = {} }) => [
        ...checkPolicyName(spec.policyName, "spec.policyName"),
        ...checkParamRef(spec.paramRef, "spec.paramRef"),
        // The name of the field is misspelt in Kubernetes.
        ...checkMatchResources(spec.matchResources, "spec.matchResouces"),
        ...checkActions(spec.validationActions ?? [], "spec.validationActions"),
      ],
    },
    columns: [
      nameColumn,
      {
        name: "PolicyName",
        type: "string",
        description: "The policy that is put to work.",
        cell: ({ spec }) => spec?.policyName ?? "",
      },
      {
        name: "ParamRef",
        type: "string",
        description: "The objects that are its parameters.",
        cell: ({ spec }) => paramRefText(spec?.paramRef),
      },
      ageColumn,
    ],
  });

/** Parameters as tables show them: `namespace/name`, or `*` for those that a selector finds. */
export function paramRefText(ref: ParamRef | undefined): string {
  if (!ref) return "<unset>";
  const name = ref.name || "*";
  return ref.namespace ? `${ref.namespace}/${name}` : name;
}

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
