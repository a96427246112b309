import { findCondition } from "../../core/api/meta.ts";
import type { Job, JobCondition, JobStatus, Pod } from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";
import { timestamp } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import type { ObservedJob } from "./_job_counts.ts";
import { hasIndex, indexesText, indexSet, sizeOf, union } from "./_job_indexes.ts";
import { completionIndex, isIndexed, isPodFailed, isTracked } from "./_job_pods.ts";
import { countsAsFailure } from "./_job_policies.ts";
import { type JobPlan, jobCondition } from "./_plan_job.ts";

/** What of a plan was done. */
export interface DoneForJob {
  readonly created: number;
  readonly removed: readonly Pod[];
}

/** How a job's pods are counted: the status that is written first, and what may go once it is. */
export interface JobTracking {
  /** Names the ended pods that are about to lose their finalizer. */
  readonly status: JobStatus;
  /** Pods to take the finalizer from. */
  readonly release: readonly Pod[];
  /** Whether every ended pod is among them. */
  readonly isAll: boolean;
  /** Suspended or Resumed, when that is new. */
  readonly turn: "Suspended" | "Resumed" | undefined;
}

/** Most pods that a status names at once: their uids take room. */
const maxUncounted = 500;

/**
 * The first of two steps by which pods are counted exactly once, whatever fails in between: they are named in the status,
 * lose their finalizer, and move into the numbers.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go trackJobStatusAndRemoveFinalizers
 */
export function trackPods(observed: ObservedJob, plan: JobPlan, { created, removed }: DoneForJob): JobTracking {
  const { job, pods, nowMs } = observed;
  const { counts, outcome } = plan;
  const { spec, status: previous = {} } = job;
  const status = countReleased(previous, pods);
  const indexed = isIndexed(job);
  const { release, isAll, newIndexes, uncounted } = nameEnded(observed, plan, status.uncountedTerminatedPods ?? {});
  const completedIndexes = union(counts.countedIndexes, indexSet(newIndexes));
  const gone = new Set(removed);
  const ready = counts.active.filter((pod) => isPodReady(pod) && !gone.has(pod)).length;
  const turned = turn(job, status.conditions ?? [], outcome, nowMs);
  const started = turned.turn === "Resumed" || (!previous.startTime && !spec.suspend);
  // The time that a job may be active begins anew when it goes on.
  const startTime = turned.turn === "Suspended" ? undefined : status.startTime;
  return {
    release,
    isAll,
    turn: turned.turn,
    status: compact<JobStatus>({
      ...status,
      conditions: turned.conditions.length > 0 ? turned.conditions : undefined,
      startTime: started ? timestamp({ now: () => nowMs }) : startTime,
      active: counts.active.length + created - removed.length || undefined,
      terminating: counts.terminating.length + removed.length,
      ready,
      succeeded: indexed ? sizeOf(completedIndexes) : status.succeeded,
      completedIndexes: indexed && completedIndexes.length > 0 ? indexesText(completedIndexes) : undefined,
      failedIndexes: counts.failedIndexes && indexesText(counts.failedIndexes),
      uncountedTerminatedPods: uncountedLists(uncounted.succeeded, uncounted.failed),
    }),
  };
}

/** Which pods can be let go, and which of them the status names or has the indexes of from now on. */
function nameEnded(
  { job, pods }: ObservedJob,
  { counts, outcome, letGo }: JobPlan,
  before: NonNullable<JobStatus["uncountedTerminatedPods"]>,
): {
  readonly release: readonly Pod[];
  readonly isAll: boolean;
  readonly newIndexes: ReadonlySet<number>;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
} {
  const known = { succeeded: new Set(before.succeeded), failed: new Set(before.failed) };
  const uncounted = { succeeded: [...known.succeeded], failed: [...known.failed] };
  const newIndexes = new Set<number>();
  const release: Pod[] = [];
  // Of a job that has failed, what still ran has failed, too.
  const allFailed = outcome?.type === "FailureTarget" && !letGo;
  for (const pod of pods.filter(isTracked)) {
    const failed = isPodFailed(job, pod);
    const succeeded = pod.status?.phase === "Succeeded";
    const index = completionIndex(job, pod);
    const isKept = index !== undefined && counts.replaceable.get(index) === pod;
    if (!job.metadata.deletionTimestamp && !outcome && !succeeded && (!failed || isKept)) continue;
    if (newIndexes.size + uncounted.succeeded.length + uncounted.failed.length >= maxUncounted)
      return { release, isAll: false, newIndexes, uncounted };
    release.push(pod);
    const uid = pod.metadata.uid ?? "";
    if (known.failed.has(uid) || (isIndexed(job) && index === undefined)) continue;
    if (succeeded) {
      if (index === undefined) {
        if (!known.succeeded.has(uid)) uncounted.succeeded.push(uid);
      } else if (!hasIndex(counts.countedIndexes, index)) newIndexes.add(index);
    } else if ((failed || allFailed) && countsAsFailure(job, pod)) uncounted.failed.push(uid);
  }
  return { release, isAll: true, newIndexes, uncounted };
}

/** The conditions with an outcome that is new, or with whether the job is suspended: of one that is to go, nothing changes. */
function turn(
  { metadata, spec: { suspend = false } }: Job,
  conditions: readonly JobCondition[],
  outcome: JobCondition | undefined,
  nowMs: number,
): { readonly conditions: readonly JobCondition[]; readonly turn: JobTracking["turn"] } {
  if (outcome) {
    const isKnown = findCondition(conditions, outcome.type)?.status === "True";
    return { conditions: isKnown ? conditions : [...conditions, outcome], turn: undefined };
  }
  const present = findCondition(conditions, "Suspended");
  if (metadata.deletionTimestamp || (!present && !suspend)) return { conditions, turn: undefined };
  const [status, word] = suspend ? (["True", "suspended"] as const) : (["False", "resumed"] as const);
  const reason = suspend ? "JobSuspended" : "JobResumed";
  const next: JobCondition = { ...jobCondition("Suspended", reason, `Job ${word}`, nowMs), status };
  if (present && present.status === status && present.reason === reason && present.message === next.message)
    return { conditions, turn: undefined };
  const others = conditions.map((one) => (one === present ? next : one));
  return { conditions: present ? others : [...conditions, next], turn: suspend ? "Suspended" : "Resumed" };
}

/** A status in whose numbers stand the named pods that have lost their finalizer, or are gone. */
export function countReleased(status: JobStatus, pods: readonly Pod[]): JobStatus {
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const left = {
    succeeded: succeeded.filter((uid) => tracked.has(uid)),
    failed: failed.filter((uid) => tracked.has(uid)),
  };
  const add = (before: number | undefined, count: number) => (count > 0 ? (before ?? 0) + count : before);
  return compact<JobStatus>({
    ...status,
    succeeded: add(status.succeeded, succeeded.length - left.succeeded.length),
    failed: add(status.failed, failed.length - left.failed.length),
    uncountedTerminatedPods: uncountedLists(left.succeeded, left.failed),
  });
}

function uncountedLists(
  succeeded: readonly string[],
  failed: readonly string[],
): NonNullable<JobStatus["uncountedTerminatedPods"]> {
  return { ...(succeeded.length > 0 ? { succeeded } : {}), ...(failed.length > 0 ? { failed } : {}) };
}

/**
 * The status of a job that has ended: once every pod is counted and gone, Complete or Failed stands in it.
 *
 * @param status with every released pod counted
 * @returns undefined when something is still to come
 */
export function finishedStatus(status: JobStatus, outcome: JobCondition, nowMs: number): JobStatus | undefined {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (succeeded.length + failed.length + (status.terminating ?? 0) + (status.active ?? 0) > 0) return undefined;
  const type = outcome.type === "FailureTarget" ? "Failed" : "Complete";
  const last = jobCondition(type, outcome.reason ?? "", outcome.message ?? "", nowMs);
  return compact<JobStatus>({
    ...status,
    conditions: [...(status.conditions ?? []), last],
    completionTime: type === "Complete" ? last.lastTransitionTime : undefined,
  });
}

/** Complete or Failed, where a job is so. */
export function finishedCondition(status: JobStatus | undefined): JobCondition | undefined {
  return status?.conditions?.find(
    ({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True",
  );
}
