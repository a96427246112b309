import type { Clock } from "./clock.ts";

/** Values that are good for a while, at most so many: what was not asked for the longest goes first. */
export class ExpiringCache<V> {
  readonly #entries = new Map<string, { readonly value: V; readonly until: number }>();
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #maxEntries: number;

  constructor({
    maxEntries,
    clock,
  }: {
    readonly maxEntries: number;
    readonly clock: Pick<Clock, "monotonic">;
  }) {
    this.#maxEntries = maxEntries;
    this.#clock = clock;
  }

  /** Undefined when it is not there, or no longer good. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#clock.monotonic()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V, ttlMs: number): void {
    if (ttlMs <= 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.#clock.monotonic() + ttlMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }
}
