import { isReason } from "../../api/status.ts";
import type { Event } from "../../kinds/event.ts";
import { type ContainerStatus, type Pod, persistentVolumeClaim } from "../../kinds/mod.ts";
import { isPodReady, isPodTerminal, podCondition, podStatusText } from "../../kinds/pod_helpers.ts";
import { isSidecar } from "../../kinds/pod_resources.ts";
import { logLines } from "../logs.ts";
import { eventsOf, newestEvent } from "./events_of.ts";
import { counted, type Explainer, lastSeen, type Reason, type WhyContext } from "./explanation.ts";
import { schedulingReason } from "./scheduling.ts";

/** Lines of a failed container's log that are shown. */
const shownLogLines = 5;
const maxLogBytes = 4096;

/** Why a pod is not ready, or where it runs. */
export const explainPod: Explainer<Pod> = async (pod, context) => {
  const events = await eventsOf(pod, context);
  const scheduling = await schedulingReason(pod, context);
  const own = podReasons(pod, { events });
  const above = scheduling ? [scheduling] : [];
  // Where a pod was placed stands above what happened to it there; that it has no node comes before all.
  const reasons = [
    ...(pod.spec.nodeName ? [...own, ...above] : [...above, ...own]),
    ...(await claimReasons(pod, context)),
  ];
  const withLogs = await Promise.all(reasons.map((reason) => withLog(reason, pod, context)));
  const isDone = pod.status?.phase === "Succeeded";
  const isWell = isDone || (isPodReady(pod) && pod.metadata.deletionTimestamp === undefined);
  return { state: stateOf(pod), isWell, reasons: withLogs };
};

/** A pod's state in a few words. */
function stateOf(pod: Pod): string {
  const text = podStatusText(pod) || "Pending";
  return text === "Running" ? (isPodReady(pod) ? "Running and ready" : "Running, not ready") : text;
}

/** The causes that a pod itself and its events tell of, besides its scheduling: the nearest first. Pure. */
export function podReasons(pod: Pod, { events }: { readonly events: readonly Event[] }): readonly PodReason[] {
  const { spec, status = {} } = pod;
  if (isPodTerminal(pod) && status.phase === "Succeeded") return [];
  return [
    ...endReasons(pod),
    ...setUpReasons(pod, events),
    ...containersInTurn(pod).flatMap((one) => containerReasons(one, { pod, events })),
    ...gateReasons(pod),
    ...(["PodResizePending", "PodResizeInProgress"] as const).flatMap((type): PodReason[] => {
      const resize = podCondition(pod, type);
      if (resize?.status !== "True" || !(resize.reason || resize.message)) return [];
      const says = `its new resources are not in force: ${resize.message || resize.reason}`;
      return [{ stage: "condition", says, since: resize.lastTransitionTime ?? undefined }];
    }),
    ...(spec.nodeName && podCondition(pod, "Ready")?.reason === "NodeNotReady"
      ? [
          {
            stage: "owner" as const,
            says: `its node ${spec.nodeName} does not answer`,
            remedy: `wherry why node/${spec.nodeName}`,
          },
        ]
      : []),
  ];
}

/** A reason, and whose log says more. */
export interface PodReason extends Reason {
  readonly logOf?: { readonly container: string; readonly previous: boolean };
}

function endReasons(pod: Pod): readonly PodReason[] {
  const { status = {} } = pod;
  const disruption = podCondition(pod, "DisruptionTarget");
  if (disruption?.status === "True") {
    return [
      {
        stage: "eviction",
        says: `${disruption.reason ?? "Disrupted"}: ${disruption.message ?? ""}`.replace(/: $/, ""),
        since: disruption.lastTransitionTime ?? undefined,
      },
    ];
  }
  if (status.phase !== "Failed" || !status.reason) return [];
  const stage = status.reason === "Evicted" ? "eviction" : "admission";
  return [{ stage, says: `${status.reason}: ${status.message ?? ""}`.replace(/: $/, "") }];
}

const mountFailures = ["FailedMount", "FailedAttachVolume", "FailedMapVolume", "VolumeResizeFailed"];
const sandboxFailures = ["FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady"];

/** What keeps a pod that has its node from starting its first container. */
function setUpReasons(pod: Pod, events: readonly Event[]): readonly PodReason[] {
  const { spec, status = {} } = pod;
  if (!spec.nodeName || isPodTerminal(pod)) return [];
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const hasStarted = statuses.some(
    ({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated,
  );
  if (hasStarted) return [];
  const failures = [
    ["volumes", newestEvent(events, mountFailures)],
    ["sandbox", newestEvent(events, sandboxFailures)],
  ] as const;
  const reasons = failures.flatMap(([stage, event]): PodReason[] =>
    event ? [{ stage, says: event.message ?? event.reason ?? "", since: lastSeen(event) }] : [],
  );
  if (reasons.length > 0 || statuses.some(({ state }) => state?.waiting?.reason)) return reasons;
  return [
    {
      stage: "sandbox",
      says: `the node ${spec.nodeName} has not begun to start it`,
      remedy: `wherry why node/${spec.nodeName}`,
    },
  ];
}

interface Container {
  readonly name: string;
  readonly status: ContainerStatus;
  readonly isInit: boolean;
}

/** The containers that matter now: the first initial one that is not done, or all others. */
function containersInTurn({ spec, status = {} }: Pod): readonly Container[] {
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  for (const one of status.initContainerStatuses ?? []) {
    const isDone = sidecars.has(one.name) ? one.started === true && one.ready : one.state?.terminated?.exitCode === 0;
    if (!isDone) return [{ name: one.name, status: one, isInit: !sidecars.has(one.name) }];
  }
  return (status.containerStatuses ?? []).map((one) => ({ name: one.name, status: one, isInit: false }));
}

const pullFailures = new Map([
  ["ErrImagePull", "check the image's name and tag, and the pod's imagePullSecrets"],
  ["ImagePullBackOff", "check the image's name and tag, and the pod's imagePullSecrets"],
  ["InvalidImageName", "correct the image's name"],
  ["ErrImageNeverPull", "pull the image on the node, or change imagePullPolicy"],
]);

function containerReasons(
  { name, status, isInit }: Container,
  { pod, events }: { readonly pod: Pod; readonly events: readonly Event[] },
): readonly PodReason[] {
  const what = `${isInit ? "init container" : "container"} ${name}`;
  const { waiting, running, terminated } = status.state ?? {};
  const last = status.lastState?.terminated;
  if (waiting?.reason === "CrashLoopBackOff") {
    const probe = endingProbe(name, events);
    return [
      {
        stage: "back-off",
        says: `${what} ends again and again, ${counted(status.restartCount, "restart")} so far${last ? `; the last time with ${exitText(last)}` : ""}`,
        since: last?.finishedAt,
        details: [
          ...(waiting.message ? [waiting.message] : []),
          ...(last?.message ? [last.message] : []),
          ...(probe === undefined ? [] : [probe]),
        ],
        logOf: { container: name, previous: true },
      },
    ];
  }
  if (waiting?.reason && pullFailures.has(waiting.reason)) {
    return [
      {
        stage: "image",
        says: `${what} has no image: ${waiting.message || waiting.reason}`,
        remedy: pullFailures.get(waiting.reason),
      },
    ];
  }
  if (waiting?.reason && waiting.reason !== "PodInitializing" && waiting.reason !== "ContainerCreating")
    return [{ stage: "container", says: `${what} cannot start: ${waiting.message || waiting.reason}` }];
  if (terminated && (terminated.exitCode !== 0 || isInit)) {
    return [
      {
        stage: "container",
        says: `${what} ended with ${exitText(terminated)}`,
        since: terminated.finishedAt,
        ...(terminated.message ? { details: [terminated.message] } : {}),
        logOf: { container: name, previous: false },
      },
    ];
  }
  if (isInit && running) return [{ stage: "container", says: `${what} is still running`, since: running.startedAt }];
  if (!running || status.ready || pod.metadata.deletionTimestamp) return [];
  return [probeReason(what, { name, status, pod, events })];
}

function probeReason(
  what: string,
  {
    name,
    status,
    pod,
    events,
  }: { readonly name: string; readonly status: ContainerStatus; readonly pod: Pod; readonly events: readonly Event[] },
): PodReason {
  const { containers, initContainers = [] } = pod.spec;
  const container = [...initContainers, ...containers].find((one) => one.name === name);
  const kind = container?.startupProbe && status.started !== true ? "Startup" : "Readiness";
  const failure = events.find(
    (one) => one.reason === "Unhealthy" && one.message?.startsWith(kind) && isOfContainer(one, name),
  );
  return {
    stage: "probe",
    says: failure
      ? `${what} is not ready: ${(failure.message ?? "").trim()}`
      : `${what} runs, but its ${kind.toLowerCase()} probe has not succeeded yet`,
    since: failure ? lastSeen(failure) : status.state?.running?.startedAt,
  };
}

/** That a probe had a container ended, and what it found. Which run it was cannot be told: of many events some are left out. */
function endingProbe(name: string, events: readonly Event[]): string | undefined {
  const own = events.filter((one) => isOfContainer(one, name));
  for (const { reason, message = "" } of own) {
    const kind = reason === "Killing" ? /failed (liveness|startup) probe/.exec(message)?.[1] : undefined;
    if (kind === undefined) continue;
    const found = own.find((one) => one.reason === "Unhealthy" && one.message?.toLowerCase().startsWith(kind));
    return `its ${kind} probe had it ended${found ? `: ${(found.message ?? "").trim()}` : ""}`;
  }
  return undefined;
}

function isOfContainer({ involvedObject }: Event, name: string): boolean {
  return (involvedObject.fieldPath ?? `{${name}}`).includes(`{${name}}`);
}

function gateReasons({ spec, status = {} }: Pod): readonly PodReason[] {
  return (spec.readinessGates ?? []).flatMap(({ conditionType }): PodReason[] => {
    const gate = status.conditions?.find(({ type }) => type === conditionType);
    if (gate?.status === "True") return [];
    const says = `it waits for the condition ${conditionType}, which ${gate ? `is ${gate.status}` : "nobody has set"}`;
    return [{ stage: "condition", says, ...(gate?.message ? { details: [gate.message] } : {}) }];
  });
}

function exitText({
  exitCode,
  reason,
  signal,
}: {
  readonly exitCode: number;
  readonly reason?: string;
  readonly signal?: number;
}): string {
  const code = signal ? `signal ${signal}` : `exit code ${exitCode}`;
  return reason && reason !== "Error" && reason !== "Completed" ? `${code} (${reason})` : code;
}

/** The claims that keep a pod from its node. */
async function claimReasons(pod: Pod, { client, signal }: WhyContext): Promise<readonly Reason[]> {
  if (pod.status?.phase !== "Pending") return [];
  const { namespace = "default" } = pod.metadata;
  const reasons: Reason[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const name = volume.persistentVolumeClaim?.claimName;
    if (!name) continue;
    try {
      const { status } = await client.get(persistentVolumeClaim, { namespace, name }, { signal });
      if (status?.phase === "Bound") continue;
      const says = `the claim ${name} of volume ${volume.name} is ${status?.phase ?? "Pending"}`;
      reasons.push({ stage: "volumes", says, remedy: `wherry why pvc/${name}` });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      reasons.push({ stage: "volumes", says: `the claim ${name} of volume ${volume.name} does not exist` });
    }
  }
  return reasons;
}

/** Adds the last lines of the container's log to what says how it ended. */
export async function withLog(
  { logOf, ...reason }: PodReason,
  pod: Pod,
  { client, signal }: WhyContext,
): Promise<Reason> {
  if (!logOf) return reason;
  const { namespace = "default", name = "" } = pod.metadata;
  const lines: string[] = [];
  try {
    const options = { ...logOf, tailLines: shownLogLines, limitBytes: maxLogBytes, signal };
    for await (const line of logLines(client, { namespace, name }, options)) lines.push(`| ${line}`);
  } catch {
    // The log may be gone, or the node: what is known is said without it.
  }
  return lines.length > 0 ? { ...reason, details: [...(reason.details ?? []), ...lines] } : reason;
}
