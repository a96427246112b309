import { sameJson } from "../../core/api/json_object.ts";
import { apiVersionOf, type Kind, type ValidationContext } from "../../core/api/kind.ts";
import { type KubeObject, keyText, type ObjectKey } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { validateMetadata } from "../../core/api/validate_meta.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import type { Random } from "../../core/platform/random.ts";
import { type Clock, timestamp } from "../../core/util/clock.ts";
import { deferred } from "../../core/util/deferred.ts";
import type { CommitOptions } from "../store/store.ts";
import { changedObject, refuseInvalid } from "./changed_object.ts";
import { KeyedLock } from "./keyed_lock.ts";
import type { KindCache } from "./kind_cache.ts";
import { ListPages } from "./list_pages.ts";
import { generateName, isFinished, newMetadata, withFirstGeneration, withKnownTimes } from "./object_changes.ts";
import { planDelete } from "./plan_delete.ts";
import { checkPreconditions, checkVersion } from "./preconditions.ts";
import type {
  Registry,
  RegistryDeleteOptions,
  RegistryEvent,
  RegistryListOptions,
  RegistryPage,
  RegistryUpdateOptions,
  RegistryWatchOptions,
  RegistryWriteOptions,
  Stored,
} from "./registry.ts";
import { parseResourceVersion, waitForVersion } from "./resource_version.ts";
import { ServedVersion } from "./served_version.ts";
import { StoredObject } from "./stored_object.ts";
import type { WatchCache } from "./watch_cache.ts";

/** Tries of a write that loses to others, before it is a Conflict. */
const maxTries = 16;
/** Tries of a generated name. @see k8s.io/apiserver/pkg/registry/generic/registry, maxNameGenerationCreateAttempts */
const maxNameTries = 8;

/** Options of {@linkcode GenericRegistry}. */
export interface GenericRegistryOptions {
  readonly kind: Kind;
  readonly cache: WatchCache;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly uuid: () => string;
  readonly context: ValidationContext;
}

/**
 * The semantics of Kubernetes' storage, for any kind: what `Kind` and its strategy do not say is the same for all.
 *
 * @see k8s.io/apiserver/pkg/registry/generic/registry/store.go
 */
export class GenericRegistry implements Registry {
  readonly kind: Kind;
  readonly #options: GenericRegistryOptions;
  readonly #cache: WatchCache;
  readonly #objects: KindCache;
  readonly #served: ServedVersion;
  readonly #pages: ListPages;
  /** Writers of one object take turns: racing, all but one would have to try again. */
  readonly #lock = new KeyedLock();
  /** What is on its way to the disk, by key: the next writer goes on from it, so that one sync serves them all. */
  readonly #ahead = new Map<string, { readonly stored: StoredObject; readonly settled: Promise<void> }>();

  constructor(options: GenericRegistryOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.#cache = options.cache;
    this.#objects = options.cache.kind(options.kind.storedAs?.kind ?? options.kind);
    this.#served = new ServedVersion(options.kind);
    this.#pages = new ListPages({ kind: this.kind, cache: this.#cache, objects: this.#objects, served: this.#served });
  }

  get isEmpty(): boolean {
    return this.#objects.items.size === 0 && !this.#cache.isShared;
  }

  async get(key: ObjectKey): Promise<Stored> {
    await this.#catchUp();
    return this.#present(key);
  }

  /** Makes sure that readers see the present of a store that others write to, too. Without such it costs nothing. */
  async #catchUp(): Promise<void> {
    if (this.#cache.isShared) await this.#cache.catchUp();
  }

  /** The object in the version that is served. @throws StatusError NotFound */
  async #present(key: ObjectKey): Promise<StoredObject> {
    const stored = this.#objects.items.get(keyText(this.#scoped(key)));
    if (!stored) throw StatusError.notFound(this.kind, key.name);
    return this.#served.converts ? this.#served.of(stored) : stored;
  }

  #scoped({ namespace, name }: ObjectKey): ObjectKey {
    return this.kind.namespaced && namespace ? { namespace, name } : { name };
  }

  list(options: RegistryListOptions = {}): Promise<RegistryPage<KubeObject>> {
    return this.#pages.list(options);
  }

  async create(object: KubeObject, options: RegistryWriteOptions): Promise<Stored> {
    const sent = object.metadata ?? {};
    if (parseResourceVersion(sent.resourceVersion) !== 0) {
      throw StatusError.badRequest("resourceVersion should not be set on objects to be created");
    }
    const tries = sent.name ? 1 : maxNameTries;
    for (let tried = 1; ; tried++) {
      const next = this.#newObject(object, options.user);
      const errors = [
        ...validateMetadata(this.kind, next),
        ...this.kind.strategy.validate(next, this.#options.context),
        ...(await this.kind.strategy.validateLate(next, undefined)),
      ];
      refuseInvalid(this.kind, next, errors);
      await options.admit?.(next, undefined);
      const stored = await this.#insert(next, options);
      if (stored) return stored;
      if (tried >= tries) throw StatusError.alreadyExists(this.kind, next.metadata.name ?? "");
    }
  }

  /** What a client sent as it is to be stored, complete but for what the commit decides. */
  #newObject(object: KubeObject, user: UserInfo): KubeObject {
    const { clock, random, uuid } = this.#options;
    const { strategy, namespaced } = this.kind;
    const sent = object.metadata ?? {};
    const metadata = newMetadata(sent, {
      name: sent.name || (sent.generateName ? generateName(sent.generateName, random) : undefined),
      namespace: namespaced ? sent.namespace : undefined,
      uid: uuid(),
      creationTimestamp: timestamp(clock),
    });
    const typed = { ...object, apiVersion: apiVersionOf(this.kind), kind: this.kind.kind, metadata };
    const prepared = strategy.prepareForCreate(strategy.applyDefaults(typed));
    return withFirstGeneration(this.kind, strategy.stamp(prepared, { user, now: clock.now() }));
  }

  /** Undefined when an object of that name exists. */
  async #insert(next: KubeObject, { dryRun }: RegistryWriteOptions): Promise<StoredObject | undefined> {
    const { namespace, name = "" } = next.metadata;
    const key = this.#scoped({ namespace, name });
    const value = this.#served.layout.encode(next);
    if (!dryRun) return await this.#commit(key, { expected: 0, value, object: next });
    await this.#catchUp();
    if (this.#objects.items.has(keyText(key))) return undefined;
    return this.#stored(key, { revision: 0, value, object: next });
  }

  async update(
    key: ObjectKey,
    change: (current: KubeObject) => KubeObject | Promise<KubeObject>,
    options: RegistryUpdateOptions,
  ): Promise<Stored> {
    const attempt = async (current: StoredObject): Promise<Taken> => {
      const changed = await change(current.object);
      checkVersion(this.kind, changed, current);
      const next = await changedObject(this.kind, changed, current.object, {
        ...options,
        now: this.#options.clock.now(),
        context: this.#options.context,
      });
      await options.admit?.(next, current.object);
      if (isFinished(this.kind, next, current.object))
        return decided((await this.#remove(current, options))?.stored, !options.dryRun);
      return await this.#startReplacing(current, next, options);
    };
    for (let tried = 0; tried < maxTries; tried++) {
      const { stored } = await this.#lock.run(keyText(key), () => this.#attemptAhead(key, attempt));
      const answer = await stored;
      if (answer) return answer;
    }
    throw StatusError.conflict(this.kind, key.name);
  }

  /**
   * Runs `attempt` on the object as it will be once what is on its way to the disk is there. Whatever does not end in a
   * commit on top of that is decided again on what is certain.
   */
  async #attemptAhead(key: ObjectKey, attempt: (current: StoredObject) => Promise<Taken>): Promise<Taken> {
    const ahead = this.#ahead.get(keyText(key));
    if (ahead) {
      const taken = await attempt(ahead.stored).catch(() => undefined);
      if (taken?.isCommit) return taken;
      await ahead.settled;
    }
    await this.#catchUp();
    return await attempt(await this.#present(key));
  }

  /** Runs `attempt` on the present object until it answers: it does not when somebody else was faster. */
  #repeatedly<R>(key: ObjectKey, attempt: (current: StoredObject) => Promise<R | undefined>): Promise<R> {
    return this.#lock.run(keyText(key), async () => {
      await this.#ahead.get(keyText(key))?.settled;
      await this.#catchUp();
      for (let tried = 0; tried < maxTries; tried++) {
        const answer = await attempt(await this.#present(key));
        if (answer !== undefined) return answer;
      }
      throw StatusError.conflict(this.kind, key.name);
    });
  }

  /** Commits `next` over `current`; nothing when nothing changed. Undefined when somebody else was faster. */
  async #replace(
    current: StoredObject,
    next: KubeObject,
    options: RegistryWriteOptions,
  ): Promise<StoredObject | undefined> {
    return await (await this.#startReplacing(current, next, options)).stored;
  }

  /** As {@linkcode #replace}, but waits only until the next writer may go on from what this one writes. */
  async #startReplacing(current: StoredObject, next: KubeObject, { dryRun }: RegistryWriteOptions): Promise<Taken> {
    const { key, revision } = current;
    const text = keyText(key);
    const value = this.#served.layout.encode(next);
    const isSame = value.length === current.value.length && this.#isSame(value, next, current);
    if (isSame && !this.#isStoredOtherwise(key)) return decided(current, false);
    if (dryRun) return decided(this.#stored(key, { revision, value, object: next }), false);
    // What was on its way, and failed: its revision may have become another object's.
    if (this.#ahead.get(text)?.stored !== current && this.#objects.items.get(text)?.revision !== revision)
      return decided(undefined, true);
    const write = { expected: revision, value, object: next };
    const { promise: taken, resolve } = deferred<number | undefined>();
    const stored = this.#commit(key, { ...write, onTaken: resolve });
    const end = () => resolve(undefined);
    const settled = stored.then(end, end);
    const revisionTaken = await taken;
    if (revisionTaken === undefined || this.#served.converts) {
      await settled;
      return { stored, isCommit: true };
    }
    const ahead = { stored: this.#stored(key, { ...write, revision: revisionTaken }), settled };
    this.#ahead.set(text, ahead);
    void settled.then(() => {
      if (this.#ahead.get(text) === ahead) this.#ahead.delete(text);
    });
    return { stored, isCommit: true };
  }

  /** Whether another version, or another key of encryption, was in use when the object was stored: writing it as it is brings it up to date. */
  #isStoredOtherwise(key: ObjectKey): boolean {
    const stored = this.#objects.items.get(keyText(key));
    if (!stored) return false;
    const isOther = () => stored.object.apiVersion !== apiVersionOf(this.#objects.layout.kind);
    return stored.isStale || (this.#served.converts && isOther());
  }

  #isSame(value: Uint8Array, next: KubeObject, current: StoredObject): boolean {
    if (Buffer.compare(value, current.value) === 0) return true;
    const { resourceVersion } = current.object.metadata;
    const known = withKnownTimes(next, current.object);
    return sameJson({ ...known, metadata: { ...known.metadata, resourceVersion } }, current.object);
  }

  delete(key: ObjectKey, options: RegistryDeleteOptions): Promise<{ readonly stored: Stored; readonly gone: boolean }> {
    return this.#repeatedly(key, async (current) => {
      checkPreconditions(this.kind, current, options.preconditions);
      await options.admit?.(current.object, current.object);
      const plan = planDelete(this.kind, current.object, { ...options, now: this.#options.clock.now() });
      if (plan.action === "remove") return await this.#remove(current, options);
      if (plan.action === "none") return { stored: current, gone: false };
      const stored = await this.#replace(current, plan.next, options);
      return stored && { stored, gone: false };
    });
  }

  async #remove(
    current: StoredObject,
    { dryRun }: RegistryWriteOptions,
  ): Promise<{ readonly stored: StoredObject; readonly gone: true } | undefined> {
    if (dryRun) return { stored: current, gone: true };
    const revision = await this.#cache.commit(this.#objects, current.key, { expected: current.revision, value: null });
    return revision === undefined ? undefined : { stored: current.at(revision), gone: true };
  }

  /** Undefined when somebody else was faster. */
  async #commit(
    key: ObjectKey,
    write: CommitOptions & { readonly value: Uint8Array; readonly object: KubeObject },
  ): Promise<StoredObject | undefined> {
    const revision = await this.#cache.commit(this.#objects, key, await this.#asStored(write));
    if (revision === undefined) return undefined;
    if (this.#served.converts) return this.#stored(key, { ...write, revision });
    const present = this.#objects.items.get(keyText(key));
    return present?.revision === revision ? present : this.#stored(key, { ...write, revision });
  }

  /** A write in the version that is stored. */
  async #asStored<W extends { readonly value: Uint8Array; readonly object: KubeObject }>(write: W): Promise<W> {
    if (!this.#served.converts) return write;
    const object = await this.#served.toStored(write.object);
    return { ...write, object, value: this.#objects.layout.encode(object) };
  }

  #stored(
    key: ObjectKey,
    content: { readonly revision: number; readonly value: Uint8Array; readonly object: KubeObject },
  ): StoredObject {
    const { revision, value, object } = content;
    return new StoredObject({ layout: this.#served.layout, key, revision, value, object });
  }

  async *watch(options: RegistryWatchOptions): AsyncGenerator<readonly RegistryEvent[], void, void> {
    const {
      resourceVersion,
      sendInitialEvents,
      bookmarks = false,
      timeoutMs,
      signal,
      namespace,
      matches,
      only,
    } = options;
    const version = parseResourceVersion(resourceVersion);
    if (version > 0) await waitForVersion(this.#cache, version);
    else if (resourceVersion !== "0") await this.#catchUp();
    const isFromPresent = sendInitialEvents ?? version === 0;
    const after = isFromPresent ? undefined : version || this.#cache.revision;
    const selection = { namespace: this.kind.namespaced ? namespace : undefined, matches, only };
    const start = { after, marksInitialEnd: sendInitialEvents === true, bookmarks, timeoutMs, signal };
    if (!this.#served.converts) return yield* this.#cache.watch(this.#objects, selection, start);
    // Selectors are about what is served: they can be asked only after the conversion.
    const everything = { namespace: selection.namespace };
    yield* this.#served.events(this.#cache.watch(this.#objects, everything, start), selection);
  }
}

/** What became of a try to write. */
interface Taken {
  /** Undefined: somebody else was faster. */
  readonly stored: Promise<StoredObject | undefined>;
  /** Whether the store decides: what is not committed may have been judged by what never came to be. */
  readonly isCommit: boolean;
}

function decided(stored: StoredObject | undefined, isCommit: boolean): Taken {
  return { stored: Promise.resolve(stored), isCommit };
}
