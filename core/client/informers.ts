import { apiVersionOf, type ResourceType } from "../api/kind.ts";
import type { KubeObject, ObjectKey } from "../api/meta.ts";
import { abortable } from "../util/abortable.ts";
import type { Clock } from "../util/clock.ts";
import { type Deferred, deferred } from "../util/deferred.ts";
import { errorMessage, type Logger } from "../util/log.ts";
import { Tasks } from "../util/tasks.ts";
import { Cache } from "./cache.ts";
import type { Client } from "./client.ts";
import type { CacheChange, Informer, InformerFactory, InformerOptions } from "./informer.ts";
import { Reflector, type ReflectorOptions, type ReflectorTarget, type Versioned } from "./reflector.ts";

/** Options of {@linkcode createInformers}. */
export interface InformersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Seconds after which a watch is begun anew at the earliest, and twice as many at the latest. Default 300. */
  readonly watchSeconds?: number | undefined;
  /** Ends every informer when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** The informers of one process: the first who asks for a resource starts its list and watch, everybody shares them. */
export function createInformers(options: InformersOptions): InformerFactory {
  const { log, signal } = options;
  const informers = new Map<string, OpenInformer>();
  const tasks = new Tasks({
    signal,
    onError: (error) => log.error("Informer failed", { error: errorMessage(error) }),
  });
  tasks.signal.addEventListener("abort", () => {
    for (const informer of informers.values()) informer.close(tasks.signal.reason);
  });

  return {
    informer<T extends KubeObject>(kind: ResourceType<T>, wanted: InformerOptions<T> = {}): Informer<T> {
      const { indexes = {}, keep = keepAll, ...selection } = wanted;
      const { namespace, labelSelector, fieldSelector } = selection;
      const key = JSON.stringify([apiVersionOf(kind), kind.plural, namespace, labelSelector, fieldSelector]);
      let informer = informers.get(key) as SharedInformer<T> | undefined;
      if (!informer) {
        tasks.signal.throwIfAborted();
        const made = new SharedInformer<T>({ ...options, kind, keep, selection });
        informer = made;
        informers.set(key, made);
        tasks.run(() => made.run());
      }
      if (informer.keep !== keep)
        throw new RangeError(`Cannot share an informer: another keeps other parts of ${kind.plural}`);
      for (const [name, valuesOf] of Object.entries(indexes)) informer.addIndex(name, valuesOf);
      return informer;
    },
    end(kind) {
      for (const [key, informer] of informers) {
        if (informer.kind.plural !== kind.plural || apiVersionOf(informer.kind) !== apiVersionOf(kind)) continue;
        informers.delete(key);
        informer.close(new DOMException("The resource is no longer served", "AbortError"));
      }
    },
    [Symbol.asyncDispose]: () => tasks[Symbol.asyncDispose](),
  };
}

function keepAll<T>(object: T): T {
  return object;
}

/** What all informers have in common, whatever they hold. */
interface OpenInformer {
  readonly kind: ResourceType;
  close(reason: unknown): void;
}

interface Waiter extends Deferred<void> {
  readonly revision: bigint;
}

/** An informer whose content a reflector feeds. */
class SharedInformer<T extends KubeObject> implements Informer<T>, ReflectorTarget<T> {
  readonly kind: ResourceType<T>;
  readonly keep: (object: T) => T;
  readonly #log: Logger;
  readonly #reflector: Reflector<T>;
  readonly #cache = new Cache<T>();
  readonly #waiters = new Set<Waiter>();
  #listeners: readonly ((change: CacheChange<T>) => void)[] = [];
  #revision = 0n;
  #synced = false;
  #closed: { readonly reason: unknown } | undefined;

  constructor({ keep, ...options }: Omit<ReflectorOptions<T>, "target"> & Pick<SharedInformer<T>, "keep">) {
    this.kind = options.kind;
    this.keep = keep;
    this.#log = options.log;
    this.#reflector = new Reflector({ ...options, target: this });
  }

  /** Works until {@linkcode close}. */
  run(): Promise<void> {
    return this.#reflector.run();
  }

  get resourceVersion(): bigint {
    return this.#revision;
  }

  get size(): number {
    return this.#cache.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#cache.get(key);
  }

  list(namespace?: string): readonly T[] {
    return this.#cache.list(namespace);
  }

  ownedBy(owner: { readonly metadata: { readonly uid?: string } }): readonly T[] {
    return this.#cache.ownedBy(owner);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value);
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    this.#cache.addIndex(name, valuesOf);
  }

  synced({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#synced ? Promise.resolve() : this.#wait(-1n, signal);
  }

  reached(resourceVersion: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const revision = BigInt(resourceVersion);
    return this.#synced && this.#revision >= revision ? Promise.resolve() : this.#wait(revision, signal);
  }

  relist({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return abortable(this.#reflector.relist(), signal);
  }

  onChange(listener: (change: CacheChange<T>) => void): () => void {
    // A wrapper, so that the same function may listen twice and each removal takes away its own.
    const own = (change: CacheChange<T>) => listener(change);
    for (const object of this.#cache.list()) this.#tell(own, { type: "added", object });
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }

  replace(objects: readonly Versioned<T>[], revision: bigint, options: { readonly anew: boolean }): void {
    const kept = objects.map(({ object, revision }) => ({ object: this.keep(object), revision }));
    for (const change of this.#cache.replace(kept, options)) this.#dispatch(change);
    if (options.anew) this.#revision = revision;
    this.#synced = true;
    this.advance(revision);
  }

  set(object: T, revision: bigint): void {
    for (const change of this.#cache.set(this.keep(object), revision)) this.#dispatch(change);
    this.advance(revision);
  }

  delete(object: T, revision: bigint): void {
    for (const change of this.#cache.delete(this.keep(object), revision)) this.#dispatch(change);
    this.advance(revision);
  }

  advance(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
    for (const waiter of this.#waiters) {
      if (waiter.revision > this.#revision) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Nothing more comes: whoever waits is told why. */
  close(reason: unknown): void {
    this.#closed = { reason };
    this.#reflector.end(reason);
    for (const waiter of this.#waiters) waiter.reject(reason);
    this.#waiters.clear();
  }

  async #wait(revision: bigint, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed) throw this.#closed.reason;
    const waiter: Waiter = { ...deferred(), revision };
    this.#waiters.add(waiter);
    try {
      await abortable(waiter.promise, signal);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  #dispatch(change: CacheChange<T>): void {
    for (const listener of this.#listeners) {
      // A listener may have been removed by one before it.
      if (this.#listeners.includes(listener)) this.#tell(listener, change);
    }
  }

  /** One listener's failure is no other's, and never the informer's. */
  #tell(listener: (change: CacheChange<T>) => void, change: CacheChange<T>): void {
    try {
      listener(change);
    } catch (error) {
      this.#log.error("Listener failed", { resource: this.kind.plural, error: errorMessage(error) });
    }
  }
}
