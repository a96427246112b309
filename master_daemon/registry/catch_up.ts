import { StatusError } from "../../core/api/status.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { Store } from "../store/store.ts";
import type { Progress } from "./progress.ts";
import { storeFailure } from "./store_failure.ts";

/** Milliseconds that others' commits may take to be shown: first with their own news, then after a mark of ours. */
const patienceMs = { unmarked: 100, marked: 5_000 };

/** Options of {@linkcode CatchUp}. */
export interface CatchUpOptions {
  readonly store: Store;
  readonly progress: Progress;
  /** Hears that the store is no longer the one that was followed. */
  readonly onWentBack: (reason: Error) => void;
}

/** The way to the present of a store that others write to, too. Those who ask while one is on its way go together with the next. */
export class CatchUp {
  readonly #options: CatchUpOptions;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Why the present could not be read when it was last asked for. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * Waits until readers see everything that was committed before the call, by whomever.
   *
   * @throws StatusError ServiceUnavailable when that cannot be known
   */
  run(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#ask().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.run();
      });
    return this.#next;
  }

  /** Whether readers see a revision as soon as news of it may be expected. */
  reachMarked(revision: number): Promise<boolean> {
    return this.#options.progress.reach(revision, { timeoutMs: patienceMs.marked });
  }

  async #ask(): Promise<void> {
    const { store, progress } = this.#options;
    const before = progress.revision;
    try {
      const { revision } = await store.get("");
      this.#failure = undefined;
      if (revision < before) {
        const reason = `The store went back from revision ${before} to ${revision}`;
        this.#options.onWentBack(new Error(reason));
        throw StatusError.unavailable(reason);
      }
      if (await progress.reach(revision, { timeoutMs: patienceMs.unmarked })) return;
      // The last revision may be nothing of ours: a mark is, and comes after it.
      await store.mark?.();
      if (await this.reachMarked(revision)) return;
      throw StatusError.unavailable(`the store's events do not come: at revision ${progress.revision} of ${revision}`);
    } catch (error) {
      this.#failure = errorMessage(error);
      throw storeFailure(error);
    }
  }
}
