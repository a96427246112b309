import type { ApiSchema } from "../../core/api/schema.ts";
import { mutatingAdmissionPolicy as policyKind } from "../../core/kinds/mutating_admission_policy.ts";
import { mutatingAdmissionPolicyBinding as bindingKind } from "../../core/kinds/mutating_admission_policy_binding.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { Registries } from "../registry/registry.ts";
import { isExempt } from "./_matching.ts";
import { boundPolicies } from "./_policies.ts";
import { firstRound } from "./_reinvocations.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Changes writes as MutatingAdmissionPolicies say, before mutating webhooks are asked. A policy counts as soon as its write
 * is answered. Nothing of expressions is loaded before there is a policy with a binding.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
 */
export function mutatingAdmissionPolicy(options: {
  readonly registries: Registries;
  readonly authorizer: Authorizer;
  readonly schema: ApiSchema;
}): AdmissionPlugin {
  const policies = options.registries.for(policyKind);
  const bindings = options.registries.for(bindingKind);
  return {
    name: "MutatingAdmissionPolicy",
    operations: ["CREATE", "UPDATE"],
    async mutate(request) {
      if (isExempt(request)) return request.object;
      const hooks = await boundPolicies(policies, bindings);
      if (hooks.length === 0) return request.object;
      const { applyPolicies } = await import("./policies/mutating.ts");
      return applyPolicies(hooks, request, request.rounds ?? firstRound(), options);
    },
  };
}
