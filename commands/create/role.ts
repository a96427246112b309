import { UsageError, type Verb } from "../verb.ts";
import { generatorVerb } from "./generator.ts";
import { checkResources, policyRules, ruleFlags, ruleParts } from "./policy_rules.ts";
import { rbacGroup } from "./subjects.ts";

/** Makes a role. */
export const createRole: Verb = generatorVerb({
  name: "role",
  summary: "Create a role: what may be done in a namespace.",
  flags: ruleFlags,
  examples: [["See pods", "wherry create role pod-reader --verb=get,list,watch --resource=pods"]],
  namespaced: true,
  async make({ name, flags, env }) {
    const parts = ruleParts(flags);
    if (parts.verbs.length === 0) throw new UsageError("at least one verb must be specified");
    if (parts.resources.length === 0) throw new UsageError("at least one resource must be specified");
    await checkResources(parts, env);
    return {
      apiVersion: `${rbacGroup}/v1`,
      kind: "Role",
      metadata: { name },
      rules: await policyRules(parts, [], env),
    };
  },
});
