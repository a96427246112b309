import { keyOf } from "../../core/api/meta.ts";
import { sameVersion } from "../../core/client/preconditions.ts";
import { job } from "../../core/kinds/mod.ts";
import { unlessGone } from "./_errors.ts";
import { finishedCondition } from "./_job_status.ts";
import type { Controller } from "./controller.ts";

/** Deletes jobs that ended as long ago as they say. @see https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/ */
export const ttlAfterFinishedController: Controller = {
  name: "ttl-after-finished-controller",
  account: "ttl-after-finished-controller",
  reconciles: job,
  async reconcile(key, { client, clock, lister, signal }) {
    const observed = lister(job).get(key);
    const { ttlSecondsAfterFinished } = observed?.spec ?? {};
    const finished = finishedCondition(observed?.status);
    if (!observed || !finished || ttlSecondsAfterFinished === undefined || observed.metadata.deletionTimestamp)
      return undefined;
    const endedMs = Date.parse(finished.lastTransitionTime ?? "") || clock.now();
    const leftMs = endedMs + ttlSecondsAfterFinished * 1000 - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    // Somebody may just have given it more time.
    const options = { signal, propagationPolicy: "Foreground", preconditions: sameVersion(observed) } as const;
    await unlessGone(client.delete(job, keyOf(observed), options));
    return undefined;
  },
};
