import type { Node, Pod, Taint } from "../../../core/kinds/mod.ts";
import { tolerates, untolerated } from "../../../core/kinds/tolerates.ts";
import { type SchedulerPlugin, scaleScores } from "../framework.ts";

/** Keeps pods off nodes with taints that they do not tolerate, and rather off those that prefer none. */
export const taintToleration: SchedulerPlugin = {
  name: "TaintToleration",
  helpedBy: ["node-added", "node-updated"],
  isHelpedBy(event, pod) {
    const isKeptOff = ({ spec }: Node) => refusing(spec?.taints, pod) !== undefined;
    if (event.type === "node-updated") return !isKeptOff(event.node) && isKeptOff(event.previous);
    return !("node" in event) || !isKeptOff(event.node);
  },
  preFilter: (_pod, { taintedNodes }) => (taintedNodes === 0 ? "skip" : undefined),
  filter(pod, { hardTaints }) {
    const taint = hardTaints.length > 0 ? refusing(hardTaints, pod) : undefined;
    return taint && { reason: `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}` };
  },
  preScore: (_pod, nodes) => nodes.some(({ softTaints }) => softTaints.length > 0),
  score(pod, { softTaints }) {
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === "PreferNoSchedule");
    return softTaints.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint))).length;
  },
  normalizeScores: (scores) => scaleScores(scores, { reverse: true }),
};

function refusing(taints: readonly Taint[] | undefined, pod: Pod): Taint | undefined {
  return untolerated(taints, pod.spec.tolerations, ["NoSchedule", "NoExecute"]);
}
