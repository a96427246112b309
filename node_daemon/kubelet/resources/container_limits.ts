import { bytesValue, formatQuantity, milliCpu, parseQuantity } from "../../../core/api/quantity.ts";
import type { Container, ResourceList, ResourceRequirements } from "../../../core/kinds/pod.ts";
import { compact } from "../../../core/util/compact.ts";
import type { ContainerLimits } from "../../runtime/runtime.ts";

/** What runtimes and kernels take no less of: below it, all amounts are the same. */
const minMilliCpuRequest = 2;
const minMilliCpuLimit = 10;

/**
 * What a container may use: what it says itself, and of limits that it does not set, what its pod may use as a whole.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_container_linux.go, generateLinuxContainerResources
 */
export function containerLimits({ resources = {} }: Container, whole: ResourceRequirements = {}): ContainerLimits {
  const limits = { ...whole.limits, ...resources.limits };
  const { requests = {} } = resources;
  return {
    // Who asks for nothing comes last: the kernel would take it for one that asks for a whole processor.
    milliCpuRequest: milliCpu(requests["cpu"] ?? limits["cpu"]),
    milliCpuLimit: given(limits["cpu"], milliCpu),
    memoryBytesLimit: given(limits["memory"], bytesValue),
  };
}

function given(text: string | number | undefined, read: (text: string | number) => number): number | undefined {
  return text === undefined ? undefined : read(text);
}

/** The limits with each amount as it takes effect. */
function effective({ milliCpuRequest, milliCpuLimit, memoryBytesLimit }: ContainerLimits): ContainerLimits {
  return {
    milliCpuRequest: milliCpuRequest === undefined ? undefined : Math.max(minMilliCpuRequest, milliCpuRequest),
    milliCpuLimit: milliCpuLimit === undefined ? undefined : Math.max(minMilliCpuLimit, milliCpuLimit),
    memoryBytesLimit,
  };
}

/** Names of the amounts of which a container has another than it is to have; one that it is to have none of stays. */
export function limitChanges(present: ContainerLimits, wanted: ContainerLimits): readonly (keyof ContainerLimits)[] {
  const [from, to] = [effective(present), effective(wanted)];
  const names = ["milliCpuRequest", "milliCpuLimit", "memoryBytesLimit"] as const;
  return names.filter((name) => to[name] !== undefined && to[name] !== from[name]);
}

/** What a status says that a container has: what is set aside for it, with what is in force where that is something else. */
export function resourcesInForce(
  { resources = {} }: Pick<Container, "resources">,
  limits: ContainerLimits | undefined,
): ResourceRequirements {
  if (!limits) return resources;
  const has = effective(limits);
  const cpu = (list: ResourceList, amount: number | undefined, least: number) =>
    amount === undefined || Math.max(least, milliCpu(list["cpu"])) === amount ? {} : { cpu: cpuText(amount) };
  const memory = (list: ResourceList) =>
    has.memoryBytesLimit === undefined || bytesValue(list["memory"]) === has.memoryBytesLimit
      ? {}
      : { memory: bytesText(has.memoryBytesLimit) };
  const { requests, limits: most } = resources;
  return compact<ResourceRequirements>({
    requests: requests && { ...requests, ...cpu(requests, has.milliCpuRequest, minMilliCpuRequest) },
    limits: most && { ...most, ...cpu(most, has.milliCpuLimit, minMilliCpuLimit), ...memory(most) },
  });
}

function cpuText(amount: number): string {
  return formatQuantity(parseQuantity(`${amount}m`));
}

function bytesText(amount: number): string {
  return formatQuantity({ ...parseQuantity(String(amount)), format: "BinarySI" });
}
