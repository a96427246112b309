import { hostPorts, PortTable } from "../../core/kinds/host_ports.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { PodFailure } from "./plan_pod.ts";

/**
 * Why a node does not take a pod beside those that it has: one takes a port of the node that it wants. A scheduler would not
 * have sent it there, but who writes `spec.nodeName` does not ask the scheduler. Pure.
 *
 * @param taken the pods that the node took and that have not ended
 * @see k8s.io/kubernetes/pkg/kubelet/lifecycle/predicate.go
 */
export function podRefusal(pod: Pod, taken: () => readonly Pod[]): PodFailure | undefined {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return undefined;
  const ports = new PortTable();
  for (const other of taken()) ports.add(hostPorts(other));
  if (!wanted.some((port) => ports.conflicts(port))) return undefined;
  return {
    reason: "NodePorts",
    message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  };
}
