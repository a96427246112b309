import type { SchedulerPlugin } from "../framework.ts";

/** A pod that names its node goes there or nowhere. */
export const nodeName: SchedulerPlugin = {
  name: "NodeName",
  helpedBy: ["node-added"],
  preFilter: ({ spec }) => (spec.nodeName ? undefined : "skip"),
  filter(pod, node) {
    if (!pod.spec.nodeName || pod.spec.nodeName === node.name) return undefined;
    return { reason: "node(s) didn't match the requested node name" };
  },
};
