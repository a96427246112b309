import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import {
  type MatchResources,
  type ParamKind,
  paramKindText,
  type Variable,
  withMatchDefaults,
} from "./admission_policy.ts";
import {
  checkMatchConstraints,
  checkParamKind,
  checkVariables,
  failurePolicies,
} from "./admission_policy_validation.ts";
import { checkMatchConditions } from "./admission_rule_validation.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkRequiredOneOf, type FieldErrors } from "./validators.ts";
import type { MatchCondition } from "./webhook.ts";

/** One change: an expression that makes a part of an object, or JSON patches. */
export interface Mutation {
  readonly patchType: "ApplyConfiguration" | "JSONPatch";
  readonly applyConfiguration?: { readonly expression?: string };
  readonly jsonPatch?: { readonly expression?: string };
}

/** Changes to what is written, in CEL, where bindings say so. */
export interface MutatingAdmissionPolicy extends KubeObject {
  readonly spec?: {
    readonly paramKind?: ParamKind;
    readonly matchConstraints?: MatchResources;
    readonly variables?: readonly Variable[];
    readonly mutations?: readonly Mutation[];
    readonly failurePolicy?: "Fail" | "Ignore";
    readonly matchConditions?: readonly MatchCondition[];
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
    applyDefaults: (object) => {
      const { spec = {} } = object;
      const { matchConstraints } = spec;
      return {
        ...object,
        spec: {
          ...spec,
          failurePolicy: spec.failurePolicy ?? "Fail",
          ...(matchConstraints ? { matchConstraints: withMatchDefaults(matchConstraints) } : {}),
        },
      };
    },
    validate: ({ spec = {} }) => [
      ...checkRequiredOneOf("spec.failurePolicy", spec.failurePolicy, failurePolicies),
      ...checkParamKind(spec.paramKind, "spec.paramKind"),
      ...checkMatchConstraints(spec.matchConstraints, "spec.matchConstraints"),
      ...checkMatchConditions(spec.matchConditions ?? [], "spec.matchConditions"),
      ...checkVariables(spec.variables ?? [], "spec.variables"),
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
    {
      name: "ParamKind",
      type: "string",
      description: "The kind of the policy's parameters.",
      cell: ({ spec }) => paramKindText(spec?.paramKind),
    },
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
