import type { Clock } from "./clock.ts";

/** Options of {@linkcode Backoff}. */
export interface BackoffOptions {
  /** First delay in milliseconds. */
  readonly baseMs: number;
  /** Largest delay in milliseconds. */
  readonly maxMs: number;
  /** Quiet milliseconds after which a key starts again at `baseMs`. Default: twice `maxMs`. */
  readonly resetAfterMs?: number;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Exponential back-off by key: doubles from `baseMs` to `maxMs`, forgets a key that was quiet for long. */
export class Backoff {
  readonly #options: BackoffOptions;
  /** Made with the first failure: each pod has several of these, and most never fail. */
  #entries: Map<string, { delayMs: number; until: number }> | undefined;
  #sweepAt = 1024;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Notes a failure of `key`; returns the milliseconds to wait before the next try. */
  next(key: string): number {
    const { baseMs, maxMs, resetAfterMs = maxMs * 2, clock } = this.#options;
    const now = clock.monotonic();
    this.#entries ??= new Map();
    const entry = this.#entries.get(key);
    const delayMs = !entry || now - entry.until > resetAfterMs ? baseMs : Math.min(entry.delayMs * 2, maxMs);
    this.#entries.set(key, { delayMs, until: now + delayMs });
    if (this.#entries.size <= this.#sweepAt) return delayMs;
    // Keys that would start again anyway: those which never come back must not pile up.
    for (const [one, { until }] of this.#entries) if (now - until > resetAfterMs) this.#entries.delete(one);
    this.#sweepAt = Math.max(1024, this.#entries.size * 2);
    return delayMs;
  }

  /** Milliseconds that `key` still has to wait; 0 when it may go. */
  remaining(key: string): number {
    const entry = this.#entries?.get(key);
    return entry ? Math.max(0, entry.until - this.#options.clock.monotonic()) : 0;
  }

  /** The delay last given to `key`, 0 when none. */
  current(key: string): number {
    return this.#entries?.get(key)?.delayMs ?? 0;
  }

  /** Forgets `key`: its next failure waits `baseMs` again. */
  reset(key: string): void {
    this.#entries?.delete(key);
  }
}
