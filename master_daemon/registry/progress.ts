import { StatusError } from "../../core/api/status.ts";
import type { Clock } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";

/** How far readers see, and who waits until they see further. */
export class Progress {
  readonly #clock: Clock;
  #revision = 0;
  #isClosed = false;
  #waiters: (Omit<Deferred<boolean>, "promise"> & { readonly revision: number })[] = [];

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** The last revision that readers see. */
  get revision(): number {
    return this.#revision;
  }

  /** Readers see `revision`, even when it is one of before: the store has another history now. */
  restart(revision: number): void {
    this.#revision = revision;
    this.advance(revision);
  }

  /** Readers see `revision` from now on. One of before changes nothing. */
  advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of waiters) if (waiter.revision <= this.#revision) waiter.resolve(true);
  }

  /**
   * Waits until readers see `revision`. False when that takes longer than `timeoutMs` (default: for ever).
   *
   * @throws StatusError ServiceUnavailable once closed
   */
  async reach(revision: number, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<boolean> {
    if (this.#revision >= revision) return true;
    if (this.#isClosed) throw closedError();
    const { promise, resolve, reject } = deferred<boolean>();
    const waiter = { revision, resolve, reject };
    this.#waiters.push(waiter);
    if (timeoutMs === undefined) return promise;
    const cancel = this.#clock.schedule(timeoutMs, () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      resolve(false);
    });
    return promise.finally(cancel);
  }

  /** Refuses those who wait. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closedError());
  }
}

function closedError(): StatusError {
  return StatusError.unavailable("the server is shutting down");
}
