import { keyOf, keyText } from "../../core/api/meta.ts";
import { type Job, type JobStatus, job, type Pod, pod } from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { callsAtOnce, forEachLimited, slowStart } from "./_batches.ts";
import { claim, claimIndexes, keysOfMatchingOwners, type SelectingOwner } from "./_claim.ts";
import { isNamespaceTerminating, unlessGone } from "./_errors.ts";
import type { PodBackoff } from "./_job_backoff.ts";
import type { ObservedJob } from "./_job_counts.ts";
import { isTracked, trackingFinalizer } from "./_job_pods.ts";
import { countReleased, type DoneForJob, finishedCondition, finishedStatus, trackPods } from "./_job_status.ts";
import { type JobPlan, planJob } from "./_plan_job.ts";
import { createPod, deletePod } from "./_pod_control.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

/** Jobs that somebody else looks after say so. */
const controllerName = "kubernetes.io/job-controller";

/** What is remembered of a job: of the one with this uid. */
interface Remembered {
  readonly uid: string | undefined;
  readonly backoff: PodBackoff;
}

/** Runs pods until enough of them have succeeded. It remembers how often pods failed: make it anew for every run. */
export function jobController(): Controller {
  const remembered = new Map<string, Remembered>();
  return {
    name: "job-controller",
    account: "job-controller",
    reconciles: job,
    owns: [pod],
    watches: [
      {
        kind: pod,
        indexes: claimIndexes,
        keys: (object, lister) =>
          keysOfMatchingOwners(object, {
            list: (namespace) => selectingJobs(lister(job).list(namespace)),
          }),
      },
    ],
    batchMs: (key, lister) => batchMsOf(lister(job).get(key)),
    async reconcile(key, context) {
      const observed = context.lister(job).get(key);
      if (!observed || !isOurs(observed) || finishedCondition(observed.status)) {
        remembered.delete(keyText(key));
        return undefined;
      }
      return reconcile(observed, remembered, context);
    },
  };
}

/**
 * How long news of a job's pods wait for more: a second for a hundred pods at once, as in Kubernetes, and not at all
 * for a few, which every look at takes next to nothing.
 */
function batchMsOf(observed: Job | undefined): number {
  return Math.min(1000, Math.floor((observed?.spec.parallelism ?? 1) / 10) * 100);
}

/** Whether this controller looks after a job. */
export function isOurs({ spec }: Job): boolean {
  return (spec.managedBy ?? controllerName) === controllerName;
}

/** The jobs that adopt pods. */
export function selectingJobs(jobs: readonly Job[]): readonly SelectingOwner[] {
  return jobs.filter(isOurs).map(asSelecting);
}

function asSelecting(object: Job): SelectingOwner & Job {
  return { ...object, spec: { ...object.spec, selector: object.spec.selector ?? {} } };
}

async function reconcile(
  observed: Job,
  remembered: Map<string, Remembered>,
  context: ControllerContext,
): Promise<ReconcileResult> {
  const { clock, event } = context;
  const { uid } = observed.metadata;
  const name = keyText(keyOf(observed));
  const memory = remembered.get(name);
  const pods = await claim(pod, asSelecting(observed), job, context);
  const backoff = memory?.uid === uid ? memory?.backoff : undefined;
  const state: ObservedJob = { job: observed, pods, backoff, nowMs: clock.now() };
  const plan = planJob(state);
  const { done, error } = await carryOut(state, plan, context);
  // What could not be removed may yet succeed or fail by itself.
  const carried = error === undefined ? plan : { ...plan, outcome: undefined };

  const tracking = trackPods(state, carried, done);
  const named = await writeStatus(observed, tracking.status, context);
  if (plan.backoff) remembered.set(name, { uid, backoff: plan.backoff });
  else remembered.delete(name);
  if (tracking.turn)
    event(observed, { type: "Normal", reason: tracking.turn, message: `Job ${tracking.turn.toLowerCase()}` });

  await forEachLimited(tracking.release, callsAtOnce, (one) => releasePod(one, context));
  const released = new Set(tracking.release);
  const counted = countReleased(
    tracking.status,
    pods.filter((one) => !released.has(one)),
  );
  const finished =
    carried.outcome && tracking.isAll ? finishedStatus(counted, carried.outcome, clock.now()) : undefined;
  await writeStatus(named, finished ?? counted, context);
  if (finished) tellOfEnd(observed, finished, context);
  if (error !== undefined) throw error;
  return { requeueAfterMs: plan.requeueAfterMs };
}

/** Makes and removes pods; gives back what was done when something failed, too. */
async function carryOut(
  { job: owner }: ObservedJob,
  { create, remove, letGo }: JobPlan,
  context: ControllerContext,
): Promise<{ readonly done: DoneForJob; readonly error?: unknown }> {
  const created = await slowStart(create, (wanted) => createPod(owner, wanted, context));
  const removed: Pod[] = [];
  let error = isNamespaceTerminating(created.error) ? undefined : created.error;
  const removal = forEachLimited(remove, callsAtOnce, async (one) => {
    if (letGo) await releasePod(one, context);
    await deletePod(owner, one, context);
    removed.push(one);
  });
  await removal.catch((reason: unknown) => {
    error = reason;
  });
  return { done: { created: created.succeeded, removed }, error };
}

/** Takes the finalizer from a pod that is counted. */
export async function releasePod(one: Pod, { client, signal }: ControllerContext): Promise<void> {
  if (!isTracked(one)) return;
  const { uid } = one.metadata;
  const metadata = { "$deleteFromPrimitiveList/finalizers": [trackingFinalizer], ...(uid ? { uid } : {}) };
  await unlessGone(client.patch(pod, keyOf(one), { type: "strategic", body: { metadata } }, { signal }));
}

async function writeStatus(latest: Job, status: JobStatus, { client, signal }: ControllerContext): Promise<Job> {
  if (latest.status && semanticEqual(latest.status, status)) return latest;
  return client.updateStatus(job, { ...latest, status }, { signal });
}

function tellOfEnd(observed: Job, status: JobStatus, { event }: ControllerContext): void {
  const last = finishedCondition(status);
  if (!last) return;
  const { type, reason = "", message = "" } = last;
  if (type === "Failed") {
    event(observed, { type: "Warning", reason, message });
    return;
  }
  if ((status.succeeded ?? 0) > (observed.spec.completions ?? Number.POSITIVE_INFINITY)) {
    const tooMany = "Too many succeeded pods running after completion count reached";
    event(observed, { type: "Warning", reason: "TooManySucceededPods", message: tooMany });
  }
  event(observed, { type: "Normal", reason: "Completed", message: "Job completed" });
}
