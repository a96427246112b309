import { controllerReference, findCondition } from "../../core/api/meta.ts";
import type { EventText } from "../../core/client/event_recorder.ts";
import { type CronSchedule, parseSchedule } from "../../core/kinds/cron_schedule.ts";
import { nextTime, zonedTimestamp } from "../../core/kinds/cron_times.ts";
import type { CronJob, CronJobStatus, Job } from "../../core/kinds/mod.ts";
import { timeZoneError } from "../../core/kinds/time_zones.ts";
import { timestamp } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { finishedCondition } from "./_job_status.ts";
import { withEntry } from "./_template_hash.ts";

/** What is known about a cron job. */
export interface ObservedCronJob {
  readonly cronJob: CronJob;
  /** All jobs that it controls. */
  readonly jobs: readonly Job[];
  /** Since when the schedule is what it is, where that is known: times before are of another one. */
  readonly scheduledSinceMs?: number | undefined;
  /** Where schedules are meant that name no zone. */
  readonly defaultZone: string;
  readonly nowMs: number;
}

/** What to do for a cron job now. */
export interface CronJobPlan {
  readonly events: readonly EventText[];
  /** Jobs that give way to the next one. */
  readonly replace: readonly Job[];
  readonly create: { readonly job: Job; readonly scheduled: string } | undefined;
  /** Ended jobs that are more than are kept. */
  readonly cleanUp: readonly Job[];
  /** As it is once all that is done. Of a job that is created it does not tell yet. */
  readonly status: CronJobStatus;
  readonly requeueAfterMs: number | undefined;
}

const scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/** Clocks of several machines differ a little. */
const graceMs = 100;
const manyMissed = 100;

/**
 * What to do for a cron job. Pure: same arguments, same plan.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/cronjob/cronjob_controllerv2.go
 */
export function planCronJob(observed: ObservedCronJob): CronJobPlan {
  const { cronJob, jobs } = observed;
  const events: EventText[] = [];
  const status = statusOf(cronJob, jobs, (event) => events.push(event));
  const cleanUp = surplus(cronJob, jobs);
  const rest = { events, cleanUp };
  const quiet = { ...rest, replace: [], create: undefined, requeueAfterMs: undefined, status };
  if (cronJob.metadata.deletionTimestamp || cronJob.spec.suspend) return quiet;
  const { schedule, zone, refusal } = scheduleOf(observed);
  if (refusal) events.push(refusal);
  if (!schedule) return quiet;
  const due = dueTime(observed, schedule, zone);
  if (due.event) events.push(due.event);
  const waiting = { ...quiet, requeueAfterMs: due.requeueAfterMs };
  if (due.timeMs === undefined) return waiting;
  return { ...waiting, ...start(observed, { timeMs: due.timeMs, zone, status, tell: (event) => events.push(event) }) };
}

type Tell = (event: EventText) => void;

/** What became of the jobs that were started. */
function statusOf(cronJob: CronJob, jobs: readonly Job[], tell: Tell): CronJobStatus {
  const { active = [], ...status } = cronJob.status ?? {};
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]));
  const known = new Set(active.map(({ uid }) => uid));
  let { lastSuccessfulTime } = status;
  for (const job of jobs) {
    const { name = "", uid } = job.metadata;
    const finished = finishedCondition(job.status);
    if (!finished && !known.has(uid)) {
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      tell({ type: "Warning", reason: "UnexpectedJob", message });
    }
    if (finished && known.has(uid)) {
      const message = `Saw completed job: ${name}, condition: ${finished.type}`;
      tell({ type: "Normal", reason: "SawCompletedJob", message });
    }
    const { completionTime } = job.status ?? {};
    if (finished?.type === "Complete" && completionTime && completionTime > (lastSuccessfulTime ?? ""))
      lastSuccessfulTime = completionTime;
  }
  for (const { uid, name } of active) {
    if (!byUid.has(uid)) tell({ type: "Normal", reason: "MissingJob", message: `Active job went missing: ${name}` });
  }
  const running = active.filter(({ uid }) => {
    const job = byUid.get(uid);
    return job !== undefined && !finishedCondition(job.status);
  });
  return compact<CronJobStatus>({
    ...status,
    active: running.length > 0 ? running : undefined,
    lastSuccessfulTime,
  });
}

interface ReadSchedule {
  readonly schedule?: CronSchedule;
  readonly zone: string;
  /** Why there is none, or what is wrong with it. */
  readonly refusal?: EventText;
}

function scheduleOf({ cronJob, defaultZone }: ObservedCronJob): ReadSchedule {
  const { schedule: text, timeZone } = cronJob.spec;
  const zone = timeZone ?? defaultZone;
  const wrongZone = timeZoneError(timeZone);
  if (wrongZone) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: ${wrongZone}`;
    return { zone, refusal: { type: "Warning", reason: "UnknownTimeZone", message } };
  }
  const schedule = parseSchedule(text);
  if (typeof schedule === "string") {
    const message = `unparseable schedule: ${JSON.stringify(text)} : ${schedule}`;
    return { zone, refusal: { type: "Warning", reason: "UnparseableSchedule", message } };
  }
  if (schedule.type !== "fields" || schedule.zone === undefined) return { schedule, zone };
  const more = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
  const message = `CRON_TZ or TZ used in schedule ${JSON.stringify(text)} is not officially supported, see ${more}`;
  const refusal: EventText = { type: "Warning", reason: "UnsupportedSchedule", message };
  return timeZoneError(schedule.zone) ? { zone, refusal } : { schedule, zone, refusal };
}

interface DueTime {
  /** The last time that is due and was not met. */
  readonly timeMs?: number;
  readonly requeueAfterMs?: number;
  readonly event?: EventText;
}

function dueTime(observed: ObservedCronJob, schedule: CronSchedule, zone: string): DueTime {
  const { cronJob, scheduledSinceMs = 0, nowMs } = observed;
  const { startingDeadlineSeconds } = cronJob.spec;
  const last = cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? "";
  const earliestMs = Math.max(Date.parse(last) || 0, scheduledSinceMs);
  const recent = mostRecent(schedule, zone, { earliestMs, nowMs });
  const following = nextTime(schedule, recent.timeMs ?? earliestMs, zone);
  if (following === undefined) {
    const message = `invalid schedule: ${cronJob.spec.schedule} : time difference between two schedules is less than 1 second`;
    return { event: { type: "Warning", reason: "InvalidSchedule", message } };
  }
  const requeueAfterMs = following + graceMs - nowMs;
  const deadlineMs = startingDeadlineSeconds === undefined ? 0 : nowMs - startingDeadlineSeconds * 1000;
  const unmet = deadlineMs > earliestMs ? mostRecent(schedule, zone, { earliestMs: deadlineMs, nowMs }) : recent;
  if (unmet.timeMs === undefined) return { requeueAfterMs };
  if (unmet.missed <= manyMissed) return { requeueAfterMs, timeMs: unmet.timeMs };
  const message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
  return { requeueAfterMs, timeMs: unmet.timeMs, event: { type: "Warning", reason: "TooManyMissedTimes", message } };
}

/** The last time after `earliestMs` and until now, and about how many there were: as many as the first two are apart. */
function mostRecent(
  schedule: CronSchedule,
  zone: string,
  { earliestMs, nowMs }: { readonly earliestMs: number; readonly nowMs: number },
): { readonly timeMs?: number; readonly missed: number } {
  const next = (afterMs: number) => nextTime(schedule, afterMs, zone) ?? Number.POSITIVE_INFINITY;
  const first = next(earliestMs);
  if (first > nowMs) return { missed: 0 };
  const intervalMs = next(first) - first;
  const missed = Math.floor((nowMs - first) / intervalMs) + 1;
  if (schedule.type === "every") return { timeMs: first + (missed - 1) * intervalMs, missed };
  // However many there were, and however unevenly they lie: halving finds the last.
  let [low, high] = [earliestMs, nowMs];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2);
    if (next(middle) <= nowMs) low = middle;
    else high = middle;
  }
  return { timeMs: next(low), missed };
}

function start(
  { cronJob, jobs }: ObservedCronJob,
  {
    timeMs,
    zone,
    status,
    tell,
  }: {
    readonly timeMs: number;
    readonly zone: string;
    readonly status: CronJobStatus;
    readonly tell: Tell;
  },
): Partial<CronJobPlan> {
  const { concurrencyPolicy } = cronJob.spec;
  const scheduled = timestamp({ now: () => timeMs });
  const { active = [] } = status;
  const name = `${cronJob.metadata.name}-${Math.floor(timeMs / 60_000)}`;
  if (active.some((one) => one.name === name)) return {};
  const present = jobs.find(({ metadata }) => metadata.name === name);
  // Made before a restart, and not noted.
  if (present) return { status: withStarted(status, present, scheduled) };
  if (concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    tell({ type: "Normal", reason: "JobAlreadyActive", message });
    return {};
  }
  const uids = new Set(active.map(({ uid }) => uid));
  const replace = concurrencyPolicy === "Replace" ? jobs.filter(({ metadata }) => uids.has(metadata.uid)) : [];
  return { replace, create: { job: jobFromTemplate(cronJob, name, zonedTimestamp(timeMs, zone)), scheduled } };
}

function jobFromTemplate(cronJob: CronJob, name: string, scheduled: string): Job {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: compact<Job["metadata"]>({
      name,
      namespace: cronJob.metadata.namespace,
      labels: metadata?.labels,
      annotations: withEntry(metadata?.annotations, scheduledAnnotation, scheduled),
      ownerReferences: [controllerReference({ ...cronJob, apiVersion: "batch/v1", kind: "CronJob" })],
    }),
    spec,
  };
}

/** A status that knows of a job which was started. */
export function withStarted(status: CronJobStatus, job: Job, scheduled: string): CronJobStatus {
  const { namespace = "", name = "", uid = "", resourceVersion = "" } = job.metadata;
  const reference = { kind: "Job", namespace, name, uid, apiVersion: "batch/v1", resourceVersion };
  const active = finishedCondition(job.status) ? (status.active ?? []) : [...(status.active ?? []), reference];
  return { ...status, ...(active.length > 0 ? { active } : {}), lastScheduleTime: scheduled };
}

/** Ended jobs beyond the limits of history, oldest first. */
function surplus({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = spec;
  const startOf = (job: Job) => job.status?.startTime ?? "9999";
  const oldest = (type: "Complete" | "Failed", limit = Number.POSITIVE_INFINITY) => {
    const ended = jobs.filter(({ status }) => findCondition(status?.conditions, type)?.status === "True");
    const sorted = ended.toSorted((a, b) => {
      const [one, two] = [`${startOf(a)} ${a.metadata.name}`, `${startOf(b)} ${b.metadata.name}`];
      return one < two ? -1 : 1;
    });
    return sorted.slice(0, Math.max(0, sorted.length - limit));
  };
  return [...oldest("Complete", successfulJobsHistoryLimit), ...oldest("Failed", failedJobsHistoryLimit)];
}
