import type { ResourceType } from "../../core/api/kind.ts";
import { controllerOf, findCondition, type KubeObject, type ObjectKey } from "../../core/api/meta.ts";
import { type Pod, pod, type ReplicaSet, type ReplicaSetStatus, replicaSet } from "../../core/kinds/mod.ts";
import { isPodActive, isPodAvailable, isPodReady, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { timestamp } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { errorMessage } from "../../core/util/log.ts";
import { untilAvailable } from "./_availability.ts";
import { callsAtOnce, forEachLimited, slowStart } from "./_batches.ts";
import { claim, claimIndexes, keysOfMatchingOwners } from "./_claim.ts";
import { isNamespaceTerminating } from "./_errors.ts";
import { createPod, deletePod, podFromTemplate } from "./_pod_control.ts";
import { rankForDeletion } from "./_rank_pods.ts";
import { wantedReplicas } from "./_rollout.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

/** A kind whose objects want a number of pods of one template, and how to see one of them as a ReplicaSet. */
export interface ReplicaKind<T extends KubeObject> {
  readonly name: string;
  readonly kind: ResourceType<T>;
  /** The same object with a ReplicaSet's spec. */
  asReplicaSet(object: T): ReplicaSet;
  /** The object with a status that it has room for. */
  withStatus(object: T, status: ReplicaSetStatus): T;
}

/** Keeps as many pods of one template as are wanted. */
export function replicaController<T extends KubeObject>(replicas: ReplicaKind<T>): Controller {
  const { name, kind, asReplicaSet } = replicas;
  return {
    name,
    account: name,
    reconciles: kind,
    owns: [pod],
    watches: [
      {
        kind: pod,
        indexes: claimIndexes,
        keys: (object, lister) =>
          keysOfMatchingOwners(object, { list: (namespace) => lister(kind).list(namespace).map(asReplicaSet) }),
      },
    ],
    batchMs(key, lister) {
      const object = lister(kind).get(key);
      return object ? batchMsOf(asReplicaSet(object)) : 0;
    },
    reconcile: (key, context) => reconcile(replicas, key, context),
  };
}

/**
 * How long news of a large set's pods wait for more. Every reconcile goes through all of its pods: without the wait,
 * twenty thousand pods that become ready would be gone through thousands of times.
 */
function batchMsOf(object: ReplicaSet): number {
  const replicas = wantedReplicas(object);
  return replicas < 1000 ? 0 : Math.min(1000, replicas / 40);
}

/** The controller of ReplicaSets. */
export const replicaSetController: Controller = replicaController<ReplicaSet>({
  name: "replicaset-controller",
  kind: replicaSet,
  asReplicaSet: (object) => object,
  withStatus: (object, status) => ({ ...object, status }),
});

/** Most pods that are created or deleted at once. */
const burst = 500;

/** What is known about a ReplicaSet. */
export interface ObservedReplicaSet {
  readonly replicaSet: ReplicaSet;
  /** All pods that it controls, ended and ending ones too. */
  readonly pods: readonly Pod[];
  /** Pods of it and of the ReplicaSets that have the same owner. Asked for only when some have to go. */
  readonly relatedPods: readonly Pod[];
  readonly nowMs: number;
}

/** What to change for a ReplicaSet. At most one of both lists has members. */
export interface ReplicaSetPlan {
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
  /** 0 when more is to change than one plan does; else until the next ready pod counts as available. */
  readonly requeueAfterMs: number | undefined;
}

/** What to change so that the pods match the ReplicaSet. Pure: same arguments, same plan. */
export function planReplicaSet(observed: ObservedReplicaSet): ReplicaSetPlan {
  const { replicaSet, pods, nowMs } = observed;
  const active = pods.filter(isPodActive);
  const { minReadySeconds } = replicaSet.spec;
  const availableMs = untilAvailable(active, { minReadySeconds, nowMs });
  if (replicaSet.metadata.deletionTimestamp) return { create: [], remove: [], requeueAfterMs: availableMs };
  const missing = wantedReplicas(replicaSet) - active.length;
  const requeueAfterMs = Math.abs(missing) > burst ? 0 : availableMs;
  if (missing >= 0) {
    const created = podFromTemplate(replicaSet);
    return { create: Array.from({ length: Math.min(missing, burst) }, () => created), remove: [], requeueAfterMs };
  }
  const counts = new Map<string, number>();
  for (const { spec } of observed.relatedPods.filter(isPodActive)) {
    if (spec.nodeName) counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
  }
  const ranked = rankForDeletion(active, { podsOnNode: (name) => counts.get(name) ?? 0, nowMs });
  return { create: [], remove: ranked.slice(0, Math.min(-missing, burst)), requeueAfterMs };
}

/** Why pods could not be created or deleted. */
export interface ReplicaFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/**
 * What the pods add up to.
 *
 * @param failure what went wrong in this round; undefined clears the condition
 */
export function replicaSetStatus(
  { replicaSet, pods, nowMs }: Pick<ObservedReplicaSet, "replicaSet" | "pods" | "nowMs">,
  failure: ReplicaFailure | undefined,
): ReplicaSetStatus {
  const { minReadySeconds = 0 } = replicaSet.spec;
  const labels = Object.entries(replicaSet.spec.template.metadata?.labels ?? {});
  const counts = {
    replicas: 0,
    fullyLabeledReplicas: 0,
    readyReplicas: 0,
    availableReplicas: 0,
    terminatingReplicas: 0,
  };
  for (const one of pods) {
    if (isPodTerminal(one)) continue;
    if (one.metadata.deletionTimestamp !== undefined) {
      counts.terminatingReplicas++;
      continue;
    }
    counts.replicas++;
    if (labels.every(([name, value]) => one.metadata.labels?.[name] === value)) counts.fullyLabeledReplicas++;
    if (!isPodReady(one)) continue;
    counts.readyReplicas++;
    if (isPodAvailable(one, { minReadySeconds, now: nowMs })) counts.availableReplicas++;
  }
  const others = (replicaSet.status?.conditions ?? []).filter(({ type }) => type !== "ReplicaFailure");
  const present = findCondition(replicaSet.status?.conditions, "ReplicaFailure");
  const condition = {
    type: "ReplicaFailure",
    status: "True",
    lastTransitionTime: timestamp({ now: () => nowMs }),
  } as const;
  const conditions = failure ? [...others, present ?? { ...condition, ...failure }] : others;
  return compact<ReplicaSetStatus>({
    ...counts,
    observedGeneration: replicaSet.metadata.generation,
    conditions: conditions.length > 0 ? conditions : undefined,
  });
}

async function reconcile<T extends KubeObject>(
  { kind, asReplicaSet, withStatus }: ReplicaKind<T>,
  key: ObjectKey,
  context: ControllerContext,
): Promise<ReconcileResult> {
  const { client, clock, lister, signal } = context;
  const object = lister(kind).get(key);
  if (!object) return undefined;
  const observed = asReplicaSet(object);
  const pods = await claim(pod, observed, kind, context);
  const state: ObservedReplicaSet = {
    replicaSet: observed,
    pods,
    get relatedPods() {
      return kin(object, kind, lister).flatMap((set) => lister(pod).ownedBy(set));
    },
    nowMs: clock.now(),
  };
  const plan = planReplicaSet(state);

  const created = await slowStart(plan.create, (wanted) => createPod(observed, wanted, context));
  let lost: { readonly reason: unknown } | undefined;
  await forEachLimited(plan.remove, callsAtOnce, (one) => deletePod(observed, one, context)).catch(
    (reason: unknown) => {
      lost = { reason };
    },
  );
  const error = created.error ?? lost?.reason;
  // Nothing may be created where everything is about to go: no failure of this ReplicaSet.
  const failed = error !== undefined && !isNamespaceTerminating(error);
  const failure: ReplicaFailure | undefined = failed
    ? { reason: lost ? "FailedDelete" : "FailedCreate", message: errorMessage(error) }
    : undefined;

  const status = replicaSetStatus(state, failure);
  const next = withStatus(object, status);
  if (!semanticEqual(next, object)) await client.updateStatus(kind, next, { signal });
  if (failed) throw error;
  // What a namespace refused that is about to go is not tried again at once.
  return error === undefined ? { requeueAfterMs: plan.requeueAfterMs } : undefined;
}

/** The object and those that belong to the same owner. */
function kin<T extends KubeObject>(
  object: T,
  kind: ResourceType<T>,
  lister: ControllerContext["lister"],
): readonly T[] {
  const owner = controllerOf(object);
  return owner ? lister(kind).ownedBy({ metadata: { uid: owner.uid } }) : [object];
}
