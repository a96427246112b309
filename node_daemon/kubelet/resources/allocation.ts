import type { Container, Pod, ResourceList, ResourceRequirements } from "../../../core/kinds/pod.ts";
import { isSidecar, statusOf } from "../../../core/kinds/pod_resources.ts";
import { semanticEqual } from "../../../core/kinds/semantic_equal.ts";
import { compact } from "../../../core/util/compact.ts";

/** The processor time and memory that are set aside for the containers of a pod, by container name. */
export type Allocation = ReadonlyMap<string, ResourceRequirements>;

/** What a pod asks for. */
export function askedAllocation({ spec }: Pod): Allocation {
  return new Map(resizableContainers(spec).map(({ name, resources }) => [name, resizableOf(resources)]));
}

/**
 * What was set aside for a pod when nobody wrote it down, because it was never resized: what its status says, or what it
 * asks for where that says nothing.
 */
export function reportedAllocation({ spec, status }: Pod): Allocation {
  return new Map(
    resizableContainers(spec).map(({ name, resources }) => {
      const { allocatedResources, resources: has } = statusOf(name, status) ?? {};
      if (status?.startTime === undefined || !has) return [name, resizableOf(resources)];
      const requests = allocatedResources ?? has.requests;
      return [name, resizableOf(compact<ResourceRequirements>({ limits: has.limits, requests }))];
    }),
  );
}

/** The pod with what is set aside for it in place of what it asks for; the same object where that is the same. */
export function withAllocation(pod: Pod, allocation: Allocation): Pod {
  if (semanticEqual(toObject(askedAllocation(pod)), toObject(allocation))) return pod;
  const allocated = (container: Container): Container => {
    const own = allocation.get(container.name);
    if (!own || !isResizable(pod.spec, container)) return container;
    const { limits, requests } = container.resources ?? {};
    return {
      ...container,
      resources: compact<ResourceRequirements>({
        ...container.resources,
        limits: merged(limits, own.limits),
        requests: merged(requests, own.requests),
      }),
    };
  };
  const { initContainers, containers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(allocated),
      ...(initContainers ? { initContainers: initContainers.map(allocated) } : {}),
    },
  };
}

/** Whether two allocations are of the same amounts. */
export function sameAllocation(a: Allocation, b: Allocation): boolean {
  return semanticEqual(toObject(a), toObject(b));
}

function toObject(allocation: Allocation): object {
  return [...allocation].sort(([a], [b]) => (a < b ? -1 : 1));
}

function merged(list: ResourceList | undefined, own: ResourceList = {}): ResourceList | undefined {
  const others = Object.entries(list ?? {}).filter(([name]) => name !== "cpu" && name !== "memory");
  const all = { ...Object.fromEntries(others), ...own };
  return list || Object.keys(all).length > 0 ? all : undefined;
}

/** Those that can be resized: others run once, and not for long. */
function resizableContainers(spec: Pod["spec"]): readonly Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
}

function isResizable(spec: Pod["spec"], container: Container): boolean {
  return isSidecar(container) || spec.containers.includes(container);
}

function resizableOf({ limits, requests }: ResourceRequirements = {}): ResourceRequirements {
  const only = ({ cpu, memory }: ResourceList = {}) => compact<ResourceList>({ cpu, memory } as ResourceList);
  return { limits: only(limits), requests: only(requests) };
}
