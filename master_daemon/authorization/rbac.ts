import type { Authorizer } from "./authorizer.ts";
import { grantText, type RbacPolicy } from "./rbac_policy.ts";
import { ruleAllows } from "./rules.ts";

/**
 * Allows what roles allow to those that bindings name: `--authorization-mode=RBAC`.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
export function rbacAuthorizer(policy: RbacPolicy): Authorizer {
  return {
    async authorize(user, attributes) {
      const namespace = attributes.type === "resource" ? attributes.namespace : undefined;
      const { rules, errors } = policy.grants(user, namespace);
      const granted = rules.find(({ rule }) => ruleAllows(rule, attributes));
      if (granted) return { allowed: true, reason: `RBAC: allowed by ${grantText(granted)}` };
      return errors.length > 0 ? { allowed: false, reason: `RBAC: ${errorText(errors)}` } : { allowed: false };
    },
    async rulesFor(user, namespace) {
      const { rules, errors } = policy.grants(user, namespace);
      return {
        resourceRules: rules.flatMap(({ rule: { verbs, apiGroups = [], resources = [], resourceNames } }) =>
          resources.length > 0
            ? [{ verbs, apiGroups, resources, ...(resourceNames?.length ? { resourceNames } : {}) }]
            : [],
        ),
        pathRules: rules.flatMap(({ rule: { verbs, nonResourceURLs = [] } }) =>
          nonResourceURLs.length > 0 ? [{ verbs, nonResourceURLs }] : [],
        ),
        incomplete: false,
        ...(errors.length > 0 ? { error: errorText(errors) } : {}),
      };
    },
  };
}

function errorText(errors: readonly string[]): string {
  const different = [...new Set(errors)];
  return different.length === 1 ? (different[0] ?? "") : `[${different.join(", ")}]`;
}
