import type { ResourceType } from "../../core/api/kind.ts";
import { type KubeObject, keyOf, keyText, type ObjectKey } from "../../core/api/meta.ts";
import type { CacheChange, Informer } from "../../core/client/informer.ts";
import { abortable } from "../../core/util/abortable.ts";
import { deferred } from "../../core/util/deferred.ts";
import type { Noted } from "./_noting_client.ts";

/** Waits for one cache: until it has seen a version, or no longer holds an object. */
export class CacheFollower {
  readonly #informer: Informer;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #stop: () => void;

  constructor(informer: Informer) {
    this.#informer = informer;
    this.#stop = informer.onChange((change) => this.#see(change));
  }

  /** uid of the object that the cache holds under `key`. */
  uidOf(key: ObjectKey): string | undefined {
    return this.#informer.get(key)?.metadata.uid;
  }

  /** Resolves once the cache has seen `resourceVersion`. */
  reached(resourceVersion: string, signal: AbortSignal): Promise<void> {
    return this.#informer.reached(resourceVersion, { signal });
  }

  /** Resolves once the cache shows everything that was written before the call, by whomever. */
  relisted(signal: AbortSignal): Promise<void> {
    return this.#informer.relist({ signal });
  }

  /** Resolves once the cache no longer holds the object of this uid under `key`. */
  async gone(key: ObjectKey, uid: string | undefined, signal: AbortSignal): Promise<void> {
    if (this.uidOf(key) !== uid || uid === undefined) return;
    const text = keyText(key);
    const { promise, resolve } = deferred();
    const callbacks = this.#waiting.get(text) ?? new Set();
    this.#waiting.set(text, callbacks.add(resolve));
    try {
      await abortable(promise, signal);
    } finally {
      callbacks.delete(resolve);
    }
  }

  #see({ type, object }: CacheChange): void {
    if (type !== "deleted") return;
    const text = keyText(keyOf(object));
    const callbacks = this.#waiting.get(text);
    if (!callbacks) return;
    this.#waiting.delete(text);
    for (const settle of callbacks) settle();
  }

  /** Listens no longer. */
  close(): void {
    this.#stop();
  }
}

/**
 * The writes of one reconcile. A key may run again only when the caches show what it did: with a stale cache it would do
 * it twice. Kinds that the controller does not look at need no waiting.
 */
export class Expectations implements Noted {
  readonly #followers: ReadonlyMap<string, CacheFollower>;
  readonly #versions = new Map<string, bigint>();
  readonly #unanswered = new Set<string>();
  readonly #deletions: { readonly kind: string; readonly key: ObjectKey; readonly uid: string | undefined }[] = [];

  /** @param followers by {@linkcode kindText} */
  constructor(followers: ReadonlyMap<string, CacheFollower>) {
    this.#followers = followers;
  }

  written(kind: ResourceType, resourceVersion: string): void {
    const name = kindText(kind);
    const version = BigInt(resourceVersion);
    if (this.#followers.has(name) && version > (this.#versions.get(name) ?? 0n)) this.#versions.set(name, version);
  }

  unanswered(kind: ResourceType): void {
    if (this.#followers.has(kindText(kind))) this.#unanswered.add(kindText(kind));
  }

  deleted(kind: ResourceType, key: ObjectKey): void {
    const name = kindText(kind);
    const follower = this.#followers.get(name);
    if (follower) this.#deletions.push({ kind: name, key, uid: follower.uidOf(key) });
  }

  /** Whether nothing was written that a cache has to show. */
  get empty(): boolean {
    return this.#versions.size === 0 && this.#deletions.length === 0 && this.#unanswered.size === 0;
  }

  /** Resolves once the caches show every write. */
  async met(signal: AbortSignal): Promise<void> {
    for (const [name, version] of this.#versions) await this.#followers.get(name)?.reached(String(version), signal);
    for (const name of this.#unanswered) await this.#followers.get(name)?.relisted(signal);
    for (const { kind, key, uid } of this.#deletions) await this.#followers.get(kind)?.gone(key, uid, signal);
  }
}

/** Names a kind in tables. */
export function kindText({ group, plural }: ResourceType<KubeObject>): string {
  return `${plural}.${group}`;
}
