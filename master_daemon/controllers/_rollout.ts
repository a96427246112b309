import type { Deployment, ReplicaSet } from "../../core/kinds/mod.ts";

/** Annotation with the number of the template that a ReplicaSet or Deployment is at. */
export const revisionAnnotation = "deployment.kubernetes.io/revision";
/** Annotation with the earlier numbers of a ReplicaSet that was rolled back to, separated by commas. */
export const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
/** Annotation of a ReplicaSet: replicas of the Deployment when it was last scaled. */
export const desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
/** Annotation of a ReplicaSet: replicas and surge of the Deployment when it was last scaled. */
export const maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";
/** Annotation with the revision to which a Deployment is to go back. */
export const rollbackAnnotation = "deprecated.deployment.rollback.to";
/** Annotations that say something about one object alone. */
export const ownAnnotations: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  rollbackAnnotation,
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
]);

/** `spec.replicas` with its default. */
export function wantedReplicas({ spec }: { readonly spec: { readonly replicas?: number } }): number {
  return spec.replicas ?? 1;
}

/**
 * How many pods may be above and missing below the wanted number during a rolling update. Percentages of surge round up,
 * those of unavailability down; both 0 would never move, so then one may be missing.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/util/deployment_util.go ResolveFenceposts
 */
export function rolloutLimits(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const { type = "RollingUpdate", rollingUpdate } = deployment.spec.strategy ?? {};
  const replicas = wantedReplicas(deployment);
  if (type !== "RollingUpdate") return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = scaled(rollingUpdate?.maxSurge ?? "25%", replicas, Math.ceil);
  const unavailable = scaled(rollingUpdate?.maxUnavailable ?? "25%", replicas, Math.floor);
  const maxUnavailable = maxSurge === 0 && unavailable === 0 ? 1 : unavailable;
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

function scaled(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === "number") return Math.max(0, value);
  const percent = /^(\d{1,9})%$/.exec(value)?.[1];
  return percent === undefined ? 0 : round((Number(percent) * total) / 100);
}

/** Sum of `spec.replicas`. */
export function specReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + wantedReplicas(set), 0);
}

/** Sum of `status.availableReplicas`. */
export function availableReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
}

/** Available pods that will stay: a status that lags behind a smaller `spec.replicas` still counts what is on its way out. */
function remainingAvailable(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + Math.min(set.status?.availableReplicas ?? 0, wantedReplicas(set)), 0);
}

/** Pods that there are, or are to be: those of a ReplicaSet that was made smaller count until its status says they go. */
function presentReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + Math.max(set.status?.replicas ?? 0, wantedReplicas(set)), 0);
}

/**
 * How large the new ReplicaSet should be now. Kubernetes counts what the others ask for; while the deletion of their pods
 * is held up, there would be more than `maxSurge` allows.
 */
export function newSetReplicas(deployment: Deployment, all: readonly ReplicaSet[], currentReplicas: number): number {
  const replicas = wantedReplicas(deployment);
  if (deployment.spec.strategy?.type === "Recreate") return replicas;
  const room = replicas + rolloutLimits(deployment).maxSurge - presentReplicas(all);
  if (room <= 0) return currentReplicas;
  return currentReplicas + Math.min(room, replicas - currentReplicas);
}

/** A ReplicaSet and the size that it should get. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly to: number;
}

/**
 * Which old ReplicaSets shrink, and how far, so that never fewer than the minimum are available: first those replicas that
 * are not available anyway, then available ones, oldest ReplicaSet first.
 *
 * @param old active old ReplicaSets, oldest first
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/rolling.go reconcileOldReplicaSets
 */
export function shrinkOldSets(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  const minAvailable = wantedReplicas(deployment) - rolloutLimits(deployment).maxUnavailable;
  const unavailableNew = wantedReplicas(current) - (current.status?.availableReplicas ?? 0);
  const room = specReplicas([...old, current]) - minAvailable - unavailableNew;
  if (room <= 0) return [];
  const sizes = old.map((set) => ({ set, to: wantedReplicas(set) }));

  let unhealthyLeft = room;
  for (const size of sizes) {
    const unavailable = Math.max(0, size.to - (size.set.status?.availableReplicas ?? 0));
    const removed = Math.min(unhealthyLeft, unavailable);
    size.to -= removed;
    unhealthyLeft -= removed;
  }
  let availableLeft = remainingAvailable([...old, current]) - minAvailable;
  for (const size of sizes) {
    const removed = Math.min(Math.max(0, availableLeft), size.to);
    size.to -= removed;
    availableLeft -= removed;
  }
  return sizes.filter(({ set, to }) => to !== wantedReplicas(set));
}

/**
 * Spreads a change of the wanted number over all active ReplicaSets by their size, when a rollout is under way.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/sync.go scale
 */
export function scaleProportionally(deployment: Deployment, active: readonly ReplicaSet[]): readonly Resize[] {
  const replicas = wantedReplicas(deployment);
  const { maxSurge } = rolloutLimits(deployment);
  const allowed = replicas > 0 ? replicas + maxSurge : 0;
  const toAdd = allowed - specReplicas(active);
  const newestFirst = (a: ReplicaSet, b: ReplicaSet) => byAge(b, a);
  const sorted = [...active].sort(
    (a, b) => wantedReplicas(b) - wantedReplicas(a) || (toAdd > 0 ? newestFirst(a, b) : byAge(a, b)),
  );
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 ? 0 : proportion(deployment, set, toAdd - added);
    added += share;
    return { set, to: wantedReplicas(set) + share };
  });
  // What rounding left over goes to the largest.
  const first = sizes[0];
  if (first && toAdd !== 0) first.to = Math.max(0, first.to + toAdd - added);
  return sizes;
}

function proportion(deployment: Deployment, set: ReplicaSet, left: number): number {
  const size = wantedReplicas(set);
  if (size === 0 || left === 0) return 0;
  const share = fraction(deployment, set);
  return left > 0 ? Math.min(share, left) : Math.max(share, left);
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
  const size = wantedReplicas(set);
  const replicas = wantedReplicas(deployment);
  if (replicas === 0) return -size;
  const annotated = numberAnnotation(set, maxReplicasAnnotation) || (deployment.status?.replicas ?? 0);
  if (annotated === 0) return 0;
  return Math.round((size * (replicas + rolloutLimits(deployment).maxSurge)) / annotated) - size;
}

/** The number in an annotation; undefined when it is absent or no number. */
export function numberAnnotation({ metadata: { annotations = {} } }: ReplicaSet, name: string): number | undefined {
  const text = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The revision that a ReplicaSet carries: a whole number of up to 64 bits; 0 when it carries none. */
export function revisionOf({ metadata: { annotations } }: ReplicaSet): bigint {
  const text = annotations && Object.hasOwn(annotations, revisionAnnotation) ? annotations[revisionAnnotation] : "";
  return /^\d{1,19}$/.test(text ?? "") ? BigInt(text ?? "") : 0n;
}

/** Orders older before newer; by name when of one second. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [one = "", two = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (one !== two) return one < two ? -1 : 1;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}
