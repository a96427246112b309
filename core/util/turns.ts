/**
 * Turns of the event loop for work that comes in bursts: in each of them a few of those who wait go on, first come first
 * served, so that whatever else the process has to do comes in between.
 */
export class Turns {
  readonly #perTurn: number;
  readonly #waiting: (() => void)[] = [];

  /** @param options.perTurn how many go on in one turn, at least 1 */
  constructor({ perTurn }: { readonly perTurn: number }) {
    this.#perTurn = perTurn;
  }

  /** Resolves when it is the caller's turn: in the next one, where nobody waits. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) this.#goOn();
      this.#waiting.push(resolve);
    });
  }

  #goOn(): void {
    setImmediate(() => {
      for (const resolve of this.#waiting.splice(0, this.#perTurn)) resolve();
      if (this.#waiting.length > 0) this.#goOn();
    });
  }
}
