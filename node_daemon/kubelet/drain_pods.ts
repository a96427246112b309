import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { withDeadline } from "./deadline.ts";
import { planShutdown, type ShutdownPeriods } from "./plan_shutdown.ts";
import type { PodWorker } from "./pod_worker.ts";

/** How pods are drained. */
export interface DrainOptions {
  readonly signal: AbortSignal;
  /** The pods stay what they are in the API. */
  readonly resumable: boolean;
  /** The node shuts down: they have that much time. Default: all end together, each in its own time. */
  readonly periods: ShutdownPeriods | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** This long for the last status of a pod to reach the API. */
const lastReportMs = 3000;

/** Ends what runs of these pods (workers by the pods' uids), and reports it. */
export async function drainPods(workers: ReadonlyMap<string, PodWorker>, options: DrainOptions): Promise<void> {
  const { periods, clock, log, signal } = options;
  if (!periods) {
    await Promise.all([...workers.values()].map((worker) => drainOne(worker, undefined, options)));
    return;
  }
  const pods = [...workers.values()].map(({ pod }) => pod);
  for (const group of planShutdown(pods, periods)) {
    const timeoutMs = group.seconds * 1000 + lastReportMs;
    try {
      await withDeadline({ clock, timeoutMs, signal }, (cut) => {
        allowManyListeners(cut);
        return Promise.all(
          group.pods.map(({ uid, gracePeriodSeconds }) =>
            drainOne(workers.get(uid), gracePeriodSeconds, { ...options, signal: cut }),
          ),
        );
      });
    } catch (error) {
      signal.throwIfAborted();
      log.warn("Some pods did not end in time for a shutdown", { error: errorMessage(error) });
    }
  }
}

async function drainOne(
  worker: PodWorker | undefined,
  gracePeriodSeconds: number | undefined,
  { signal, resumable, clock, log }: DrainOptions,
): Promise<void> {
  if (!worker) return;
  try {
    await worker.drain({ signal, resumable, gracePeriodSeconds });
    await withDeadline({ clock, timeoutMs: lastReportMs, signal }, () => worker.reported());
  } catch (error) {
    signal.throwIfAborted();
    log.warn("Cannot end a pod in order", { pod: worker.pod.metadata.name, error: errorMessage(error) });
  }
}
