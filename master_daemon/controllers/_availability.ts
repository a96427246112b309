import type { Pod } from "../../core/kinds/mod.ts";
import { isPodAvailable, isPodReady } from "../../core/kinds/pod_helpers.ts";
import { podReadyTime } from "./_rank_pods.ts";

/** Milliseconds until the next pod that is ready counts as available; undefined when none waits for that. */
export function untilAvailable(
  pods: readonly Pod[],
  { minReadySeconds = 0, nowMs }: { readonly minReadySeconds?: number | undefined; readonly nowMs: number },
): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const waits = pods
    .filter((one) => isPodReady(one) && !isPodAvailable(one, { minReadySeconds, now: nowMs }))
    .map((one) => Date.parse(podReadyTime(one) ?? "") + minReadySeconds * 1000 - nowMs)
    .filter(Number.isFinite);
  return waits.length > 0 ? Math.max(1, Math.min(...waits)) : undefined;
}
