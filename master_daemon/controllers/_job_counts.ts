import type { Job, Pod } from "../../core/kinds/mod.ts";
import { isPodActive, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import type { PodBackoff } from "./_job_backoff.ts";
import { hasIndex, type IndexSet, indexSet, readIndexes, sizeOf, union } from "./_job_indexes.ts";
import { completionIndex, failuresBefore, finishedAtMs, isIndexed, isPodFailed, isTracked } from "./_job_pods.ts";
import { countsAsFailure, judgeFailure } from "./_job_policies.ts";

/** What is known about a job. */
export interface ObservedJob {
  readonly job: Job;
  /** All pods that it controls, ended and ending ones too. */
  readonly pods: readonly Pod[];
  /** Undefined: nothing is remembered, and the pods that are there tell. */
  readonly backoff: PodBackoff | undefined;
  readonly nowMs: number;
}

/** What the pods of a job add up to, with those that its status has not counted yet. */
export interface JobCounts {
  readonly active: readonly Pod[];
  /** Pods that are on their way out. */
  readonly terminating: readonly Pod[];
  /** Ended pods that the status does not know of. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
  /** Indexes that the status says have succeeded, and those that have. */
  readonly countedIndexes: IndexSet;
  readonly succeededIndexes: IndexSet;
  /** Only in a job with a limit for each index. */
  readonly failedIndexes: IndexSet | undefined;
  /** The last failed pod of each index without a pod: kept until the next one carries its count of failures on. */
  readonly replaceable: ReadonlyMap<number, Pod>;
}

/** Counts the pods of a job. Pure. */
export function countPods({ job, pods }: Pick<ObservedJob, "job" | "pods">): JobCounts {
  const { status = {} } = job;
  const uncounted = status.uncountedTerminatedPods ?? {};
  const indexed = isIndexed(job);
  const completions = job.spec.completions ?? 0;
  const active = pods.filter(isPodActive);
  const ended = pods.filter((pod) => isTracked(pod) && (!indexed || completionIndex(job, pod) !== undefined));
  const without = (uids: readonly string[] = []) => {
    const named = new Set(uids);
    return ended.filter(({ metadata }) => !named.has(metadata.uid ?? ""));
  };
  const newSucceeded = without(uncounted.succeeded).filter((pod) => pod.status?.phase === "Succeeded");
  const newFailed = without(uncounted.failed).filter((pod) => isPodFailed(job, pod));
  const countedIndexes = indexed ? readIndexes(status.completedIndexes, completions) : [];
  const indexesOf = (list: readonly Pod[]) => indexSet(list.flatMap((pod) => completionIndex(job, pod) ?? []));
  const succeededIndexes = union(
    countedIndexes,
    indexed ? indexesOf(ended.filter((pod) => pod.status?.phase === "Succeeded")) : [],
  );
  const perIndex = indexed && job.spec.backoffLimitPerIndex !== undefined;
  const failedIndexes = perIndex
    ? union(
        readIndexes(status.failedIndexes, completions),
        indexesOf(ended.filter((pod) => isPodFailed(job, pod) && failsIndex(job, pod))),
      )
    : undefined;
  return {
    active,
    terminating: pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isPodTerminal(pod)),
    newSucceeded,
    newFailed,
    succeeded: indexed
      ? sizeOf(succeededIndexes)
      : (status.succeeded ?? 0) + newSucceeded.length + (uncounted.succeeded?.length ?? 0),
    failed:
      (status.failed ?? 0) +
      newFailed.filter((pod) => countsAsFailure(job, pod)).length +
      (uncounted.failed?.length ?? 0),
    countedIndexes,
    succeededIndexes,
    failedIndexes,
    replaceable: failedIndexes
      ? lastFailures(job, ended, union(union(succeededIndexes, failedIndexes), indexesOf(active)))
      : new Map(),
  };
}

function failsIndex(job: Job, pod: Pod): boolean {
  const { action } = judgeFailure(job, pod);
  if (action === "FailIndex") return true;
  return action !== "Ignore" && failuresBefore(pod).counted >= (job.spec.backoffLimitPerIndex ?? 0);
}

function lastFailures(job: Job, ended: readonly Pod[], settled: IndexSet): ReadonlyMap<number, Pod> {
  const last = new Map<number, Pod>();
  for (const pod of ended) {
    const index = completionIndex(job, pod);
    if (index === undefined || hasIndex(settled, index) || !isPodFailed(job, pod)) continue;
    const other = last.get(index);
    const isLater =
      !other || (failuresBefore(other).all <= failuresBefore(pod).all && finishedAtMs(other) <= finishedAtMs(pod));
    if (isLater) last.set(index, pod);
  }
  return last;
}
