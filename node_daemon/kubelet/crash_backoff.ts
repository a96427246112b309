import type { Container } from "../runtime/runtime.ts";
import { readNotes } from "./container_notes.ts";
import type { PodView } from "./pod_view.ts";

/** First delay of a container that keeps ending. */
export const crashBackoffBaseMs = 10_000;
/** Longest delay. */
const crashBackoffMaxMs = 300_000;
/** A container that ran this long starts again from the beginning. */
const crashBackoffResetMs = 600_000;

/** When a container that ended may be started again. */
export interface CrashBackoff {
  /** The whole delay, in milliseconds: what messages show. */
  readonly delayMs: number;
  /** What is left of it at `now`. */
  readonly remainingMs: number;
  /** The delay that the next one gets noted, for when it ends too. */
  readonly nextDelayMs: number;
}

/**
 * The back-off after a container that ended: none the first time, then 10 s, doubling to 5 min; forgotten after a run of
 * 10 min. It is computed from what stands on the container itself, so that a restart of the kubelet changes nothing.
 *
 * @param container one that is `exited`, or `created` and never started
 * @param view when it is, and how long it has been known that the container has ended
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
 */
export function crashBackoff(
  container: Container,
  { now, endedForMs }: Pick<PodView, "now" | "endedForMs">,
): CrashBackoff {
  const { startedAt, createdAt, finishedAt = createdAt } = container;
  const ranMs = startedAt === undefined ? 0 : finishedAt - startedAt;
  const delayMs = ranMs > crashBackoffResetMs ? 0 : readNotes(container).backOffMs;
  const nextDelayMs = delayMs === 0 ? crashBackoffBaseMs : Math.min(delayMs * 2, crashBackoffMaxMs);
  // By a clock that does not jump, once it is known: one that is set must make the wait neither longer nor shorter.
  const endedMs = endedForMs?.get(container.id) ?? Math.max(0, now - finishedAt);
  return { delayMs, remainingMs: Math.max(0, delayMs - endedMs), nextDelayMs };
}
