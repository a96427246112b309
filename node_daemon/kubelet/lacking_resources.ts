import type { Pod, ResourceList } from "../../core/kinds/pod.ts";
import { addResources, noResources, podRequests, resourceAmounts } from "../../core/kinds/pod_resources.ts";
import { isExtended } from "../../core/kinds/resource_names.ts";

/** A resource of which a node has too little for a pod: CPU in thousandths, all else in whole units. */
export interface LackingResource {
  readonly name: string;
  readonly requested: number;
  readonly used: number;
  readonly capacity: number;
}

/** How much a pod asks for, by resource, in the units of {@linkcode LackingResource}. */
export function requestsByName(pod: Pod): ReadonlyMap<string, number> {
  const { milliCpu, memoryBytes, ephemeralStorageBytes, other } = podRequests(pod);
  return new Map([
    ["pods", 1],
    ["cpu", milliCpu],
    ["memory", memoryBytes],
    ["ephemeral-storage", ephemeralStorageBytes],
    ...other,
  ]);
}

/**
 * What a node has too little of to take a pod beside others, in Kubernetes' order. Resources of others that the node
 * does not know are not counted here but elsewhere in the cluster. Pure.
 *
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources/fit.go
 */
export function lackingResources(
  pod: Pod,
  { allocatable, others }: { readonly allocatable: ResourceList; readonly others: readonly Pod[] },
): readonly LackingResource[] {
  const has = resourceAmounts(allocatable);
  const used = others.reduce((sum, other) => addResources(sum, podRequests(other)), noResources);
  const capacity = new Map([
    ["cpu", has.milliCpu],
    ["memory", has.memoryBytes],
    ["ephemeral-storage", has.ephemeralStorageBytes],
    ...has.other,
  ]);
  const taken = new Map([
    ["pods", others.length],
    ["cpu", used.milliCpu],
    ["memory", used.memoryBytes],
    ["ephemeral-storage", used.ephemeralStorageBytes],
    ...used.other,
  ]);
  const lacking: LackingResource[] = [];
  for (const [name, requested] of requestsByName(pod)) {
    const isKnown = Object.hasOwn(allocatable, name);
    if (requested === 0 || (!isKnown && (name === "pods" || isExtended(name)))) continue;
    const found = { name, requested, used: taken.get(name) ?? 0, capacity: capacity.get(name) ?? 0 };
    if (found.requested > found.capacity - found.used) lacking.push(found);
  }
  return lacking;
}
