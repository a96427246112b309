import { selectorFromObject } from "../../../core/api/labels.ts";
import { findCondition } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { Pod, PodDisruptionBudget } from "../../../core/kinds/mod.ts";
import { isPodReady } from "../../../core/kinds/pod_helpers.ts";

/** More evictions that nobody has confirmed are too many. */
const maxDisruptedPods = 2000;

/** The budgets that guard a pod. */
export function budgetsOf(pod: Pod, budgets: readonly PodDisruptionBudget[]): readonly PodDisruptionBudget[] {
  return budgets.filter(
    ({ spec }) => spec?.selector && selectorFromObject(spec.selector).matches(pod.metadata.labels ?? {}),
  );
}

/** Whether a pod may go without a look at budgets: it has ended, never ran, or is going already. */
export function needsNoBudget({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || ["Succeeded", "Failed", "Pending"].includes(status?.phase ?? "");
}

/** Whether a pod is not counted as healthy, so that its end takes nothing from its budget. */
export function costsNothing(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isPodReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/**
 * The budget with one disruption less, and the pod on its list.
 *
 * @param now RFC 3339 text
 * @throws StatusError TooManyRequests when no pod can be spared, or the budget is too new to tell
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/storage/eviction.go checkAndDecrement
 */
export function spend(budget: PodDisruptionBudget, podName: string, now: string): PodDisruptionBudget {
  const { metadata, status } = budget;
  const { name = "" } = metadata;
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = status ?? {};
  if (observedGeneration < (metadata.generation ?? 0)) throw stillProcessed(name);
  const forbidden = (reason: string) =>
    StatusError.forbidden({ group: "policy", plural: "poddisruptionbudget" }, name, reason);
  if (disruptionsAllowed < 0) throw forbidden("pdb disruptions allowed is negative");
  if (Object.keys(disruptedPods).length > maxDisruptedPods)
    throw forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  if (!status || disruptionsAllowed === 0) throw refusal(whyNone(budget));
  const entries = [...Object.entries(disruptedPods).filter(([other]) => other !== podName), [podName, now]];
  return {
    ...budget,
    status: { ...status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods: Object.fromEntries(entries) },
  };
}

function whyNone({ metadata: { name }, status }: PodDisruptionBudget): string {
  const condition = findCondition(status?.conditions, "DisruptionAllowed");
  if (condition?.status === "False" && condition.reason === "SyncFailed")
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
}

/** The answer while nobody has looked at a budget since it was changed. */
export function stillProcessed(name: string): StatusError {
  return refusal(`The disruption budget ${name} is still being processed by the server.`, 10);
}

function refusal(cause: string, retryAfterSeconds?: number): StatusError {
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  return new StatusError(429, "TooManyRequests", message, {
    causes: [{ reason: "DisruptionBudget", message: cause }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
