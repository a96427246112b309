import { findCondition } from "../api/meta.ts";
import {
  addQuantities,
  bytesValue,
  canonicalQuantity,
  compareQuantities,
  milliCpu,
  parseQuantity,
  type Quantity,
  quantityError,
} from "../api/quantity.ts";
import type { Container, ContainerStatus, Pod, PodStatus, ResourceList, ResourceRequirements } from "./pod.ts";

/** Amounts that can be added and compared quickly. */
export interface ResourceAmounts {
  readonly milliCpu: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  /** Everything else by resource name, in whole units. */
  readonly other: ReadonlyMap<string, number>;
}

/** Nothing at all. */
export const noResources: ResourceAmounts = { milliCpu: 0, memoryBytes: 0, ephemeralStorageBytes: 0, other: new Map() };

/** Amounts of a resource list. @throws SyntaxError for a text that is no quantity */
export function resourceAmounts(list: ResourceList | undefined): ResourceAmounts {
  if (!list) return noResources;
  const { cpu, memory, "ephemeral-storage": storage, ...rest } = list;
  return {
    milliCpu: milliCpu(cpu),
    memoryBytes: bytesValue(memory),
    ephemeralStorageBytes: bytesValue(storage),
    other: new Map(Object.entries(rest).map(([name, amount]) => [name, bytesValue(amount)])),
  };
}

/** The sum of two lots of resources. */
export function addResources(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combine(a, b, (x, y) => x + y);
}

/** The greater of each resource. */
function maxResources(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combine(a, b, Math.max);
}

function combine(a: ResourceAmounts, b: ResourceAmounts, with2: (x: number, y: number) => number): ResourceAmounts {
  // Nothing is negative; most pods ask for nothing, and share the one that there is.
  if (a === noResources) return b;
  if (b === noResources) return a;
  const other = new Map<string, number>();
  for (const name of [...a.other.keys(), ...b.other.keys()]) {
    other.set(name, with2(a.other.get(name) ?? 0, b.other.get(name) ?? 0));
  }
  return {
    milliCpu: with2(a.milliCpu, b.milliCpu),
    memoryBytes: with2(a.memoryBytes, b.memoryBytes),
    ephemeralStorageBytes: with2(a.ephemeralStorageBytes, b.ephemeralStorageBytes),
    other,
  };
}

/** Whether an init container keeps running beside the containers. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

/**
 * What a pod needs at any moment: its containers and sidecars together, or the greediest init container (with the
 * sidecars started before it) where that is more; what it says of itself as a whole in place of that; plus the overhead of
 * its runtime. While containers are resized, the greatest counts of what each asks for, was given and has.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 * @see k8s.io/component-helpers/resource, PodRequests
 */
export function podRequests({ spec, status }: Pod): ResourceAmounts {
  const most = mostAtOnce(spec, arithmetic, (container, stays) =>
    stays ? heldRequests(container, status) : resourceAmounts(container.resources?.requests),
  );
  const whole = heldLists(spec.resources?.requests, status, { side: "requests", status })
    .map((list) => withPodLevel(most, list))
    .reduce(maxResources);
  return spec.overhead ? addResources(whole, resourceAmounts(spec.overhead)) : whole;
}

/**
 * What a pod may use at any moment, of resources that are limited for all of its containers or for it as a whole; without the
 * overhead of its runtime. Elsewhere it says nothing.
 */
export function podLimits({ spec }: Pod): ResourceAmounts {
  const most = mostAtOnce(spec, arithmetic, ({ resources }) => resourceAmounts(resources?.limits));
  return withPodLevel(most, spec.resources?.limits);
}

/** How amounts are added and compared. */
export interface Arithmetic<T> {
  readonly none: T;
  add(a: T, b: T): T;
  max(a: T, b: T): T;
}

const arithmetic: Arithmetic<ResourceAmounts> = { none: noResources, add: addResources, max: maxResources };

/** The most that a pod's containers have at any moment. @param of what one has, that stays or only comes before others */
export function mostAtOnce<T>(
  spec: Pod["spec"],
  { none, add, max }: Arithmetic<T>,
  of: (container: Container, stays: boolean) => T,
): T {
  let together = none;
  for (const container of spec.containers) together = add(together, of(container, true));
  let sidecars = none;
  let starting = none;
  for (const container of spec.initContainers ?? []) {
    const own = of(container, isSidecar(container));
    if (isSidecar(container)) sidecars = add(sidecars, own);
    starting = max(starting, isSidecar(container) ? sidecars : add(sidecars, own));
  }
  return max(add(together, sidecars), starting);
}

/** What counts as a container's requests. */
function heldRequests({ name, resources }: Container, status: PodStatus = {}): ResourceAmounts {
  const lists = heldLists(resources?.requests, statusOf(name, status), { side: "requests", status });
  return lists.map(resourceAmounts).reduce(maxResources);
}

/** What is reported of a container or a sidecar. */
export function statusOf(name: string, status: PodStatus = {}): ContainerStatus | undefined {
  const isNamed = (one: ContainerStatus) => one.name === name;
  return status.containerStatuses?.find(isNamed) ?? status.initContainerStatuses?.find(isNamed);
}

/**
 * The lists of which the greatest amounts count for a container, or a pod as a whole, while it may be resized: what it asks
 * for (unless that can never be had), what it was given, what it has. One list where they are all the same.
 */
export function heldLists(
  asked: ResourceList | undefined,
  reported: Pick<ContainerStatus, "allocatedResources" | "resources"> | undefined,
  { side, status }: { readonly side: "requests" | "limits"; readonly status: PodStatus | undefined },
): readonly [ResourceList | undefined, ...(ResourceList | undefined)[]] {
  if (!reported?.resources) return [asked];
  const allocated = side === "requests" ? reported.allocatedResources : undefined;
  const others = [allocated, reported.resources[side]].filter((list) => list && !sameList(list, asked));
  const [first, ...rest] = others;
  if (!first) return [asked];
  const isRefused = findCondition(status?.conditions, "PodResizePending")?.reason === "Infeasible";
  return isRefused ? [first, ...rest] : [asked, ...others];
}

function sameList(a: ResourceList, b: ResourceList = {}): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

/** Resources that a pod may ask for as a whole. @see https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification */
export function isPodLevel(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

/** Whether a pod says what it asks for as a whole. */
export function hasPodLevelResources({ resources = {} }: Pod["spec"]): boolean {
  return [resources.requests, resources.limits].some((list) => Object.keys(list ?? {}).some(isPodLevel));
}

/** What the pod asks for as a whole, in place of what its containers do. */
function withPodLevel(sum: ResourceAmounts, whole: ResourceList | undefined): ResourceAmounts {
  if (!whole) return sum;
  const { milliCpu, memoryBytes, other } = resourceAmounts(whole);
  return {
    ...sum,
    milliCpu: whole["cpu"] === undefined ? sum.milliCpu : milliCpu,
    memoryBytes: whole["memory"] === undefined ? sum.memoryBytes : memoryBytes,
    other: new Map([...sum.other, ...[...other].filter(([name]) => isPodLevel(name))]),
  };
}

const qosResources: readonly string[] = ["cpu", "memory"];

/**
 * How a pod is treated when its node runs short.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClass({ spec }: Pick<Pod, "spec">): NonNullable<PodStatus["qosClass"]> {
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  let allLimited = true;
  const counted = hasPodLevelResources(spec) ? [spec] : [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const { resources = {} } of counted as readonly { readonly resources?: ResourceRequirements }[]) {
    addPositive(requests, resources.requests);
    const limited = addPositive(limits, resources.limits);
    if (limited < qosResources.length) allLimited = false;
  }
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  const equal = [...requests].every(([name, amount]) => {
    const limit = limits.get(name);
    return limit !== undefined && compareQuantities(limit, amount) === 0;
  });
  return allLimited && equal && requests.size === limits.size ? "Guaranteed" : "Burstable";
}

function addPositive(sums: Map<string, Quantity>, list: ResourceList = {}): number {
  let count = 0;
  for (const name of qosResources) {
    const text = Object.hasOwn(list, name) ? list[name] : undefined;
    if (text === undefined || quantityError(text) !== undefined) continue;
    const amount = parseQuantity(text);
    if (amount.nano <= 0n) continue;
    const sum = sums.get(name);
    sums.set(name, sum ? addQuantities(sum, amount) : amount);
    count++;
  }
  return count;
}

/** The list with every amount in its canonical form. */
export function canonicalResources(list: ResourceList): ResourceList {
  return Object.fromEntries(Object.entries(list).map(([name, amount]) => [name, canonicalAmount(amount)]));
}

/** An amount in its canonical form; what is no quantity stays, for validation to name. */
export function canonicalAmount<T extends string | number | undefined>(amount: T): T | string {
  return amount === undefined || quantityError(amount) !== undefined ? amount : canonicalQuantity(amount);
}
