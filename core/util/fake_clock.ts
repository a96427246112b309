import type { Clock } from "./clock.ts";

interface Timer {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until told to move: for tests and simulation. */
export class FakeClock implements Clock {
  readonly #startedAt: number;
  #elapsed = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /** @param startedAt wall-clock milliseconds since the epoch at which the clock begins; default 2026-01-01 */
  constructor(startedAt: number = Date.UTC(2026, 0, 1)) {
    this.#startedAt = startedAt;
  }

  now(): number {
    return this.#startedAt + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  schedule(ms: number, callback: () => void): () => void {
    const timer: Timer = { dueAt: this.#elapsed + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(ms: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.schedule(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves time forward by `ms`, firing every timer that comes due, earliest first, and letting what each one started
   * run before the next fires.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    await macrotask();
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.#timers) {
        if (timer.dueAt > until) continue;
        if (!next || timer.dueAt < next.dueAt || (timer.dueAt === next.dueAt && timer.order < next.order)) next = timer;
      }
      if (!next) break;
      this.#timers.delete(next);
      this.#elapsed = next.dueAt;
      next.callback();
      await macrotask();
    }
    this.#elapsed = until;
    await macrotask();
  }
}

/** Lets pending promise reactions and immediates run. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
