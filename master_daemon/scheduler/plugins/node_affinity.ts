import { isNodeWanted, matchesNodeTerm } from "../../../core/kinds/node_selection.ts";
import { type SchedulerPlugin, scaleScores } from "../framework.ts";

/** Keeps pods on nodes that their nodeSelector and required node affinity ask for, rather those that they prefer. */
export const nodeAffinity: SchedulerPlugin = {
  name: "NodeAffinity",
  helpedBy: ["node-added", "node-updated"],
  filter(pod, { node }) {
    return isNodeWanted(pod, node) ? undefined : { reason: "node(s) didn't match Pod's node affinity/selector" };
  },
  score(pod, { node }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    return preferred.reduce((sum, { weight, preference }) => sum + (matchesNodeTerm(preference, node) ? weight : 0), 0);
  },
  normalizeScores: (scores) => scaleScores(scores),
};
