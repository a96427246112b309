import { deferred } from "../../core/util/deferred.ts";

/** Lets those who ask for the same key run one after the other, in the order of asking. */
export class KeyedLock {
  /** The end of the last in line, by key. */
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` once everybody before it is done with `key`. */
  async run<R>(key: string, work: () => Promise<R>): Promise<R> {
    const before = this.#last.get(key);
    const { promise, resolve } = deferred();
    this.#last.set(key, promise);
    try {
      await before;
      return await work();
    } finally {
      resolve();
      if (this.#last.get(key) === promise) this.#last.delete(key);
    }
  }
}
