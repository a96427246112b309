import { containersNamed, type PodView } from "./pod_view.ts";
import type { ProbedContainer } from "./probes.ts";

/** The containers of a pod that run, and may so be probed, with what was last said of them. */
export function probedContainers({ pod, containers, sandboxes }: PodView): readonly ProbedContainer[] {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap((spec) => {
    const container = containersNamed(containers, spec.name)[0];
    const sandbox = sandboxes.find(({ id }) => id === container?.sandboxId);
    if (container?.state !== "running" || !sandbox) return [];
    return [{ container, spec, sandbox, reported: statuses.find(({ name }) => name === spec.name) }];
  });
}
