import { factsOf, type Observations, type PressureCondition } from "./signals.ts";
import { type EvictionConfig, type Threshold, thresholdsMet } from "./thresholds.ts";

/** What is remembered from one look at a node to the next. Times are of a clock that does not jump. */
export interface EvictionState {
  /** Since when a threshold has been met without a break. */
  readonly metSince: ReadonlyMap<Threshold, number>;
  /** When a condition was last true. */
  readonly lastTrue: ReadonlyMap<PressureCondition, number>;
  /** Thresholds that have been met for their grace period. */
  readonly due: readonly Threshold[];
}

/** What a look at a node leads to. */
export interface EvictionPlan {
  readonly state: EvictionState;
  /** What the Node says of itself, in Kubernetes' order. */
  readonly conditions: readonly PressureCondition[];
  /** What has to be freed now, the most urgent first. */
  readonly due: readonly Threshold[];
}

/** Nothing seen yet. */
export const noEvictionState: EvictionState = { metSince: new Map(), lastTrue: new Map(), due: [] };

const order: readonly PressureCondition[] = ["MemoryPressure", "DiskPressure", "PIDPressure"];

/**
 * What follows from what is left of everything. Pure.
 *
 * @param now milliseconds of a clock that does not jump
 * @see k8s.io/kubernetes/pkg/kubelet/eviction/eviction_manager.go, synchronize
 */
export function planEviction(
  state: EvictionState,
  observations: Observations,
  { config, now }: { readonly config: EvictionConfig; readonly now: number },
): EvictionPlan {
  const notReclaimed = thresholdsMet(state.due, observations, { reclaiming: true });
  const met = new Set([...thresholdsMet(config.thresholds, observations), ...notReclaimed]);
  const metSince = new Map([...met].map((threshold) => [threshold, state.metSince.get(threshold) ?? now]));
  const lastTrue = new Map(state.lastTrue);
  for (const { signal } of met) lastTrue.set(factsOf(signal).condition, now);
  const conditions = order.filter((condition) => {
    const at = lastTrue.get(condition);
    return at !== undefined && (at === now || now - at < config.transitionPeriodMs);
  });
  const due = [...metSince].flatMap(([threshold, since]) =>
    now - since >= threshold.gracePeriodMs ? [threshold] : [],
  );
  return { state: { metSince, lastTrue, due }, conditions, due: [...due].sort(byUrgency) };
}

/** Memory before all else: who is short of it is killed by the system. */
function byUrgency(a: Threshold, b: Threshold): number {
  const rank = ({ signal }: Threshold) => (signal === "memory.available" ? 0 : 1);
  return rank(a) - rank(b);
}
