import type { Probe } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DeadlineError, withDeadline } from "./deadline.ts";
import type { HandlerResult } from "./handler.ts";

/** Which of the three probes. */
export type ProbeType = "startup" | "liveness" | "readiness";

/** How an attempt went. */
export type AttemptKind = "ok" | "failed" | "errored";

/** Options of {@linkcode runProbeLoop}. */
export interface ProbeLoopOptions {
  readonly type: ProbeType;
  readonly probe: Probe;
  /** When the container started, milliseconds since the epoch. */
  readonly startedAt: number;
  /** The verdict to begin with. Only a readiness probe can begin as a success (of a container that was ready before). */
  readonly initially: boolean;
  /** Milliseconds to wait first, so that many adopted containers are not probed at the same moment. */
  readonly jitterMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** One attempt. Rejects when it could not be made: then it does not count. */
  attempt(signal: AbortSignal): Promise<HandlerResult>;
  /** What there is to say of an attempt that took too long. */
  timeoutText(timeoutMs: number): string;
  /** An attempt was made, or could not be (`errored`), in so many milliseconds. */
  onAttempt?(kind: AttemptKind, ms: number): void;
  /** The verdict changed. */
  onVerdict(success: boolean): void;
  /** An attempt that counts failed, or (`errored`) could not be made. */
  onFailure(output: string, errored: boolean): void;
}

/** First distance of the additional attempts of a container that is not ready yet; each next one is twice as long. */
const eagerFirstMs = 100;

/**
 * Probes until aborted, or until the verdict is final: a startup probe that has succeeded, or a startup or liveness probe
 * that has failed (the container is ended then).
 *
 * A fresh container that is not ready (or started) yet is asked more often than its period says during the first
 * period, so that it becomes ready sooner; these attempts can only succeed: a failure among them only ends a row of successes.
 *
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes
 */
export async function runProbeLoop(options: ProbeLoopOptions): Promise<void> {
  const { type, probe, startedAt, initially, jitterMs, clock, signal, onVerdict, onFailure } = options;
  const periodMs = (probe.periodSeconds || 10) * 1000;
  const successThreshold = probe.successThreshold || 1;
  const failureThreshold = probe.failureThreshold || 3;
  let verdict: boolean | undefined = type === "readiness" ? initially : undefined;
  let successes = 0;
  let failures = 0;

  const initialDelayMs = (probe.initialDelaySeconds ?? 0) * 1000;
  // Bounded by the delay itself: the wall clock may have been set back since the container started.
  const delayMs = Math.min(initialDelayMs, Math.max(0, startedAt + initialDelayMs - clock.now()));
  if (delayMs + jitterMs > 0) await clock.sleep(delayMs + jitterMs, { signal });

  /** Whether the loop is over. */
  const succeed = (): boolean => {
    failures = 0;
    successes += 1;
    if (successes >= successThreshold && verdict !== true) {
      verdict = true;
      onVerdict(true);
    }
    return type === "startup" && verdict === true;
  };
  /** Whether the loop is over. */
  const fail = (output: string): boolean => {
    successes = 0;
    failures += 1;
    onFailure(output, false);
    if (failures < failureThreshold) return false;
    if (verdict !== false || type !== "readiness") {
      verdict = false;
      onVerdict(false);
    }
    return type !== "readiness";
  };

  for (let eager = jitterMs === 0 && type !== "liveness"; ; eager = false) {
    const result = await attemptOnce(options);
    if (result.kind === "errored") onFailure(result.output, true);
    else if (result.kind === "ok" ? succeed() : fail(result.output)) return;

    let leftMs = periodMs;
    for (let stepMs = eagerFirstMs; eager && verdict !== true && stepMs < leftMs; stepMs *= 2) {
      await clock.sleep(stepMs, { signal });
      leftMs -= stepMs;
      const { kind } = await attemptOnce(options);
      if (kind === "failed") successes = 0;
      if (kind === "ok" && succeed()) return;
    }
    await clock.sleep(leftMs, { signal });
  }
}

interface Attempt {
  readonly kind: AttemptKind;
  readonly output: string;
}

async function attemptOnce(options: ProbeLoopOptions): Promise<Attempt> {
  const { clock, onAttempt } = options;
  const begunAt = clock.monotonic();
  const attempt = await attemptInTime(options);
  onAttempt?.(attempt.kind, clock.monotonic() - begunAt);
  return attempt;
}

/** One attempt inside the probe's own timeout. */
async function attemptInTime({ probe, clock, signal, attempt, timeoutText }: ProbeLoopOptions): Promise<Attempt> {
  const timeoutMs = (probe.timeoutSeconds || 1) * 1000;
  try {
    const { ok, output } = await withDeadline({ clock, timeoutMs, signal }, attempt);
    return { kind: ok ? "ok" : "failed", output };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeadlineError) return { kind: "failed", output: timeoutText(timeoutMs) };
    return { kind: "errored", output: error instanceof Error ? error.message : String(error) };
  }
}
