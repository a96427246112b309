import type { AutoscalerBehavior, ScalingRules } from "../../core/kinds/horizontal_pod_autoscaler.ts";

/** What an autoscaler remembers between two looks. */
export interface AutoscalerMemory {
  /** What the metrics asked for, before any limit. */
  readonly recommendations: readonly { readonly replicas: number; readonly atMs: number }[];
  /** What was done. */
  readonly changes: readonly { readonly added: number; readonly atMs: number }[];
}

/** What is to be kept within limits. */
export interface LimitedReplicas {
  readonly current: number;
  /** What the metrics ask for. */
  readonly wanted: number;
  readonly min: number;
  readonly max: number;
  readonly behavior: AutoscalerBehavior | undefined;
  readonly memory: AutoscalerMemory;
  /** For how long more pods stay than the metrics ask for, where the behaviour does not say. */
  readonly downscaleStabilizationMs: number;
  readonly nowMs: number;
}

/** Why a number differs from what was wanted, or that it does not. */
export interface Limited {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

const higherBefore = "recent recommendations were higher than current one, applying the highest recent recommendation";
const lowerBefore = "recent recommendations were lower than current one, applying the lowest recent recommendation";

/** How far back the recommendations matter when fewer pods are asked for, and when more are, in milliseconds. */
export function stabilizationWindows({ behavior, downscaleStabilizationMs }: LimitedReplicas): {
  readonly upMs: number;
  readonly downMs: number;
} {
  return {
    upMs: windowMs(behavior?.scaleUp, 0),
    downMs: windowMs(behavior?.scaleDown, downscaleStabilizationMs),
  };
}

function windowMs(rules: ScalingRules | undefined, defaultMs: number): number {
  const seconds = rules?.stabilizationWindowSeconds;
  return seconds === undefined ? defaultMs : seconds * 1000;
}

/**
 * Keeps the size from going up and down with every metric: it grows no further than the lowest recommendation of the
 * window for growing, and shrinks no further than the highest of the one for shrinking.
 */
export function stabilized(replicas: LimitedReplicas): Limited {
  const { current, wanted, memory, nowMs } = replicas;
  const { upMs, downMs } = stabilizationWindows(replicas);
  const since = (ms: number) => memory.recommendations.filter(({ atMs }) => atMs > nowMs - ms);
  const lowest = Math.min(wanted, ...since(upMs).map((one) => one.replicas));
  const highest = Math.max(wanted, ...since(downMs).map((one) => one.replicas));
  // Without rules nothing is said of scaling up: the most of what was asked for counts.
  const stable = replicas.behavior ? Math.min(Math.max(current, lowest), highest) : highest;
  if (stable === wanted)
    return { replicas: stable, reason: "ReadyForNewScale", message: "recommended size matches current size" };
  return stable < wanted
    ? { replicas: stable, reason: "ScaleUpStabilized", message: lowerBefore }
    : { replicas: stable, reason: "ScaleDownStabilized", message: higherBefore };
}

/** Keeps a number between the least and the most, and its change within what is allowed in a time. */
export function limited(replicas: LimitedReplicas): Limited {
  const { current, wanted, min, max } = replicas;
  const upTo = Math.max(current, highestAllowed(replicas));
  const downTo = Math.min(current, lowestAllowed(replicas));
  if (wanted > current && wanted > Math.min(max, upTo))
    return max > upTo
      ? limit(upTo, "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
      : limit(max, "TooManyReplicas", "the desired replica count is more than the maximum replica count");
  if (wanted < current && wanted < Math.max(min, downTo))
    return min < downTo
      ? limit(downTo, "ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
      : limit(min, "TooFewReplicas", "the desired replica count is less than the minimum replica count");
  return limit(wanted, "DesiredWithinRange", "the desired count is within the acceptable range");
}

function limit(replicas: number, reason: string, message: string): Limited {
  return { replicas, reason, message };
}

/** Without rules: twice as many, or 4. */
function highestAllowed({ current, behavior, memory, nowMs }: LimitedReplicas): number {
  const rules = behavior?.scaleUp;
  if (!rules) return Math.max(2 * current, 4);
  return chosen(rules, current, { Max: Math.max, Min: Math.min }, ({ type, value, periodSeconds }) => {
    const before = current - netChange(memory, nowMs - periodSeconds * 1000);
    // Rounded up, or a part of few pods would be none.
    return type === "Pods" ? before + value : Math.ceil(before * (1 + value / 100));
  });
}

/** Without rules: none at all. */
function lowestAllowed({ current, behavior, memory, nowMs }: LimitedReplicas): number {
  const rules = behavior?.scaleDown;
  if (!rules) return 0;
  return chosen(rules, current, { Max: Math.min, Min: Math.max }, ({ type, value, periodSeconds }) => {
    const before = current - netChange(memory, nowMs - periodSeconds * 1000);
    return type === "Pods" ? before - value : Math.trunc(before * (1 - value / 100));
  });
}

function chosen(
  { selectPolicy = "Max", policies = [] }: ScalingRules,
  current: number,
  select: { Max(...bounds: number[]): number; Min(...bounds: number[]): number },
  boundOf: (policy: NonNullable<ScalingRules["policies"]>[number]) => number,
): number {
  if (selectPolicy === "Disabled") return current;
  return (selectPolicy === "Min" ? select.Min : select.Max)(...policies.map(boundOf));
}

function netChange({ changes }: AutoscalerMemory, sinceMs: number): number {
  return changes.reduce((sum, { added, atMs }) => (atMs > sinceMs ? sum + added : sum), 0);
}
