/** Owns background work: nothing floats. Disposing aborts everything and waits for it to end. */
export class Tasks implements AsyncDisposable {
  readonly #running = new Set<Promise<void>>();
  readonly #controller = new AbortController();
  readonly #onError: (error: unknown) => void;

  /** @param options.onError called with what a task throws; not after an abort, when throwing is how tasks end */
  constructor({ onError, signal }: { onError: (error: unknown) => void; signal?: AbortSignal | undefined }) {
    this.#onError = onError;
    if (signal?.aborted) this.#controller.abort(signal.reason);
    else
      signal?.addEventListener("abort", () => this.#controller.abort(signal.reason), {
        once: true,
        signal: this.signal,
      });
  }

  /** Aborted when the owner is disposed. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs `work` in the background until it ends or the owner is disposed. */
  run(work: (signal: AbortSignal) => Promise<unknown>): void {
    const task = (async () => {
      try {
        await work(this.signal);
      } catch (error) {
        if (!this.signal.aborted) this.#onError(error);
      }
    })();
    this.#running.add(task);
    void task.finally(() => this.#running.delete(task));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort(new DOMException("The owner was closed", "AbortError"));
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
