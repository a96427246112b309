import { assert } from "../../core/util/assert.ts";
import type { Clock } from "../../core/util/clock.ts";
import { SortedMap } from "./sorted_map.ts";
import { Compacted, type KeyValue, type Page, type StoreEvent, type WatchStoreOptions } from "./store.ts";

/** Events handed to a watcher at once. */
const maxBatchEvents = 1_000;

/** Options of {@linkcode StoreState}. */
export interface StoreStateOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /**
   * How much recent history is held in memory: everything younger than `ms` and at least `events`, but never more than
   * `bytes`.
   */
  readonly recent: { readonly events: number; readonly ms: number; readonly bytes: number };
  /** Events after a revision that memory no longer holds, oldest first, in batches. Absent: memory is all there is. */
  readonly older?: (after: number) => AsyncIterable<readonly StoreEvent[]>;
}

/**
 * The present values of a store and its recent events, in memory: what reading and watching are served from.
 *
 * - Revisions are dense: the event of revision n+1 follows that of n.
 * - Watchers go by position: nothing is queued for them, so a slow one costs nothing.
 */
export class StoreState {
  readonly #options: StoreStateOptions;
  readonly #items = new SortedMap<KeyValue>();
  /** Events `#recentStart + 1 … #revision`, the first `#evicted` entries being already forgotten. */
  #recent: { readonly event: StoreEvent; readonly at: number }[] = [];
  #evicted = 0;
  #recentBytes = 0;
  #revision = 0;
  #oldest = 0;
  #closed = false;
  readonly #wakers = new Set<() => void>();

  constructor(options: StoreStateOptions) {
    this.#options = options;
  }

  /** The last revision. */
  get revision(): number {
    return this.#revision;
  }

  /** The oldest revision after which a watch may start. */
  get oldest(): number {
    return this.#options.older ? this.#oldest : Math.max(this.#oldest, this.#recentStart);
  }

  get size(): number {
    return this.#items.size;
  }

  get #recentStart(): number {
    return this.#revision - (this.#recent.length - this.#evicted);
  }

  /** Ends every watch. */
  close(): void {
    this.#closed = true;
    for (const wake of [...this.#wakers]) wake();
  }

  /** Forgets history up to and including `revision`. */
  forget(revision: number): void {
    this.#oldest = Math.max(this.#oldest, Math.min(revision, this.#revision));
  }

  /** Takes what recovery found as present, without making an event of it. */
  restore(change: KeyValue | { readonly key: string; readonly value: null; readonly revision: number }): void {
    assert(this.#recent.length === 0, "state is restored before anything is committed");
    if (change.value === null) this.#items.delete(change.key);
    else this.#items.set(change.key, change);
    this.#revision = Math.max(this.#revision, change.revision);
  }

  /** Sets where revisions continue after a restore. */
  restoreRevision(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  /** Makes commits visible, in order, and tells watchers. */
  apply(events: readonly StoreEvent[]): void {
    const at = this.#options.clock.monotonic();
    for (const event of events) {
      assert(event.revision === this.#revision + 1, "revisions are dense");
      this.#revision = event.revision;
      if (event.type === "put") this.#items.set(event.kv.key, event.kv);
      else this.#items.delete(event.key);
      this.#recent.push({ event, at });
      this.#recentBytes += sizeOf(event);
    }
    this.#evict(at);
    for (const wake of [...this.#wakers]) wake();
  }

  #evict(now: number): void {
    const { events, ms, bytes } = this.#options.recent;
    for (;;) {
      const first = this.#recent[this.#evicted];
      const count = this.#recent.length - this.#evicted;
      if (!first || !((count > events && now - first.at >= ms) || (count > 1 && this.#recentBytes > bytes))) break;
      this.#recentBytes -= sizeOf(first.event);
      this.#evicted++;
    }
    // Shifting an array costs its length: do it when half of it is waste.
    if (this.#evicted > 64 && this.#evicted * 2 > this.#recent.length) {
      this.#recent = this.#recent.slice(this.#evicted);
      this.#evicted = 0;
    }
  }

  /** The present value of `key`. */
  current(key: string): KeyValue | undefined {
    return this.#items.get(key);
  }

  /** Every present value, in no particular order. */
  currentValues(): IterableIterator<KeyValue> {
    return this.#items.values();
  }

  /** See `Store.get`. */
  async get(
    key: string,
    { revision }: { readonly revision?: number } = {},
  ): Promise<{ readonly revision: number; readonly kv: KeyValue | undefined }> {
    if (revision === undefined || revision === this.#revision) {
      return { revision: this.#revision, kv: this.#items.get(key) };
    }
    const replaced = await this.#replacedSince(revision, key);
    return { revision, kv: replaced.has(key) ? replaced.get(key) : this.#items.get(key) };
  }

  /** See `Store.list`. */
  async list(
    prefix: string,
    options: { readonly revision?: number; readonly after?: string; readonly limit?: number } = {},
  ): Promise<Page> {
    const { revision, after = "", limit = Number.POSITIVE_INFINITY } = options;
    if (revision === undefined || revision === this.#revision) {
      const items = this.#items.slice(prefix, after, limit + 1);
      const more = items.length > limit;
      if (more) items.pop();
      return { revision: this.#revision, items, more };
    }
    const replaced = await this.#replacedSince(revision, prefix);
    const items = this.#items.slice(prefix, after).filter(({ key }) => !replaced.has(key));
    for (const [key, kv] of replaced) if (kv && key > after) items.push(kv);
    items.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { revision, items: items.slice(0, limit), more: items.length > limit };
  }

  /**
   * What the keys with `prefix` that were committed to after `revision` held at `revision`. Nothing is committed between
   * the end of the walk and the caller's continuation.
   */
  async #replacedSince(revision: number, prefix: string): Promise<ReadonlyMap<string, KeyValue | undefined>> {
    if (revision > this.#revision) {
      throw new RangeError(`Cannot read revision ${revision}: the store is at ${this.#revision}`);
    }
    const replaced = new Map<string, KeyValue | undefined>();
    let position = revision;
    const note = (event: StoreEvent) => {
      position = event.revision;
      const key = keyOfEvent(event);
      if (key.startsWith(prefix) && !replaced.has(key)) replaced.set(key, event.previous);
    };
    while (position < this.#recentStart) {
      if (position < this.oldest) throw new Compacted(revision, this.oldest);
      for await (const batch of this.#olderEvents(position)) batch.forEach(note);
    }
    if (revision < this.oldest) throw new Compacted(revision, this.oldest);
    for (const event of this.#recentAfter(position, Number.POSITIVE_INFINITY)) note(event);
    return replaced;
  }

  /** See `Store.watch`. */
  async *watch(prefix: string, options: WatchStoreOptions): AsyncGenerator<readonly StoreEvent[], void, void> {
    const { after, until = Number.POSITIVE_INFINITY, signal } = options;
    let position = after;
    const select = (events: readonly StoreEvent[]): readonly StoreEvent[] =>
      events.filter(
        (event) => event.revision > after && event.revision <= until && keyOfEvent(event).startsWith(prefix),
      );
    while (!signal.aborted && !this.#closed && position < until) {
      if (position < this.oldest) throw new Compacted(position, this.oldest);
      if (position >= this.#revision) {
        await this.#changed(signal);
      } else if (position >= this.#recentStart) {
        const events = this.#recentAfter(position, maxBatchEvents);
        position += events.length;
        const selected = select(events);
        if (selected.length > 0) yield selected;
      } else {
        for await (const batch of this.#olderEvents(position)) {
          position = batch[batch.length - 1]?.revision ?? position;
          const selected = select(batch);
          if (selected.length > 0) yield selected;
          if (signal.aborted || this.#closed || position >= until || position >= this.#recentStart) break;
        }
      }
    }
  }

  /** The events that memory has forgotten, checked to be without gaps: a hole must never pass for history. */
  async *#olderEvents(after: number): AsyncGenerator<readonly StoreEvent[], void, void> {
    const { older } = this.#options;
    assert(older, "what memory does not hold is compacted when there is nothing else");
    let position = after;
    for await (const batch of older(after)) {
      for (const event of batch) assert(event.revision === ++position, "history has no gaps");
      if (batch.length > 0) yield batch;
    }
    if (position === after) throw new Compacted(after, this.oldest);
  }

  #recentAfter(position: number, limit: number): readonly StoreEvent[] {
    const from = this.#recent.length - (this.#revision - position);
    return this.#recent.slice(from, from + limit).map(({ event }) => event);
  }

  /** Resolves at the next commit, or when aborted. */
  async #changed(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#wakers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
      if (signal.aborted) wake();
    });
  }
}

/** The key that an event is about. */
export function keyOfEvent(event: StoreEvent): string {
  return event.type === "put" ? event.kv.key : event.key;
}

/** Roughly what an event keeps in memory. */
function sizeOf(event: StoreEvent): number {
  return 200 + (event.type === "put" ? event.kv.value.length : 0) + (event.previous?.value.length ?? 0);
}
