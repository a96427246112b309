import type { Clock } from "./clock.ts";

interface Timer {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** A clock that stands still until told to move: for tests and simulation. */
export class FakeClock implements Clock {
  readonly #startedAt: number;
  #elapsed = 0;
  #order = 0;
  #pending = 0;
  /** A binary heap, what is due first on top. Cancelled timers stay until they come up. */
  readonly #timers: Timer[] = [];

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
    const timer: Timer = {
      dueAt: this.#elapsed + Math.max(0, ms),
      order: this.#order++,
      callback,
      cancelled: false,
    };
    this.#pending++;
    this.#push(timer);
    return () => {
      // After it fired there is nothing to cancel.
      if (timer.cancelled) return;
      timer.cancelled = true;
      this.#pending--;
    };
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
    return this.#pending;
  }

  /** Milliseconds until the next timer is due; undefined when none waits. */
  get nextMs(): number | undefined {
    const next = this.#peek();
    return next && next.dueAt - this.#elapsed;
  }

  /**
   * Moves time forward by `ms`, firing every timer that comes due, earliest first, and letting what each one started
   * run before the next fires.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    await macrotask();
    for (let next = this.#peek(); next && next.dueAt <= until; next = this.#peek()) {
      this.#pop();
      this.#pending--;
      next.cancelled = true;
      this.#elapsed = next.dueAt;
      next.callback();
      await macrotask();
    }
    this.#elapsed = until;
    await macrotask();
  }

  /** The timer that is due first, without those that were cancelled. */
  #peek(): Timer | undefined {
    while (this.#timers[0]?.cancelled) this.#pop();
    return this.#timers[0];
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Timer;
      if (isBefore(parent, timer)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      if (!one) break;
      const isRight = other !== undefined && isBefore(other, one);
      const least = isRight ? other : one;
      if (isBefore(last, least)) break;
      heap[at] = least;
      at = isRight ? left + 1 : left;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}

/** Lets pending promise reactions and immediates run. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
