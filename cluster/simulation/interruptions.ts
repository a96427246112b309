/** What of a simulated cluster can be started anew. */
export type SimulatedComponent = "api" | "controllers" | "scheduler";

/** Every {@linkcode SimulatedComponent}. */
export const simulatedComponents: readonly SimulatedComponent[] = ["api", "controllers", "scheduler"];

/** When a component is ended. */
export interface RestartOptions {
  /**
   * Not now, but as soon as so many writes from now were carried out: its own, of the API anybody's but the administrator's. Who
   * sent the last of them never hears of it. Default 0: at once.
   */
  readonly afterWrites?: number | undefined;
}

/** Ends components between a write and its answer. */
export class Interruptions {
  readonly #writesLeft = new Map<SimulatedComponent, number>();
  readonly #restart: (component: SimulatedComponent) => unknown;

  constructor(restart: (component: SimulatedComponent) => unknown) {
    this.#restart = restart;
  }

  /** Has a component end after so many writes. */
  plan(component: SimulatedComponent, afterWrites: number): void {
    this.#writesLeft.set(component, afterWrites);
  }

  /** Nobody is ended any more. */
  clear(): void {
    this.#writesLeft.clear();
  }

  /** A write was carried out. @param writer undefined: a node @throws Error in place of the answer, when it was the last before an end */
  onWrite(writer: SimulatedComponent | undefined): void {
    for (const component of writer ? [writer, "api" as const] : ["api" as const]) {
      const left = this.#writesLeft.get(component);
      if (left === undefined) continue;
      this.#writesLeft.set(component, left - 1);
      if (left > 1) continue;
      this.#writesLeft.delete(component);
      this.#restart(component);
      throw new Error("The connection was lost");
    }
  }
}
