import { findCondition } from "../../api/meta.ts";
import type { HorizontalPodAutoscaler } from "../../kinds/mod.ts";
import { conditionText, counted, type Explainer, type Reason } from "./explanation.ts";

/** Why a HorizontalPodAutoscaler does not scale, or what keeps it from going further. */
export const explainAutoscaler: Explainer<HorizontalPodAutoscaler> = async ({ spec, status }) => {
  const { minReplicas = 1, maxReplicas, scaleTargetRef } = spec;
  const target = `${scaleTargetRef.kind.toLowerCase()}/${scaleTargetRef.name}`;
  const { currentReplicas = 0, desiredReplicas = 0, conditions = [] } = status ?? {};
  const state = `${counted(currentReplicas, "replica")} of ${minReplicas} to ${maxReplicas}, ${desiredReplicas} wanted`;
  if (conditions.length === 0) {
    const says = "its controller has not looked at it yet";
    return { state, isWell: false, reasons: [{ stage: "condition", says, remedy: "check that the controllers run" }] };
  }
  const reasons = ["AbleToScale", "ScalingActive"].flatMap((type): Reason[] => {
    const condition = findCondition(conditions, type);
    if (!condition || condition.status === "True") return [];
    const says = conditionText(condition);
    const since = condition.lastTransitionTime ?? undefined;
    return [{ stage: "condition", says, since, remedy: remedyOf(`${condition.reason} ${says}`, target) }];
  });
  const limited = findCondition(conditions, "ScalingLimited");
  if (limited?.status === "True" && limited.reason === "TooManyReplicas") {
    const since = limited.lastTransitionTime ?? undefined;
    reasons.push({ stage: "condition", says: conditionText(limited), since, remedy: "raise spec.maxReplicas" });
  }
  return { state, isWell: reasons.length === 0, reasons };
};

function remedyOf(trouble: string, target: string): string | undefined {
  if (/ScalingDisabled/.test(trouble)) return `it starts again with a replica: wherry scale ${target} --replicas=1`;
  if (/missing request for (\S+)/.test(trouble))
    return `let every container of ${target} ask for ${/missing request for (\S+)/.exec(trouble)?.[1]} in resources.requests`;
  if (/FailedGetScale/.test(trouble)) return `make ${target}, or correct spec.scaleTargetRef`;
  if (/metric/i.test(trouble))
    return `wherry why ${target}, and check that there are figures of its pods: wherry top pods`;
  return undefined;
}
