import type { ResourceType } from "../../../core/api/kind.ts";
import type { LabelSelector } from "../../../core/api/labels.ts";
import { type KubeObject, keyOf, keyText, type StringMap } from "../../../core/api/meta.ts";
import { isReason } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { Registries } from "../../registry/registry.ts";
import { isTransient } from "../../registry/store_failure.ts";
import { type BindingObject, type RoleObject, rbacTypes, type Subject } from "../policy.ts";
import { uncoveredRules } from "../rules.ts";
import { autoUpdate, bootstrapPolicy } from "./policy.ts";

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
    ...(await planned(rbacTypes.clusterRole, policy.clusterRoles, mergeRole)),
    ...(await planned(rbacTypes.clusterRoleBinding, policy.clusterRoleBindings, mergeBinding)),
    ...(await planned(rbacTypes.role, policy.roles, mergeRole)),
    ...(await planned(rbacTypes.roleBinding, policy.roleBindings, mergeBinding)),
  ];

  /** The writes that lead from what is there to what is expected: none, usually. */
  async function planned<T extends KubeObject>(
    type: ResourceType<T>,
    expected: readonly T[],
    merge: (present: T, expected: T) => T | "recreate",
  ): Promise<readonly (() => Promise<unknown>)[]> {
    const registry = registries.for(type);
    const { items } = await registry.list();
    const present = new Map(items.map(({ key, object }) => [keyText(key), object]));
    return expected.flatMap((wanted) => {
      const key = keyOf(wanted);
      const found = present.get(keyText(key));
      if (!found) return [() => registry.create(wanted, { user })];
      if (found.metadata.annotations?.[autoUpdate] === "false") return [];
      const merged = merge(found, wanted);
      if (merged === found) return [];
      if (merged !== "recreate") return [() => registry.update(key, () => merged, { user })];
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

/** `present` with what `expected` has besides; `present` itself when that is nothing. */
function mergeRole(present: RoleObject, expected: RoleObject): RoleObject {
  const missing = uncoveredRules(present.rules ?? [], expected.rules ?? []);
  const selectors = present.aggregationRule?.clusterRoleSelectors ?? [];
  const missingSelectors = (expected.aggregationRule?.clusterRoleSelectors ?? []).filter(
    (one) => !selectors.some((own) => sameSelector(own, one)),
  );
  const metadata = mergedMetadata(present, expected);
  const isAggregated = expected.aggregationRule !== undefined;
  if (missing.length === 0 && missingSelectors.length === 0 && !metadata) {
    if (isAggregated || !present.aggregationRule) return present;
  }
  const { aggregationRule: _, ...rest } = present;
  return {
    ...rest,
    metadata: metadata ?? present.metadata,
    rules: [...(present.rules ?? []), ...missing],
    ...(isAggregated ? { aggregationRule: { clusterRoleSelectors: [...selectors, ...missingSelectors] } } : {}),
  };
}

/** As {@linkcode mergeRole}, for bindings. The role that one gives cannot be changed: it is written anew. */
function mergeBinding(present: BindingObject, expected: BindingObject): BindingObject | "recreate" {
  const { kind, name } = expected.roleRef;
  if (present.roleRef.kind !== kind || present.roleRef.name !== name) return "recreate";
  const subjects = present.subjects ?? [];
  const missing = (expected.subjects ?? []).filter((one) => !subjects.some((own) => sameSubject(own, one)));
  const metadata = mergedMetadata(present, expected);
  if (missing.length === 0 && !metadata) return present;
  return { ...present, metadata: metadata ?? present.metadata, subjects: [...subjects, ...missing] };
}

function sameSubject(a: Subject, b: Subject): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? "") === (b.namespace ?? "");
}

function sameSelector(a: LabelSelector, b: LabelSelector): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Undefined when the present one lacks nothing. What it has otherwise, an administrator chose. */
function mergedMetadata(present: KubeObject, expected: KubeObject): KubeObject["metadata"] | undefined {
  const annotations = mergedMap(present.metadata.annotations, expected.metadata.annotations);
  const labels = mergedMap(present.metadata.labels, expected.metadata.labels);
  return annotations || labels
    ? { ...present.metadata, ...(annotations ? { annotations } : {}), ...(labels ? { labels } : {}) }
    : undefined;
}

function mergedMap(present: StringMap = {}, expected: StringMap = {}): StringMap | undefined {
  const missing = Object.entries(expected).filter(([key]) => !Object.hasOwn(present, key));
  return missing.length > 0 ? Object.fromEntries([...Object.entries(present), ...missing]) : undefined;
}
