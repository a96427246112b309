import { tolerates, untolerated } from "../../../core/kinds/tolerates.ts";
import { type SchedulerPlugin, scaleScores } from "../framework.ts";

/** Keeps pods off nodes with taints that they do not tolerate, and rather off those that prefer none. */
export const taintToleration: SchedulerPlugin = {
  name: "TaintToleration",
  helpedBy: ["node-added", "node-updated"],
  filter(pod, { node }) {
    const taint = untolerated(node.spec?.taints, pod.spec.tolerations, ["NoSchedule", "NoExecute"]);
    return taint && { reason: `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}` };
  },
  score(pod, { node }) {
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === "PreferNoSchedule");
    return (node.spec?.taints ?? []).filter(
      (taint) => taint.effect === "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, taint)),
    ).length;
  },
  normalizeScores: (scores) => scaleScores(scores, { reverse: true }),
};
