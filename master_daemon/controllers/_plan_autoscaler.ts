import { type Condition, setCondition } from "../../core/api/meta.ts";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from "../../core/kinds/horizontal_pod_autoscaler.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { timestamp } from "../../core/util/clock.ts";
import {
  type AutoscalerMemory,
  type Limited,
  limited,
  stabilizationWindows,
  stabilized,
} from "./_autoscaler_limits.ts";
import { type MetricProposal, proposalOf } from "./_metric_proposal.ts";
import type { Observation } from "./_replica_calculator.ts";

/** What decides besides the objects, with the names of kube-controller-manager's flags. */
export interface AutoscalerSettings {
  readonly tolerance: number;
  readonly cpuInitializationPeriodMs: number;
  readonly initialReadinessDelayMs: number;
  readonly downscaleStabilizationMs: number;
}

/** What an autoscaler sees. */
export interface ObservedAutoscaler {
  readonly autoscaler: HorizontalPodAutoscaler;
  /** Size of what is scaled. */
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** The pods of what is scaled. */
  readonly pods: readonly Pod[];
  /** Of each metric. Not asked for where {@linkcode asksMetrics} says no. */
  readonly observations: readonly Observation[];
  readonly memory: AutoscalerMemory;
  readonly settings: AutoscalerSettings;
  readonly nowMs: number;
}

/** What an autoscaler comes to. */
export interface AutoscalerPlan {
  /** The new size, and why; absent where the size stays. */
  readonly rescale?: { readonly replicas: number; readonly reason: string };
  /** As it is when nothing is rescaled; {@linkcode rescaled} tells the rest. */
  readonly status: HorizontalPodAutoscalerStatus;
  /** Warnings about the autoscaler. */
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
  readonly memory: AutoscalerMemory;
}

const gotScale = "the HPA controller was able to get the target's current scale";

/** Whether the size depends on metrics: not while it is 0, or outside of its bounds. */
export function asksMetrics({ spec }: HorizontalPodAutoscaler, replicas: number): boolean {
  const { minReplicas = 1, maxReplicas } = spec;
  return (replicas !== 0 || minReplicas === 0) && replicas <= maxReplicas && replicas >= minReplicas;
}

/**
 * What to make of the size of a workload. Pure: same arguments, same plan.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
 */
export function planAutoscaler(observed: ObservedAutoscaler): AutoscalerPlan {
  const { autoscaler, specReplicas: current, nowMs } = observed;
  const { minReplicas = 1, maxReplicas } = autoscaler.spec;
  const memory =
    observed.memory.recommendations.length > 0
      ? observed.memory
      : { ...observed.memory, recommendations: [{ replicas: current, atMs: nowMs }] };
  const conditions = withCondition(
    autoscaler.status?.conditions,
    { type: "AbleToScale", status: "True", reason: "SucceededGetScale", message: gotScale },
    nowMs,
  );
  if (asksMetrics(autoscaler, current)) return planByMetrics({ ...observed, memory }, conditions);
  const outside = (replicas: number, reason: string): AutoscalerPlan => ({
    rescale: { replicas, reason },
    status: unchanged(observed, conditions, null),
    warnings: [],
    memory,
  });
  if (current > maxReplicas) return outside(maxReplicas, "Current number of replicas above Spec.MaxReplicas");
  if (current > 0) return outside(minReplicas, "Current number of replicas below Spec.MinReplicas");
  const disabled: Condition = {
    type: "ScalingActive",
    status: "False",
    reason: "ScalingDisabled",
    message: "scaling is disabled since the replica count of the target is zero",
  };
  const status = statusOf(observed, {
    conditions: withCondition(conditions, disabled, nowMs),
    desired: current,
    metrics: null,
  });
  return { status, warnings: [], memory };
}

function planByMetrics(observed: ObservedAutoscaler, conditions: readonly Condition[]): AutoscalerPlan {
  const { autoscaler, specReplicas: current, memory, nowMs } = observed;
  const { metrics = [] } = autoscaler.spec;
  const proposals = metrics.map((metric, index) =>
    proposalOf(metric, observed.observations[index] ?? { failure: "" }, observed),
  );
  const failures = proposals.filter((one) => "failure" in one);
  const warnings = failures.map(({ reason, message }) => ({ reason, message }));
  const best = highest(proposals);
  const found = proposals.map(statusOfMetric);
  const [failure] = failures;
  // A metric that is not known may stand for more pods: fewer are made only when all are known.
  if (failure && (!best || best.replicas < current)) {
    const { reason, message } = failure;
    const unable = `the HPA was unable to compute the replica count: ${message}`;
    const count = `invalid metrics (${failures.length} invalid out of ${metrics.length})`;
    const inactive: Condition = { type: "ScalingActive", status: "False", reason, message: unable };
    return {
      status: unchanged(observed, withCondition(conditions, inactive, nowMs), found),
      warnings: [
        ...warnings,
        { reason: "FailedComputeMetricsReplicas", message: `${count}, first error is: ${failure.failure}` },
      ],
      memory,
    };
  }
  if (!best) return { status: unchanged(observed, conditions, found), warnings, memory };
  const limits = limitsOf(observed, best.replicas);
  const stable = stabilized(limits);
  const bounded = limited({ ...limits, wanted: stable.replicas });
  const from = `the HPA was able to successfully calculate a replica count from ${best.name}`;
  const steps = [
    { type: "ScalingActive", status: "True", reason: "ValidMetricFound", message: from },
    { type: "AbleToScale", status: "True", reason: stable.reason, message: stable.message },
    scalingLimited(bounded, stable.replicas),
  ] as const;
  const next = steps.reduce((list, condition) => withCondition(list, condition, nowMs), conditions);
  const done = { warnings, memory: remembering(limits) };
  if (bounded.replicas === current)
    return { ...done, status: statusOf(observed, { conditions: next, desired: current, metrics: found }) };
  const reason = best.replicas > current ? `${best.name} above target` : "All metrics below target";
  return {
    ...done,
    status: unchanged(observed, next, found),
    rescale: { replicas: bounded.replicas, reason: best.replicas === current ? "" : reason },
  };
}

function highest(proposals: readonly MetricProposal[]): Exclude<MetricProposal, { failure: string }> | undefined {
  let best: Exclude<MetricProposal, { failure: string }> | undefined;
  for (const one of proposals) if (!("failure" in one) && (!best || one.replicas > best.replicas)) best = one;
  return best;
}

function limitsOf(
  { autoscaler, specReplicas, memory, settings, nowMs }: ObservedAutoscaler,
  wanted: number,
): Parameters<typeof limited>[0] {
  const { minReplicas: min = 1, maxReplicas: max, behavior } = autoscaler.spec;
  const { downscaleStabilizationMs } = settings;
  return { current: specReplicas, wanted, min, max, behavior, memory, downscaleStabilizationMs, nowMs };
}

/** With what is wanted now, and without what no window reaches any more. */
function remembering(limits: Parameters<typeof limited>[0]): AutoscalerMemory {
  const { memory, wanted, behavior, nowMs } = limits;
  const { upMs, downMs } = stabilizationWindows(limits);
  const policies = [behavior?.scaleUp, behavior?.scaleDown].flatMap((rules) => rules?.policies ?? []);
  const longestMs = Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds * 1000));
  return {
    recommendations: [
      ...memory.recommendations.filter(({ atMs }) => atMs > nowMs - Math.max(upMs, downMs)),
      { replicas: wanted, atMs: nowMs },
    ],
    changes: memory.changes.filter(({ atMs }) => atMs > nowMs - longestMs),
  };
}

function scalingLimited({ replicas, reason, message }: Limited, wanted: number): Condition {
  return { type: "ScalingLimited", status: replicas === wanted ? "False" : "True", reason, message };
}

/** Of a metric that is not known, the place among the others is all that is shown. */
function statusOfMetric(proposal: MetricProposal): MetricStatus {
  return "failure" in proposal ? { type: "" } : proposal.status;
}

/** What is known after the size was changed, or could not be. */
export function rescaled(
  { status, memory }: AutoscalerPlan,
  { from, to, nowMs, failure }: { from: number; to: number; nowMs: number; failure?: string | undefined },
): { readonly status: HorizontalPodAutoscalerStatus; readonly memory: AutoscalerMemory } {
  const message =
    failure === undefined
      ? `the HPA controller was able to update the target scale to ${to}`
      : `the HPA controller was unable to update the target scale: ${failure}`;
  const condition: Condition =
    failure === undefined
      ? { type: "AbleToScale", status: "True", reason: "SucceededRescale", message }
      : { type: "AbleToScale", status: "False", reason: "FailedUpdateScale", message };
  const conditions = withCondition(status.conditions, condition, nowMs);
  if (failure !== undefined) return { status: { ...status, conditions }, memory };
  return {
    status: { ...status, desiredReplicas: to, lastScaleTime: timestamp({ now: () => nowMs }), conditions },
    memory: { ...memory, changes: [...memory.changes, { added: to - from, atMs: nowMs }] },
  };
}

/** The status of an autoscaler that does not even know the size of its target. */
export function withoutScale(
  { status }: HorizontalPodAutoscaler,
  reason: string,
  nowMs: number,
): HorizontalPodAutoscalerStatus {
  const message = `the HPA controller was unable to get the target's current scale: ${reason}`;
  const condition: Condition = { type: "AbleToScale", status: "False", reason: "FailedGetScale", message };
  return { desiredReplicas: 0, ...status, conditions: withCondition(status?.conditions, condition, nowMs) };
}

/** The status of an autoscaler whose target has no pods of its own. */
export function withoutSelector(
  observed: Pick<ObservedAutoscaler, "autoscaler" | "specReplicas" | "nowMs">,
  { reason, message }: { readonly reason: string; readonly message: string },
): HorizontalPodAutoscalerStatus {
  const { autoscaler, nowMs } = observed;
  const next = [
    { type: "AbleToScale", status: "True", reason: "SucceededGetScale", message: gotScale },
    { type: "ScalingActive", status: "False", reason, message },
  ] as const;
  const before: readonly Condition[] = autoscaler.status?.conditions ?? [];
  return unchanged(
    observed,
    next.reduce((list, condition) => withCondition(list, condition, nowMs), before),
    null,
  );
}

/** With the number that was wanted before. */
function unchanged(
  observed: Pick<ObservedAutoscaler, "autoscaler" | "specReplicas">,
  conditions: readonly Condition[],
  metrics: readonly MetricStatus[] | null,
): HorizontalPodAutoscalerStatus {
  const { desiredReplicas: desired = 0 } = observed.autoscaler.status ?? {};
  return statusOf(observed, { conditions, desired, metrics });
}

function statusOf(
  { autoscaler, specReplicas }: Pick<ObservedAutoscaler, "autoscaler" | "specReplicas">,
  {
    conditions,
    desired,
    metrics,
  }: { conditions: readonly Condition[]; desired: number; metrics: readonly MetricStatus[] | null },
): HorizontalPodAutoscalerStatus {
  const { lastScaleTime } = autoscaler.status ?? {};
  return {
    ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    currentReplicas: specReplicas,
    desiredReplicas: desired,
    currentMetrics: metrics,
    conditions,
  };
}

function withCondition(
  conditions: readonly Condition[] | undefined,
  condition: Condition,
  nowMs: number,
): readonly Condition[] {
  return setCondition(conditions, { ...condition, lastTransitionTime: timestamp({ now: () => nowMs }) });
}
