import { keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import {
  type ControllerRevision,
  controllerRevision,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaim,
  pod,
  type StatefulSet,
  statefulSet,
} from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { errorMessage } from "../../core/util/log.ts";
import { callsAtOnce, forEachLimited, slowStart } from "./_batches.ts";
import { claim, claimIndexes, keysOfMatchingOwners } from "./_claim.ts";
import { isNamespaceTerminating } from "./_errors.ts";
import { deleteRevisions, ensureRevision, planRevision, surplusRevisions } from "./_history.ts";
import { planStatefulSet, type StatefulSetPlan } from "./_plan_stateful_set.ts";
import { ordinalOf, podRevision } from "./_stateful_pods.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

/** Keeps pods with names and volumes that stay. */
export const statefulSetController: Controller = {
  name: "statefulset-controller",
  account: "statefulset-controller",
  reconciles: statefulSet,
  owns: [pod, controllerRevision],
  watches: [
    watching<Pod>({
      kind: pod,
      indexes: claimIndexes,
      keys: (object, lister) =>
        keysOfMatchingOwners(object, {
          list: (namespace) =>
            lister(statefulSet)
              .list(namespace)
              .filter((set) => ordinalOf(set, object) !== undefined),
        }),
    }),
    {
      kind: controllerRevision,
      indexes: claimIndexes,
      keys: (object, lister) => keysOfMatchingOwners(object, lister(statefulSet)),
    },
    {
      // A pod whose claim is on its way out waits for that.
      kind: persistentVolumeClaim,
      keys: ({ metadata: { name = "", namespace } }, lister) => {
        const base = name.replace(/-\d+$/, "");
        if (base === name) return [];
        return lister(statefulSet)
          .list(namespace)
          .filter((set) => base.endsWith(`-${set.metadata.name}`))
          .map(keyOf);
      },
    },
  ],
  async reconcile(key, context) {
    const observed = context.lister(statefulSet).get(key);
    return observed ? reconcile(observed, context) : undefined;
  },
};

async function reconcile(set: StatefulSet, context: ControllerContext): Promise<ReconcileResult> {
  const { client, clock, lister, signal, event } = context;
  const mine = (one: Pod) => ordinalOf(set, one) !== undefined;
  const pods = await claim(pod, set, statefulSet, context, mine);
  const revisions = await claim(controllerRevision, set, statefulSet, context);
  const ensured = await ensureRevision(planRevision(set, revisions, { labelled: false }), set, context);
  if (ensured.type === "collision") {
    const collisionCount = (set.status?.collisionCount ?? 0) + 1;
    const status = { replicas: 0, ...set.status, collisionCount };
    await client.updateStatus(statefulSet, { ...set, status }, { signal });
    return undefined;
  }
  const update = ensured.revision;
  const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
  const claims = lister(persistentVolumeClaim);
  const plan = planStatefulSet({
    set,
    pods,
    claim: (name) => claims.get({ namespace: set.metadata.namespace, name }),
    current,
    update,
    nowMs: clock.now(),
  });
  for (const { pod: name, message } of plan.blocked) {
    const text = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${message}`;
    event(set, { type: "Warning", reason: "FailedCreate", message: text });
  }
  for (const name of plan.conflicting) {
    // So spelled: whoever looks for the text of Kubernetes finds it.
    const message = `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
    event(set, { type: "Warning", reason: "ConflictingController", message });
  }
  const failure = await carryOut(set, plan, context);
  if (!semanticEqual(plan.status, set.status))
    await client.updateStatus(statefulSet, { ...set, status: plan.status }, { signal });
  await deleteRevisions(surplus(set, { pods, revisions, live: [current, update] }), context);
  if (failure) throw failure.reason;
  return { requeueAfterMs: plan.requeueAfterMs };
}

function surplus(
  set: StatefulSet,
  {
    pods,
    revisions,
    live,
  }: {
    readonly pods: readonly Pod[];
    readonly revisions: readonly ControllerRevision[];
    readonly live: readonly ControllerRevision[];
  },
): readonly ControllerRevision[] {
  const used = new Set([...pods.map(podRevision), ...live.map(({ metadata }) => metadata.name)]);
  return surplusRevisions(revisions, ({ metadata }) => used.has(metadata.name), set.spec.revisionHistoryLimit);
}

/** Carries a plan out; gives back the first failure. */
async function carryOut(
  set: StatefulSet,
  plan: StatefulSetPlan,
  context: ControllerContext,
): Promise<{ readonly reason: unknown } | undefined> {
  const { client, signal } = context;
  try {
    for (const one of plan.createClaims) await createClaim(set, one, context);
    for (const one of plan.updateClaims) await client.update(persistentVolumeClaim, one, { signal });
    const created = await slowStart(plan.create, (one) =>
      telling(set, "create", one, context, client.create(pod, one, { signal })),
    );
    if (created.error !== undefined)
      return isNamespaceTerminating(created.error) ? undefined : { reason: created.error };
    for (const one of plan.update) await telling(set, "update", one, context, client.update(pod, one, { signal }));
    for (const one of plan.replace) tellOfEnded(set, one, context);
    await forEachLimited([...plan.replace, ...plan.remove], callsAtOnce, (one) => {
      const options = { signal, preconditions: sameObject(one) };
      return telling(set, "delete", one, context, client.delete(pod, keyOf(one), options));
    });
    return undefined;
  } catch (reason) {
    return { reason };
  }
}

function tellOfEnded(set: StatefulSet, ended: Pod, { event }: ControllerContext): void {
  const { namespace, name } = set.metadata;
  const about = (word: string) => `StatefulSet ${namespace}/${name} is recreating ${word} Pod ${ended.metadata.name}`;
  if (ended.status?.phase === "Failed")
    event(set, { type: "Warning", reason: "RecreatingFailedPod", message: about("failed") });
  else event(set, { type: "Normal", reason: "RecreatingTerminatedPod", message: about("terminated") });
}

async function createClaim(
  set: StatefulSet,
  { claim: wanted, pod: podName }: StatefulSetPlan["createClaims"][number],
  { client, signal, event }: ControllerContext,
): Promise<void> {
  const about = wanted.metadata.name;
  try {
    await client.create<PersistentVolumeClaim>(persistentVolumeClaim, wanted, { signal });
    const message = `create Claim ${about} Pod ${podName} in StatefulSet ${set.metadata.name} success`;
    event(set, { type: "Normal", reason: "SuccessfulCreate", message });
  } catch (error) {
    if (isReason(error, "AlreadyExists")) return;
    const message = `create Claim ${about} for Pod ${podName} in StatefulSet ${set.metadata.name} failed error: ${errorMessage(error)}`;
    if (!signal.aborted) event(set, { type: "Warning", reason: "FailedCreate", message });
    throw error;
  }
}

/** Waits for `call`, and tells by an Event how it went. What is gone already was deleted well. */
async function telling(
  set: StatefulSet,
  verb: "create" | "update" | "delete",
  one: Pod,
  { event, signal }: ControllerContext,
  call: Promise<unknown>,
): Promise<void> {
  const about = `${verb} Pod ${one.metadata.name} in StatefulSet ${set.metadata.name}`;
  const suffix = `${verb[0]?.toUpperCase()}${verb.slice(1)}`;
  try {
    await call;
    event(set, { type: "Normal", reason: `Successful${suffix}`, message: `${about} successful` });
  } catch (error) {
    if (verb === "delete" && isReason(error, "NotFound")) return;
    const isQuiet = signal.aborted || isNamespaceTerminating(error) || isReason(error, "AlreadyExists");
    if (!isQuiet)
      event(set, {
        type: "Warning",
        reason: `Failed${suffix}`,
        message: `${about} failed error: ${errorMessage(error)}`,
      });
    throw error;
  }
}
