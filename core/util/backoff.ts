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
  readonly #options: Required<BackoffOptions>;
  readonly #entries = new Map<string, { delayMs: number; until: number }>();
  #sweepAt = 1024;

  constructor(options: BackoffOptions) {
    this.#options = { resetAfterMs: options.maxMs * 2, ...options };
  }

  /** Notes a failure of `key`; returns the milliseconds to wait before the next try. */
  next(key: string): number {
    const { baseMs, maxMs, resetAfterMs, clock } = this.#options;
    const now = clock.monotonic();
    const entry = this.#entries.get(key);
    const delayMs = !entry || now - entry.until > resetAfterMs ? baseMs : Math.min(entry.delayMs * 2, maxMs);
    this.#entries.set(key, { delayMs, until: now + delayMs });
    if (this.#entries.size > this.#sweepAt) this.#sweep(now);
    return delayMs;
  }

  /** Drops the keys that would start again anyway, so that keys which never come back do not pile up. */
  #sweep(now: number): void {
    for (const [key, { until }] of this.#entries)
      if (now - until > this.#options.resetAfterMs) this.#entries.delete(key);
    this.#sweepAt = Math.max(1024, this.#entries.size * 2);
  }

  /** Milliseconds that `key` still has to wait; 0 when it may go. */
  remaining(key: string): number {
    const entry = this.#entries.get(key);
    return entry ? Math.max(0, entry.until - this.#options.clock.monotonic()) : 0;
  }

  /** The delay last given to `key`, 0 when none. */
  current(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Forgets `key`: its next failure waits `baseMs` again. */
  reset(key: string): void {
    this.#entries.delete(key);
  }
}
