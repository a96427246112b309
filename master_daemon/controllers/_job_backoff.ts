import type { Pod } from "../../core/kinds/mod.ts";
import { finishedAtMs } from "./_job_pods.ts";

/** How often pods of a job have failed since one succeeded, and when last. */
export interface PodBackoff {
  readonly failures: number;
  readonly lastFailureMs: number;
}

const baseMs = 10_000;
const maxMs = 600_000;

/**
 * The back-off after some more pods have ended. Only failures after the last success count.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy
 */
export function nextBackoff(
  previous: PodBackoff | undefined,
  { succeeded, failed }: { readonly succeeded: readonly Pod[]; readonly failed: readonly Pod[] },
): PodBackoff | undefined {
  const lastSuccess = Math.max(...succeeded.map(finishedAtMs));
  const recent = failed.map(finishedAtMs).filter((time) => time > lastSuccess);
  const before = succeeded.length > 0 ? undefined : previous;
  if (recent.length === 0) return before;
  return { failures: (before?.failures ?? 0) + recent.length, lastFailureMs: Math.max(...recent) };
}

/** Milliseconds until pods may be made again: 10 s after the first failure, twice as long after each, up to 10 minutes. */
export function remainingBackoffMs(backoff: PodBackoff | undefined, nowMs: number): number {
  if (!backoff || backoff.failures === 0) return 0;
  const delayMs = Math.min(maxMs, baseMs * 2 ** Math.min(backoff.failures - 1, 20));
  return Math.max(0, backoff.lastFailureMs + delayMs - nowMs);
}
