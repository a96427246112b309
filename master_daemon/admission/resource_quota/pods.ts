import type { Quantity } from "../../../core/api/quantity.ts";
import type { Container, Pod, PodAffinity, ResourceList } from "../../../core/kinds/pod.ts";
import { isPodTerminal } from "../../../core/kinds/pod_helpers.ts";
import { heldLists, isSidecar, qosClass, statusOf } from "../../../core/kinds/pod_resources.ts";
import { isExtended } from "../../../core/kinds/resource_names.ts";
import { type Amounts, amountsOf, combined, greater, summed } from "../_amounts.ts";
import type { QuotaEvaluator } from "./evaluators.ts";
import { matchesRequirement } from "./scopes.ts";

const requested: readonly string[] = ["cpu", "memory", "ephemeral-storage"];
const measured: ReadonlySet<string> = new Set([
  "count/pods",
  "pods",
  ...requested.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
/** Who limits these, asks every container to say how much of it it wants. */
const mandatory: readonly string[] = ["cpu", "memory"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]);

const one: Quantity = { nano: 1_000_000_000n, format: "DecimalSI" };

/** Pods: their number, what they request and what their limits are. */
export const podEvaluator: QuotaEvaluator = {
  measures: (name) =>
    measured.has(name) ||
    name.startsWith("hugepages-") ||
    name.startsWith("requests.hugepages-") ||
    (name.startsWith("requests.") && isExtended(name.slice("requests.".length))),
  countsOnly: false,
  handles: ({ operation, subresource }) =>
    subresource === undefined ? operation === "CREATE" : subresource === "resize" && operation === "UPDATE",
  usage: (object, now) => {
    const pod = object as Pod;
    // As objects all pods count; what has ended uses up nothing else.
    const counted = new Map([["count/pods", one]]);
    if (hasEnded(pod, now)) return counted;
    const amounts = quotaAmounts(podAmounts(pod, "requests"), podAmounts(pod, "limits"));
    return new Map([...counted, ["pods", one], ...amounts]);
  },
  isIn: (scope, object) => {
    const { spec } = object as Pod;
    switch (scope.scopeName) {
      case "Terminating":
        return isTerminating(spec);
      case "NotTerminating":
        return !isTerminating(spec);
      case "BestEffort":
        return qosClass({ spec }) === "BestEffort";
      case "NotBestEffort":
        return qosClass({ spec }) !== "BestEffort";
      case "PriorityClass":
        return matchesRequirement(scope, spec.priorityClassName);
      case "CrossNamespacePodAffinity":
        return [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity].some(reachesBeyondNamespace);
      default:
        return false;
    }
  },
  missing: (names, object) => {
    const { containers, initContainers = [] } = (object as Pod).spec;
    const required = names.filter((name) => mandatory.includes(name)).toSorted();
    if (required.length === 0) return undefined;
    const lacking = required.flatMap((name) => {
      const who = [...containers, ...initContainers].filter((container) => !says(container, name));
      return who.length > 0 ? [`${name} for: ${[...new Set(who.map((one) => one.name))].sort().join(",")}`] : [];
    });
    return lacking.length > 0 ? `must specify ${lacking.join("; ")}` : undefined;
  },
};

function says({ resources = {} }: Container, name: string): boolean {
  const [, list = "requests", resource = ""] = /^(?:(requests|limits)\.)?(.*)$/.exec(name) ?? [];
  return Object.hasOwn((list === "limits" ? resources.limits : resources.requests) ?? {}, resource);
}

function isTerminating({ activeDeadlineSeconds }: Pod["spec"]): boolean {
  return activeDeadlineSeconds !== undefined && activeDeadlineSeconds >= 0;
}

function hasEnded(pod: Pod, now: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (isPodTerminal(pod)) return true;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return now > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function reachesBeyondNamespace(affinity: PodAffinity | undefined): boolean {
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [...required, ...preferred.map(({ podAffinityTerm }) => podAffinityTerm)].some(
    ({ namespaces, namespaceSelector }) => (namespaces?.length ?? 0) > 0 || Boolean(namespaceSelector),
  );
}

/**
 * What a pod asks for: its containers and sidecars together, or the greediest init container; plus its runtime's overhead. Of a
 * container that is resized, the greatest of what it asks for, was given and has.
 */
function podAmounts({ spec, status }: Pod, list: "requests" | "limits"): Amounts {
  const amounts = ({ name, resources }: Container) => {
    const lists = heldLists(resources?.[list], statusOf(name, status), { side: list, status });
    return lists.map(amountsOf).reduce((a, b) => combined(a, b, greater));
  };
  let sidecars: Amounts = new Map();
  let starting: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = isSidecar(container) ? amounts(container) : amountsOf(container.resources?.[list]);
    const together = summed(sidecars, own);
    if (isSidecar(container)) sidecars = together;
    starting = combined(starting, together, greater);
  }
  const running = spec.containers.map(amounts).reduce<Amounts>(summed, sidecars);
  const most = combined(running, starting, greater);
  // What the pod says of itself as a whole counts in place of the sum.
  const whole = amountsOf(spec.resources?.[list]);
  const effective = new Map([...most, ...whole]);
  const overhead = onlyLimited(spec.overhead, list === "limits" ? effective : undefined);
  return summed(effective, overhead);
}

/** Overhead raises the limits that there are, and adds none. */
function onlyLimited(overhead: ResourceList | undefined, limits: Amounts | undefined): Amounts {
  return new Map([...amountsOf(overhead)].filter(([name]) => !limits || limits.has(name)));
}

/** Requests and limits under the names that quotas have for them. */
function quotaAmounts(requests: Amounts, limits: Amounts): Amounts {
  const amounts = new Map<string, Quantity>();
  for (const [name, amount] of requests) {
    if (requested.includes(name) || name.startsWith("hugepages-")) amounts.set(name, amount);
    if (requested.includes(name) || name.startsWith("hugepages-") || isExtended(name))
      amounts.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of limits) if (requested.includes(name)) amounts.set(`limits.${name}`, amount);
  return amounts;
}
