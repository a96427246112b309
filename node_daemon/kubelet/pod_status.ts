import { sameJson } from "../../core/api/json_object.ts";
import type { ContainerStatus, PodPhase, PodStatus } from "../../core/kinds/pod.ts";
import { hasPodLevelResources, qosClass } from "../../core/kinds/pod_resources.ts";
import { compact } from "../../core/util/compact.ts";
import { containerStatus } from "./container_status.ts";
import { conditionsOf, incompleteInits } from "./pod_conditions.ts";
import { latestSandbox } from "./pod_view.ts";
import { limitChanges, resourcesInForce } from "./resources/container_limits.ts";
import { limitsTogether } from "./resources/pod_limits.ts";
import { type StatusInput, statusTime } from "./status_input.ts";

/**
 * The status of a pod as the kubelet reports it. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
export function podStatus(input: StatusInput): PodStatus {
  const { pod, previous, failure, nodeIPs, now } = input;
  const inits = (pod.spec.initContainers ?? []).map((spec) => containerStatus(spec, "init", input));
  const mains = pod.spec.containers.map((spec) => containerStatus(spec, "main", input));
  const ephemerals = (pod.spec.ephemeralContainers ?? []).map((spec) => containerStatus(spec, "ephemeral", input));
  const phase = phaseOf(input, inits, mains);
  const podIPs = podAddresses(input);
  const [podIP] = podIPs;
  const conditions = conditionsOf(input, phase, inits, mains);
  const reason = phase === "Failed" ? (failure ?? previous) : undefined;
  return compact<PodStatus>({
    observedGeneration: pod.metadata.generation,
    phase,
    conditions,
    reason: reason?.reason,
    message: reason?.message,
    nominatedNodeName: undefined,
    hostIP: nodeIPs[0],
    hostIPs: nodeIPs.length > 0 ? nodeIPs.map((ip) => ({ ip })) : undefined,
    podIP,
    podIPs: podIPs.length > 0 ? podIPs.map((ip) => ({ ip })) : undefined,
    startTime: previous?.startTime ?? statusTime(now),
    initContainerStatuses: inits.length > 0 ? inits : undefined,
    containerStatuses: byName(mains),
    ephemeralContainerStatuses: ephemerals.length > 0 ? byName(ephemerals) : undefined,
    qosClass: previous?.qosClass ?? qosClass(pod),
    ...podResources(input),
  });
}

/** What a pod that asks for something as a whole was given, and has. */
function podResources({
  pod,
  limitsTogether: present,
}: StatusInput): Pick<PodStatus, "allocatedResources" | "resources"> {
  const { resources } = pod.spec;
  if (!resources || !hasPodLevelResources(pod.spec)) return {};
  const differs = present !== undefined && limitChanges(present, limitsTogether({ ...pod, status: {} })).length > 0;
  return compact<Pick<PodStatus, "allocatedResources" | "resources">>({
    allocatedResources: resources.requests,
    resources: differs ? resourcesInForce({ resources }, present) : resources,
  });
}

function byName(statuses: readonly ContainerStatus[]): readonly ContainerStatus[] {
  return [...statuses].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The addresses of the node, the one of the sandbox, or the one that it had. */
function podAddresses({ pod, sandboxes, nodeIPs, previous }: StatusInput): readonly string[] {
  const sandbox = latestSandbox(sandboxes);
  if (pod.spec.hostNetwork) return sandbox || previous?.podIP ? nodeIPs : [];
  const ip = sandbox?.ip ?? previous?.podIP;
  return ip === undefined ? [] : [ip];
}

/** @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase */
function phaseOf(input: StatusInput, inits: readonly ContainerStatus[], mains: readonly ContainerStatus[]): PodPhase {
  const { previous, failure, ending } = input;
  if (failure && ending === "ended") return "Failed";
  if (previous?.phase === "Failed" || previous?.phase === "Succeeded") return previous.phase;
  if (ending === "ended") return mains.every(({ state }) => state?.terminated?.exitCode === 0) ? "Succeeded" : "Failed";
  if (incompleteInits(input, inits).length > 0) return "Pending";
  // A container that waits for its restart has run: only one that never did keeps the pod pending.
  return mains.some(({ state, lastState }) => state?.waiting && !lastState?.terminated) ? "Pending" : "Running";
}

/** Whether two statuses say the same, apart from when things were looked at. */
export function sameStatus(a: PodStatus | undefined, b: PodStatus | undefined): boolean {
  return sameJson(a, b);
}
