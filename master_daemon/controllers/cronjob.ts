import { keyOf, keyText } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type CronJob, type CronJobStatus, cronJob, type Job, job } from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { errorMessage } from "../../core/util/log.ts";
import { isNamespaceTerminating } from "./_errors.ts";
import { planCronJob, withStarted } from "./_plan_cron_job.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

/** Options of {@linkcode cronJobController}. */
export interface CronJobOptions {
  /** Where schedules are meant that name no time zone. Default: where this process is. */
  readonly timeZone?: string | undefined;
}

/** What is remembered of a cron job: since when its schedule is what it is, unless it has always been so. */
interface Remembered {
  readonly uid: string | undefined;
  readonly schedule: string;
  readonly sinceMs: number | undefined;
}

/** Makes jobs at set times. It remembers schedules: make it anew for every run. */
export function cronJobController({ timeZone }: CronJobOptions = {}): Controller {
  const remembered = new Map<string, Remembered>();
  // Asked for late: reading the machine's time zones takes time that a start does not have.
  let defaultZone = timeZone;
  return {
    name: "cronjob-controller",
    account: "cronjob-controller",
    reconciles: cronJob,
    owns: [job],
    async reconcile(key, context) {
      const observed = context.lister(cronJob).get(key);
      if (!observed) {
        remembered.delete(keyText(key));
        return undefined;
      }
      const { uid } = observed.metadata;
      const schedule = `${observed.spec.timeZone ?? ""} ${observed.spec.schedule}`;
      const known = remembered.get(keyText(key));
      const before = known?.uid === uid ? known : undefined;
      const sinceMs = before && before.schedule !== schedule ? context.clock.now() : before?.sinceMs;
      remembered.set(keyText(key), { uid, schedule, sinceMs });
      defaultZone ??= new Intl.DateTimeFormat().resolvedOptions().timeZone;
      return reconcile(observed, { defaultZone, scheduledSinceMs: sinceMs }, context);
    },
  };
}

async function reconcile(
  observed: CronJob,
  options: { readonly defaultZone: string; readonly scheduledSinceMs: number | undefined },
  context: ControllerContext,
): Promise<ReconcileResult> {
  const { client, clock, lister, signal, event } = context;
  const jobs = lister(job).ownedBy(observed);
  const plan = planCronJob({ ...options, cronJob: observed, jobs, nowMs: clock.now() });
  for (const text of plan.events) event(observed, text);
  let { status } = plan;
  for (const one of plan.replace) {
    await deleteJob(observed, one, context);
    status = without(status, one);
  }
  if (plan.create) {
    const made = await createJob(observed, plan.create.job, context);
    if (made) status = withStarted(status, made, plan.create.scheduled);
  }
  for (const one of plan.cleanUp) await deleteJob(observed, one, context);
  if (!semanticEqual(status, observed.status)) await client.updateStatus(cronJob, { ...observed, status }, { signal });
  return { requeueAfterMs: plan.requeueAfterMs };
}

/** Returns undefined where there is nothing to note: the namespace ends, or somebody else's job has the name. */
async function createJob(
  owner: CronJob,
  wanted: Job,
  { client, signal, event }: ControllerContext,
): Promise<Job | undefined> {
  try {
    const made = await client.create(job, wanted, { signal });
    event(owner, { type: "Normal", reason: "SuccessfulCreate", message: `Created job ${made.metadata.name}` });
    return made;
  } catch (error) {
    if (isNamespaceTerminating(error) || isReason(error, "AlreadyExists")) return undefined;
    if (!signal.aborted)
      event(owner, { type: "Warning", reason: "FailedCreate", message: `Error creating job: ${errorMessage(error)}` });
    throw error;
  }
}

async function deleteJob(owner: CronJob, doomed: Job, { client, signal, event }: ControllerContext): Promise<void> {
  const { name } = doomed.metadata;
  const options = { signal, preconditions: sameObject(doomed), propagationPolicy: "Background" } as const;
  try {
    await client.delete(job, keyOf(doomed), options);
    event(owner, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted job ${name}` });
  } catch (error) {
    if (isReason(error, "NotFound")) return;
    if (!signal.aborted)
      event(owner, { type: "Warning", reason: "FailedDelete", message: `Deleted job: ${errorMessage(error)}` });
    throw error;
  }
}

function without(status: CronJobStatus, { metadata }: Job): CronJobStatus {
  const { active = [], ...rest } = status;
  const left = active.filter(({ uid }) => uid !== metadata.uid);
  return left.length > 0 ? { ...rest, active: left } : rest;
}
