import type { Container, ContainerStatus, Pod, ResourceList, ResourceRequirements } from "../../../core/kinds/pod.ts";
import { hasPodLevelResources, isSidecar, statusOf } from "../../../core/kinds/pod_resources.ts";
import { semanticEqual } from "../../../core/kinds/semantic_equal.ts";
import { compact } from "../../../core/util/compact.ts";

/**
 * The processor time and memory that are set aside for the containers of a pod, by container name; for the pod as a whole, where
 * it asks for that, by the empty name.
 */
export type Allocation = ReadonlyMap<string, ResourceRequirements>;

/** What a pod asks for. */
export function askedAllocation({ spec }: Pod): Allocation {
  return new Map(
    [
      ...resizableContainers(spec),
      ...(hasPodLevelResources(spec) ? [{ name: whole, resources: spec.resources }] : []),
    ].map(({ name, resources }) => [name, resizableOf(resources)]),
  );
}

const whole = "";

/**
 * What was set aside for a pod when nobody wrote it down, because it was never resized: what its status says, or what it
 * asks for where that says nothing.
 */
export function reportedAllocation({ spec, status }: Pod): Allocation {
  const wasStarted = status?.startTime !== undefined;
  const containers = resizableContainers(spec).map(({ name, resources }) => {
    const reported = wasStarted ? givenTo(statusOf(name, status)) : undefined;
    return [name, reported ?? resizableOf(resources)] as const;
  });
  // One that has been started without is not resized yet.
  const asked = hasPodLevelResources(spec) && !wasStarted ? resizableOf(spec.resources) : undefined;
  const all = wasStarted && hasPodLevelResources(spec) ? givenTo(status) : asked;
  return new Map(all ? [...containers, [whole, all]] : containers);
}

/** What a status says to have been set aside. */
function givenTo(reported: Pick<ContainerStatus, "allocatedResources" | "resources"> = {}) {
  const { allocatedResources, resources: has } = reported;
  return has && resizableOf(compact({ limits: has.limits, requests: allocatedResources ?? has.requests }));
}

/** The pod with what is set aside for it in place of what it asks for; the same object where that is the same. */
export function withAllocation(pod: Pod, allocation: Allocation): Pod {
  if (semanticEqual(toObject(askedAllocation(pod)), toObject(allocation))) return pod;
  const allocated = (container: Container): Container => {
    const own = allocation.get(container.name);
    if (!own || !isResizable(pod.spec, container)) return container;
    return { ...container, resources: replaced(container.resources, own) };
  };
  const { initContainers, containers, resources } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(allocated),
      ...(initContainers ? { initContainers: initContainers.map(allocated) } : {}),
      ...(resources ? { resources: replaced(resources, allocation.get(whole) ?? {}) } : {}),
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

function replaced(present: ResourceRequirements = {}, own: ResourceRequirements): ResourceRequirements {
  return compact<ResourceRequirements>({
    ...present,
    limits: merged(present.limits, own.limits),
    requests: merged(present.requests, own.requests),
  });
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
