import { scaledValue } from "../../core/api/intstr.ts";
import { type Condition, findCondition, setCondition } from "../../core/api/meta.ts";
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";
import { timestamp } from "../../core/util/clock.ts";

/** How long a pod whose eviction was agreed to may take to be deleted. */
const deletionTimeoutMs = 120_000;

/** What is known about a budget. */
export interface ObservedBudget {
  readonly budget: PodDisruptionBudget;
  /** The pods that it selects. */
  readonly pods: readonly Pod[];
  /** How many pods those who made these pods want, all together. Only asked for where the budget depends on it. */
  readonly expectedScale: number;
  readonly nowMs: number;
}

/** What a budget comes to. */
export interface DisruptionPlan {
  readonly status: PodDisruptionBudgetStatus;
  /** Pods whose eviction was agreed to, and that are still there. */
  readonly notDeleted: readonly Pod[];
  readonly requeueAfterMs: number | undefined;
}

/** Whether the size of the pods' owners matters: for parts of it, and for what may be missing. */
export function dependsOnScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === "string";
}

/**
 * How many pods may be evicted. Pure: same arguments, same plan.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/disruption/disruption.go
 */
export function planDisruption(observed: ObservedBudget): DisruptionPlan {
  const { budget, pods, nowMs } = observed;
  const { expectedPods, desiredHealthy } = expectations(observed);
  const disrupted: [string, string][] = [];
  const notDeleted: Pod[] = [];
  const waits: number[] = [];
  for (const pod of pods.filter(({ metadata }) => !metadata.deletionTimestamp)) {
    const { name = "" } = pod.metadata;
    const since = ownTime(budget, name);
    if (since === undefined) continue;
    const leftMs = Date.parse(since) + deletionTimeoutMs - nowMs;
    if (leftMs < 0) notDeleted.push(pod);
    else {
      disrupted.push([name, since]);
      waits.push(Math.max(1, leftMs));
    }
  }
  const going = new Set(disrupted.map(([name]) => name));
  const currentHealthy = pods.filter(
    (pod) => !pod.metadata.deletionTimestamp && !going.has(pod.metadata.name ?? "") && isPodReady(pod),
  ).length;
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const condition: Condition =
    disruptionsAllowed > 0
      ? { type: "DisruptionAllowed", status: "True", reason: "SufficientPods", message: "" }
      : { type: "DisruptionAllowed", status: "False", reason: "InsufficientPods", message: "" };
  const status: PodDisruptionBudgetStatus = {
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
    ...(disrupted.length > 0 ? { disruptedPods: Object.fromEntries(disrupted) } : {}),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: withCondition(budget, condition, nowMs),
  };
  return { status, notDeleted, requeueAfterMs: waits.length > 0 ? Math.min(...waits) : undefined };
}

function ownTime({ status }: PodDisruptionBudget, podName: string): string | undefined {
  const { disruptedPods } = status ?? {};
  return disruptedPods && Object.hasOwn(disruptedPods, podName) ? disruptedPods[podName] : undefined;
}

function expectations({ budget, pods, expectedScale }: ObservedBudget): {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
} {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const roundUp = true;
  if (maxUnavailable !== undefined) {
    const missing = scaledValue(maxUnavailable, expectedScale, { roundUp });
    return { expectedPods: expectedScale, desiredHealthy: Math.max(0, expectedScale - missing) };
  }
  if (typeof minAvailable === "string")
    return { expectedPods: expectedScale, desiredHealthy: scaledValue(minAvailable, expectedScale, { roundUp }) };
  return minAvailable === undefined
    ? { expectedPods: 0, desiredHealthy: 0 }
    : { expectedPods: pods.length, desiredHealthy: minAvailable };
}

/** The status of a budget that cannot be reckoned: nothing may be evicted. */
export function failedStatus(budget: PodDisruptionBudget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  const condition: Condition = { type: "DisruptionAllowed", status: "False", reason: "SyncFailed", message };
  const { status } = budget;
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...status,
    disruptionsAllowed: 0,
    conditions: withCondition(budget, condition, nowMs),
  };
}

function withCondition(
  { metadata, status }: PodDisruptionBudget,
  condition: Condition,
  nowMs: number,
): readonly Condition[] {
  const { generation } = metadata;
  const present = findCondition(status?.conditions, condition.type);
  // Whoever changed nothing writes nothing.
  if (present && present.status === condition.status && present.reason === condition.reason) {
    const same = present.message === condition.message && present.observedGeneration === generation;
    if (same) return status?.conditions ?? [];
  }
  return setCondition(status?.conditions, {
    ...condition,
    lastTransitionTime: timestamp({ now: () => nowMs }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  });
}
