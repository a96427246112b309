import { hostPorts } from "../../../core/kinds/host_ports.ts";
import type { SchedulerPlugin } from "../framework.ts";

/** Keeps pods off nodes whose ports they want are taken. */
export const nodePorts: SchedulerPlugin = {
  name: "NodePorts",
  helpedBy: ["node-added", "pod-deleted"],
  filter(pod, node, state) {
    const ports = state.once("NodePorts", () => hostPorts(pod));
    if (!ports.some((port) => node.isPortTaken(port))) return undefined;
    return { reason: "node(s) didn't have free ports for the requested pod ports", preemptionHelps: true };
  },
};
