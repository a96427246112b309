import { findCondition } from "../../api/meta.ts";
import type { Node } from "../../kinds/mod.ts";
import { conditionText, type Explainer, type Reason } from "./explanation.ts";

/** Why a node takes no pods. */
export const explainNode: Explainer<Node> = async ({ metadata: { name = "" }, spec = {}, status = {} }) => {
  const reasons: Reason[] = [];
  const conditions = status.conditions ?? [];
  const ready = findCondition(conditions, "Ready");
  if (ready?.status !== "True") {
    reasons.push({
      stage: "condition",
      says: ready ? conditionText(ready) : "its daemon has not said anything about it yet",
      since: ready?.lastTransitionTime ?? undefined,
      remedy: "check that its daemon runs and reaches the API",
    });
  }
  for (const condition of conditions) {
    if (condition.type === "Ready" || condition.status !== "True") continue;
    reasons.push({
      stage: "condition",
      says: conditionText(condition),
      since: condition.lastTransitionTime ?? undefined,
    });
  }
  if (spec.unschedulable)
    reasons.push({ stage: "scheduling", says: "it was cordoned", remedy: `wherry uncordon ${name}` });
  const taints = (spec.taints ?? []).filter(({ key }) => !key.startsWith("node.kubernetes.io/"));
  for (const { key, value, effect } of taints)
    reasons.push({
      stage: "scheduling",
      says: `pods need to tolerate its taint ${key}${value ? `=${value}` : ""}:${effect}`,
    });
  const isReady = ready?.status === "True";
  const state = `${isReady ? "Ready" : "NotReady"}${spec.unschedulable ? ", cordoned" : ""}`;
  return { state, isWell: isReady && reasons.length === taints.length, reasons };
};
