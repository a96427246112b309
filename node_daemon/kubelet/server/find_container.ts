import { StatusError } from "../../../core/api/status.ts";
import type { ContainerStatus, Pod } from "../../../core/kinds/pod.ts";
import type { Container } from "../../runtime/runtime.ts";

/** Which container of a pod is meant. */
export interface ContainerQuery {
  readonly pod: Pod;
  readonly name: string;
  /** All containers of the pod that the runtime has. */
  readonly containers: readonly Container[];
}

/**
 * The container whose log is shown: the last one that was started, or with `previous` the one before it.
 *
 * @throws StatusError BadRequest when there is none
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet_pods.go validateContainerLogStatus
 */
export function findLoggedContainer(query: ContainerQuery & { readonly previous: boolean }): Container {
  const { pod, name, containers, previous } = query;
  requireInSpec(pod, name);
  const started = attemptsOf(containers, name).filter(({ state }) => state !== "created");
  const podName = pod.metadata.name ?? "";
  if (previous) {
    // Between two tries the last one that ended is already the previous one.
    const waits = waitingReason(pod, name) === "CrashLoopBackOff";
    const found = started.filter(({ state }) => state === "exited").find((one) => waits || one !== started[0]);
    if (found) return found;
    throw StatusError.badRequest(`previous terminated container ${quote(name)} in pod ${quote(podName)} not found`);
  }
  const [last] = started;
  if (last) return last;
  const reason = waitingReason(pod, name) ?? "ContainerCreating";
  const pulling = reason === "ErrImagePull" || reason === "ImagePullBackOff";
  const cause = pulling ? "trying and failing to pull image" : reason;
  throw StatusError.badRequest(`container ${quote(name)} in pod ${quote(podName)} is waiting to start: ${cause}`);
}

/**
 * The running container of that name.
 *
 * @throws StatusError NotFound when none runs, BadRequest when the pod has no such container
 */
export function findRunningContainer({ pod, name, containers }: ContainerQuery): Container {
  requireInSpec(pod, name);
  const running = attemptsOf(containers, name).find(({ state }) => state === "running");
  if (running) return running;
  throw new StatusError(404, "NotFound", `container not found (${quote(name)})`);
}

function attemptsOf(containers: readonly Container[], name: string): readonly Container[] {
  return containers
    .filter((container) => container.name === name)
    .sort((first, second) => second.attempt - first.attempt || second.createdAt - first.createdAt);
}

function requireInSpec({ metadata, spec }: Pod, name: string): void {
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  if (all.some((container) => container.name === name)) return;
  throw StatusError.badRequest(`container ${name} is not valid for pod ${metadata.name}`);
}

function waitingReason({ status }: Pod, name: string): string | undefined {
  const all: readonly ContainerStatus[] = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  return all.find((container) => container.name === name)?.state?.waiting?.reason;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
