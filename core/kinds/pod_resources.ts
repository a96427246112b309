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
import type { Container, Pod, PodStatus, ResourceList } from "./pod.ts";

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
 * sidecars started before it) where that is more; plus the overhead of its runtime.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
export function podRequests({ spec }: Pod): ResourceAmounts {
  let together = noResources;
  for (const container of spec.containers)
    together = addResources(together, resourceAmounts(container.resources?.requests));
  let sidecars = noResources;
  let starting = noResources;
  for (const container of spec.initContainers ?? []) {
    const own = resourceAmounts(container.resources?.requests);
    if (isSidecar(container)) sidecars = addResources(sidecars, own);
    starting = maxResources(starting, isSidecar(container) ? sidecars : addResources(sidecars, own));
  }
  const most = maxResources(addResources(together, sidecars), starting);
  return spec.overhead ? addResources(most, resourceAmounts(spec.overhead)) : most;
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
  for (const { resources = {} } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
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

/** The list with every amount in its canonical form; what is no quantity stays, for validation to name. */
export function canonicalResources(list: ResourceList): ResourceList {
  return Object.fromEntries(
    Object.entries(list).map(([name, amount]) => [
      name,
      quantityError(amount) === undefined ? canonicalQuantity(amount) : amount,
    ]),
  );
}
