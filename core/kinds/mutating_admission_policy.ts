import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { type PolicySpec, paramKindColumn, withPolicyDefaults } from "./admission_policy.ts";
import { checkPolicySpec } from "./admission_policy_validation.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkRequiredOneOf, type FieldErrors } from "./validators.ts";

/** One change: an expression that makes a part of an object, or JSON patches. */
export interface Mutation {
  readonly patchType: "ApplyConfiguration" | "JSONPatch";
  readonly applyConfiguration?: { readonly expression?: string };
  readonly jsonPatch?: { readonly expression?: string };
}

/** Changes to what is written, in CEL, where bindings say so. */
export interface MutatingAdmissionPolicy extends KubeObject {
  readonly spec?: PolicySpec & {
    readonly mutations?: readonly Mutation[];
    readonly reinvocationPolicy?: "Never" | "IfNeeded";
  };
}

/** The kind MutatingAdmissionPolicy. */
export const mutatingAdmissionPolicy: Kind<MutatingAdmissionPolicy> = defineKind<MutatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingAdmissionPolicy",
  plural: "mutatingadmissionpolicies",
  namespaced: false,
  categories: ["api-extensions"],
  schema: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy",
  conditionalUpdate: true,
  strategy: {
    applyDefaults: withPolicyDefaults,
    validate: ({ spec = {} }) => [
      ...checkPolicySpec(spec, "spec"),
      ...checkMutations(spec.mutations ?? [], "spec.mutations"),
      ...checkRequiredOneOf("spec.reinvocationPolicy", spec.reinvocationPolicy, ["IfNeeded", "Never"]),
    ],
  },
  columns: [
    nameColumn,
    {
      name: "Mutations",
      type: "integer",
      description: "How many changes the policy makes.",
      cell: ({ spec }) => spec?.mutations?.length ?? 0,
    },
    paramKindColumn,
    ageColumn,
  ],
});

function checkMutations(mutations: readonly Mutation[], field: string): FieldErrors {
  if (mutations.length === 0) return [fieldError.required(field, "mutations must contain at least one item")];
  return mutations.flatMap((mutation, index) => checkMutation(mutation, `${field}[${index}]`));
}

function checkMutation({ patchType, applyConfiguration, jsonPatch }: Mutation, field: string): FieldErrors {
  const [own, other, value, unwanted]: readonly [string, string, Mutation["jsonPatch"], Mutation["jsonPatch"]] =
    patchType === "JSONPatch"
      ? ["jsonPatch", "applyConfiguration", jsonPatch, applyConfiguration]
      : ["applyConfiguration", "jsonPatch", applyConfiguration, jsonPatch];
  const errors: FieldError[] = [
    ...checkRequiredOneOf(`${field}.patchType`, patchType, ["ApplyConfiguration", "JSONPatch"]),
  ];
  if (errors.length > 0) return errors;
  if (!value) errors.push(fieldError.required(`${field}.${own}`, `must be specified when patchType is ${patchType}`));
  else if (!value.expression?.trim())
    errors.push(fieldError.required(`${field}.${own}.expression`, "expression is not specified"));
  if (unwanted)
    errors.push(fieldError.invalid(`${field}.${other}`, "{}", `must not be specified when patchType is ${patchType}`));
  return errors;
}
