import type { KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { uncoveredRules } from "../../core/kinds/rbac_rules.ts";
import { type Authorizer, privilegedGroup } from "../authorization/authorizer.ts";
import { type BindingObject, type PolicyRule, type RoleObject, rbacGroup } from "../authorization/policy.ts";
import type { RbacPolicy } from "../authorization/rbac_policy.ts";
import { compactRules, quotedList, ruleText } from "../authorization/rules.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/** What the check works with. */
export interface EscalationOptions {
  readonly authorizer: Authorizer;
  readonly policy: RbacPolicy;
}

const everything: readonly PolicyRule[] = [
  { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
  { nonResourceURLs: ["*"], verbs: ["*"] },
];

/**
 * Lets nobody give away rights that they do not have: neither by writing a role nor by binding one. Whoever may
 * `escalate` roles, or `bind` the very role, may.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export function rbacEscalation(options: EscalationOptions): AdmissionPlugin {
  return {
    name: "RBACEscalation",
    operations: ["CREATE", "UPDATE"],
    async validate(request) {
      const { kind, user, object, previous, subresource } = request;
      if (kind.group !== rbacGroup || !object || subresource !== undefined) return;
      if (user.groups.includes(privilegedGroup) || (previous && isOnlyForCollection(object, previous))) return;
      if (kind.plural === "roles" || kind.plural === "clusterroles") await checkRole(request, object, options);
      else await checkBinding(request, object as BindingObject, options);
    },
  };
}

/** Whether a write changes nothing but what garbage collection needs. */
function isOnlyForCollection(object: KubeObject, previous: KubeObject): boolean {
  const others = ({ metadata, ...rest }: KubeObject) => {
    const {
      finalizers: _f,
      ownerReferences: _o,
      resourceVersion: _r,
      managedFields: _m,
      generation: _g,
      ...kept
    } = metadata;
    return JSON.stringify([kept, rest]);
  };
  return others(object) === others(previous);
}

async function checkRole(request: AdmissionRequest, role: RoleObject, options: EscalationOptions): Promise<void> {
  const { kind, key, user, operation, previous } = request;
  const { allowed } = await options.authorizer.authorize(user, {
    type: "resource",
    verb: "escalate",
    group: kind.group,
    version: "*",
    resource: kind.plural,
    subresource: undefined,
    namespace: key.namespace,
    name: operation === "CREATE" ? undefined : key.name,
  });
  if (allowed) return;
  refuseMissing(request, role.rules ?? [], options);
  const aggregates = [role, previous as RoleObject | undefined].some(
    (one) => (one?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0,
  );
  if (aggregates && missingRules(user, key.namespace, everything, options).length > 0)
    throw StatusError.forbidden(
      kind,
      role.metadata.name ?? "",
      "must have cluster-admin privileges to use the aggregationRule",
    );
}

async function checkBinding(
  request: AdmissionRequest,
  binding: BindingObject,
  options: EscalationOptions,
): Promise<void> {
  const { user, key } = request;
  const { kind, name, apiGroup = "" } = binding.roleRef;
  const { allowed } = await options.authorizer.authorize(user, {
    type: "resource",
    verb: "bind",
    group: apiGroup,
    version: "*",
    resource: kind === "Role" ? "roles" : "clusterroles",
    subresource: undefined,
    namespace: key.namespace,
    name,
  });
  if (allowed) return;
  const rules = options.policy.roleRules(kind === "Role" ? (key.namespace ?? "") : undefined, name);
  if (!rules) throw StatusError.notFound({ group: rbacGroup, plural: `${kind.toLowerCase()}s` }, name);
  refuseMissing(request, rules, options);
}

function missingRules(
  user: UserInfo,
  namespace: string | undefined,
  wanted: readonly PolicyRule[],
  { policy }: EscalationOptions,
): readonly PolicyRule[] {
  try {
    return uncoveredRules(
      policy.grants(user, namespace).rules.map(({ rule }) => rule),
      wanted,
    );
  } catch (error) {
    // What is too much to be compared is too much to be given.
    if (error instanceof RangeError) return wanted;
    throw error;
  }
}

/** @throws StatusError Forbidden when some of the rules are not held by who gives them */
function refuseMissing(
  { kind, key, user, object }: AdmissionRequest,
  wanted: readonly PolicyRule[],
  options: EscalationOptions,
): void {
  const missing = missingRules(user, key.namespace, wanted, options);
  if (missing.length === 0) return;
  const { errors } = options.policy.grants(user, key.namespace);
  const shown = [...new Set(compactRules(missing).map(ruleText))].sort();
  const failures = errors.length > 0 ? `; resolution errors: [${errors.join(", ")}]` : "";
  throw StatusError.forbidden(
    kind,
    object?.metadata.name ?? key.name,
    `user ${JSON.stringify(user.username)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${shown.join("\n")}${failures}`,
  );
}
