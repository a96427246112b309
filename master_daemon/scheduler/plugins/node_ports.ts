import { hostPorts, PortTable } from "../../../core/kinds/host_ports.ts";
import type { SchedulerPlugin } from "../framework.ts";

/** Keeps pods off nodes whose ports they want are taken. */
export const nodePorts: SchedulerPlugin = {
  name: "NodePorts",
  helpedBy: ["node-added", "pod-deleted"],
  isHelpedBy(event, pod) {
    if (event.type !== "pod-deleted") return true;
    const freed = new PortTable();
    freed.add(hostPorts(event.pod));
    return hostPorts(pod).some((port) => freed.conflicts(port));
  },
  filter(pod, node, state) {
    const ports = state.once("NodePorts", () => hostPorts(pod));
    if (!ports.some((port) => node.isPortTaken(port))) return undefined;
    return { reason: "node(s) didn't have free ports for the requested pod ports", preemptionHelps: true };
  },
};
