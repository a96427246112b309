import type { CommitOptions, CommitResult, KeyValue, Page, Store, StoreEvent, WatchStoreOptions } from "../store.ts";
import type { OpenedValue, Transformer } from "./transformer.ts";

/**
 * A store whose values are sealed in the one below. What cannot be opened is handed on as it is, and says why: only who
 * asks for that value is refused.
 */
export function encryptedStore(store: Store, transformer: Transformer): Store {
  return new EncryptedStore(store, transformer);
}

class EncryptedStore implements Store {
  readonly mark?: () => Promise<number>;
  readonly #store: Store;
  readonly #transformer: Transformer;
  /** Values by their sealed form: what this process wrote, or opened once, need not be opened again. */
  readonly #opened = new WeakMap<Uint8Array, OpenedValue>();

  constructor(store: Store, transformer: Transformer) {
    this.#store = store;
    this.#transformer = transformer;
    const mark = store.mark?.bind(store);
    if (mark) this.mark = mark;
  }

  async get(
    key: string,
    options?: { readonly revision?: number },
  ): Promise<{ readonly revision: number; readonly kv: KeyValue | undefined }> {
    const { revision, kv } = await this.#store.get(key, options);
    return { revision, kv: kv && this.#keyValue(kv) };
  }

  async list(
    prefix: string,
    options?: { readonly revision?: number; readonly after?: string; readonly limit?: number },
  ): Promise<Page> {
    const page = await this.#store.list(prefix, options);
    return { ...page, items: page.items.map((kv) => this.#keyValue(kv)) };
  }

  async commit(key: string, value: Uint8Array | null, options: CommitOptions): Promise<CommitResult> {
    const sealed = value && this.#transformer.seal(key, value);
    if (sealed && value) this.#opened.set(sealed, { value, isStale: false });
    const result = await this.#store.commit(key, sealed, options);
    return result.ok ? result : { ok: false, current: result.current && this.#keyValue(result.current) };
  }

  async *watch(prefix: string, options: WatchStoreOptions): AsyncGenerator<readonly StoreEvent[], void, void> {
    for await (const events of this.#store.watch(prefix, options)) yield events.map((event) => this.#event(event));
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  #event(event: StoreEvent): StoreEvent {
    if (event.type === "delete") return { ...event, previous: this.#keyValue(event.previous) };
    return { ...event, kv: this.#keyValue(event.kv), previous: event.previous && this.#keyValue(event.previous) };
  }

  #keyValue(kv: KeyValue): KeyValue {
    return new LazyKeyValue(kv, (sealed) => this.#open(kv.key, sealed));
  }

  #open(key: string, sealed: Uint8Array): OpenedValue {
    const known = this.#opened.get(sealed);
    if (known) return known;
    const opened = this.#transformer.open(key, sealed);
    this.#opened.set(sealed, opened);
    return opened;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#store[Symbol.asyncDispose]();
  }
}

/** Opened when it is first asked for: what an event replaced seldom is. */
class LazyKeyValue implements KeyValue {
  readonly key: string;
  readonly createRevision: number;
  readonly revision: number;
  readonly #sealed: Uint8Array;
  readonly #open: (sealed: Uint8Array) => OpenedValue;
  #result: { readonly opened?: OpenedValue; readonly failure?: string } | undefined;

  constructor({ key, createRevision, revision, value }: KeyValue, open: (sealed: Uint8Array) => OpenedValue) {
    this.key = key;
    this.createRevision = createRevision;
    this.revision = revision;
    this.#sealed = value;
    this.#open = open;
  }

  get #outcome(): { readonly opened?: OpenedValue; readonly failure?: string } {
    if (!this.#result) {
      try {
        this.#result = { opened: this.#open(this.#sealed) };
      } catch (error) {
        this.#result = { failure: (error as Error).message };
      }
    }
    return this.#result;
  }

  get value(): Uint8Array {
    return this.#outcome.opened?.value ?? this.#sealed;
  }

  get isStale(): boolean {
    return this.#outcome.opened?.isStale ?? false;
  }

  get unreadable(): string | undefined {
    return this.#outcome.failure;
  }
}
