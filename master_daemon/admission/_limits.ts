import { formatQuantity, type Quantity } from "../../core/api/quantity.ts";
import type { LimitRange, LimitRangeItem } from "../../core/kinds/limit_range.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import type { Container, Pod, ResourceList, ResourceRequirements } from "../../core/kinds/pod.ts";
import { type Arithmetic, mostAtOnce } from "../../core/kinds/pod_resources.ts";
import { type Amounts, amountsOf, combined, greater, summed } from "./_amounts.ts";

const annotation = "kubernetes.io/limit-ranger";

/** The pod with the default requests and limits that a LimitRange has for containers; an annotation tells which. */
export function withContainerDefaults(pod: Pod, range: LimitRange): Pod {
  const ofContainers = itemsOf(range).filter(({ type }) => type === "Container");
  const requests: ResourceList = Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest));
  const limits: ResourceList = Object.assign({}, ...ofContainers.map((limit) => limit.default));
  const told: string[] = [];
  const fill = (containers: readonly Container[] | undefined, what: string) =>
    containers?.map((container) => {
      const { resources = {} } = container;
      const missing = {
        requests: missingFrom(resources.requests, requests),
        limits: missingFrom(resources.limits, limits),
      };
      if (missing.requests.length > 0)
        told.push(`${missing.requests.join(", ")} request for ${what} ${container.name}`);
      if (missing.limits.length > 0) told.push(`${missing.limits.join(", ")} limit for ${what} ${container.name}`);
      if (missing.requests.length + missing.limits.length === 0) return container;
      const filled: ResourceRequirements = {
        ...resources,
        requests: { ...requests, ...resources.requests },
        limits: { ...limits, ...resources.limits },
      };
      return { ...container, resources: filled };
    });
  const containers = fill(pod.spec.containers, "container") ?? [];
  const initContainers = fill(pod.spec.initContainers, "init container");
  if (told.length === 0) return pod;
  const annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${told.join("; ")}` };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...pod.spec, containers, ...(initContainers ? { initContainers } : {}) },
  };
}

function itemsOf({ spec }: LimitRange): readonly LimitRangeItem[] {
  return spec?.limits ?? [];
}

function missingFrom(list: ResourceList | undefined, defaults: ResourceList): readonly string[] {
  return Object.keys(defaults)
    .filter((name) => !list || !Object.hasOwn(list, name))
    .sort();
}

/** What a pod does that a LimitRange forbids. */
export function podProblems(pod: Pod, range: LimitRange): readonly string[] {
  const { containers, initContainers = [] } = pod.spec;
  return itemsOf(range).flatMap((limit) => {
    if (limit.type === "Container")
      return [...containers, ...initContainers].flatMap((container) =>
        problems(limit, amountsOf(container.resources?.requests), amountsOf(container.resources?.limits)),
      );
    if (limit.type !== "Pod") return [];
    return problems(limit, podAmounts(pod, "requests"), podAmounts(pod, "limits"));
  });
}

/** What a claim asks for that a LimitRange forbids. Only requests count. */
export function claimProblems({ spec }: PersistentVolumeClaim, range: LimitRange): readonly string[] {
  const requests = amountsOf(spec?.resources?.requests);
  return itemsOf(range).flatMap((limit) => {
    if (limit.type !== "PersistentVolumeClaim") return [];
    return [
      ...each(limit.min, (name, min) => minimum(limit, name, min, requests, new Map())),
      ...each(limit.max, (name, max) => maximumRequest(limit, name, max, requests)),
    ];
  });
}

function problems(limit: LimitRangeItem, requests: Amounts, limits: Amounts): readonly string[] {
  return [
    ...each(limit.min, (name, min) => minimum(limit, name, min, requests, limits)),
    ...each(limit.max, (name, max) => maximum(limit, name, max, requests, limits)),
    ...each(limit.maxLimitRequestRatio, (name, ratio) => maximumRatio(limit, name, ratio, requests, limits)),
  ];
}

function each(
  list: ResourceList | undefined,
  check: (name: string, amount: Quantity) => string | undefined,
): readonly string[] {
  return [...amountsOf(list)].flatMap(([name, amount]) => check(name, amount) ?? []);
}

function minimum({ type }: LimitRangeItem, name: string, min: Quantity, requests: Amounts, limits: Amounts) {
  const request = requests.get(name);
  const limit = limits.get(name);
  const rule = `minimum ${name} usage per ${type} is ${formatQuantity(min)}`;
  if (!request) return `${rule}.  No request is specified`;
  if (request.nano < min.nano) return `${rule}, but request is ${formatQuantity(request)}`;
  if (limit && limit.nano < min.nano) return `${rule}, but limit is ${formatQuantity(limit)}`;
  return undefined;
}

function maximumRequest({ type }: LimitRangeItem, name: string, max: Quantity, requests: Amounts) {
  const request = requests.get(name);
  const rule = `maximum ${name} usage per ${type} is ${formatQuantity(max)}`;
  if (!request) return `${rule}.  No request is specified`;
  return request.nano > max.nano ? `${rule}, but request is ${formatQuantity(request)}` : undefined;
}

function maximum({ type }: LimitRangeItem, name: string, max: Quantity, requests: Amounts, limits: Amounts) {
  const request = requests.get(name);
  const limit = limits.get(name);
  const rule = `maximum ${name} usage per ${type} is ${formatQuantity(max)}`;
  if (!limit) return `${rule}.  No limit is specified`;
  if (limit.nano > max.nano) return `${rule}, but limit is ${formatQuantity(limit)}`;
  if (request && request.nano > max.nano) return `${rule}, but request is ${formatQuantity(request)}`;
  return undefined;
}

function maximumRatio({ type }: LimitRangeItem, name: string, max: Quantity, requests: Amounts, limits: Amounts) {
  const request = requests.get(name)?.nano ?? 0n;
  const limit = limits.get(name)?.nano ?? 0n;
  const rule = `${name} max limit to request ratio per ${type} is ${formatQuantity(max)}`;
  if (request === 0n) return `${rule}, but no request is specified or request is 0`;
  if (limit === 0n) return `${rule}, but no limit is specified or limit is 0`;
  if (limit * 1_000_000_000n <= request * max.nano) return undefined;
  return `${rule}, but provided ratio is ${(Number(limit) / Number(request)).toFixed(6)}`;
}

const arithmetic: Arithmetic<Amounts> = {
  none: new Map(),
  add: summed,
  max: (a, b) => combined(a, b, greater),
};

/** What a pod asks for as a whole, of what any container names; what it says of itself counts in place of the sum. */
function podAmounts({ spec }: Pod, list: "requests" | "limits"): Amounts {
  const most = mostAtOnce(spec, arithmetic, ({ resources }) => amountsOf(resources?.[list]));
  return new Map([...most, ...amountsOf(spec.resources?.[list])]);
}
