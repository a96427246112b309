import { PortTable } from "../../../core/kinds/host_ports.ts";
import { podNeeds } from "../_pod_needs.ts";
import type { SchedulerPlugin } from "../framework.ts";

/** Keeps pods off nodes whose ports they want are taken. */
export const nodePorts: SchedulerPlugin = {
  name: "NodePorts",
  helpedBy: ["node-added", "pod-deleted"],
  isHelpedBy(event, pod) {
    if (event.type !== "pod-deleted") return true;
    const freed = new PortTable();
    freed.add(podNeeds(event.pod).ports);
    return podNeeds(pod).ports.some((port) => freed.conflicts(port));
  },
  preFilter: (pod) => (podNeeds(pod).ports.length === 0 ? "skip" : undefined),
  filter(pod, node) {
    if (!podNeeds(pod).ports.some((port) => node.isPortTaken(port))) return undefined;
    return { reason: "node(s) didn't have free ports for the requested pod ports", preemptionHelps: true };
  },
};
