import { findCondition, setCondition } from "../../core/api/meta.ts";
import type {
  Container as ContainerSpec,
  ContainerState,
  ContainerStatus,
  PodCondition,
  PodPhase,
  PodStatus,
  ResourceList,
} from "../../core/kinds/pod.ts";
import { isSidecar, qosClass } from "../../core/kinds/pod_resources.ts";
import { compact } from "../../core/util/compact.ts";
import type { Container } from "../runtime/runtime.ts";
import type { ContainerKind } from "./container_notes.ts";
import { crashBackoff } from "./crash_backoff.ts";
import { goDuration } from "./go_duration.ts";
import type { PodFailure } from "./plan_pod.ts";
import { disruptionTarget } from "./pod_evictions.ts";
import {
  containersNamed,
  exitCodeOf,
  hasEnded,
  latestSandbox,
  type PodView,
  resizeFailure,
  type StartFailure,
  wantsRestart,
} from "./pod_view.ts";
import { probeState } from "./probe_state.ts";
import { resourcesInForce } from "./resources/container_limits.ts";

/** What a status is made from, besides the view of the pod. */
export interface StatusInput extends PodView {
  /** The status last made (or read from the API): keeps times, addresses and counts that the runtime has forgotten. */
  readonly previous: PodStatus | undefined;
  /** Last words of containers that ended, by container id. */
  readonly messages: ReadonlyMap<string, string>;
  /** `stopping`: on its way out; `ended`: nothing runs and nothing will again. */
  readonly ending: "no" | "stopping" | "ended";
  /** Why the pod as a whole failed. */
  readonly failure: PodFailure | undefined;
  readonly nodeIPs: readonly string[];
  /** Prefix of container ids, e.g. `docker`. */
  readonly runtimeName: string;
}

/** How long an image error is shown as itself before it is shown as back-off. */
const imageErrorShownMs = 1000;

/**
 * The status of a pod as the kubelet reports it. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
export function podStatus(input: StatusInput): PodStatus {
  const { pod, previous, failure, nodeIPs, now } = input;
  const inits = (pod.spec.initContainers ?? []).map((spec) => containerStatus(spec, "init", input));
  const mains = pod.spec.containers.map((spec) => containerStatus(spec, "main", input));
  const ephemerals = (pod.spec.ephemeralContainers ?? []).map((spec) => containerStatus(spec, "ephemeral", input));
  const phase = phaseOf(input, inits, mains);
  const podIP = podAddress(input);
  const conditions = conditionsOf(input, phase, inits, mains);
  const reason = phase === "Failed" ? (failure ?? previous) : undefined;
  return compact<PodStatus>({
    observedGeneration: pod.metadata.generation,
    phase,
    conditions,
    reason: reason?.reason,
    message: reason?.message,
    nominatedNodeName: undefined,
    hostIP: nodeIPs[0],
    hostIPs: nodeIPs.length > 0 ? nodeIPs.map((ip) => ({ ip })) : undefined,
    podIP,
    podIPs: podIP === undefined ? undefined : [{ ip: podIP }],
    startTime: previous?.startTime ?? seconds(now),
    initContainerStatuses: inits.length > 0 ? inits : undefined,
    containerStatuses: [...mains].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
    ephemeralContainerStatuses: ephemerals.length > 0 ? ephemerals : undefined,
    qosClass: previous?.qosClass ?? qosClass(pod),
  });
}

/** Milliseconds since the epoch as Kubernetes' Time. */
function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The address of the node, of the sandbox, or the one that it had. */
function podAddress({ pod, sandboxes, nodeIPs, previous }: StatusInput): string | undefined {
  const sandbox = latestSandbox(sandboxes);
  if (pod.spec.hostNetwork) return sandbox || previous?.podIP ? nodeIPs[0] : undefined;
  return sandbox?.ip ?? previous?.podIP;
}

/** Whether main containers may run: init containers are through. */
function initialised({ pod, containers }: StatusInput): boolean {
  const names = new Set(pod.spec.containers.map(({ name }) => name));
  return containers.some(({ name }) => names.has(name));
}

function containerStatus(spec: ContainerSpec, kind: ContainerKind, input: StatusInput): ContainerStatus {
  const { previous, probes, ending, runtimeName } = input;
  const [latest, before] = containersNamed(input.containers, spec.name);
  const reported = reportedOf(previous, kind)?.find(({ name }) => name === spec.name);
  const waiting = waitingReason(spec, latest, input);
  const ended = latest && hasEnded(latest, input.failures) ? terminated(latest, input) : undefined;
  const running =
    latest?.state === "running" ? { startedAt: seconds(latest.startedAt ?? latest.createdAt) } : undefined;
  const probe = latest && probeState(spec, latest.id, probes);
  const isUp = running !== undefined && probe !== undefined;

  const state: ContainerState = running
    ? { running }
    : ended && !waiting
      ? ended
      : lost(input, reported, latest)
        ? lostState(reported)
        : { waiting: waiting ?? defaultWaiting(input) };
  const lastState: ContainerState =
    ended && waiting ? ended : before ? terminated(before, input) : (keptLastState(reported, latest, input) ?? {});
  const completedInit = kind === "init" && !isSidecar(spec) && state.terminated?.exitCode === 0;
  return compact<ContainerStatus>({
    name: spec.name,
    state,
    lastState,
    // Nothing waits for a container that somebody only looks through.
    ready: kind !== "ephemeral" && (completedInit || (isUp && probe.started && probe.ready && ending === "no")),
    restartCount: Math.max(latest?.attempt ?? 0, reported?.restartCount ?? 0),
    image: spec.image ?? latest?.image ?? "",
    imageID: latest?.imageId ?? reported?.imageID ?? "",
    containerID: latest ? `${runtimeName}://${latest.id}` : reported?.containerID,
    allocatedResources: kind === "ephemeral" ? undefined : nonEmpty(spec.resources?.requests),
    resources: kind === "ephemeral" ? undefined : resourcesInForce(spec, running && latest?.limits),
    started: isUp && (probe.started || (kind === "init" && !isSidecar(spec))),
  });
}

function nonEmpty(list: ResourceList | undefined): ResourceList | undefined {
  return list && Object.keys(list).length > 0 ? list : undefined;
}

/** What was last said of the containers of a kind. */
function reportedOf(previous: PodStatus | undefined, kind: ContainerKind): readonly ContainerStatus[] | undefined {
  if (kind === "init") return previous?.initContainerStatuses;
  return kind === "main" ? previous?.containerStatuses : previous?.ephemeralContainerStatuses;
}

/** Why a container that does not run waits; undefined when it does not wait. */
function waitingReason(
  spec: ContainerSpec,
  latest: Container | undefined,
  input: StatusInput,
): { readonly reason: string; readonly message?: string } | undefined {
  const { failures, ending, now } = input;
  if (ending === "ended" || latest?.state === "running") return undefined;
  const failure = failures.get(spec.name);
  const ended = latest && hasEnded(latest, failures);
  if (ended && (ending !== "no" || !wantsRestart(input, spec, latest))) return undefined;
  if (failure && (!latest || failure.attempt > latest.attempt || now < failure.retryAt)) {
    return failureReason(spec, failure, now);
  }
  if (!latest) return defaultWaiting(input);
  if (!ended) return defaultWaiting(input);
  const { delayMs, remainingMs } = crashBackoff(latest, input);
  if (remainingMs === 0 || input.restarting?.has(latest.id)) return undefined;
  const { name, namespace, uid } = input.pod.metadata;
  return {
    reason: "CrashLoopBackOff",
    message: `back-off ${goDuration(delayMs)} restarting failed container=${spec.name} pod=${name}_${namespace}(${uid})`,
  };
}

/** An image that cannot be had is an error first, and back-off from then on. */
function failureReason(spec: ContainerSpec, { reason, message, at }: StartFailure, now: number) {
  if (reason !== "ErrImagePull" || now - at < imageErrorShownMs) return { reason, message };
  return { reason: "ImagePullBackOff", message: `Back-off pulling image "${spec.image}": ErrImagePull: ${message}` };
}

function defaultWaiting(input: StatusInput): { readonly reason: string } {
  return { reason: (input.pod.spec.initContainers?.length ?? 0) > 0 ? "PodInitializing" : "ContainerCreating" };
}

/** Whether a container has run but is nowhere to be found any more. One that never ran keeps waiting, even at the end. */
function lost(input: StatusInput, reported: ContainerStatus | undefined, latest: Container | undefined): boolean {
  if (latest !== undefined) return false;
  if (reported?.state?.terminated) return true;
  return input.ending === "ended" && (initialised(input) || reported?.containerID !== undefined);
}

function lostState(reported: ContainerStatus | undefined): ContainerState {
  if (reported?.state?.terminated) return reported.state;
  return {
    terminated: {
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was terminated",
    },
  };
}

/** What the API remembers of the run before, when the runtime no longer does. */
function keptLastState(
  reported: ContainerStatus | undefined,
  latest: Container | undefined,
  { runtimeName }: StatusInput,
): ContainerState | undefined {
  if (!reported) return undefined;
  const same = latest && reported.containerID === `${runtimeName}://${latest.id}`;
  if (!same && reported.state?.terminated) return latest ? reported.state : reported.lastState;
  return reported.lastState;
}

function terminated(container: Container, { messages, runtimeName }: StatusInput): ContainerState {
  const { id, startedAt, finishedAt, createdAt, signal, message } = container;
  const exitCode = exitCodeOf(container);
  return {
    terminated: compact<NonNullable<ContainerState["terminated"]>>({
      exitCode,
      signal,
      reason: terminatedReason(container, exitCode),
      message: messages.get(id) || message,
      startedAt: startedAt === undefined ? undefined : seconds(startedAt),
      finishedAt: seconds(finishedAt ?? createdAt),
      containerID: `${runtimeName}://${id}`,
    }),
  };
}

function terminatedReason({ state, oomKilled, reason }: Container, exitCode: number): string {
  if (oomKilled) return "OOMKilled";
  if (reason) return reason;
  if (state === "created") return "StartError";
  return exitCode === 0 ? "Completed" : "Error";
}

/** @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase */
function phaseOf(input: StatusInput, inits: readonly ContainerStatus[], mains: readonly ContainerStatus[]): PodPhase {
  const { previous, failure, ending } = input;
  if (failure && ending === "ended") return "Failed";
  if (previous?.phase === "Failed" || previous?.phase === "Succeeded") return previous.phase;
  if (ending === "ended") return mains.every(({ state }) => state?.terminated?.exitCode === 0) ? "Succeeded" : "Failed";
  if (incompleteInits(input, inits).length > 0) return "Pending";
  // A container that waits for its restart has run: only one that never did keeps the pod pending.
  return mains.some(({ state, lastState }) => state?.waiting && !lastState?.terminated) ? "Pending" : "Running";
}

/** Init containers that the pod still waits for. */
function incompleteInits(input: StatusInput, inits: readonly ContainerStatus[]): readonly ContainerStatus[] {
  if (initialised(input)) return [];
  const specs = input.pod.spec.initContainers ?? [];
  return inits.filter((status, index) => {
    const spec = specs[index];
    return spec && isSidecar(spec) ? !status.started : status.state?.terminated?.exitCode !== 0;
  });
}

/** The conditions that the kubelet owns, in Kubernetes' order. Others stay as they are in the API. */
function conditionsOf(
  input: StatusInput,
  phase: PodPhase,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
): readonly PodCondition[] {
  const containersReady = containersReadyCondition(phase, input, inits, mains);
  const owned: readonly ConditionCore[] = [
    ...resizeConditions(input),
    { type: "PodReadyToStartContainers", status: hasNetwork(input) ? "True" : "False" },
    initializedCondition(phase, input, inits),
    readyCondition(input, containersReady),
    containersReady,
    { type: "PodScheduled", status: "True" },
    ...(input.eviction?.disruption ? [disruptionTarget(input.eviction.message)] : []),
  ];
  let conditions: readonly PodCondition[] = [];
  for (const condition of owned) {
    const next = compact<PodCondition>({
      type: condition.type,
      status: condition.status,
      reason: condition.reason,
      message: condition.message,
      observedGeneration: condition.observedGeneration ?? input.pod.metadata.generation,
      lastTransitionTime: seconds(input.now),
    });
    const current = findCondition(input.previous?.conditions, condition.type);
    conditions = [...conditions, setCondition(current ? [current] : [], next)[0] ?? next];
  }
  return conditions;
}

/** What the pod asks for and does not have (yet). */
function resizeConditions({ resize = {}, failures, ending }: StatusInput): readonly ConditionCore[] {
  const { pending, inProgress } = resize;
  if (ending === "ended") return [];
  const failure = failures.get(resizeFailure);
  const waits: ConditionCore[] = pending
    ? [
        {
          type: "PodResizePending",
          status: "True",
          ...observed(pending),
          reason: pending.reason,
          message: pending.message,
        },
      ]
    : [];
  const error = failure ? { reason: "Error", message: failure.message } : {};
  return inProgress
    ? [...waits, { type: "PodResizeInProgress", status: "True", ...observed(inProgress), ...error }]
    : waits;
}

function observed({ generation }: { readonly generation: number | undefined }) {
  return generation === undefined ? {} : { observedGeneration: generation };
}

/** The types that are the kubelet's alone: what it does not give is not there. */
export const ownedConditions: ReadonlySet<string> = new Set([
  "PodResizePending",
  "PodResizeInProgress",
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
]);

function hasNetwork({ sandboxes }: StatusInput): boolean {
  return latestSandbox(sandboxes)?.ready === true;
}

type ConditionCore = Pick<PodCondition, "type" | "status" | "reason" | "message" | "observedGeneration">;

function initializedCondition(phase: PodPhase, input: StatusInput, inits: readonly ContainerStatus[]): ConditionCore {
  const incomplete = incompleteInits(input, inits);
  if (phase === "Succeeded") return { type: "Initialized", status: "True", reason: "PodCompleted" };
  if (incomplete.length === 0) return { type: "Initialized", status: "True" };
  return {
    type: "Initialized",
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${incomplete.map(({ name }) => name).join(" ")}]`,
  };
}

function containersReadyCondition(
  phase: PodPhase,
  { pod }: StatusInput,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
): ConditionCore {
  const type = "ContainersReady";
  if (phase === "Succeeded") return { type, status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  const sidecars = inits.filter((_, index) => pod.spec.initContainers?.[index]?.restartPolicy === "Always");
  const unready = [...sidecars, ...mains].filter(({ ready }) => !ready);
  if (unready.length === 0) return { type, status: "True" };
  return {
    type,
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.map(({ name }) => name).join(" ")}]`,
  };
}

/** ContainersReady and every readiness gate. */
function readyCondition({ pod }: StatusInput, containersReady: ConditionCore): ConditionCore {
  if (containersReady.status !== "True") return { ...containersReady, type: "Ready" };
  const unmet = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = findCondition(pod.status?.conditions, conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (unmet.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: unmet.join(", ") };
}

/** Whether two statuses say the same, apart from when things were looked at. */
export function sameStatus(a: PodStatus | undefined, b: PodStatus | undefined): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
