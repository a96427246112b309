import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type BindingSpec, bindingColumns, withBindingDefaults } from "./admission_policy.ts";
import { checkBindingSpec } from "./admission_policy_validation.ts";
import { ageColumn, nameColumn } from "./cells.ts";

/** Puts a mutating policy to work: where, and with which parameters. */
export interface MutatingAdmissionPolicyBinding extends KubeObject {
  readonly spec?: BindingSpec;
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
      applyDefaults: withBindingDefaults,
      validate: ({ spec = {} }) => checkBindingSpec(spec, "spec"),
    },
    columns: [nameColumn, ...bindingColumns, ageColumn],
  });
