import type { ResourceType } from "../../api/kind.ts";
import { type Condition, controllerOf, type KubeObject, keyOf, type ObjectKey } from "../../api/meta.ts";
import { isReason } from "../../api/status.ts";
import {
  certificateSigningRequest,
  cronJob,
  daemonSet,
  deployment,
  horizontalPodAutoscaler,
  ingress,
  job,
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  replicaSet,
  replicationController,
  resourceQuota,
  service,
  statefulSet,
} from "../../kinds/mod.ts";
import { explainAutoscaler } from "./autoscaler.ts";
import { explainBudget } from "./budget.ts";
import { explainCertificateRequest } from "./certificate.ts";
import { explainClaim } from "./claim.ts";
import { explainCronJob } from "./cron_job.ts";
import { eventsOf } from "./events_of.ts";
import {
  conditionText,
  type Explainer,
  type Explanation,
  lastSeen,
  type Reason,
  type WhyContext,
} from "./explanation.ts";
import { explainIngress } from "./ingress.ts";
import { explainNamespace } from "./namespace.ts";
import { explainNode } from "./node.ts";
import { explainPod } from "./pod.ts";
import { explainQuota } from "./quota.ts";
import { explainService } from "./service.ts";
import { explainVolume } from "./volume.ts";
import {
  explainDaemonSet,
  explainDeployment,
  explainJob,
  explainReplicaSet,
  explainReplicationController,
  explainStatefulSet,
} from "./workload.ts";

/** By `KIND.GROUP`, those who know more of a kind than its conditions and events say. */
const explainers: ReadonlyMap<string, Explainer> = new Map([
  explains(pod, explainPod),
  explains(deployment, explainDeployment),
  explains(replicaSet, explainReplicaSet),
  explains(statefulSet, explainStatefulSet),
  explains(daemonSet, explainDaemonSet),
  explains(job, explainJob),
  explains(replicationController, explainReplicationController),
  explains(service, explainService),
  explains(persistentVolumeClaim, explainClaim),
  explains(persistentVolume, explainVolume),
  explains(node, explainNode),
  explains(certificateSigningRequest, explainCertificateRequest),
  explains(cronJob, explainCronJob),
  explains(podDisruptionBudget, explainBudget),
  explains(resourceQuota, explainQuota),
  explains(horizontalPodAutoscaler, explainAutoscaler),
  explains(ingress, explainIngress),
  explains(namespace, explainNamespace),
]);

/** An explainer under its kind. Sound: it is only ever given objects of that. */
function explains<T extends KubeObject>(kind: ResourceType<T>, explainer: Explainer<T>): readonly [string, Explainer] {
  return [kindText(kind), explainer as Explainer<never> as Explainer];
}

function kindText({ kind, group }: ResourceType): string {
  return `${kind}.${group}`;
}

/** Owners that are followed upwards. */
const maxOwners = 5;

/**
 * Why an object is as it is: the chain from its own state to what stands above it, from what its API says (and, about
 * scheduling, from what wherry's scheduler keeps). Reads only.
 *
 * @throws StatusError NotFound
 * @example
 * const { state, reasons } = await why(client, pod, { namespace: "default", name: "web-0" }, context);
 */
export async function why(kind: ResourceType, key: ObjectKey, context: WhyContext): Promise<Explanation> {
  const object = await context.client.get(kind, key, { signal: context.signal });
  return whyObject(kind, object, context);
}

/** As {@linkcode why}, of an object that is at hand. */
export async function whyObject(kind: ResourceType, object: KubeObject, context: WhyContext): Promise<Explanation> {
  const explainer = explainers.get(kindText(kind)) ?? explainAny;
  const { state, isWell, reasons } = await explainer(object, context);
  const ending = deletionReason(object);
  const { namespace } = keyOf(object);
  return {
    object: nameOf(kind, object),
    ...(namespace ? { namespace } : {}),
    state: ending ? "Terminating" : state,
    isWell: isWell && !ending,
    reasons: [...(ending ? [ending] : []), ...reasons, ...(await ownerReasons(object, context))],
  };
}

/** Finalizers of Kubernetes' own, and what they wait for. */
const knownFinalizers: ReadonlyMap<string, string> = new Map([
  ["kubernetes", "all that is in it goes first"],
  ["kubernetes.io/pvc-protection", "a pod still uses it"],
  ["kubernetes.io/pv-protection", "a claim still has it"],
  ["external-provisioner.volume.kubernetes.io/finalizer", "its data go first"],
  ["foregroundDeletion", "what it owns goes first"],
  ["orphan", "what it owns is let go first"],
  ["batch.kubernetes.io/job-tracking", "its Job has not counted it yet"],
]);

/** What holds an object that is being deleted. Pure. */
export function deletionReason({ kind, metadata, ...object }: KubeObject): Reason | undefined {
  const {
    deletionTimestamp: since,
    finalizers = [],
    deletionGracePeriodSeconds: grace = 0,
    name,
    namespace,
  } = metadata;
  if (!since) return undefined;
  const { finalizers: own = [], nodeName } =
    (object as { spec?: { finalizers?: readonly string[]; nodeName?: string } }).spec ?? {};
  const waits = [...finalizers, ...own];
  const known = waits.flatMap((one) => knownFinalizers.get(one) ?? []);
  if (waits.length > known.length) {
    const says = `it is being deleted, and waits for those who set its finalizers: ${waits.join(", ")}`;
    const where = namespace ? ` -n ${namespace}` : "";
    const remedy = `if whoever set them is gone: wherry patch ${kind.toLowerCase()} ${name}${where} --type merge -p '{"metadata":{"finalizers":null}}'`;
    return { stage: "deletion", says, since, ...(own.length > 0 ? {} : { remedy }) };
  }
  if (known.length > 0) return { stage: "deletion", says: `it is being deleted: ${known.join(", ")}`, since };
  const says = nodeName ? `it is being deleted: its containers have ${grace} s to end` : "it is being deleted";
  return { stage: "deletion", says, since };
}

/** For kinds that nobody knows more of: conditions that say no, and warnings. */
const explainAny: Explainer = async (object, context) => {
  const conditions = (object as { status?: { conditions?: readonly Condition[] } }).status?.conditions ?? [];
  const bad = conditions.filter(isTrouble);
  const [event] = (await eventsOf(object, context)).filter(({ type }) => type === "Warning");
  const phase = (object as { status?: { phase?: unknown } }).status?.phase;
  const said = typeof phase === "string" ? phase : undefined;
  const good = conditions.find(({ type, status }) => status === "True" && (type === "Ready" || type === "Available"));
  const reasons: Reason[] = bad.map((one) => ({
    stage: "condition",
    says: conditionText(one),
    since: one.lastTransitionTime ?? undefined,
  }));
  if (event?.message) reasons.push({ stage: "event", says: event.message, since: lastSeen(event) });
  return { state: said ?? good?.type ?? (bad.length > 0 ? "not well" : "present"), isWell: bad.length === 0, reasons };
};

/** Conditions named for what is wanted say no; those named for a trouble say yes. */
function isTrouble({ type, status }: Condition): boolean {
  const isNamedForTrouble = /Fail|Pressure|Unavailable|Degraded|Stalled|Conflict|Remaining|NotAccepted/.test(type);
  return isNamedForTrouble ? status === "True" : status === "False";
}

/** What stands above an object, nearest first. */
async function ownerReasons(object: KubeObject, context: WhyContext): Promise<readonly Reason[]> {
  const reasons: Reason[] = [];
  let current = object;
  for (let depth = 0; depth < maxOwners; depth++) {
    const owner = controllerOf(current);
    const kind = owner && (await context.resourceOf(owner));
    if (!owner || !kind) break;
    const { namespace } = current.metadata;
    try {
      const key = { ...(kind.namespaced && namespace ? { namespace } : {}), name: owner.name };
      current = await context.client.get(kind, key, { signal: context.signal });
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Forbidden")) throw error;
      const isGone = isReason(error, "NotFound");
      if (isGone)
        reasons.push({ stage: "owner", says: `its owner ${owner.kind} ${owner.name} is gone: it will be collected` });
      break;
    }
    reasons.push({ stage: "owner", says: `it belongs to ${nameOf(kind, current)}${countsOf(current)}` });
  }
  return reasons;
}

function countsOf(object: KubeObject): string {
  const { spec, status } = object as {
    spec?: { replicas?: unknown };
    status?: { readyReplicas?: unknown; desiredNumberScheduled?: unknown; numberReady?: unknown };
  };
  const wanted = spec?.replicas ?? status?.desiredNumberScheduled;
  if (typeof wanted !== "number") return "";
  return ` (${Number(status?.readyReplicas ?? status?.numberReady ?? 0)} of ${wanted} ready)`;
}

function nameOf({ kind, group }: ResourceType, { metadata: { name = "" } }: KubeObject): string {
  return `${kind.toLowerCase()}${group ? `.${group}` : ""}/${name}`;
}
