import { tolerates } from "../../../core/kinds/tolerates.ts";
import type { SchedulerPlugin } from "../framework.ts";

const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** Nodes that were cordoned take no pods but those that tolerate it. */
export const nodeUnschedulable: SchedulerPlugin = {
  name: "NodeUnschedulable",
  helpedBy: ["node-added", "node-updated"],
  filter(pod, { node }) {
    if (!node.spec?.unschedulable) return undefined;
    if (pod.spec.tolerations?.some((toleration) => tolerates(toleration, taint))) return undefined;
    return { reason: "node(s) were unschedulable" };
  },
};
