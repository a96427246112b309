import { restartsAfter } from "../../core/kinds/container_restart.ts";
import type { Container as ContainerSpec, Pod } from "../../core/kinds/pod.ts";
import type { Container, ContainerLimits, Sandbox } from "../runtime/runtime.ts";
import type { PodEviction } from "./pod_evictions.ts";
import type { ProbeState } from "./probe_state.ts";
import type { ResizeState } from "./resources/allocations.ts";

/** Why a container could not be made or started, and until when it is not tried again. */
export interface StartFailure {
  /** `ErrImagePull`, `CreateContainerConfigError`, `RunContainerError` … */
  readonly reason: string;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly retryAt: number;
  /** Restart number of the container that it happened to. */
  readonly attempt: number;
  /** The image that could not be had, if it is not the container's own. */
  readonly image?: string | undefined;
}

/** Everything the kubelet sees of one pod at one moment. Plans and statuses are made from nothing else. */
export interface PodView {
  readonly pod: Pod;
  /** The object is gone from its source: what is left of the pod has to go too. */
  readonly removed: boolean;
  readonly sandboxes: readonly Sandbox[];
  readonly containers: readonly Container[];
  /** By container id. */
  readonly probes: ReadonlyMap<string, ProbeState>;
  /** By container name. */
  readonly failures: ReadonlyMap<string, StartFailure>;
  /** Why the pod is to be evicted from its node. */
  readonly eviction?: PodEviction | undefined;
  /** Where its resize stands. */
  readonly resize?: ResizeState | undefined;
  /** What keeps its containers together to limits of the pod as a whole, and to which; undefined where nothing does. */
  readonly limitsTogether?: ContainerLimits | undefined;
  /** Containers, by id, that were ended to start anew, whatever the restart policy says. */
  readonly restarting?: ReadonlySet<string> | undefined;
  /** For how many milliseconds a container, by its id, has ended, by a clock that does not jump. */
  readonly endedForMs?: ReadonlyMap<string, number>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The newest sandbox. */
export function latestSandbox(sandboxes: readonly Sandbox[]): Sandbox | undefined {
  return sandboxes.reduce<Sandbox | undefined>(
    (latest, sandbox) => (latest && latest.attempt >= sandbox.attempt ? latest : sandbox),
    undefined,
  );
}

/** Containers of one name, newest first. */
export function containersNamed(containers: readonly Container[], name: string): readonly Container[] {
  return containers.filter((container) => container.name === name).sort((a, b) => b.attempt - a.attempt);
}

/** The exit code of a container that ended; 128 (Kubernetes' for "never started") when there is none. */
export function exitCodeOf({ exitCode }: Container): number {
  return exitCode ?? 128;
}

/** Whether a container has ended for good as far as the runtime goes: it exited, or its start failed. */
export function hasEnded(container: Container, failures: PodView["failures"]): boolean {
  if (container.state === "exited") return true;
  if (container.state === "running") return false;
  return container.reason !== undefined || failures.get(container.name)?.attempt === container.attempt;
}

/** By what a resize that failed is known among the failures of a pod. No container has such a name. */
export const resizeFailure = "/resize";

/** Whether a container that ended is to run again. Ephemeral containers run once. */
export function wantsRestart(
  { pod, restarting }: Pick<PodView, "pod" | "restarting">,
  spec: ContainerSpec,
  ended: Container,
): boolean {
  if (restarting?.has(ended.id)) return true;
  if (pod.spec.ephemeralContainers?.some(({ name }) => name === spec.name)) return false;
  return restartsAfter(pod.spec, spec, exitCodeOf(ended));
}

/** The restart number of the next container of this name: counts on from the runtime, or from the API when the runtime lost them. */
export function nextAttempt(pod: Pod, name: string, latest: Container | undefined): number {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const status = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    (entry) => entry.name === name,
  );
  const reported = status?.containerID ? status.restartCount + 1 : 0;
  return Math.max(latest ? latest.attempt + 1 : 0, reported);
}
