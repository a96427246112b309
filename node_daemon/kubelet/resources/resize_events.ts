import type { Container, Pod, ResourceList, ResourceRequirements } from "../../../core/kinds/pod.ts";
import { hasPodLevelResources, isSidecar } from "../../../core/kinds/pod_resources.ts";
import { compact } from "../../../core/util/compact.ts";

/**
 * What an event says of a pod's resize: how much the pod as a whole and its containers are to have, and of which generation of the pod that is.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/events
 */
export function resizeMessage(what: string, { spec }: Pod, generation: number | undefined, error?: string): string {
  const sidecars = (spec.initContainers ?? []).filter(isSidecar).map(resourcesOf);
  const whole = hasPodLevelResources(spec) ? amountsOf(spec.resources) : undefined;
  const details = {
    resources: whole,
    initContainers: sidecars.length > 0 ? sidecars : undefined,
    containers: spec.containers.map(resourcesOf),
    generation,
    error,
  };
  return `Pod resize ${what}: ${JSON.stringify(compact(details))}`;
}

function resourcesOf({ name, resources }: Container): { name: string; resources: ResourceRequirements } {
  return { name, resources: amountsOf(resources) };
}

function amountsOf({ limits, requests }: ResourceRequirements = {}): ResourceRequirements {
  return compact<ResourceRequirements>({ limits: resizable(limits), requests: resizable(requests) });
}

function resizable(list: ResourceList = {}): ResourceList | undefined {
  const { cpu, memory } = list;
  const kept = compact<ResourceList>({ cpu, memory } as ResourceList);
  return Object.keys(kept).length > 0 ? kept : undefined;
}
