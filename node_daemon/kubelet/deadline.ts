import type { Clock } from "../../core/util/clock.ts";
import { goDuration } from "./go_duration.ts";

/** Thrown when something took longer than it may. */
export class DeadlineError extends Error {
  constructor(timeoutMs: number) {
    super(`timed out after ${goDuration(timeoutMs)}`);
    this.name = "DeadlineError";
  }
}

/** Options of {@linkcode withDeadline}. */
export interface DeadlineOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` with a signal that is aborted at the deadline, and does not wait for work that ignores it.
 *
 * @throws DeadlineError past `timeoutMs`; `signal.reason` when aborted; else what `work` throws
 */
export async function withDeadline<T>(
  { clock, timeoutMs, signal }: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  let onAbort = () => {};
  const cut = new Promise<never>((_, reject) => {
    const cancel = clock.schedule(timeoutMs, () => own.abort(new DeadlineError(timeoutMs)));
    const forward = () => own.abort(signal.reason);
    signal.addEventListener("abort", forward, { once: true });
    own.signal.addEventListener("abort", () => reject(own.signal.reason), { once: true });
    onAbort = () => {
      cancel();
      signal.removeEventListener("abort", forward);
    };
  });
  cut.catch(() => {}); // It is raced below; when the work ended first nobody listens any more.
  try {
    return await Promise.race([work(own.signal), cut]);
  } finally {
    onAbort();
  }
}
