import { formatLabelSelector, type LabelSelector } from "../../api/labels.ts";
import { type Condition, findCondition, type KubeObject } from "../../api/meta.ts";
import {
  type DaemonSet,
  type Deployment,
  type Job,
  type Pod,
  pod,
  type ReplicaSet,
  type ReplicationController,
  type StatefulSet,
} from "../../kinds/mod.ts";
import { isPodActive, isPodReady } from "../../kinds/pod_helpers.ts";
import type { PodReason } from "./container.ts";
import { passedOverReason } from "./daemon_nodes.ts";
import { eventsOf, newestEvent } from "./events_of.ts";
import { conditionText, counted, type Explainer, lastSeen, type Reason, type WhyContext } from "./explanation.ts";
import { podReasons, withMore } from "./pod.ts";
import { podNodeReason } from "./pod_node.ts";
import { refusalRemedy } from "./remedies.ts";
import { pendingReason, schedulingReason } from "./scheduling.ts";

/** Names of pods that are said of one cause. */
const shownPods = 5;
/** Pods that are looked into; those of one workload fail alike. */
const maxPods = 50;

/** What a workload wants and has, whatever its kind. */
interface Workload {
  readonly selector: LabelSelector | undefined;
  readonly state: string;
  readonly isWell: boolean;
  readonly conditions: readonly Condition[];
  /** What holds it up by itself, before its pods do. */
  readonly notes: readonly Reason[];
  /** How far it has come, which follows from all else. */
  readonly progress?: readonly Reason[];
}

/** Why a Deployment is as it is. */
export const explainDeployment: Explainer<Deployment> = (object, context) => {
  const { replicas = 1, selector, paused } = object.spec;
  const { readyReplicas = 0, updatedReplicas = 0, replicas: actual = 0, conditions = [] } = object.status ?? {};
  const notes: Reason[] = [...unobserved(object)];
  if (paused) notes.push({ stage: "rollout", says: "its roll-out is paused", remedy: resume(object) });
  const progress: Reason[] = [];
  const progressing = findCondition(conditions, "Progressing");
  if (progressing?.status === "False") progress.push(ofCondition("rollout", progressing));
  else if (updatedReplicas < replicas || actual > updatedReplicas)
    progress.push({ stage: "rollout", says: `${updatedReplicas} of ${replicas} replicas are of its newest template` });
  return explain(object, context, {
    selector,
    ...readyOf(readyReplicas, replicas),
    isWell: readyReplicas >= replicas && updatedReplicas >= replicas && !isBehind(object),
    conditions,
    notes,
    progress,
  });
};

/** Why a ReplicaSet is as it is. */
export const explainReplicaSet: Explainer<ReplicaSet> = (object, context) => {
  const { replicas = 1, selector } = object.spec;
  const { readyReplicas = 0, conditions = [] } = object.status ?? {};
  return explain(object, context, { selector, ...readyOf(readyReplicas, replicas), conditions, notes: [] });
};

/** Why a ReplicationController is as it is. */
export const explainReplicationController: Explainer<ReplicationController> = (object, context) => {
  const { replicas = 1, selector } = object.spec ?? {};
  const { readyReplicas = 0, conditions = [] } = object.status ?? {};
  const matching = selector && { matchLabels: selector };
  return explain(object, context, { selector: matching, ...readyOf(readyReplicas, replicas), conditions, notes: [] });
};

/** Why a StatefulSet is as it is. */
export const explainStatefulSet: Explainer<StatefulSet> = (object, context) => {
  const { replicas = 1, selector, podManagementPolicy = "OrderedReady" } = object.spec;
  const { readyReplicas = 0, currentReplicas = 0, conditions = [], replicas: made = 0 } = object.status ?? {};
  const waitsInOrder = podManagementPolicy === "OrderedReady" && made < replicas && readyReplicas < made;
  const progress: Reason[] = [];
  if (waitsInOrder) {
    const says = `pods are made in order: the next one waits until all before it are ready (${made} of ${replicas} made)`;
    progress.push({ stage: "rollout", says });
  }
  const { currentRevision, updateRevision, updatedReplicas = 0 } = object.status ?? {};
  if (currentRevision !== updateRevision && currentReplicas > 0)
    progress.push({ stage: "rollout", says: `${updatedReplicas} of ${replicas} replicas are of its newest template` });
  const notes = unobserved(object);
  return explain(object, context, { selector, ...readyOf(readyReplicas, replicas), conditions, notes, progress });
};

/** Why a DaemonSet is as it is. */
export const explainDaemonSet: Explainer<DaemonSet> = async (object, context) => {
  const { desiredNumberScheduled = 0, numberReady = 0, numberMisscheduled = 0, conditions = [] } = object.status ?? {};
  const notes: Reason[] = [...unobserved(object)];
  const passedOver = await passedOverReason(object, context);
  if (desiredNumberScheduled === 0) notes.push(passedOver ?? { stage: "scheduling", says: "no node takes its pods" });
  if (numberMisscheduled > 0)
    notes.push({ stage: "scheduling", says: `${counted(numberMisscheduled, "pod")} run where none should` });
  return explain(object, context, {
    selector: object.spec.selector,
    ...readyOf(numberReady, desiredNumberScheduled),
    conditions,
    notes,
    progress: desiredNumberScheduled > 0 && passedOver ? [passedOver] : [],
  });
};

/** Why a Job is as it is. */
export const explainJob: Explainer<Job> = (object, context) => {
  const { selector, completions, parallelism = 1, suspend } = object.spec;
  const { succeeded = 0, failed = 0, active = 0, conditions = [] } = object.status ?? {};
  const wanted = completions ?? parallelism;
  const isDone = findCondition(conditions, "Complete")?.status === "True";
  const failure = findCondition(conditions, "Failed");
  const notes: Reason[] = [];
  const progress: Reason[] = [];
  if (failure?.status === "True") {
    const remedy =
      failure.reason === "DeadlineExceeded" ? "raise spec.activeDeadlineSeconds, and make it anew" : undefined;
    progress.push({ ...ofCondition("rollout", failure), remedy });
  } else if (suspend) notes.push({ stage: "rollout", says: "it is suspended", remedy: "set spec.suspend to false" });
  const counts = `${succeeded} of ${wanted} succeeded, ${active} active, ${failed} failed`;
  const state = isDone ? "Complete" : failure?.status === "True" ? `Failed: ${counts}` : counts;
  return explain(object, context, { selector, state, isWell: isDone, conditions: [], notes, progress });
};

const creationFailures = ["FailedCreate", "FailedDelete", "RecreatingFailedPod", "FailedDaemonPod"];

async function explain(
  object: KubeObject,
  context: WhyContext,
  { selector, state, isWell, conditions, notes, progress = [] }: Workload,
): ReturnType<Explainer> {
  const reasons: Reason[] = [...notes];
  const failure = findCondition(conditions, "ReplicaFailure");
  const refused = failure?.status === "True" ? ofCondition("admission", failure) : undefined;
  const event = newestEvent(await eventsOf(object, context), creationFailures);
  if (refused) reasons.push(refusal(refused));
  else if (event && !isWell)
    reasons.push(refusal({ stage: "admission", says: event.message ?? "", since: lastSeen(event) }));
  if (!isWell && selector) reasons.push(...(await reasonsOfPods(object, selector, context)));
  return { state, isWell, reasons: [...reasons, ...progress] };
}

/** What refused a pod: a quota is a matter of its own. */
function refusal(reason: Reason): Reason {
  const stage = /(exceeded|failed|insufficient) quota/.test(reason.says) ? "quota" : reason.stage;
  return { ...reason, stage, remedy: refusalRemedy(reason.says) };
}

/** What keeps the pods of a workload from being ready: each cause once, with the pods that it holds up. */
async function reasonsOfPods(
  { metadata: { namespace } }: KubeObject,
  selector: LabelSelector,
  context: WhyContext,
): Promise<readonly Reason[]> {
  const { client, signal } = context;
  const { items } = await client.list(pod, { namespace, labelSelector: formatLabelSelector(selector), signal });
  const unready = items.filter((one) => isPodActive(one) && !isPodReady(one));
  const failed = items.filter(({ status }) => status?.phase === "Failed");
  const groups = new Map<string, { readonly reason: PodReason; readonly pods: Pod[] }>();
  for (const one of [...unready, ...failed].slice(0, maxPods)) {
    const events = one.spec.nodeName ? await eventsOf(one, context) : [];
    // Where a pod was placed, and why there, is no trouble.
    const pending = pendingReason(one);
    const node = await podNodeReason(one, context);
    const [first]: readonly PodReason[] = [node, pending, ...podReasons(one, { events })].filter(
      (each) => each !== undefined,
    );
    if (!first) continue;
    const { name = "" } = one.metadata;
    const key = `${first.stage} ${first.says.replaceAll(name, "")}`;
    const group = groups.get(key) ?? { reason: first, pods: [] };
    group.pods.push(one);
    groups.set(key, group);
  }
  return Promise.all([...groups.values()].map((group) => reasonOfGroup(group, context)));
}

/** One cause of several pods, with the log of the first. */
async function reasonOfGroup(
  { reason, pods }: { readonly reason: PodReason; readonly pods: readonly Pod[] },
  context: WhyContext,
): Promise<Reason> {
  const [first] = pods;
  const names = pods.map(({ metadata }) => `pod/${metadata.name ?? ""}`);
  const more = names.length > shownPods ? [`and ${counted(names.length - shownPods, "more pod")}`] : [];
  const told: Reason = first ? await toldOf(reason, first, context) : reason;
  return {
    ...told,
    says: `${counted(pods.length, "pod")}: ${reason.says}`,
    details: [...names.slice(0, shownPods), ...more, ...(told.details ?? [])],
    remedy: told.remedy ?? `wherry why ${names[0]}`,
  };
}

/** The cause of one pod with what stands behind it. */
async function toldOf(reason: PodReason, pod: Pod, context: WhyContext): Promise<Reason> {
  if (reason.stage === "scheduling") return (await schedulingReason(pod, context)) ?? reason;
  return withMore(reason, pod, context);
}

function readyOf(ready: number, wanted: number): { readonly state: string; readonly isWell: boolean } {
  return { state: `${ready} of ${wanted} replicas are ready`, isWell: ready >= wanted };
}

function isBehind(object: KubeObject & { readonly status?: { readonly observedGeneration?: number } }): boolean {
  return (object.metadata.generation ?? 0) > (object.status?.observedGeneration ?? 0);
}

function unobserved(object: KubeObject & { readonly status?: { readonly observedGeneration?: number } }): Reason[] {
  return isBehind(object)
    ? [
        {
          stage: "rollout",
          says: "its controller has not seen its last change yet",
          remedy: "check that the controllers run",
        },
      ]
    : [];
}

function ofCondition(stage: Reason["stage"], condition: Condition): Reason {
  return { stage, says: conditionText(condition), since: condition.lastTransitionTime ?? undefined };
}

function resume({ metadata: { name = "" } }: KubeObject): string {
  return `wherry rollout resume deployment/${name}`;
}
