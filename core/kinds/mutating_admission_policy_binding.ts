import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type MatchResources, type ParamRef, withMatchDefaults } from "./admission_policy.ts";
import { checkMatchResources, checkParamRef, checkPolicyName } from "./admission_policy_validation.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { paramRefText } from "./validating_admission_policy_binding.ts";

/** Puts a mutating policy to work: where, and with which parameters. */
export interface MutatingAdmissionPolicyBinding extends KubeObject {
  readonly spec?: {
    readonly policyName?: string;
    readonly paramRef?: ParamRef;
    readonly matchResources?: MatchResources;
  };
}

/** The kind MutatingAdmissionPolicyBinding. */
export const mutatingAdmissionPolicyBinding: Kind<MutatingAdmissionPolicyBinding> =
  defineKind<MutatingAdmissionPolicyBinding>({
    group: "admissionregistration.k8s.io",
    version: "v1",
    kind: "MutatingAdmissionPolicyBinding",
    plural: "mutatingadmissionpolicybindings",
    namespaced: false,
    categories: ["api-extensions"],
    schema: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding",
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
        ...checkMatchResources(spec.matchResources, "spec.matchResouces"),
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
