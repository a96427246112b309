import { controllerOf, keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type Deployment, deployment, pod, type ReplicaSet, replicaSet } from "../../core/kinds/mod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { sameTemplate } from "../../core/kinds/same_template.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { errorMessage } from "../../core/util/log.ts";
import { claim, claimIndexes, keysOfMatchingOwners } from "./_claim.ts";
import { deploymentCondition, hasProgressDeadline, withCondition } from "./_deployment_status.ts";
import { isNamespaceTerminating, unlessGone } from "./_errors.ts";
import { type DeploymentPlan, planDeployment } from "./_plan_deployment.ts";
import { planRollback } from "./_plan_rollback.ts";
import { revisionAnnotation, wantedReplicas } from "./_rollout.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

/** Moves pods from one template to the next by growing one ReplicaSet and shrinking the others. */
export const deploymentController: Controller = {
  name: "deployment-controller",
  account: "deployment-controller",
  reconciles: deployment,
  owns: [replicaSet],
  watches: [
    { kind: replicaSet, indexes: claimIndexes, keys: (set, lister) => keysOfMatchingOwners(set, lister(deployment)) },
    {
      // Recreate waits for the last old pod, which no ReplicaSet's status counts any more.
      kind: pod,
      keys: (object, lister) => {
        const owner = controllerOf(object);
        if (owner?.kind !== "ReplicaSet") return [];
        const set = lister(replicaSet).get({ namespace: object.metadata.namespace, name: owner.name });
        const above = set && controllerOf(set);
        if (above?.kind !== "Deployment") return [];
        const key = { namespace: object.metadata.namespace, name: above.name };
        return lister(deployment).get(key)?.spec.strategy?.type === "Recreate" ? [key] : [];
      },
    },
  ],
  reconcile,
};

async function reconcile(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult> {
  const { client, clock, lister, signal, event } = context;
  const observed = lister(deployment).get(key);
  if (!observed) return undefined;
  if (selectsEverything(observed)) {
    const message = "This deployment is selecting all pods. A non-empty selector is required.";
    event(observed, { type: "Warning", reason: "SelectingAll", message });
    return undefined;
  }
  const sets = await claim(replicaSet, observed, deployment, context);
  const rollback = planRollback(observed, sets);
  if (rollback) {
    await client.update(deployment, rollback.deployment, { signal });
    event(observed, rollback.event);
    return undefined;
  }
  const plan = planDeployment({
    deployment: observed,
    replicaSets: sets,
    oldPodsRun: (current) =>
      sets.some((set) => set.metadata.uid !== current?.metadata.uid && !lister(pod).ownedBy(set).every(isPodTerminal)),
    nowMs: clock.now(),
  });
  if (plan.create && !(await createSet(observed, plan.create, context))) return undefined;
  for (const set of plan.updates) {
    const before = sets.find((one) => one.metadata.uid === set.metadata.uid);
    await client.update(replicaSet, set, { signal });
    if (before) eventOfScaling(observed, set, wantedReplicas(before), context);
  }
  for (const set of plan.deletes) await deleteSet(set, context);
  await writeStatus(observed, plan, context);
  return { requeueAfterMs: plan.requeueAfterMs };
}

function selectsEverything({ spec }: Deployment): boolean {
  const { matchLabels, matchExpressions } = spec.selector;
  return Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0;
}

/** Returns false when there is nothing more to do now: the name is taken (the next round tries another hash) or the namespace ends. */
async function createSet(owner: Deployment, set: ReplicaSet, context: ControllerContext): Promise<boolean> {
  const { client, signal, event, clock } = context;
  try {
    await client.create(replicaSet, set, { signal });
  } catch (error) {
    if (isReason(error, "AlreadyExists")) {
      const present = await client.get(replicaSet, keyOf(set), { signal });
      const ours = controllerOf(present)?.uid === owner.metadata.uid;
      if (ours && sameTemplate(present.spec.template, owner.spec.template)) return false;
      const collisionCount = (owner.status?.collisionCount ?? 0) + 1;
      await client.updateStatus(deployment, { ...owner, status: { ...owner.status, collisionCount } }, { signal });
      return false;
    }
    const message = `Failed to create new replica set "${set.metadata.name}": ${errorMessage(error)}`;
    if (isNamespaceTerminating(error)) return false;
    event(owner, { type: "Warning", reason: "ReplicaSetCreateError", message });
    if (hasProgressDeadline(owner)) {
      const failed = deploymentCondition("Progressing", "False", "ReplicaSetCreateError", message, clock.now());
      const conditions = withCondition(owner.status?.conditions ?? [], failed);
      await client.updateStatus(deployment, { ...owner, status: { ...owner.status, conditions } }, { signal });
    }
    throw error;
  }
  eventOfScaling(owner, set, 0, context);
  return true;
}

function eventOfScaling(owner: Deployment, set: ReplicaSet, from: number, { event }: ControllerContext): void {
  const to = wantedReplicas(set);
  if (from === to) return;
  const message = `Scaled ${to > from ? "up" : "down"} replica set ${set.metadata.name} from ${from} to ${to}`;
  event(owner, { type: "Normal", reason: "ScalingReplicaSet", message });
}

async function deleteSet(set: ReplicaSet, { client, signal }: ControllerContext): Promise<void> {
  const options = { signal, preconditions: sameObject(set), propagationPolicy: "Background" } as const;
  await unlessGone(client.delete(replicaSet, keyOf(set), options));
}

async function writeStatus(
  observed: Deployment,
  { revision, status }: DeploymentPlan,
  { client, signal }: ControllerContext,
): Promise<void> {
  let latest = observed;
  if (revision !== undefined) {
    const metadata = {
      annotations: { [revisionAnnotation]: revision },
      ...(observed.metadata.resourceVersion ? { resourceVersion: observed.metadata.resourceVersion } : {}),
    };
    latest = await client.patch(deployment, keyOf(observed), { type: "merge", body: { metadata } }, { signal });
  }
  if (semanticEqual(status, observed.status)) return;
  await client.updateStatus(deployment, { ...latest, status }, { signal });
}
