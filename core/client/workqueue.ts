import type { Clock } from "../util/clock.ts";
import { type Deferred, deferred } from "../util/deferred.ts";

/** Options of {@linkcode WorkQueue}. */
export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Milliseconds that a key's first rate-limited return waits; doubles with each. Default 5. */
  readonly baseDelayMs?: number;
  /** Longest wait of a rate-limited return, in milliseconds. Default 1000000. */
  readonly maxDelayMs?: number;
}

/**
 * Keys to look at, in the manner of client-go:
 *
 * - Fair: keys come out in the order in which they went in.
 * - Stingy: a key added several times before it is taken comes out once.
 * - Never twice at once: a key added while it is being processed comes out again only after `done()`.
 * - After `shutdown()` nothing goes in; what is in still comes out, then `get()` gives undefined.
 *
 * @see k8s.io/client-go/util/workqueue
 */
export class WorkQueue<K = string> {
  readonly #clock: Clock;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #ready = new Fifo<K>();
  readonly #dirty = new Set<K>();
  readonly #processing = new Set<K>();
  readonly #delayed = new Map<K, { readonly dueAt: number; cancel(): void }>();
  readonly #failures = new Map<K, number>();
  readonly #waiters = new Set<Deferred<void>>();
  readonly #abortable = new WeakMap<AbortSignal, Set<Deferred<void>>>();
  #closed = false;

  constructor({ clock, baseDelayMs = 5, maxDelayMs = 1_000_000 }: WorkQueueOptions) {
    this.#clock = clock;
    this.#baseDelayMs = baseDelayMs;
    this.#maxDelayMs = maxDelayMs;
  }

  /** How many keys are ready to be taken. */
  get length(): number {
    return this.#ready.length;
  }

  /** Marks `key` as to be processed. */
  add(key: K): void {
    if (this.#closed || this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#push(key);
  }

  /** Adds `key` after `ms`. Of several waits for one key the shortest counts. */
  addAfter(key: K, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const dueAt = this.#clock.monotonic() + ms;
    const present = this.#delayed.get(key);
    if (present && present.dueAt <= dueAt) return;
    present?.cancel();
    const cancel = this.#clock.schedule(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueAt, cancel });
  }

  /** Adds `key` after its back-off, which doubles with each call until `forget()`. */
  addRateLimited(key: K): void {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#baseDelayMs * 2 ** failures, this.#maxDelayMs));
  }

  /** How often `key` came back rate-limited since it was last forgotten. */
  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Starts the back-off of `key` anew. */
  forget(key: K): void {
    this.#failures.delete(key);
  }

  /** The next key; `done()` must follow. Undefined once the queue is shut down and empty. */
  async get({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<K | undefined> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#ready.length > 0) {
        const key = this.#ready.shift() as K;
        this.#dirty.delete(key);
        this.#processing.add(key);
        return key;
      }
      if (this.#closed) return undefined;
      await this.#wait(signal);
    }
  }

  /** Ends the processing of `key`; if it was added meanwhile it is ready again. */
  done(key: K): void {
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#push(key);
  }

  /** Takes no more keys, and drops those that wait for their time. */
  shutdown(): void {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters.clear();
  }

  #push(key: K): void {
    this.#ready.push(key);
    const [waiter] = this.#waiters;
    if (!waiter) return;
    this.#waiters.delete(waiter);
    waiter.resolve();
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const waiter = deferred();
    const abortable = signal && this.#abortableBy(signal);
    this.#waiters.add(waiter);
    abortable?.add(waiter);
    try {
      await waiter.promise;
    } finally {
      abortable?.delete(waiter);
      // A key may have been announced to a waiter that was aborted meanwhile: tell the next one.
      if (!this.#waiters.delete(waiter) && signal?.aborted && this.#ready.length > 0) {
        const [next] = this.#waiters;
        if (next) {
          this.#waiters.delete(next);
          next.resolve();
        }
      }
    }
  }

  /** Whose waits end when `signal` is aborted. It is listened to once: a listener each would cost more the more there are. */
  #abortableBy(signal: AbortSignal): Set<Deferred<void>> {
    const present = this.#abortable.get(signal);
    if (present) return present;
    const waiters = new Set<Deferred<void>>();
    const onAbort = () => {
      for (const waiter of waiters) waiter.reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#abortable.set(signal, waiters);
    return waiters;
  }
}

/** First in, first out, without moving what stays. */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head++];
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
