import type { Pod } from "../../core/kinds/mod.ts";
import { podRequests } from "../../core/kinds/pod_resources.ts";

/** What a container is taken to use when it asks for nothing: else all such pods would land on one node. */
const assumedMilliCpu = 100;
const assumedMemoryBytes = 200 * 1024 * 1024;

/**
 * Requests of a pod for comparing nodes, with a guess for containers that ask for nothing.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/scheduler/util/pod_resources.go
 */
export function nonZeroRequests(pod: Pod): { readonly milliCpu: number; readonly memoryBytes: number } {
  let { milliCpu, memoryBytes } = podRequests(pod);
  for (const { resources } of pod.spec.containers) {
    if (resources?.requests?.cpu === undefined) milliCpu += assumedMilliCpu;
    if (resources?.requests?.memory === undefined) memoryBytes += assumedMemoryBytes;
  }
  return { milliCpu, memoryBytes };
}
