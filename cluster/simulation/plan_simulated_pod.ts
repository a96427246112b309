import { setCondition } from "../../core/api/meta.ts";
import type { ContainerStatus, Pod, PodCondition, PodStatus } from "../../core/kinds/pod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { timestamp } from "../../core/util/clock.ts";

/** What will become of a pod, decided when its node first sees it. Milliseconds since the epoch. */
export interface SimulatedLife {
  /** Of which pod it is: a name may come again. */
  readonly uid: string;
  readonly runsAtMs: number;
  /** When its containers end by themselves; undefined: they do not. */
  readonly endsAtMs: number | undefined;
  readonly exitCode: number;
  readonly podIP: string;
  /** When its containers have ended after they were asked to; undefined: they were not. */
  readonly stopsAtMs?: number;
}

/** What a node does about a pod now. */
export interface SimulatedPodPlan {
  /** To be written. */
  readonly status?: PodStatus;
  /** It has ended, and its object is to go. */
  readonly remove?: true;
  readonly requeueAfterMs?: number;
}

/** How long the containers of a pod run, in seconds: an annotation of pods whose restartPolicy lets them end. */
export const runSecondsAnnotation = "simulation.wherry.dev/run-seconds";
/** Code that they end with. Default 0. */
export const exitCodeAnnotation = "simulation.wherry.dev/exit-code";

/** What a simulated node makes of a pod that is its own. Pure: same arguments, same plan. */
export function planSimulatedPod(pod: Pod, life: SimulatedLife, nowMs: number): SimulatedPodPlan {
  if (pod.metadata.deletionTimestamp !== undefined) {
    const { stopsAtMs = nowMs } = life;
    if (nowMs < stopsAtMs) return { requeueAfterMs: stopsAtMs - nowMs };
    return isPodTerminal(pod) ? { remove: true } : { status: endedStatus(pod, life, nowMs), remove: true };
  }
  if (isPodTerminal(pod)) return {};
  if (nowMs < life.runsAtMs) return { requeueAfterMs: life.runsAtMs - nowMs };
  if (life.endsAtMs !== undefined && nowMs >= life.endsAtMs) return { status: endedStatus(pod, life, nowMs) };
  const wait = life.endsAtMs === undefined ? {} : { requeueAfterMs: life.endsAtMs - nowMs };
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  return pod.status?.phase === "Running" && isReady ? wait : { status: runningStatus(pod, life, nowMs), ...wait };
}

function runningStatus(pod: Pod, { runsAtMs, podIP }: SimulatedLife, nowMs: number): PodStatus {
  const startedAt = timeText(runsAtMs);
  return {
    ...pod.status,
    phase: "Running",
    startTime: pod.status?.startTime ?? startedAt,
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: withConditions(pod, "True", nowMs),
    containerStatuses: containers(pod, { ready: true, state: { running: { startedAt } } }),
  };
}

function endedStatus(pod: Pod, { runsAtMs, exitCode, stopsAtMs, podIP }: SimulatedLife, nowMs: number): PodStatus {
  const code = stopsAtMs === undefined ? exitCode : 143;
  const phase = code === 0 ? "Succeeded" : "Failed";
  const terminated = {
    exitCode: code,
    reason: code === 0 ? "Completed" : "Error",
    startedAt: timeText(Math.min(runsAtMs, nowMs)),
    finishedAt: timeText(nowMs),
  };
  return {
    ...pod.status,
    phase,
    startTime: pod.status?.startTime ?? timeText(nowMs),
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: withConditions(pod, "False", nowMs),
    containerStatuses: containers(pod, { ready: false, state: { terminated } }),
  };
}

function withConditions(pod: Pod, ready: "True" | "False", nowMs: number): readonly PodCondition[] {
  const lastTransitionTime = timeText(nowMs);
  let conditions: readonly PodCondition[] = pod.status?.conditions ?? [];
  for (const type of ["Initialized", "ContainersReady", "Ready"]) {
    const status = type === "Initialized" ? "True" : ready;
    conditions = setCondition<PodCondition>(conditions, { type, status, lastProbeTime: null, lastTransitionTime });
  }
  return conditions;
}

function containers(pod: Pod, state: Pick<ContainerStatus, "ready" | "state">): readonly ContainerStatus[] {
  return pod.spec.containers.map(({ name, image = "" }) => ({
    name,
    image,
    imageID: `simulated://${image}`,
    containerID: `simulated://${pod.metadata.uid}/${name}`,
    restartCount: 0,
    started: state.ready,
    ...state,
  }));
}

function timeText(ms: number): string {
  return timestamp({ now: () => ms });
}
