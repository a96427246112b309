import { apiVersionOf } from "../../core/api/kind.ts";
import { controllerOf, keyOf } from "../../core/api/meta.ts";
import { type Job, job, type Pod, pod } from "../../core/kinds/mod.ts";
import { claimIndexes, keysOfMatchingOwners, orphanIndex } from "./_claim.ts";
import { isTracked } from "./_job_pods.ts";
import { finishedCondition } from "./_job_status.ts";
import { type Controller, type ControllerContext, watching } from "./controller.ts";
import { isOurs, releasePod, selectingJobs } from "./job.ts";

/** Lets go of pods that no job will count any more: theirs has ended, is gone, or gave them away. */
export const jobOrphanPodsController: Controller = {
  name: "job-orphan-pods",
  account: "job-controller",
  watches: [
    watching<Pod>({
      kind: pod,
      indexes: claimIndexes,
      keys: (object, lister) => (isOrphan(object, lister) ? [keyOf(object)] : []),
    }),
    watching<Job>({
      kind: job,
      keys: (object, lister) => {
        const pods = lister(pod);
        const left = pods.byIndex(orphanIndex, object.metadata.namespace ?? "");
        return [...pods.ownedBy(object), ...left].filter((one) => isOrphan(one, lister)).map(keyOf);
      },
    }),
  ],
  async reconcile(key, context) {
    const observed = context.lister(pod).get(key);
    if (observed && isOrphan(observed, context.lister)) await releasePod(observed, context);
    return undefined;
  },
};

function isOrphan(object: Pod, lister: ControllerContext["lister"]): boolean {
  if (!isTracked(object)) return false;
  const owner = controllerOf(object);
  const { namespace } = object.metadata;
  // One that nobody controls may be taken in by a job that selects it.
  if (!owner)
    return keysOfMatchingOwners(object, { list: (name) => selectingJobs(lister(job).list(name)) }).length === 0;
  if (owner.kind !== job.kind || owner.apiVersion !== apiVersionOf(job)) return false;
  const found = lister(job).get({ namespace, name: owner.name });
  if (found?.metadata.uid !== owner.uid) return true;
  return isOurs(found) && finishedCondition(found.status) !== undefined;
}
