import { formatLabelSelector } from "../../api/labels.ts";
import { findCondition } from "../../api/meta.ts";
import { type PodDisruptionBudget, pod } from "../../kinds/mod.ts";
import { isPodReady, isPodTerminal } from "../../kinds/pod_helpers.ts";
import { conditionText, counted, type Explainer, type Reason } from "./explanation.ts";

/** Why a PodDisruptionBudget lets no pod be evicted. */
export const explainBudget: Explainer<PodDisruptionBudget> = async ({ metadata, spec, status }, context) => {
  const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0, expectedPods = 0 } = status ?? {};
  const state = `${counted(disruptionsAllowed, "pod")} may be evicted now`;
  if (disruptionsAllowed > 0) return { state, isWell: true, reasons: [] };
  const condition = findCondition(status?.conditions, "DisruptionAllowed");
  const since = condition?.lastTransitionTime ?? undefined;
  if (condition?.reason === "SyncFailed")
    return { state, isWell: false, reasons: [{ stage: "condition", says: conditionText(condition), since }] };
  const { client, signal } = context;
  const labelSelector = formatLabelSelector(spec?.selector ?? {});
  const { items } = await client.list(pod, { namespace: metadata.namespace, labelSelector, signal });
  const pods = items.filter((one) => !isPodTerminal(one));
  if (pods.length === 0) {
    const says = `no pod has the labels ${labelSelector}`;
    const remedy = "compare the budget's selector with the labels of the pods";
    return { state, isWell: false, reasons: [{ stage: "pods", says, remedy }] };
  }
  const unready = pods.find((one) => !isPodReady(one))?.metadata.name;
  const reason: Reason = {
    stage: "pods",
    says: `${currentHealthy} of ${counted(expectedPods, "pod")} are healthy, and ${desiredHealthy} have to stay so`,
    since,
    remedy:
      desiredHealthy >= expectedPods
        ? "let it do without one: raise the number of replicas, lower minAvailable, or raise maxUnavailable"
        : unready && `wherry why pod/${unready}`,
  };
  return { state, isWell: false, reasons: [reason] };
};
