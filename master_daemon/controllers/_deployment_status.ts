import { findCondition } from "../../core/api/meta.ts";
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../core/kinds/mod.ts";
import { timestamp } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { availableReplicas, rolloutLimits, specReplicas, wantedReplicas } from "./_rollout.ts";

const neverTimesOut = 0x7fffffff;

/** A condition of a Deployment as of `nowMs`. */
export function deploymentCondition(
  type: "Available" | "Progressing" | "ReplicaFailure",
  status: DeploymentCondition["status"],
  reason: string,
  message: string,
  nowMs: number,
): DeploymentCondition {
  const now = timestamp({ now: () => nowMs });
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/**
 * `conditions` with `next` in place of the one of its type: untouched while status and reason stay, and with the old
 * transition time while the status stays.
 */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  next: DeploymentCondition,
  { refresh = false }: { readonly refresh?: boolean } = {},
): readonly DeploymentCondition[] {
  const current = findCondition(conditions, next.type);
  if (current && !refresh && current.status === next.status && current.reason === next.reason) return conditions;
  const kept =
    current?.status === next.status ? compact({ ...next, lastTransitionTime: current.lastTransitionTime }) : next;
  return [...withoutCondition(conditions, next.type), kept];
}

/** `conditions` without the one of `type`. */
function withoutCondition(conditions: readonly DeploymentCondition[], type: string): readonly DeploymentCondition[] {
  return conditions.filter((condition) => condition.type !== type);
}

/** Whether a rollout that stands still counts as failed after a while. */
export function hasProgressDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== neverTimesOut;
}

/**
 * What the ReplicaSets add up to, and whether enough pods are available.
 *
 * @param conditions conditions to start from
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/sync.go calculateStatus
 */
export function deploymentStatus(
  deployment: Deployment,
  { all, current, conditions, nowMs }: StatusInput,
): DeploymentStatus {
  const sum = (sets: readonly ReplicaSet[], count: (status: NonNullable<ReplicaSet["status"]>) => number | undefined) =>
    sets.reduce((total, { status }) => total + ((status && count(status)) ?? 0), 0);
  const available = availableReplicas(all);
  const enough = available >= wantedReplicas(deployment) - rolloutLimits(deployment).maxUnavailable;
  const condition = enough
    ? deploymentCondition(
        "Available",
        "True",
        "MinimumReplicasAvailable",
        "Deployment has minimum availability.",
        nowMs,
      )
    : deploymentCondition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
        nowMs,
      );
  return compact<DeploymentStatus>({
    observedGeneration: deployment.metadata.generation,
    // None is not told, as by Kubernetes.
    replicas: sum(all, (status) => status.replicas) || undefined,
    updatedReplicas: current?.status?.replicas || undefined,
    readyReplicas: sum(all, (status) => status.readyReplicas) || undefined,
    availableReplicas: available || undefined,
    unavailableReplicas: Math.max(0, specReplicas(all) - available) || undefined,
    terminatingReplicas: sum(all, (status) => status.terminatingReplicas),
    conditions: withCondition(conditions, condition),
    collisionCount: deployment.status?.collisionCount,
  });
}

/** What the status of a Deployment is made of. */
export interface StatusInput {
  readonly all: readonly ReplicaSet[];
  /** The ReplicaSet of the present template, if it exists. */
  readonly current: ReplicaSet | undefined;
  readonly conditions: readonly DeploymentCondition[];
  readonly nowMs: number;
}

/**
 * {@linkcode deploymentStatus} with the conditions of a rollout: Progressing and ReplicaFailure. Says also when to look
 * again, because only time can make a rollout fail.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/progress.go
 */
export function rolloutStatus(
  deployment: Deployment,
  input: StatusInput,
): { readonly status: DeploymentStatus; readonly requeueAfterMs: number | undefined } {
  const next = deploymentStatus(deployment, input);
  let conditions = next.conditions ?? [];
  const before = findCondition(conditions, "Progressing");
  const wasComplete = next.replicas === next.updatedReplicas && before?.reason === "NewReplicaSetAvailable";
  if (!hasProgressDeadline(deployment)) {
    conditions = withoutCondition(conditions, "Progressing");
  } else if (!wasComplete) {
    const subject = input.current
      ? `ReplicaSet "${input.current.metadata.name}"`
      : `Deployment "${deployment.metadata.name}"`;
    const progressing = (status: "True" | "False", reason: string, text: string) =>
      deploymentCondition("Progressing", status, reason, `${subject} ${text}`, input.nowMs);
    if (isComplete(deployment, next)) {
      const done = progressing("True", "NewReplicaSetAvailable", "has successfully progressed.");
      conditions = withCondition(conditions, done);
    } else if (isProgressing(deployment.status ?? {}, next)) {
      conditions = withCondition(conditions, progressing("True", "ReplicaSetUpdated", "is progressing."), {
        refresh: true,
      });
    } else if (isTimedOut(deployment, before, input.nowMs)) {
      const late = progressing("False", "ProgressDeadlineExceeded", "has timed out progressing.");
      conditions = withCondition(conditions, late);
    }
  }
  const failure = replicaFailure(input);
  conditions = failure ? withCondition(conditions, failure) : withoutCondition(conditions, "ReplicaFailure");
  const status = { ...next, conditions };
  return { status, requeueAfterMs: untilDeadline(deployment, status, input.nowMs) };
}

/** Whether every pod is of the present template and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function isProgressing(before: DeploymentStatus, next: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (next.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(next) < old(before) ||
    (next.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(deployment: Deployment, condition: DeploymentCondition | undefined, nowMs: number): boolean {
  if (!condition || condition.reason === "NewReplicaSetAvailable") return false;
  if (condition.reason === "ProgressDeadlineExceeded") return true;
  return deadlineOf(deployment, condition) < nowMs;
}

function deadlineOf({ spec }: Deployment, condition: DeploymentCondition): number {
  return Date.parse(condition.lastUpdateTime ?? "") + (spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** Milliseconds until the rollout would count as failed; undefined when nothing but a change can alter its state. */
function untilDeadline(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const condition = findCondition(status.conditions, "Progressing");
  if (!hasProgressDeadline(deployment) || !condition) return undefined;
  if (isComplete(deployment, status) || condition.reason === "ProgressDeadlineExceeded") return undefined;
  // One second more: timestamps are cut to whole seconds.
  const left = deadlineOf(deployment, condition) - nowMs + 1000;
  return Number.isFinite(left) ? Math.max(1000, left) : undefined;
}

function replicaFailure({ all, current }: StatusInput): DeploymentCondition | undefined {
  for (const set of current ? [current, ...all] : all) {
    const failure = findCondition(set.status?.conditions, "ReplicaFailure");
    if (failure) return compact<DeploymentCondition>({ ...failure, lastUpdateTime: failure.lastTransitionTime });
  }
  return undefined;
}
