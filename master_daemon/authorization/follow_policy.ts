import type { ResourceType } from "../../core/api/kind.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import type { Logger } from "../../core/util/log.ts";
import { followRegistry } from "../registry/follow.ts";
import type { Registries } from "../registry/registry.ts";
import { bootstrapPolicy } from "./bootstrap/policy.ts";
import { type Binding, type BindingObject, type RoleObject, type RoleRules, rbacTypes } from "./policy.ts";
import { RbacPolicy } from "./rbac_policy.ts";

/** A policy that follows the registries. */
export interface FollowedPolicy extends AsyncDisposable {
  readonly policy: RbacPolicy;
}

/**
 * The roles and bindings of a cluster, as they are and as they change. Those that every cluster has hold from the start, also where they
 * are missing: they are about to be written, and the cluster's own parts, on which that may wait, need not wait until then.
 */
export async function followPolicy({
  registries,
  clock,
  log,
}: {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<FollowedPolicy> {
  const policy = new RbacPolicy();
  const parts = new DisposalStack();
  try {
    const roles = async (type: ResourceType<RoleObject>) =>
      parts.use(
        await followRegistry({
          registry: registries.for(type),
          onPresent: ({ object }) => policy.setRole(roleRules(object)),
          onGone: ({ key }) => policy.deleteRole(key.namespace, key.name),
          onRestart: () => policy.clear("roles", type.namespaced ? "namespaced" : "cluster"),
          clock,
          log,
        }),
      );
    const bindings = async (type: ResourceType<BindingObject>) =>
      parts.use(
        await followRegistry({
          registry: registries.for(type),
          onPresent: ({ object }) => policy.setBinding(bindingOf(object)),
          onGone: ({ key }) => policy.deleteBinding(key.namespace, key.name),
          onRestart: () => policy.clear("bindings", type.namespaced ? "namespaced" : "cluster"),
          clock,
          log,
        }),
      );
    expectBootstrap(policy);
    await Promise.all([
      roles(rbacTypes.role),
      roles(rbacTypes.clusterRole),
      bindings(rbacTypes.roleBinding),
      bindings(rbacTypes.clusterRoleBinding),
    ]);
    return { policy, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

function expectBootstrap(policy: RbacPolicy): void {
  const { clusterRoles, clusterRoleBindings, roles, roleBindings } = bootstrapPolicy();
  for (const role of [...clusterRoles, ...roles]) policy.setRole(roleRules(role));
  for (const binding of [...clusterRoleBindings, ...roleBindings]) policy.setBinding(bindingOf(binding));
}

function roleRules({ metadata, rules }: RoleObject): RoleRules {
  return { namespace: metadata.namespace, name: metadata.name ?? "", rules: rules ?? [] };
}

function bindingOf({ metadata, roleRef, subjects }: BindingObject): Binding {
  return { namespace: metadata.namespace, name: metadata.name ?? "", roleRef, subjects: subjects ?? [] };
}
