import { validatingAdmissionPolicy as policyKind } from "../../core/kinds/validating_admission_policy.ts";
import { validatingAdmissionPolicyBinding as bindingKind } from "../../core/kinds/validating_admission_policy_binding.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { Registries } from "../registry/registry.ts";
import { isExempt } from "./_matching.ts";
import { boundPolicies } from "./_policies.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Holds writes to ValidatingAdmissionPolicies. A policy counts as soon as its write is answered; its expressions are
 * compiled once. Nothing of expressions is loaded before there is a policy with a binding.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#validatingadmissionpolicy
 */
export function validatingAdmissionPolicy(options: {
  readonly registries: Registries;
  readonly authorizer: Authorizer;
}): AdmissionPlugin {
  const policies = options.registries.for(policyKind);
  const bindings = options.registries.for(bindingKind);
  return {
    name: "ValidatingAdmissionPolicy",
    operations: ["CREATE", "UPDATE", "DELETE", "CONNECT"],
    async validate(request) {
      if (isExempt(request)) return;
      const hooks = await boundPolicies(policies, bindings);
      if (hooks.length === 0) return;
      const { enforcePolicies } = await import("./policies/validating.ts");
      await enforcePolicies(hooks, request, options);
    },
  };
}
