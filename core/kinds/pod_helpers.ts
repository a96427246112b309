/** What controllers, the scheduler, the kubelet and the command line ask about pods. */
import { findCondition, type KubeObject } from "../api/meta.ts";
import type { ContainerStateTerminated, ContainerStatus, Pod, PodCondition } from "./pod.ts";
import { isSidecar } from "./pod_resources.ts";

/** Annotation of pods that only show in the API what a node has from elsewhere, e.g. its own files. */
export const mirrorAnnotation = "kubernetes.io/config.mirror";

/** Annotation that names the container people mean when they name none. */
export const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container";

/** Whether a pod only shows in the API what a node has from elsewhere. */
export function isMirror({ metadata }: Pick<KubeObject, "metadata">): boolean {
  return Object.hasOwn(metadata.annotations ?? {}, mirrorAnnotation);
}

/** The condition of `type`, if any. */
export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return findCondition(pod.status?.conditions, type);
}

/** Whether the pod may receive traffic. */
export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Whether the pod has ended for good. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Whether the pod has not ended and is not being deleted: what controllers count. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/**
 * Whether the pod has been ready for `minReadySeconds`.
 *
 * @param options.now milliseconds since the epoch
 */
export function isPodAvailable(
  pod: Pod,
  { minReadySeconds = 0, now }: { readonly minReadySeconds?: number | undefined; readonly now: number },
): boolean {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return false;
  if (minReadySeconds === 0) return true;
  return ready.lastTransitionTime !== undefined && Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 <= now;
}

/** A pod in one line: what `get pods` shows. */
export interface PodSummary {
  /** The word of the STATUS column. */
  readonly status: string;
  readonly readyContainers: number;
  readonly totalContainers: number;
  readonly restarts: number;
  /** When a container last ended, if one did. */
  readonly lastRestart: string | undefined;
}

/** The word of the STATUS column, e.g. `Running`, `Init:0/1`, `CrashLoopBackOff`. */
export function podStatusText(pod: Pod): string {
  return podSummary(pod).status;
}

/**
 * Sums a pod up.
 *
 * @see k8s.io/kubernetes/pkg/printers/internalversion, printPod
 */
export function podSummary(pod: Pod): PodSummary {
  const { spec, status = {} } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map((container) => container.name));
  const init = summarizeInit(pod, sidecars);
  let text = status.reason || status.phase || "";
  if (podCondition(pod, "PodScheduled")?.reason === "SchedulingGated") text = "SchedulingGated";
  let { readyContainers, restarts, lastRestart } = init.all;
  if (init.reason !== undefined) text = init.reason;
  if (init.reason === undefined || podCondition(pod, "Initialized")?.status === "True") {
    const containers = status.containerStatuses ?? [];
    restarts = init.sidecars.restarts;
    lastRestart = init.sidecars.lastRestart;
    let running = 0;
    for (const container of containers.toReversed()) {
      restarts += container.restartCount;
      lastRestart = later(lastRestart, container);
      const state = container.state ?? {};
      if (state.waiting?.reason) text = state.waiting.reason;
      else if (state.terminated) text = terminatedText(state.terminated);
      else if (container.ready && state.running) running++;
    }
    readyContainers += running;
    if (text === "Completed" && running > 0) text = isPodReady(pod) ? "Running" : "NotReady";
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") text = "Unknown";
    else if (!isPodTerminal(pod)) text = "Terminating";
  }
  const totalContainers = spec.containers.length + sidecars.size;
  return { status: text, readyContainers, totalContainers, restarts, lastRestart };
}

interface InitSummary {
  /** Why the pod is still initialising; undefined when it is not. */
  readonly reason: string | undefined;
  readonly all: {
    readonly readyContainers: number;
    readonly restarts: number;
    readonly lastRestart: string | undefined;
  };
  readonly sidecars: { readonly restarts: number; readonly lastRestart: string | undefined };
}

function summarizeInit(pod: Pod, sidecarNames: ReadonlySet<string>): InitSummary {
  let readyContainers = 0;
  let restarts = 0;
  let lastRestart: string | undefined;
  const sidecars = { restarts: 0, lastRestart: undefined as string | undefined };
  let reason: string | undefined;
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    restarts += container.restartCount;
    lastRestart = later(lastRestart, container);
    const sidecar = sidecarNames.has(container.name);
    if (sidecar) {
      sidecars.restarts += container.restartCount;
      sidecars.lastRestart = later(sidecars.lastRestart, container);
    }
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready) readyContainers++;
      continue;
    }
    if (terminated) reason = `Init:${terminatedText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") reason = `Init:${waiting.reason}`;
    else reason = `Init:${index}/${pod.spec.initContainers?.length ?? 0}`;
    break;
  }
  return { reason, all: { readyContainers, restarts, lastRestart }, sidecars };
}

function terminatedText({ reason, signal, exitCode }: ContainerStateTerminated): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function later(moment: string | undefined, container: ContainerStatus): string | undefined {
  const ended = container.lastState?.terminated?.finishedAt;
  if (ended === undefined) return moment;
  return moment === undefined || Date.parse(ended) > Date.parse(moment) ? ended : moment;
}
