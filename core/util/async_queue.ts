import { type Deferred, deferred } from "./deferred.ts";

/** Options of {@linkcode AsyncQueue}. */
export interface AsyncQueueOptions<T> {
  /** How much may wait unread. Past it the queue fails with `overflow`. Default: unbounded by size. */
  readonly limit?: number;
  /** What one item counts for against `limit`. Default 1. */
  readonly sizeOf?: (item: T) => number;
}

/** A queue that one producer pushes into and one consumer iterates; ends, fails, or is cut when its budget is spent. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  readonly #limit: number;
  readonly #sizeOf: (item: T) => number;
  #size = 0;
  #ended = false;
  #overflowed = false;
  #error: { readonly reason: unknown } | undefined;
  #waiting: Deferred<void> | undefined;

  constructor({ limit = Number.POSITIVE_INFINITY, sizeOf = () => 1 }: AsyncQueueOptions<T> = {}) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  /** Adds an item. Returns false when it was not taken: the queue ended, or its budget is spent (then it fails). */
  push(item: T): boolean {
    if (this.#ended) return false;
    this.#size += this.#sizeOf(item);
    if (this.#size > this.#limit) {
      this.#items = [];
      this.#overflowed = true;
      this.fail(new RangeError("Cannot queue: the consumer is too slow"));
      return false;
    }
    this.#items.push(item);
    this.#wake();
    return true;
  }

  /** No more items; what was pushed is still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Ends with an error, thrown to the consumer after what was pushed. */
  fail(reason: unknown): void {
    if (this.#ended) return;
    this.#error = { reason };
    this.end();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      for (;;) {
        while (this.#items.length > 0) {
          // Taken as a whole: shifting one by one is quadratic for long queues.
          const batch = this.#items;
          this.#items = [];
          for (const item of batch) {
            if (this.#overflowed) break;
            this.#size -= this.#sizeOf(item);
            yield item;
          }
        }
        if (this.#error) throw this.#error.reason;
        if (this.#ended) return;
        this.#waiting = deferred();
        await this.#waiting.promise;
      }
    } finally {
      this.#ended = true;
      this.#items = [];
    }
  }
}
