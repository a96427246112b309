import { type Deferred, deferred } from "../../core/util/deferred.ts";
import type { Tasks } from "../../core/util/tasks.ts";

/** Work in the background, so much of it at once. */
export class Slots {
  readonly #tasks: Tasks;
  readonly #limit: number;
  #taken = 0;
  #freed: Deferred<void> | undefined;

  constructor(options: { readonly tasks: Tasks; readonly limit: number }) {
    this.#tasks = options.tasks;
    this.#limit = options.limit;
  }

  /** Resolves when there is room for more. */
  async free(signal: AbortSignal): Promise<void> {
    while (this.#taken >= this.#limit) {
      this.#freed ??= deferred();
      await this.#freed.promise;
      signal.throwIfAborted();
    }
  }

  /** Begins at once, room or not. */
  run(work: () => Promise<void>): void {
    this.#taken++;
    this.#tasks.run(async () => {
      try {
        await work();
      } finally {
        this.#taken--;
        this.wake();
      }
    });
  }

  /** Lets go whoever waits, to look again. */
  wake(): void {
    this.#freed?.resolve();
    this.#freed = undefined;
  }
}
