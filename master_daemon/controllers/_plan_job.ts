import { findCondition } from "../../core/api/meta.ts";
import type { Job, JobCondition, Pod } from "../../core/kinds/mod.ts";
import { timestamp } from "../../core/util/clock.ts";
import { nextBackoff, type PodBackoff, remainingBackoffMs } from "./_job_backoff.ts";
import { countPods, type JobCounts, type ObservedJob } from "./_job_counts.ts";
import { firstMissing, indexSet, sizeOf, union } from "./_job_indexes.ts";
import {
  completionIndex,
  failuresBefore,
  finishedAtMs,
  isIndexed,
  isPodFailed,
  jobPod,
  replacesFailedOnly,
} from "./_job_pods.ts";
import { judgeFailure, metSuccessRule } from "./_job_policies.ts";
import { rankForDeletion } from "./_rank_pods.ts";

/** What to do for a job now. */
export interface JobPlan {
  readonly counts: JobCounts;
  /** SuccessCriteriaMet or FailureTarget: the job is to end, once its pods have. */
  readonly outcome: JobCondition | undefined;
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
  /** Whether removed pods lose their finalizer at once: they were too many, and are not counted. */
  readonly letGo: boolean;
  readonly backoff: PodBackoff | undefined;
  readonly requeueAfterMs: number | undefined;
}

/** Most pods that are made or removed at once. */
const burst = 500;

/** What to do so that enough pods of the job succeed. Pure: same arguments, same plan. */
export function planJob(observed: ObservedJob): JobPlan {
  const { job, nowMs } = observed;
  const counts = countPods(observed);
  const ended = observed.backoff
    ? { succeeded: counts.newSucceeded, failed: counts.newFailed }
    : {
        succeeded: observed.pods.filter(({ status }) => status?.phase === "Succeeded"),
        failed: observed.pods.filter((pod) => isPodFailed(job, pod)),
      };
  const backoff = nextBackoff(observed.backoff, ended);
  const base = { counts, backoff, create: [], remove: [], letGo: true, outcome: undefined, requeueAfterMs: undefined };
  const outcome = outcomeOf(observed, counts);
  if (outcome) return { ...base, outcome, remove: counts.active, letGo: false };
  const deadlineMs = untilDeadline(job, nowMs);
  // A job that is to go starts and ends no more pods, but may still complete.
  const pods = job.metadata.deletionTimestamp ? base : planPods(observed, counts, backoff);
  const activeThen = counts.active.length + pods.create.length - pods.remove.length;
  const { completions = 1 } = job.spec;
  if (counts.succeeded >= completions && activeThen === 0)
    return { ...base, ...pods, outcome: completed(job, nowMs), requeueAfterMs: undefined };
  const waits = [deadlineMs, pods.requeueAfterMs].filter((wait) => wait !== undefined);
  return { ...base, ...pods, requeueAfterMs: waits.length > 0 ? Math.min(...waits) : undefined };
}

/** A condition of a job that is true from now on. */
export function jobCondition(type: string, reason: string, message: string, nowMs: number): JobCondition {
  const now = timestamp({ now: () => nowMs });
  return {
    type,
    status: "True",
    lastProbeTime: now,
    lastTransitionTime: now,
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  };
}

function completed(job: Job, nowMs: number): JobCondition {
  const reason = "CompletionsReached";
  const present = trueCondition(job, "SuccessCriteriaMet");
  return present ?? jobCondition("SuccessCriteriaMet", reason, "Reached expected number of succeeded pods", nowMs);
}

function trueCondition(job: Job, type: string): JobCondition | undefined {
  const condition = findCondition(job.status?.conditions, type);
  return condition?.status === "True" ? condition : undefined;
}

/** Why the job stops before it has all its completions; what was once decided stays. */
function outcomeOf(observed: ObservedJob, counts: JobCounts): JobCondition | undefined {
  const { job, pods, nowMs } = observed;
  const decided = trueCondition(job, "SuccessCriteriaMet") ?? trueCondition(job, "FailureTarget");
  if (decided) return decided;
  const fails = (reason: string, message: string) => jobCondition("FailureTarget", reason, message, nowMs);
  const { backoffLimit = 6, completions = 0, maxFailedIndexes = Number.POSITIVE_INFINITY } = job.spec;
  const refusal = job.spec.podFailurePolicy
    ? pods.flatMap((pod) => (isPodFailed(job, pod) ? (judgeFailure(job, pod).message ?? []) : []))[0]
    : undefined;
  if (refusal !== undefined) return fails("PodFailurePolicy", refusal);
  if (counts.failed > backoffLimit || restartsExceed(job, pods))
    return fails("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if ((untilDeadline(job, nowMs) ?? 1) <= 0)
    return fails("DeadlineExceeded", "Job was active longer than specified deadline");
  const failed = sizeOf(counts.failedIndexes ?? []);
  if (failed > maxFailedIndexes)
    return fails("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  if (failed > 0 && failed + counts.succeeded >= completions) return fails("FailedIndexes", "Job has failed indexes");
  const rule = metSuccessRule(job, counts.succeededIndexes);
  if (rule === undefined) return undefined;
  return jobCondition("SuccessCriteriaMet", "SuccessPolicy", `Matched rules at index ${rule}`, nowMs);
}

/** Whether containers that are restarted in their pods have been so too often. */
function restartsExceed({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== "Running" && status?.phase !== "Pending") continue;
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
      restarts += restartCount;
  }
  return restarts >= Math.max(1, spec.backoffLimit ?? 6);
}

/** Milliseconds that the job may still be active; undefined where it may be so for ever. */
function untilDeadline({ spec, status }: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = spec;
  if (activeDeadlineSeconds === undefined || suspend === true) return undefined;
  const startMs = status?.startTime ? Date.parse(status.startTime) : nowMs;
  return startMs + activeDeadlineSeconds * 1000 - nowMs;
}

type PodsPlan = Pick<JobPlan, "create" | "remove" | "requeueAfterMs">;

function planPods(observed: ObservedJob, counts: JobCounts, backoff: PodBackoff | undefined): PodsPlan {
  const { job, nowMs } = observed;
  const nothing = { create: [], remove: [], requeueAfterMs: undefined };
  const active = counts.active.length;
  const wanted = wantedActive(job, counts);
  const remove = surplus(job, counts.active, Math.max(0, active - wanted), nowMs);
  // What is too much goes before anything is made.
  if (remove.length > 0) return { ...nothing, remove: job.spec.suspend ? remove : remove.slice(0, burst) };
  const waiting = replacesFailedOnly(job) ? counts.terminating.length : 0;
  const missing = Math.min(burst, wanted - waiting - active);
  if (missing <= 0) return nothing;
  const perIndex = counts.failedIndexes !== undefined;
  const waitMs = perIndex ? 0 : remainingBackoffMs(backoff, nowMs);
  if (waitMs > 0) return { ...nothing, requeueAfterMs: waitMs };
  if (!isIndexed(job)) return { ...nothing, create: Array.from({ length: missing }, () => jobPod(job)) };

  const due: number[] = [];
  let nextMs = Number.POSITIVE_INFINITY;
  for (const index of pendingIndexes(job, counts, missing)) {
    const failed = counts.replaceable.get(index);
    const indexWaitMs = failed ? remainingBackoffMs(indexBackoff(failed), nowMs) : 0;
    if (indexWaitMs === 0) due.push(index);
    else nextMs = Math.min(nextMs, indexWaitMs);
  }
  return {
    ...nothing,
    create: due.map((index) => jobPod(job, index, counts.replaceable.get(index))),
    requeueAfterMs: Number.isFinite(nextMs) ? nextMs : undefined,
  };
}

function indexBackoff(failed: Pod): PodBackoff {
  return { failures: failuresBefore(failed).all + 1, lastFailureMs: finishedAtMs(failed) };
}

function wantedActive({ spec }: Job, { active, succeeded }: JobCounts): number {
  const { parallelism = 1, completions, suspend } = spec;
  if (suspend) return 0;
  // Where one success is enough, those that run go on to their end after it.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** At least `count` of the active pods: in an indexed job also those without an index, and the doubles of one. */
function surplus(job: Job, active: readonly Pod[], count: number, nowMs: number): readonly Pod[] {
  if (count === 0 && !isIndexed(job)) return [];
  const ranked = rankForDeletion(active, { podsOnNode: () => 0, nowMs });
  const extra = new Set<Pod>();
  if (isIndexed(job)) {
    const taken = new Set<number>();
    for (const pod of ranked.toReversed()) {
      const index = completionIndex(job, pod);
      if (index === undefined || taken.has(index)) extra.add(pod);
      else taken.add(index);
    }
  }
  const rest = ranked.filter((pod) => !extra.has(pod));
  return [...extra, ...rest.slice(0, Math.max(0, count - extra.size))];
}

function pendingIndexes(job: Job, counts: JobCounts, count: number): readonly number[] {
  const running = replacesFailedOnly(job) ? [...counts.active, ...counts.terminating] : counts.active;
  const taken = indexSet(running.flatMap((pod) => completionIndex(job, pod) ?? []));
  const settled = union(counts.succeededIndexes, counts.failedIndexes ?? []);
  return firstMissing(union(taken, settled), count, job.spec.completions ?? 0);
}
