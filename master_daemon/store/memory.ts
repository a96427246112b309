import type { Clock } from "../../core/util/clock.ts";
import { nextCommit } from "./commit.ts";
import { StoreState } from "./state.ts";
import {
  type CommitResult,
  type Page,
  type Store,
  type StoreEvent,
  StoreWriteError,
  type WatchStoreOptions,
} from "./store.ts";

/** Options of {@linkcode openMemoryStore}. */
export interface MemoryStoreOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /** History is kept at least this many milliseconds. Default 5 minutes. */
  readonly historyMs?: number;
  /** At least this many events are kept, however old. Default 10,000. */
  readonly historyEvents?: number;
  /** Oldest events are forgotten when history holds more than this many bytes. Default 64 MiB. */
  readonly historyBytes?: number;
}

/** A store that forgets everything when closed: for tests and for clusters that are thrown away. */
export function openMemoryStore(options: MemoryStoreOptions): Store {
  const { clock, historyMs = 300_000, historyEvents = 10_000, historyBytes = 64 * 2 ** 20 } = options;
  return new MemoryStore(
    new StoreState({ clock, recent: { ms: historyMs, events: historyEvents, bytes: historyBytes } }),
  );
}

class MemoryStore implements Store {
  readonly #state: StoreState;
  #closed = false;

  constructor(state: StoreState) {
    this.#state = state;
  }

  get(...args: Parameters<Store["get"]>): ReturnType<Store["get"]> {
    return this.#state.get(...args);
  }

  list(...args: Parameters<Store["list"]>): Promise<Page> {
    return this.#state.list(...args);
  }

  async commit(key: string, value: Uint8Array | null, { expected }: { expected: number }): Promise<CommitResult> {
    if (this.#closed) throw new StoreWriteError("Cannot write: the store is closed", { temporary: false });
    const current = this.#state.current(key);
    const event = nextCommit({ key, value, expected, current, revision: this.#state.revision + 1 });
    if (!event) return { ok: false, current };
    this.#state.apply([event]);
    return { ok: true, revision: event.revision };
  }

  watch(prefix: string, options: WatchStoreOptions): AsyncIterable<readonly StoreEvent[]> {
    return this.#state.watch(prefix, options);
  }

  async compact(revision: number): Promise<void> {
    this.#state.forget(revision);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#state.close();
  }
}
