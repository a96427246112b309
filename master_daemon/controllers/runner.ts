import { apiVersionOf, type ResourceType } from "../../core/api/kind.ts";
import { controllerOf, type KubeObject, keyOf, keyText, type ObjectKey, parseKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { createEventRecorder } from "../../core/client/event_recorder.ts";
import type { CacheChange, Informer, InformerFactory, InformerOptions, Lister } from "../../core/client/informer.ts";
import { WorkQueue } from "../../core/client/workqueue.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { CacheFollower, Expectations, kindText } from "./_expectations.ts";
import { notingClient } from "./_noting_client.ts";
import type { Controller, ControllerContext, Mapping } from "./controller.ts";

/** What controllers run with. */
export interface RunControllersOptions {
  readonly client: Client;
  /** A client with the rights of a service account in `kube-system`. Default: `client` for all. */
  readonly clientFor?: ((account: string) => Client) | undefined;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs controllers until disposed or aborted. Of each: a queue of keys, fed by the caches of the kinds that it names, and
 * workers that start once these caches are complete.
 *
 * - A key is never reconciled twice at the same time, and again only when the caches show its own last writes.
 * - A failure backs the key off, 5 ms doubling up to 1000 s, and is logged once. Conflict and NotFound are no failures:
 *   the cache was behind.
 */
export function runControllers(controllers: readonly Controller[], options: RunControllersOptions): AsyncDisposable {
  const parts = new DisposalStack();
  for (const controller of controllers) parts.use(new Run(controller, options));
  return parts;
}

/**
 * What took long rests for so many times as long before it is done again: the many changes that come meanwhile, as when
 * the thousand pods of a ReplicaSet become ready, are then looked at together.
 */
const restRatio = 4;
const minRestMs = 4;
const maxRestMs = 50;

/** One controller at work. */
class Run implements AsyncDisposable {
  readonly #controller: Controller;
  readonly #options: RunControllersOptions;
  readonly #log: Logger;
  readonly #queue: WorkQueue;
  readonly #tasks: Tasks;
  readonly #parts = new DisposalStack();
  readonly #informers = new Map<string, Informer>();
  readonly #followers = new Map<string, CacheFollower>();
  /** Ends the rests that are under way. */
  readonly #resting = new Set<() => void>();
  readonly #recorder: ReturnType<typeof createEventRecorder>;

  constructor(controller: Controller, options: RunControllersOptions) {
    const { clock, random, signal, clientFor } = options;
    const client = (controller.account !== undefined && clientFor?.(controller.account)) || options.client;
    this.#controller = controller;
    this.#options = { ...options, client };
    this.#log = options.log.with({ controller: controller.name });
    this.#queue = new WorkQueue({ clock });
    // Last of all: until the workers have ended, one more rest may begin.
    this.#parts.defer(() => {
      for (const cancel of this.#resting) cancel();
    });
    this.#recorder = this.#parts.use(
      createEventRecorder({ client, clock, random, component: controller.name, log: this.#log }),
    );
    this.#tasks = this.#parts.use(
      new Tasks({ onError: (error) => this.#log.error("Worker failed", { error: errorMessage(error) }), signal }),
    );
    allowManyListeners(this.#tasks.signal);
    this.#parts.defer(() => this.#queue.shutdown());
    this.#connect();
    this.#tasks.run(() => this.#start());
  }

  /** Opens the caches first, so that every mapping may look into every one of them. */
  #connect(): void {
    const { reconciles, owns = [], watches = [] } = this.#controller;
    const batched = (key: ObjectKey) => {
      this.#queue.addAfter(keyText(key), this.#controller.batchMs?.(key, this.#lister, this.#options.clock) ?? 0);
    };
    for (const kind of [...(reconciles ? [reconciles] : []), ...owns]) this.#open(kind);
    for (const { kind, indexes = {}, keep } of watches) this.#open(kind, { indexes, keep });
    if (reconciles) {
      this.#listen(
        reconciles,
        (object) => [keyOf(object)],
        (key, change) => (keepsGeneration(change) ? batched(key) : this.#queue.add(keyText(key))),
      );
      for (const kind of owns) this.#listen(kind, (object) => keysOfOwner(object, reconciles), batched);
    }
    for (const mapping of watches) this.#listen(mapping.kind, (object) => mapping.keys(object, this.#lister), batched);
  }

  #open(kind: ResourceType, options: InformerOptions<KubeObject> = {}): void {
    const name = kindText(kind);
    const informer = this.#options.informers.informer(kind, options);
    this.#informers.set(name, informer);
    if (this.#followers.has(name)) return;
    const follower = new CacheFollower(informer);
    this.#followers.set(name, follower);
    this.#parts.defer(() => follower.close());
  }

  /** Watches one more kind; the function that it gives back ends that. */
  readonly #watch = ({ kind, indexes = {}, keep, keys }: Mapping): (() => void) => {
    const name = kindText(kind);
    this.#open(kind, { indexes, keep });
    const stop = this.#listen(kind, (object) => keys(object, this.#lister));
    return () => {
      stop();
      this.#informers.delete(name);
      this.#followers.delete(name);
      this.#options.informers.end(kind);
    };
  };

  #listen(
    kind: ResourceType,
    keysOf: (object: KubeObject) => readonly ObjectKey[],
    enqueue: (key: ObjectKey, change: CacheChange) => void = (key) => this.#queue.add(keyText(key)),
  ): () => void {
    const onChange = (change: CacheChange) => {
      for (const key of keysOf(change.object)) enqueue(key, change);
      // Who lost the object has to know, too.
      if (change.type === "updated") for (const key of keysOf(change.previous)) enqueue(key, change);
    };
    const stop = this.#informer(kind).onChange(onChange);
    this.#parts.defer(stop);
    return stop;
  }

  #informer<T extends KubeObject>(kind: ResourceType<T>): Informer<T> {
    const informer = this.#informers.get(kindText(kind));
    if (!informer) throw new RangeError(`Cannot list ${kind.plural}: ${this.#controller.name} does not name the kind`);
    return informer as Informer<KubeObject> as Informer<T>;
  }

  readonly #lister = <T extends KubeObject>(kind: ResourceType<T>): Lister<T> => this.#informer(kind);

  async #start(): Promise<void> {
    const { signal } = this.#tasks;
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced({ signal })));
    const { workers = 5 } = this.#controller;
    for (let worker = 0; worker < workers; worker++) this.#tasks.run(() => this.#work(signal));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.get({ signal });
      if (key === undefined) return;
      const startedAt = this.#options.clock.monotonic();
      const expectations = await this.#reconcile(key, signal);
      const restMs = Math.min(maxRestMs, (this.#options.clock.monotonic() - startedAt) * restRatio);
      if (expectations.empty && restMs < minRestMs) this.#queue.done(key);
      // Until then the key counts as being processed; the worker goes on with others.
      else this.#tasks.run(() => this.#finish(key, expectations, restMs, signal));
    }
  }

  async #finish(key: string, expectations: Expectations, restMs: number, signal: AbortSignal): Promise<void> {
    // A cache that ended meanwhile has nothing more to show.
    await expectations.met(signal).catch(() => signal.throwIfAborted());
    if (restMs >= minRestMs) this.#rest(key, restMs);
    else this.#queue.done(key);
  }

  /** Thousands may rest at once: none of them listens to the signal, and all are ended together. */
  #rest(key: string, ms: number): void {
    const cancel = this.#options.clock.schedule(ms, () => {
      this.#resting.delete(cancel);
      this.#queue.done(key);
    });
    this.#resting.add(cancel);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Expectations> {
    const expectations = new Expectations(this.#followers);
    const { clock, random } = this.#options;
    const context: ControllerContext = {
      client: notingClient(this.#options.client, expectations),
      clock,
      random,
      log: this.#log,
      signal,
      lister: this.#lister,
      watch: this.#watch,
      event: (object, text) => this.#recorder.record(object, text),
    };
    try {
      const result = await this.#controller.reconcile(parseKey(key), context);
      this.#queue.forget(key);
      if (result?.requeueAfterMs !== undefined) this.#queue.addAfter(key, result.requeueAfterMs);
    } catch (error) {
      if (signal.aborted) return expectations;
      this.#queue.addRateLimited(key);
      const fields = { key, error: errorMessage(error) };
      if (isReason(error, "Conflict") || isReason(error, "NotFound")) this.#log.debug("Cache was behind", fields);
      else this.#log.error("Reconcile failed", fields);
    }
    return expectations;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** Whether an object changed, but not what is wanted of it. */
function keepsGeneration(change: CacheChange): boolean {
  const { generation } = change.object.metadata;
  return change.type === "updated" && generation !== undefined && generation === change.previous.metadata.generation;
}

/** The key of the controller of `object`, when it is of `kind`. */
function keysOfOwner(object: KubeObject, kind: ResourceType): readonly ObjectKey[] {
  const owner = controllerOf(object);
  if (!owner || owner.kind !== kind.kind || owner.apiVersion !== apiVersionOf(kind)) return [];
  return [kind.namespaced ? { namespace: object.metadata.namespace, name: owner.name } : { name: owner.name }];
}
