import { asJson, jsonEqual } from "../api/json_object.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
import type { ClusterRole } from "./cluster_role.ts";
import type { ClusterRoleBinding } from "./cluster_role_binding.ts";
import type { PolicyRule, Subject } from "./rbac.ts";
import { uncoveredRules } from "./rbac_rules.ts";

/** Annotation of roles and bindings: with `false`, reconciliation leaves them alone. */
export const autoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

/** Whether a role or binding is to be left as it is. */
export function isProtected({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[autoUpdate] === "false";
}

/** How a role or binding becomes what is expected. */
export interface Reconciled<T extends KubeObject = KubeObject, Part = unknown> {
  /** Recreate: it cannot be changed so. */
  readonly operation: "none" | "update" | "recreate";
  /** As it is to be; the present one with operation `none`. */
  readonly object: T;
  /** Atomic rules or subjects that it lacks. */
  readonly missing: readonly Part[];
  /** Those that it has besides; only looked for when they are to go. */
  readonly extra: readonly Part[];
}

/** Whether what is present and not expected goes. Default false */
export interface ReconcileOptions {
  readonly removeExtra?: boolean | undefined;
}

/**
 * What gives a role the rules, labels and annotations that are expected. Values of labels and annotations stay. Pure.
 *
 * @throws RangeError when its rules combine to too many atomic ones
 * @see k8s.io/component-helpers/auth/rbac/reconciliation/reconcile_role.go
 */
export function reconciledRole<T extends ClusterRole>(
  present: T,
  expected: T,
  { removeExtra = false }: ReconcileOptions = {},
): Reconciled<T, PolicyRule> {
  const [own = [], wanted = []] = [present.rules, expected.rules];
  const missing = uncoveredRules(own, wanted);
  // The rules of an aggregated role are another controller's.
  const aggregated = present.aggregationRule !== undefined && expected.aggregationRule !== undefined;
  const extra = removeExtra && !aggregated ? uncoveredRules(wanted, own) : [];
  const rules = changed(own, wanted, { missing, extra, removeExtra });
  const aggregation = reconciledAggregation(present, expected, removeExtra);
  const metadata = mergedMetadata(present, expected);
  if (!rules && !aggregation && !metadata) return { operation: "none", object: present, missing, extra };
  const { aggregationRule, ...rest } = present;
  const selected = aggregation ? aggregation.aggregationRule : aggregationRule;
  const object = {
    ...rest,
    metadata: metadata ?? present.metadata,
    ...(rules ? { rules } : {}),
    ...(selected ? { aggregationRule: selected } : {}),
  } as T;
  return { operation: "update", object, missing, extra };
}

/**
 * What gives a binding the subjects, labels and annotations that are expected. The role that it grants cannot be changed:
 * for another it is written anew. Pure.
 *
 * @see k8s.io/component-helpers/auth/rbac/reconciliation/reconcile_rolebindings.go
 */
export function reconciledBinding<T extends ClusterRoleBinding>(
  present: T,
  expected: T,
  { removeExtra = false }: ReconcileOptions = {},
): Reconciled<T, Subject> {
  if (!sameRole(present.roleRef, expected.roleRef))
    return { operation: "recreate", object: expected, missing: [], extra: [] };
  const [own = [], wanted = []] = [present.subjects, expected.subjects];
  const missing = subjectsWithout(wanted, own);
  const extra = removeExtra ? subjectsWithout(own, wanted) : [];
  const subjects = changed(own, wanted, { missing, extra, removeExtra });
  const metadata = mergedMetadata(present, expected);
  if (!subjects && !metadata) return { operation: "none", object: present, missing, extra };
  const object = { ...present, metadata: metadata ?? present.metadata, ...(subjects ? { subjects } : {}) };
  return { operation: "update", object, missing, extra };
}

/** The parts as they are to be; undefined when they stay. */
function changed<Part>(
  own: readonly Part[],
  wanted: readonly Part[],
  difference: { readonly missing: readonly Part[]; readonly extra: readonly Part[]; readonly removeExtra: boolean },
): readonly Part[] | undefined {
  const { missing, extra, removeExtra } = difference;
  if (missing.length === 0 && extra.length === 0) return undefined;
  return removeExtra ? wanted : [...own, ...missing];
}

/** What becomes of the aggregation; undefined when it stays. */
function reconciledAggregation(
  { aggregationRule: present }: ClusterRole,
  { aggregationRule: expected }: ClusterRole,
  removeExtra: boolean,
): Pick<ClusterRole, "aggregationRule"> | undefined {
  if (!expected) return present ? {} : undefined;
  const [own = [], wanted = []] = [present?.clusterRoleSelectors, expected.clusterRoleSelectors];
  const without = (some: typeof own, others: typeof own) =>
    some.filter((one) => !others.some((other) => jsonEqual(asJson(one), asJson(other))));
  const missing = without(wanted, own);
  const selectors = changed(own, wanted, { missing, extra: removeExtra ? without(own, wanted) : [], removeExtra });
  return selectors && { aggregationRule: { clusterRoleSelectors: selectors } };
}

/** Those of `some` that are not among `others`, doubles left out. */
function subjectsWithout(some: readonly Subject[], others: readonly Subject[]): readonly Subject[] {
  const ids = new Set(others.map(subjectId));
  return some.filter((one) => {
    const id = subjectId(one);
    if (ids.has(id)) return false;
    ids.add(id);
    return true;
  });
}

function subjectId({ kind, apiGroup = "", name, namespace = "" }: Subject): string {
  return JSON.stringify([kind, apiGroup, name, namespace]);
}

function sameRole(a: ClusterRoleBinding["roleRef"], b: ClusterRoleBinding["roleRef"]): boolean {
  return (a.apiGroup ?? "") === (b.apiGroup ?? "") && a.kind === b.kind && a.name === b.name;
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
