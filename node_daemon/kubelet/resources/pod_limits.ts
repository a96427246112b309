import { bytesValue, milliCpu } from "../../../core/api/quantity.ts";
import type { Pod } from "../../../core/kinds/pod.ts";
import { podLimits, podRequests } from "../../../core/kinds/pod_resources.ts";
import type { ContainerLimits } from "../../runtime/runtime.ts";

/**
 * What a pod's containers may use together. It is limited where it says so as a whole, or each of its containers does. Pure.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/cm, ResourceConfigForPod
 */
export function limitsTogether(pod: Pod): ContainerLimits {
  const { spec } = pod;
  const limits = podLimits(pod);
  const isLimited = (name: "cpu" | "memory") => {
    const amount = name === "cpu" ? milliCpu : bytesValue;
    const isGiven = (text: string | number | undefined) => text !== undefined && amount(text) > 0;
    return (
      isGiven(spec.resources?.limits?.[name]) ||
      spec.containers.every(({ resources }) => isGiven(resources?.limits?.[name]))
    );
  };
  return {
    milliCpuRequest: podRequests(pod).milliCpu,
    milliCpuLimit: isLimited("cpu") ? limits.milliCpu : undefined,
    memoryBytesLimit: isLimited("memory") ? limits.memoryBytes : undefined,
  };
}
