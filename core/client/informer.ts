import type { ResourceType } from "../api/kind.ts";
import type { KubeObject, ObjectKey } from "../api/meta.ts";

/** A read-only view of an informer's cache. Objects are shared: never change them. */
export interface Lister<T extends KubeObject = KubeObject> {
  /** How many objects there are. */
  readonly size: number;
  get(key: ObjectKey): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** Objects whose controller owner reference carries this uid (indexed). */
  ownedBy(owner: { readonly metadata: { readonly uid?: string } }): readonly T[];
  /** Objects that an index function put under `value`. @throws RangeError when no such index was asked for */
  byIndex(index: string, value: string): readonly T[];
}

/** What happened to one object of a cache. */
export type CacheChange<T extends KubeObject = KubeObject> =
  | { readonly type: "added"; readonly object: T }
  | { readonly type: "updated"; readonly object: T; readonly previous: T }
  | { readonly type: "deleted"; readonly object: T };

/** Keeps a cache of one resource in step with the API: lists once, then watches, resumes, and relists when told 410. */
export interface Informer<T extends KubeObject = KubeObject> extends Lister<T> {
  readonly kind: ResourceType<T>;
  /** resourceVersion up to which the cache is complete; `0` before the first list. */
  readonly resourceVersion: bigint;
  /** Resolves after the first complete list. */
  synced(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Resolves once the cache has seen `resourceVersion` (of an object of this resource). */
  reached(resourceVersion: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Resolves once the cache shows a list that began after the call: for who cannot know whether a write was carried out. */
  relist(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Calls `listener` for each change from now on, in order, and first with `added` for what is there. Returns its removal. */
  onChange(listener: (change: CacheChange<T>) => void): () => void;
}

/** Options of {@linkcode InformerFactory.informer}: all who share an informer give the same `keep`. */
export interface InformerOptions<T extends KubeObject> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** What is kept of each object, as client-go's SetTransform has it: what it is found by has to stay. Default: all of it. */
  readonly keep?: ((object: T) => T) | undefined;
  /** Named index functions: each gives the values under which an object is found. Adding one to a running informer indexes what it holds. */
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
}

/** One informer per resource and selector, shared by everybody in the process who asks. */
export interface InformerFactory extends AsyncDisposable {
  informer<T extends KubeObject>(kind: ResourceType<T>, options?: InformerOptions<T>): Informer<T>;
  /** Ends the informers of a resource that is no longer served. Whoever waits for one of them is told. */
  end(kind: ResourceType): void;
}
