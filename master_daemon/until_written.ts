import { Backoff } from "../core/util/backoff.ts";
import type { Clock } from "../core/util/clock.ts";
import { errorMessage, type Logger } from "../core/util/log.ts";
import { isTransient } from "./registry/store_failure.ts";

/** Milliseconds between two tries: doubled from the first to the last. */
const [firstDelayMs, longestDelayMs] = [500, 10_000];

/**
 * Runs what writes the objects that every cluster has, again and again while the store cannot be written to. It must do
 * nothing twice.
 *
 * @throws what `write` throws when another try would not help; nothing once `signal` is aborted
 */
export async function untilWritten(
  write: (signal: AbortSignal) => Promise<void>,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const backoff = new Backoff({ baseMs: firstDelayMs, maxMs: longestDelayMs, clock });
  while (!signal.aborted) {
    try {
      return await write(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isTransient(error)) throw error;
      const delayMs = backoff.next("");
      log.warn("Cannot write default objects yet", { error: errorMessage(error), delayMs });
      await clock.sleep(delayMs, { signal }).catch(() => {});
    }
  }
}
