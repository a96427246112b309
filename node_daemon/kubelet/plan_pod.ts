import type { Container as ContainerSpec, Pod } from "../../core/kinds/pod.ts";
import { isSidecar } from "../../core/kinds/pod_resources.ts";
import type { Container, Sandbox } from "../runtime/runtime.ts";
import { type ContainerKind, readNotes } from "./container_notes.ts";
import { crashBackoff, crashBackoffBaseMs } from "./crash_backoff.ts";
import {
  containersNamed,
  exitCodeOf,
  hasEnded,
  latestSandbox,
  nextAttempt,
  type PodView,
  resizeFailure,
  wantsRestart,
} from "./pod_view.ts";
import { probeState } from "./probe_state.ts";
import { containerLimits, limitChanges } from "./resources/container_limits.ts";
import { needsRestart, type PodResize, type Resize } from "./resources/plan_resize.ts";
import { limitsTogether } from "./resources/pod_limits.ts";
import { isStatic } from "./sources/static_pod.ts";

/** Why a pod as a whole failed. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
}

/** A container to end while its pod goes on. */
export interface KillAction {
  readonly container: Container;
  readonly spec: ContainerSpec;
  readonly message: string;
  readonly gracePeriodSeconds: number;
  /** It starts anew at once, whatever the restart policy says. */
  readonly restart?: boolean;
}

/** A container to make and start, or (`resume`) one that was made and only has to be started. */
export interface StartAction {
  readonly kind: ContainerKind;
  readonly spec: ContainerSpec;
  readonly attempt: number;
  /** Noted on the container: how long to wait when it ends too. */
  readonly backOffMs: number;
  readonly resume: Container | undefined;
}

/** What to do next for a pod. One step at a time: look again after each. */
export type PodPlan =
  /** Run what still runs to its end, within the grace period, then the sandbox. */
  | {
      readonly step: "stop";
      readonly cause: "deleted" | "finished" | "failed" | "sandbox";
      readonly gracePeriodSeconds: number;
      readonly failure: PodFailure | undefined;
    }
  /** Nothing runs and the pod is deleted: remove what is left of it. */
  | { readonly step: "remove" }
  /** Nothing runs and nothing will again; kept until deleted. */
  | { readonly step: "finished"; readonly failure: PodFailure | undefined }
  | { readonly step: "createSandbox"; readonly attempt: number }
  | { readonly step: "kill"; readonly kills: readonly KillAction[] }
  /** Give running containers what is set aside for them now. */
  | { readonly step: "resize"; readonly resizes: readonly Resize[]; readonly whole?: PodResize | undefined }
  | { readonly step: "start"; readonly start: StartAction }
  /** Nothing now; look again after `wakeAfterMs` at the latest. */
  | { readonly step: "wait"; readonly wakeAfterMs: number | undefined };

/** Grace period of a pod whose spec says nothing. */
const defaultGraceSeconds = 30;

/**
 * What to do next so that what runs matches the pod. Pure: same view, same plan.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
export function planPod(view: PodView): PodPlan {
  const over = podOver(view);
  if (over) return planEnd(view, over);
  const sandbox = latestSandbox(view.sandboxes);
  return sandbox?.ready ? planContainers(view, sandbox) : planSandbox(view, sandbox);
}

/** Why a pod is to end, and how much time it gets. */
interface Ending {
  readonly cause: "deleted" | "finished" | "failed";
  readonly gracePeriodSeconds: number;
  readonly failure?: PodFailure;
}

/** Whether the pod itself, apart from its containers, is at its end. */
function podOver({ pod, removed, eviction, now }: PodView): Ending | undefined {
  const deletionSeconds = deletionGraceSeconds(pod, removed);
  if (deletionSeconds !== undefined) return { cause: "deleted", gracePeriodSeconds: deletionSeconds };
  const phase = pod.status?.phase;
  if (phase === "Succeeded") return { cause: "finished", gracePeriodSeconds: graceOf(pod) };
  if (phase === "Failed") return { cause: "failed", gracePeriodSeconds: graceOf(pod) };
  if (eviction) {
    const { gracePeriodSeconds, reason, message } = eviction;
    return { cause: "failed", gracePeriodSeconds, failure: { reason, message } };
  }
  if (deadlineRemainingMs(pod, now) <= 0) {
    const failure = {
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    };
    return { cause: "failed", gracePeriodSeconds: graceOf(pod), failure };
  }
  return undefined;
}

/** Pods that are deleted by force, too, are asked to end before they are killed. */
const leastGraceSeconds = 1;

/**
 * Seconds that a pod gets to end for being deleted; undefined: it is not. One that is gone from the API while it still runs
 * was deleted by force: nobody waits for it, and the next one of its name may run already.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-forced
 */
export function deletionGraceSeconds(pod: Pod, removed: boolean): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (removed && !isStatic(pod)) return leastGraceSeconds;
  if (!removed && deletionTimestamp === undefined) return undefined;
  return Math.max(leastGraceSeconds, deletionGracePeriodSeconds ?? graceOf(pod));
}

/** Milliseconds until `activeDeadlineSeconds` is reached; infinite without one. */
function deadlineRemainingMs(pod: Pod, now: number): number {
  const startedAt = Date.parse(pod.status?.startTime ?? "");
  const seconds = pod.spec.activeDeadlineSeconds;
  if (seconds === undefined || Number.isNaN(startedAt)) return Number.POSITIVE_INFINITY;
  return startedAt + seconds * 1000 - now;
}

function graceOf(pod: Pod): number {
  return pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
}

/** Stops what runs; then removes the pod, or leaves it finished. */
function planEnd(view: PodView, { cause, gracePeriodSeconds, failure }: Ending): PodPlan {
  if (anyAlive(view) || view.sandboxes.some(({ ready }) => ready))
    return { step: "stop", cause, gracePeriodSeconds, failure };
  return cause === "deleted" ? { step: "remove" } : { step: "finished", failure };
}

/** Whether a container runs, or could still be started. */
function anyAlive({ containers, failures }: PodView): boolean {
  return containers.some((container) => !hasEnded(container, failures));
}

/** No sandbox is ready: make one, unless nothing is left to run in it. */
function planSandbox(view: PodView, sandbox: Sandbox | undefined): PodPlan {
  const { pod, containers } = view;
  if (anyAlive(view)) {
    return { step: "stop", cause: "sandbox", gracePeriodSeconds: graceOf(pod), failure: undefined };
  }
  const ended = (spec: ContainerSpec) => containersNamed(containers, spec.name)[0];
  const ran = pod.spec.containers.map((spec) => ({ spec, container: ended(spec) }));
  const neverAgain = pod.spec.restartPolicy === "Never" && ran.some(({ container }) => container !== undefined);
  const allDone = ran.every(({ spec, container }) => container && !wantsRestart(view, spec, container));
  if (neverAgain || allDone) return { step: "finished", failure: undefined };
  if (pod.spec.initContainers?.some((spec) => initFailed(view, spec, ended(spec)))) {
    return { step: "finished", failure: undefined };
  }
  return waitForRetry(view, "", () => ({
    step: "createSandbox",
    attempt: sandbox ? sandbox.attempt + 1 : 0,
  }));
}

/** Whether an init container ended in a way that fails the pod. */
function initFailed(view: PodView, spec: ContainerSpec, container: Container | undefined): boolean {
  if (!container || isSidecar(spec) || exitCodeOf(container) === 0) return false;
  return !wantsRestart(view, spec, container);
}

/** The sandbox stands: init containers in order, then the others. */
function planContainers(view: PodView, sandbox: Sandbox): PodPlan {
  const { pod } = view;
  const mains = pod.spec.containers.map((spec) => ({ spec, latest: containersNamed(view.containers, spec.name)[0] }));
  const done = mains.every(
    ({ spec, latest }) => latest && hasEnded(latest, view.failures) && !wantsRestart(view, spec, latest),
  );
  if (done) return planEnd(view, { cause: "finished", gracePeriodSeconds: graceOf(pod) });

  // Once a main container was made in this sandbox, initialisation is over for good; only sidecars still matter.
  const initialised = mains.some(({ latest }) => latest?.sandboxId === sandbox.id);
  const inits = pod.spec.initContainers ?? [];
  // Whoever looks into a pod may do so at any time, while it is initialised as well.
  const steps: PodPlan[] = (pod.spec.ephemeralContainers ?? []).map((spec) => {
    const latest = containersNamed(view.containers, spec.name)[0];
    return planContainer(view, { kind: "ephemeral", spec, latest, fresh: false });
  });
  const inSandbox = ({ name }: ContainerSpec) => {
    const [latest] = containersNamed(view.containers, name);
    return latest?.sandboxId === sandbox.id ? latest : undefined;
  };
  const begun = inits.findLastIndex((spec) => inSandbox(spec) !== undefined);
  for (const [index, spec] of inits.entries()) {
    if (initialised && !isSidecar(spec)) continue;
    const latest = containersNamed(view.containers, spec.name)[0];
    const current = inSandbox(spec);
    if (current && hasEnded(current, view.failures) && initFailed(view, spec, current)) {
      return planEnd(view, { cause: "failed", gracePeriodSeconds: graceOf(pod) });
    }
    const finished = current && !isSidecar(spec) && current.state === "exited" && exitCodeOf(current) === 0;
    if (finished) continue;
    steps.push(planContainer(view, { kind: "init", spec, latest, fresh: current === undefined }));
    const up = current?.state === "running" && probeState(spec, current.id, view.probes).started;
    // A sidecar that was up once, and ended meanwhile, holds up nobody who came after it.
    const passed = isSidecar(spec) && (up || index < begun);
    if (!initialised && !passed) return choose(view, steps);
  }
  for (const { spec, latest } of mains) {
    steps.push(planContainer(view, { kind: "main", spec, latest, fresh: false }));
  }
  return choose(view, [...steps, planPodResize(view, sandbox)]);
}

/** What one container needs, by itself. */
function planContainer(
  view: PodView,
  {
    kind,
    spec,
    latest,
    fresh,
  }: {
    readonly kind: ContainerKind;
    readonly spec: ContainerSpec;
    readonly latest: Container | undefined;
    /** It runs anew because the sandbox is new, whatever became of it before. */
    readonly fresh: boolean;
  },
): PodPlan {
  const { pod, failures } = view;
  const start = (backOffMs: number): PodPlan => ({
    step: "start",
    start: { kind, spec, attempt: nextAttempt(pod, spec.name, latest), backOffMs, resume: undefined },
  });
  if (!latest) return waitForRetry(view, spec.name, () => start(0));
  if (latest.state === "running") {
    const message = killMessage(view, spec, latest);
    if (message === undefined) return kind === "ephemeral" ? idle : planResize(view, spec, latest);
    return {
      step: "kill",
      kills: [{ container: latest, spec, message, gracePeriodSeconds: killGrace(view, spec, latest) }],
    };
  }
  if (!hasEnded(latest, failures)) {
    const resume = { kind, spec, attempt: latest.attempt, backOffMs: 0, resume: latest };
    return { step: "start", start: resume };
  }
  if (fresh) return waitForRetry(view, spec.name, () => start(crashBackoffBaseMs));
  if (!wantsRestart(view, spec, latest)) return idle;
  if (view.restarting?.has(latest.id)) return waitForRetry(view, spec.name, () => start(readNotes(latest).backOffMs));
  const { remainingMs, nextDelayMs } = crashBackoff(latest, view);
  if (remainingMs > 0) return { step: "wait", wakeAfterMs: remainingMs };
  return waitForRetry(view, spec.name, () => start(nextDelayMs));
}

/** Whether a running container has to be given other limits, while its pod is resized. Init containers are over soon. */
function planResize(view: PodView, spec: ContainerSpec, container: Container): PodPlan {
  const { pod, resize } = view;
  const isPlainInit = readNotes(container).kind === "init" && !isSidecar(spec);
  if (!resize?.inProgress || !container.limits || isPlainInit) return idle;
  const limits = containerLimits(spec, pod.spec.resources);
  if (limitChanges(container.limits, limits).length === 0) return idle;
  if (!needsRestart(spec, container.limits, limits))
    return waitForRetry(view, resizeFailure, () => ({ step: "resize", resizes: [{ container, limits }] }));
  const message = `Container ${spec.name} resize requires restart`;
  return {
    step: "kill",
    kills: [{ container, spec, message, gracePeriodSeconds: graceOf(pod), restart: true }],
  };
}

/** Whether what keeps the containers together has to be given other limits. */
function planPodResize(view: PodView, { id: sandboxId }: Sandbox): PodPlan {
  const { pod, resize, limitsTogether: present } = view;
  if (!resize?.inProgress || !present) return idle;
  const limits = limitsTogether({ ...pod, status: {} });
  if (limitChanges(present, limits).length === 0) return idle;
  return waitForRetry(view, resizeFailure, () => ({
    step: "resize",
    resizes: [],
    whole: { sandboxId, present, limits },
  }));
}

/** Why a running container has to be ended, if it has. */
function killMessage(view: PodView, spec: ContainerSpec, container: Container): string | undefined {
  const { failed } = probeState(spec, container.id, view.probes);
  const again = view.pod.spec.restartPolicy === "Never" && !isSidecar(spec) ? "" : ", will be restarted";
  if (failed) return `Container ${spec.name} failed ${failed} probe${again}`;
  const { image } = readNotes(container);
  if (image !== "" && spec.image !== undefined && image !== spec.image) {
    return `Container ${spec.name} definition changed${again}`;
  }
  return undefined;
}

/** Seconds that a container gets to end; a probe may have its own figure. */
function killGrace({ pod, probes }: PodView, spec: ContainerSpec, container: Container): number {
  const { failed } = probeState(spec, container.id, probes);
  const probe = failed === "liveness" ? spec.livenessProbe : failed === "startup" ? spec.startupProbe : undefined;
  return probe?.terminationGracePeriodSeconds ?? graceOf(pod);
}

/** `then()`, unless something of this name failed lately and has to wait. The sandbox goes by the empty name. */
function waitForRetry({ failures, now }: PodView, name: string, then: () => PodPlan): PodPlan {
  const remainingMs = (failures.get(name)?.retryAt ?? now) - now;
  return remainingMs > 0 ? { step: "wait", wakeAfterMs: remainingMs } : then();
}

const idle: PodPlan = { step: "wait", wakeAfterMs: undefined };

/** One step out of what each container needs: ends come first and together, so do new limits, then the first start, else the shortest wait. */
function choose({ pod, now }: PodView, steps: readonly PodPlan[]): PodPlan {
  const kills = steps.flatMap((plan) => (plan.step === "kill" ? plan.kills : []));
  if (kills.length > 0) return { step: "kill", kills };
  const resizes = steps.flatMap((plan) => (plan.step === "resize" ? plan.resizes : []));
  const whole = steps.flatMap((plan) => (plan.step === "resize" ? (plan.whole ?? []) : []))[0];
  if (resizes.length > 0 || whole) return { step: "resize", resizes, whole };
  const start = steps.find((plan) => plan.step === "start");
  if (start) return start;
  const waits = steps.flatMap((plan) => (plan.step === "wait" ? (plan.wakeAfterMs ?? []) : []));
  const wakeAfterMs = Math.min(deadlineRemainingMs(pod, now), ...waits);
  return { step: "wait", wakeAfterMs: Number.isFinite(wakeAfterMs) ? wakeAfterMs : undefined };
}

/** How many containers of one name are kept: the newest, and the one before it for `logs --previous`. */
const keptPerName = 2;

/** Dead containers that nobody needs any more. */
export function prunable(containers: readonly Container[]): readonly Container[] {
  const names = new Set(containers.map(({ name }) => name));
  return [...names].flatMap((name) =>
    containersNamed(containers, name)
      .slice(keptPerName)
      .filter(({ state }) => state !== "running"),
  );
}
