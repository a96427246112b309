import { bytesValue } from "../../../core/api/quantity.ts";
import type { Container, Pod } from "../../../core/kinds/pod.ts";
import { addResources, isSidecar, qosClass, resourceAmounts } from "../../../core/kinds/pod_resources.ts";
import { isCriticalPod } from "../critical_pod.ts";

const guaranteedScore = -997;
const bestEffortScore = 1000;

/**
 * How soon the kernel is to end a container when the machine's memory runs out: -1000 (never) to 1000 (first). By how
 * the pod is treated when its node runs short, and what the container asked for.
 *
 * @param memoryBytes the machine's memory
 * @see k8s.io/kubernetes/pkg/kubelet/qos/policy.go, GetContainerOOMScoreAdjust
 */
export function oomScoreAdj(pod: Pod, container: Container, memoryBytes: number): number {
  if (isCriticalPod(pod) && pod.spec.priorityClassName === "system-node-critical") return guaranteedScore;
  const quality = pod.status?.qosClass ?? qosClass(pod);
  if (quality === "Guaranteed") return guaranteedScore;
  if (quality === "BestEffort") return bestEffortScore;
  const score = (bytes: number) => bestEffortScore - Math.floor((1000 * bytes) / Math.max(1, memoryBytes));
  const share = unclaimedShare(pod);
  const own = score(memoryOf(container) + share);
  // Containers are not to be ended before what runs beside them for their sake.
  const isBeside = pod.spec.initContainers?.some(({ name }) => name === container.name) && isSidecar(container);
  const least = Math.min(...pod.spec.containers.map(memoryOf)) + share;
  const adjusted = isBeside ? Math.min(own, score(least)) : own;
  return Math.min(bestEffortScore - 1, Math.max(bestEffortScore + guaranteedScore, adjusted));
}

function memoryOf({ resources }: Container): number {
  return bytesValue(resources?.requests?.["memory"]);
}

/** What each container gets of the memory that the pod asks for as a whole, and no container for itself. */
function unclaimedShare({ spec }: Pod): number {
  const whole = spec.resources?.requests?.["memory"];
  if (whole === undefined) return 0;
  const running = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
  const claimed = running.map(({ resources }) => resourceAmounts(resources?.requests)).reduce(addResources).memoryBytes;
  return Math.max(0, Math.floor((bytesValue(whole) - claimed) / running.length));
}
