import type { Kind } from "../../core/api/kind.ts";
import { type KubeObject, keyText, type ObjectKey, parseKey } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { Clock } from "../../core/util/clock.ts";
import { linkSignals } from "../../core/util/link_signals.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { isSealed } from "../store/encryption/transformer.ts";
import { keyOfEvent } from "../store/state.ts";
import { type CommitOptions, Compacted, type KeyValue, type Store, type StoreEvent } from "../store/store.ts";
import { CatchUp } from "./catch_up.ts";
import { Change } from "./change.ts";
import { initialEvents, KindCache } from "./kind_cache.ts";
import { Progress } from "./progress.ts";
import { RecentChanges } from "./recent_changes.ts";
import type { RegistryEvent, Selection } from "./registry.ts";
import { storeFailure } from "./store_failure.ts";
import { resourcePath, StorageLayout, StoredObject } from "./stored_object.ts";
import { Watcher } from "./watcher.ts";

const root = "/registry/";
/** Milliseconds between bookmarks. */
const bookmarkMs = 60_000;
/** Milliseconds before the end of a watch at which it is told where it is, as in Kubernetes. */
const lastBookmarkMs = 2_000;
/** Milliseconds before a store that failed is read again. */
const retryMs = 1_000;

/** Options of {@linkcode openWatchCache}. */
export interface WatchCacheOptions {
  readonly store: Store;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Bytes that may wait for one watcher before it is cut. Default 64 MiB. */
  readonly watcherBudgetBytes?: number | undefined;
}

/** From where a watch starts. */
export interface WatchStart {
  /** Events after this revision; undefined: the present objects first. */
  readonly after: number | undefined;
  /** Whether a bookmark tells the end of the present objects. */
  readonly marksInitialEnd: boolean;
  readonly bookmarks: boolean;
  /** Milliseconds after which the reader ends it. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/** Reads the store once, then follows it. @throws what the store throws when it cannot be read */
export async function openWatchCache(options: WatchCacheOptions): Promise<WatchCache> {
  const cache = new WatchCache(options);
  await cache.load();
  cache.start();
  return cache;
}

/**
 * Everything that the store holds, by kind, and the way of every change to those who watch.
 *
 * - Fed from the store by position: what readers see is one revision after the other, never a mixture.
 * - A commit is answered when the cache shows it, so whoever was answered reads it.
 */
export class WatchCache implements AsyncDisposable {
  readonly #options: WatchCacheOptions;
  readonly #kinds = new Map<string, KindCache>();
  /** Objects being written in this process, by their bytes: they need not be parsed. */
  readonly #atHand = new WeakMap<Uint8Array, KubeObject>();
  readonly #progress: Progress;
  readonly #catchUp: CatchUp;
  readonly #recent = new RecentChanges();
  readonly #closing = new AbortController();
  /** Aborted when what was followed is no longer the store's history. */
  #following = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #cancelBookmarks: () => void = () => {};

  constructor(options: WatchCacheOptions) {
    this.#options = options;
    this.#progress = new Progress(options);
    this.#catchUp = new CatchUp({
      store: options.store,
      progress: this.#progress,
      onWentBack: (reason) => this.#following.abort(reason),
    });
    for (const kind of options.kinds) this.#kinds.set(resourcePath(kind), new KindCache(kind));
  }

  /** The last revision that readers see. */
  get revision(): number {
    return this.#progress.revision;
  }

  /** Waits until readers see `revision`; see {@linkcode Progress.reach}. */
  reach(revision: number, options?: { readonly timeoutMs?: number }): Promise<boolean> {
    return this.#progress.reach(revision, options);
  }

  /** Whether others write to the store, too: then readers who want the present must {@linkcode catchUp} first. */
  get isShared(): boolean {
    return this.#options.store.mark !== undefined;
  }

  /** Why the present could not be read when it was last asked for, from a store that others write to. */
  get storeFailure(): string | undefined {
    return this.#catchUp.failure;
  }

  /** Waits until readers see the present; see {@linkcode CatchUp.run}. */
  catchUp(): Promise<void> {
    return this.#catchUp.run();
  }

  /** Holds one more kind from now on; resolves when all of its objects are there. */
  async add(kind: Kind): Promise<void> {
    const known = this.#kinds.get(resourcePath(kind));
    if (known) {
      // From now on written in another version perhaps; what is there stays as it is.
      known.layout = new StorageLayout(kind);
      return;
    }
    const cache = new KindCache(kind);
    const revision = this.revision;
    cache.lastChanged = revision;
    this.#kinds.set(resourcePath(kind), cache);
    await cache.fill(() => this.listAt(cache, revision, { prefix: "", after: "" }));
  }

  /** Forgets a kind; its watches end. */
  remove(type: { readonly group: string; readonly plural: string }): void {
    const path = resourcePath(type);
    this.endWatches(type);
    this.#kinds.delete(path);
  }

  /** Ends the watches of a kind after what waits was read. */
  endWatches(type: { readonly group: string; readonly plural: string }): void {
    for (const watcher of this.#kinds.get(resourcePath(type))?.watchers() ?? []) watcher.end();
  }

  /** The cache of a kind. @throws RangeError for one that is not served */
  kind(type: { readonly group: string; readonly plural: string }): KindCache {
    const cache = this.#kinds.get(resourcePath(type));
    if (!cache) throw new RangeError(`Cannot find the registry: kind is not served: ${resourcePath(type)}`);
    return cache;
  }

  /** Reads all present objects. */
  async load(): Promise<void> {
    const { revision, items } = await this.#options.store.list(root);
    for (const cache of this.#kinds.values()) cache.items.clear();
    for (const kv of items) {
      const place = this.#locate(kv.key);
      if (!place) continue;
      place.cache.items.set(keyText(place.key), this.#storedOf(place.cache, place.key, kv));
      place.cache.lastChanged = revision;
    }
    this.#recent.restart(revision);
    this.#progress.restart(revision);
  }

  /** Begins to follow the store. */
  start(): void {
    this.#running = this.#follow();
    this.#scheduleBookmarks();
  }

  async #follow(): Promise<void> {
    const { store, clock, log } = this.#options;
    const { signal: closing } = this.#closing;
    let mustLoad = false;
    while (!closing.aborted) {
      this.#following = new AbortController();
      const { signal, release } = linkSignals(closing, this.#following.signal);
      const onProgress = (revision: number) => this.#progress.advance(revision);
      try {
        if (mustLoad) await this.load();
        for await (const events of store.watch(root, { after: this.revision, onProgress, signal })) this.#apply(events);
        if (closing.aborted) return;
        throw signal.aborted ? signal.reason : new Error("the store was closed");
      } catch (error) {
        if (closing.aborted) return;
        log.error("Lost track of the store", { error: errorMessage(error) });
        // Nobody knows what was missed: watchers resume by themselves, from what they have seen.
        for (const cache of this.#kinds.values()) for (const watcher of cache.watchers()) watcher.cut();
        mustLoad = true;
        await clock.sleep(retryMs, { signal: closing }).catch(() => {});
      } finally {
        release();
      }
    }
  }

  #apply(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const place = this.#locate(keyOfEvent(event));
      if (place) {
        const change = this.#changeOf(place.cache, place.key, event, place.cache.items.get(keyText(place.key)));
        place.cache.apply(change);
        this.#recent.push(place.cache, change);
      }
    }
    this.#recent.trim();
    this.#progress.advance(events[events.length - 1]?.revision ?? this.revision);
  }

  /** The change that a store event stands for. `known` is the object it replaced, if the cache has it. */
  #changeOf(cache: KindCache, key: ObjectKey, event: StoreEvent, known?: StoredObject): Change {
    const { revision, previous: before } = event;
    const next = event.type === "put" ? this.#storedOf(cache, key, event.kv) : undefined;
    const previous = before && (known?.revision === before.revision ? known : this.#storedOf(cache, key, before));
    return new Change({ key, revision, next, previous });
  }

  #storedOf({ layout }: KindCache, key: ObjectKey, kv: KeyValue): StoredObject {
    const { value, revision, isStale } = kv;
    const unreadable = kv.unreadable ?? (isSealed(value) ? noKeys(kv.key) : undefined);
    const object = this.#atHand.get(value);
    this.#atHand.delete(value);
    return new StoredObject({ layout, key, revision, value, isStale, unreadable, object });
  }

  /** Which object a key of the store is about; undefined for kinds that are not served. */
  #locate(storeKey: string): { readonly cache: KindCache; readonly key: ObjectKey } | undefined {
    const afterGroup = storeKey.indexOf("/", root.length);
    const afterPlural = storeKey.indexOf("/", afterGroup + 1);
    if (afterGroup < 0 || afterPlural < 0) return undefined;
    const cache = this.#kinds.get(storeKey.slice(root.length, afterPlural));
    return cache && { cache, key: parseKey(storeKey.slice(afterPlural + 1)) };
  }

  /**
   * Commits an object (undefined deletes) over what stands at `expected`, and waits until the cache shows it. Undefined
   * when somebody else was faster.
   *
   * @throws StatusError of what the store says
   */
  async commit(
    cache: KindCache,
    key: ObjectKey,
    write: CommitOptions & { readonly value: Uint8Array | null; readonly object?: KubeObject },
  ): Promise<number | undefined> {
    const { expected, value, object, onTaken } = write;
    if (value && object) this.#atHand.set(value, object);
    const { store } = this.#options;
    const result = await store.commit(cache.layout.keyOf(key), value, { expected, onTaken }).catch((error: unknown) => {
      throw storeFailure(error);
    });
    if (!result.ok) {
      // What the faster one did is shown before the caller looks again.
      if (!result.current && this.isShared) await this.catchUp();
      else await this.#show(result.current?.revision ?? (await store.get("")).revision);
      return undefined;
    }
    // Of a cache that closes nobody reads any more. The commit stands: who is told otherwise sends it again.
    await this.#show(result.revision).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
    return result.revision;
  }

  /** Waits until readers see a commit. @throws StatusError Timeout when a store that others write to does not tell of it */
  async #show(revision: number): Promise<void> {
    if (await (this.isShared ? this.#catchUp.reachMarked(revision) : this.#progress.reach(revision))) return;
    throw StatusError.timeout(`revision ${revision} was written, but the store does not tell of it`);
  }

  /** The objects of a kind at an earlier revision, in order. @throws Compacted; RangeError for one that is yet to come */
  async listAt(
    cache: KindCache,
    revision: number,
    { prefix, after }: { prefix: string; after: string },
  ): Promise<StoredObject[]> {
    const { layout, items } = cache;
    const range = { revision, ...(after ? { after: layout.prefix + after } : {}) };
    const page = await this.#options.store.list(layout.prefix + prefix, range).catch((error: unknown) => {
      throw storeFailure(error);
    });
    return page.items.map((kv) => {
      const name = kv.key.slice(layout.prefix.length);
      const present = items.get(name);
      return present?.revision === kv.revision ? present : this.#storedOf(cache, parseKey(name), kv);
    });
  }

  /**
   * Changes as a watcher of `selection` sees them. Ends when aborted, when the reader is too slow, and when the cache is
   * closed.
   *
   * @throws StatusError Expired when `after` is older than the history kept
   */
  async *watch(
    cache: KindCache,
    selection: Selection,
    { after, marksInitialEnd, bookmarks, timeoutMs = 0, signal }: WatchStart,
  ): AsyncGenerator<readonly RegistryEvent<KubeObject>[], void, void> {
    if (signal.aborted || this.#closing.signal.aborted) return;
    const { watcherBudgetBytes: budgetBytes = 64 * 2 ** 20 } = this.#options;
    const watcher = new Watcher({ selection, bookmarks, budgetBytes });
    const onAbort = () => watcher.cut();
    signal.addEventListener("abort", onAbort, { once: true });
    // What is committed from here on waits in the watcher, while what was before is told.
    cache.add(watcher);
    const start = this.revision;
    // Who goes on from there finds little to catch up with, however seldom something of its selection happens.
    const tellLast = () => watcher.offerBookmark(this.revision);
    const cancel =
      timeoutMs > lastBookmarkMs ? this.#options.clock.schedule(timeoutMs - lastBookmarkMs, tellLast) : () => {};
    try {
      if (after === undefined) {
        yield* initialEvents(cache, selection);
        if (marksInitialEnd) yield [{ type: "BOOKMARK", revision: start, initialEventsEnd: true }];
      } else if (after < start) {
        yield* this.#history(cache, selection, { after, until: start, signal });
      }
      for (let batch = await watcher.next(); batch; batch = await watcher.next()) yield batch;
    } finally {
      cancel();
      signal.removeEventListener("abort", onAbort);
      cache.remove(watcher);
    }
  }

  /** The events after one revision up to another: from memory, else from the store. */
  async *#history(
    cache: KindCache,
    selection: Selection,
    range: { readonly after: number; readonly until: number; readonly signal: AbortSignal },
  ): AsyncGenerator<readonly RegistryEvent<KubeObject>[], void, void> {
    const { after, until, signal } = range;
    if (after >= this.#recent.start) {
      const changes = this.#recent.between(cache, { after, until });
      const batch = changes.flatMap((change) => change.eventFor(selection) ?? []);
      if (batch.length > 0) yield batch;
      return;
    }
    const { layout } = cache;
    const prefix = layout.prefix + (selection.namespace === undefined ? "" : `${selection.namespace}/`);
    try {
      for await (const events of this.#options.store.watch(prefix, { after, until, signal })) {
        const batch = events.flatMap((event) => {
          const key = parseKey(keyOfEvent(event).slice(layout.prefix.length));
          return this.#changeOf(cache, key, event).eventFor(selection) ?? [];
        });
        if (batch.length > 0) yield batch;
      }
    } catch (error) {
      if (!(error instanceof Compacted)) throw storeFailure(error);
      throw StatusError.expired(`too old resource version: ${after} (${error.oldest})`);
    }
  }

  #scheduleBookmarks(): void {
    this.#cancelBookmarks = this.#options.clock.schedule(bookmarkMs, () => {
      for (const cache of this.#kinds.values()) {
        for (const watcher of cache.watchers()) watcher.offerBookmark(this.revision);
      }
      this.#scheduleBookmarks();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelBookmarks();
    this.#closing.abort(new DOMException("The watch cache was closed", "AbortError"));
    for (const cache of this.#kinds.values()) for (const watcher of cache.watchers()) watcher.end();
    this.#progress.close();
    await this.#running;
  }
}

/** Why a sealed value cannot be read by a server that was told of no keys. */
function noKeys(key: string): string {
  return `unable to transform key "${key}": identity transformer tried to read encrypted data`;
}
