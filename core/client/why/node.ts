import { selectorFromObject } from "../../api/labels.ts";
import { findCondition } from "../../api/meta.ts";
import { type Node, pod, podDisruptionBudget } from "../../kinds/mod.ts";
import { isPodTerminal } from "../../kinds/pod_helpers.ts";
import { conditionText, type Explainer, type Reason, type WhyContext } from "./explanation.ts";
import { list } from "./look.ts";

/** Why a node takes no pods. */
export const explainNode: Explainer<Node> = async ({ metadata: { name = "" }, spec = {}, status = {} }, context) => {
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
  const budgets = spec.unschedulable ? await heldPods(name, context) : [];
  const isReady = ready?.status === "True";
  const state = `${isReady ? "Ready" : "NotReady"}${spec.unschedulable ? ", cordoned" : ""}`;
  return { state, isWell: isReady && reasons.length === taints.length, reasons: [...reasons, ...budgets] };
};

/** The pods of a cordoned node that a drain would wait for. */
async function heldPods(name: string, context: WhyContext): Promise<readonly Reason[]> {
  const [pods, budgets] = await Promise.all([
    list(pod, context, { fieldSelector: `spec.nodeName=${name}` }),
    list(podDisruptionBudget, context),
  ]);
  if (!pods || !budgets) return [];
  return budgets.flatMap(({ metadata, spec, status }): Reason[] => {
    if ((status?.disruptionsAllowed ?? 0) > 0 || !spec?.selector) return [];
    const selector = selectorFromObject(spec.selector);
    const held = pods.filter(
      (one) =>
        one.metadata.namespace === metadata.namespace &&
        !isPodTerminal(one) &&
        selector.matches(one.metadata.labels ?? {}),
    );
    if (held.length === 0) return [];
    return [
      {
        stage: "eviction",
        says: `the PodDisruptionBudget ${metadata.name} in namespace ${metadata.namespace} lets none of its pods be evicted now`,
        details: held.map((one) => `pod/${one.metadata.name ?? ""}`),
        remedy: `wherry why pdb/${metadata.name} -n ${metadata.namespace}`,
      },
    ];
  });
}
