import type { Node, Pod } from "../../../core/kinds/mod.ts";
import { tolerates } from "../../../core/kinds/tolerates.ts";
import type { SchedulerPlugin } from "../framework.ts";

const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** Nodes that were cordoned take no pods but those that tolerate it. */
export const nodeUnschedulable: SchedulerPlugin = {
  name: "NodeUnschedulable",
  helpedBy: ["node-added", "node-updated"],
  isHelpedBy(event, pod) {
    if (event.type === "node-updated") return takes(event.node, pod) && !takes(event.previous, pod);
    return !("node" in event) || takes(event.node, pod);
  },
  preFilter: (_pod, { unschedulableNodes }) => (unschedulableNodes === 0 ? "skip" : undefined),
  filter: (pod, { node }) => (takes(node, pod) ? undefined : { reason: "node(s) were unschedulable" }),
};

function takes({ spec }: Node, pod: Pod): boolean {
  return !spec?.unschedulable || (pod.spec.tolerations?.some((toleration) => tolerates(toleration, taint)) ?? false);
}
