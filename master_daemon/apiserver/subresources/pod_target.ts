import type { ObjectKey } from "../../../core/api/meta.ts";
import { isReason, StatusError } from "../../../core/api/status.ts";
import { type Node, node as nodeKind } from "../../../core/kinds/node.ts";
import type { Container, ContainerStatus, Pod } from "../../../core/kinds/pod.ts";
import { pod as podKind } from "../../../core/kinds/pod.ts";
import { defaultContainerAnnotation } from "../../../core/kinds/pod_helpers.ts";
import type { ResourceRequest } from "../services.ts";

/** The pod that the path names. @throws StatusError NotFound */
export async function podOf({ services, route }: Pick<ResourceRequest, "services" | "route">): Promise<Pod> {
  const key: ObjectKey = { namespace: route.namespace, name: route.name ?? "" };
  return (await services.registries.for(podKind).get(key)).object;
}

/** The node of a pod. @throws StatusError BadRequest when it has none yet; NotFound's text as Internal error when the node is gone */
export async function nodeOf(
  { services }: { readonly services: Pick<ResourceRequest["services"], "registries"> },
  pod: Pod,
): Promise<Node> {
  const { nodeName } = pod.spec;
  if (!nodeName) throw StatusError.badRequest(`pod ${pod.metadata.name ?? ""} does not have a host assigned`);
  try {
    return (await services.registries.for(nodeKind).get({ name: nodeName })).object;
  } catch (error) {
    if (isReason(error, "NotFound")) throw StatusError.internal(error.message);
    throw error;
  }
}

/**
 * The container that is meant: the one named, the only one, or the one that the pod's annotation calls its default.
 *
 * @throws StatusError BadRequest in Kubernetes' words when there is a choice, or no such container
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/strategy.go
 */
export function containerOf(pod: Pod, name: string | null): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const podName = pod.metadata.name ?? "";
  if (name) {
    const all = [...containers, ...initContainers, ...ephemeralContainers];
    if (all.some((container) => container.name === name)) return name;
    throw StatusError.badRequest(`container ${name} is not valid for pod ${podName}`);
  }
  const [only] = containers;
  if (containers.length === 1 && only) return only.name;
  const preferred = pod.metadata.annotations?.[defaultContainerAnnotation];
  if (preferred && containers.some((container) => container.name === preferred)) return preferred;
  if (containers.length === 0) throw StatusError.badRequest(`a container name must be specified for pod ${podName}`);
  const names = (list: readonly Container[]) => `[${list.map((container) => container.name).join(" ")}]`;
  const init = initContainers.length > 0 ? ` or one of the init containers: ${names(initContainers)}` : "";
  throw StatusError.badRequest(
    `a container name must be specified for pod ${podName}, choose one of: ${names(containers)}${init}`,
  );
}

/** What is known of a container; undefined before the node reported. */
export function statusOf({ status }: Pod, container: string): ContainerStatus | undefined {
  const all = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  return all.find(({ name }) => name === container);
}

/** `/KIND/NAMESPACE/POD[/CONTAINER]?QUERY` of a node daemon, every part escaped. */
export function nodePath(parts: readonly string[], query: readonly [string, string][]): string {
  const search = new URLSearchParams([...query]).toString();
  return `/${parts.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}
