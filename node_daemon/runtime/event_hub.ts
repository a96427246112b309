import { AsyncQueue } from "../../core/util/async_queue.ts";
import type { RuntimeEvent } from "./runtime.ts";

/** Tells everybody who listens that a pod's containers changed. Disposing ends their streams. */
export class EventHub implements Disposable {
  readonly #limit: number;
  readonly #listeners = new Set<AsyncQueue<RuntimeEvent>>();

  /** @param options.limit events that may wait unread before a listener's stream fails */
  constructor({ limit }: { readonly limit: number }) {
    this.#limit = limit;
  }

  /** What is told from now on, until aborted. */
  async *events({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<RuntimeEvent, void, void> {
    if (signal.aborted) return;
    const queue = new AsyncQueue<RuntimeEvent>({ limit: this.#limit });
    const end = () => queue.end();
    signal.addEventListener("abort", end, { once: true });
    this.#listeners.add(queue);
    try {
      yield* queue;
    } finally {
      signal.removeEventListener("abort", end);
      this.#listeners.delete(queue);
    }
  }

  /** Tells all listeners. */
  tell(event: RuntimeEvent): void {
    for (const queue of this.#listeners) queue.push(event);
  }

  [Symbol.dispose](): void {
    for (const queue of this.#listeners) queue.end();
  }
}
