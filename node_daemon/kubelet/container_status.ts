import type {
  Container as ContainerSpec,
  ContainerState,
  ContainerStatus,
  PodStatus,
  ResourceList,
} from "../../core/kinds/pod.ts";
import { isSidecar } from "../../core/kinds/pod_resources.ts";
import { compact } from "../../core/util/compact.ts";
import type { Container } from "../runtime/runtime.ts";
import type { ContainerKind } from "./container_notes.ts";
import { crashBackoff } from "./crash_backoff.ts";
import { goDuration } from "./go_duration.ts";
import { containersNamed, exitCodeOf, hasEnded, type StartFailure, wantsRestart } from "./pod_view.ts";
import { probeState } from "./probe_state.ts";
import { resourcesInForce } from "./resources/container_limits.ts";
import { initialised, type StatusInput, statusTime } from "./status_input.ts";

/** How long an image error is shown as itself before it is shown as back-off. */
const imageErrorShownMs = 1000;
/** How a container is, and was before its last restart. Pure. */
export function containerStatus(spec: ContainerSpec, kind: ContainerKind, input: StatusInput): ContainerStatus {
  const { previous, probes, runtimeName } = input;
  const [latest, before] = containersNamed(input.containers, spec.name);
  const reported = reportedOf(previous, kind)?.find(({ name }) => name === spec.name);
  const waiting = waitingReason(spec, latest, input);
  const ended = latest && hasEnded(latest, input.failures) ? terminated(latest, input) : undefined;
  const running =
    latest?.state === "running" ? { startedAt: statusTime(latest.startedAt ?? latest.createdAt) } : undefined;
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
    ready: kind !== "ephemeral" && (completedInit || (isUp && probe.started && probe.ready)),
    restartCount: Math.max(latest?.attempt ?? 0, reported?.restartCount ?? 0),
    image: spec.image ?? latest?.image ?? "",
    imageID: latest?.imageId ?? reported?.imageID ?? "",
    containerID: latest ? `${runtimeName}://${latest.id}` : reported?.containerID,
    volumeMounts: mountsOf(spec),
    user: latest?.user && userOf(latest.user),
    ...resourcesOf(spec, latest, reported),
    stopSignal: spec.lifecycle?.stopSignal,
    started: isUp && (probe.started || (kind === "init" && !isSidecar(spec))),
  });
}

/** Its volumes as it has them. What is mounted below a read-only one is not said where only the runtime knows. */
function mountsOf({ volumeMounts = [] }: ContainerSpec): ContainerStatus["volumeMounts"] {
  if (volumeMounts.length === 0) return undefined;
  return volumeMounts.map(({ name, mountPath, readOnly = false, recursiveReadOnly = "Disabled" }) => {
    const isKnown = readOnly && recursiveReadOnly !== "IfPossible";
    return { name, mountPath, ...(readOnly ? { readOnly } : {}), ...(isKnown ? { recursiveReadOnly } : {}) };
  });
}

function userOf({ uid, gid, supplementalGids }: NonNullable<Container["user"]>): ContainerStatus["user"] {
  return { linux: { uid, gid, ...(supplementalGids.length > 0 ? { supplementalGroups: supplementalGids } : {}) } };
}

/** What a container was given and has. Of one that was not made yet there is nothing to say; of one that is gone, what was said. */
function resourcesOf(
  spec: ContainerSpec,
  latest: Container | undefined,
  reported: ContainerStatus | undefined,
): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  if (!latest) {
    const { allocatedResources, resources } = (reported?.state?.terminated && reported) || {};
    return compact<Pick<ContainerStatus, "allocatedResources" | "resources">>({ allocatedResources, resources });
  }
  return compact<Pick<ContainerStatus, "allocatedResources" | "resources">>({
    allocatedResources: nonEmpty(spec.resources?.requests),
    resources: resourcesInForce(spec, latest.state === "running" ? latest.limits : undefined),
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
  // It starts at once; where its policy would not have it run again, nobody is to be told that it ended for good.
  if (input.restarting?.has(latest.id)) return defaultWaiting(input);
  const { delayMs, remainingMs } = crashBackoff(latest, input);
  if (remainingMs === 0) return undefined;
  const { name, namespace, uid } = input.pod.metadata;
  return {
    reason: "CrashLoopBackOff",
    message: `back-off ${goDuration(delayMs)} restarting failed container=${spec.name} pod=${name}_${namespace}(${uid})`,
  };
}

/** An image that cannot be had is an error first, and back-off from then on. */
function failureReason(spec: ContainerSpec, { reason, message, at, image = spec.image }: StartFailure, now: number) {
  if (reason !== "ErrImagePull" || now - at < imageErrorShownMs) return { reason, message };
  return { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ErrImagePull: ${message}` };
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
      startedAt: startedAt === undefined ? undefined : statusTime(startedAt),
      finishedAt: statusTime(finishedAt ?? createdAt),
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
