import type { ResourceType } from "../../../core/api/kind.ts";
import { type KubeObject, keyOf, keyText } from "../../../core/api/meta.ts";
import { isReason } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { isProtected, type Reconciled, reconciledBinding, reconciledRole } from "../../../core/kinds/rbac_reconcile.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { Registries } from "../../registry/registry.ts";
import { isTransient } from "../../registry/store_failure.ts";
import { rbacTypes } from "../policy.ts";
import { bootstrapPolicy } from "./policy.ts";

/** Objects written at once: between two lots others get their turn. */
const lot = 8;

/**
 * Writes the roles and bindings that every cluster has, and adds to those that are there what they lack. What an
 * administrator added stays; what is annotated with `autoupdate: "false"` is left alone. Doing it again does what is left.
 *
 * @throws StatusError when the store cannot be read or written to now
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation
 */
export async function reconcileBootstrapPolicy({
  registries,
  user,
  log,
  signal,
}: {
  readonly registries: Registries;
  /** Whom the writes are by. */
  readonly user: UserInfo;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const policy = bootstrapPolicy();
  const writes = [
    ...(await planned(rbacTypes.clusterRole, policy.clusterRoles, reconciledRole)),
    ...(await planned(rbacTypes.clusterRoleBinding, policy.clusterRoleBindings, reconciledBinding)),
    ...(await planned(rbacTypes.role, policy.roles, reconciledRole)),
    ...(await planned(rbacTypes.roleBinding, policy.roleBindings, reconciledBinding)),
  ];

  /** The writes that lead from what is there to what is expected: none, usually. */
  async function planned<T extends KubeObject>(
    type: ResourceType<T>,
    expected: readonly T[],
    reconciled: (present: T, expected: T) => Reconciled<T>,
  ): Promise<readonly (() => Promise<unknown>)[]> {
    const registry = registries.for(type);
    const { items } = await registry.list();
    const present = new Map(items.map(({ key, object }) => [keyText(key), object]));
    return expected.flatMap((wanted) => {
      const key = keyOf(wanted);
      const found = present.get(keyText(key));
      if (!found) return [() => registry.create(wanted, { user })];
      if (isProtected(found)) return [];
      const { operation, object } = reconciled(found, wanted);
      if (operation === "none") return [];
      if (operation === "update") return [() => registry.update(key, () => object, { user })];
      return [() => registry.delete(key, { user }).then(() => registry.create(wanted, { user }))];
    });
  }

  let failure: unknown;
  async function attempt(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      // Another master writes the same.
      if (isReason(error, "AlreadyExists") || isReason(error, "Conflict")) return;
      // One that cannot be written must not keep the others from being.
      if (isTransient(error)) failure = error;
      else if (!signal.aborted) log.error("Cannot write a default role", { error: errorMessage(error) });
    }
  }

  for (let index = 0; index < writes.length && !signal.aborted; index += lot) {
    await Promise.all(writes.slice(index, index + lot).map(attempt));
    if (failure !== undefined) throw failure;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
