import type { Kind, PartName, ResourceType } from "../../core/api/kind.ts";
import type { KubeObject, ObjectKey } from "../../core/api/meta.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import type { Store } from "../store/store.ts";

/** An object with the bytes that stand for it on the wire (resourceVersion included). Shared: never change either. */
export interface Stored<T extends KubeObject = KubeObject> {
  readonly key: ObjectKey;
  readonly revision: number;
  /** JSON of the object with kind and apiVersion, put together when it is asked for. */
  readonly bytes: Uint8Array;
  /** Length of `bytes`. */
  readonly byteLength: number;
  /** Copies `bytes` into `target`, without putting them together first. Returns where they end. */
  copyTo(target: Buffer, offset: number): number;
  /** Parsed on first use, then shared. */
  readonly object: T;
}

/** Which objects a list or watch is about. */
export interface Selection {
  readonly namespace?: string | undefined;
  /** Parsed selectors; absent: everything. Called with the shared object. */
  readonly matches?: ((stored: Stored) => boolean) | undefined;
  /** Of what `matches` takes: only objects that show this value. Who wants another one is not asked about a change. */
  readonly only?:
    | { readonly field: string; readonly value: string; readonly read: (stored: Stored) => string }
    | undefined;
}

/** Options of {@linkcode Registry.list}. */
export interface RegistryListOptions extends Selection {
  readonly limit?: number | undefined;
  /** Opaque token of an earlier page: shows the same revision. @throws StatusError Expired */
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
}

/** A page of objects. */
export interface RegistryPage<T extends KubeObject> {
  readonly revision: number;
  readonly items: readonly Stored<T>[];
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** A change as a watcher sees it: selection applied, so what stops matching is DELETED and what starts is ADDED. */
export type RegistryEvent<T extends KubeObject = KubeObject> =
  | { readonly type: "ADDED" | "DELETED"; readonly stored: Stored<T> }
  | { readonly type: "MODIFIED"; readonly stored: Stored<T>; readonly previous: Stored<T> }
  | { readonly type: "BOOKMARK"; readonly revision: number; readonly initialEventsEnd: boolean };

/** Options of {@linkcode Registry.watch}. */
export interface RegistryWatchOptions extends Selection {
  /** Events after this version; absent or `0`: the present objects first. @throws StatusError Expired when too old */
  readonly resourceVersion?: string | undefined;
  /** Watch-list: present objects first, then a bookmark with `initialEventsEnd`. */
  readonly sendInitialEvents?: boolean | undefined;
  readonly bookmarks?: boolean | undefined;
  /** Milliseconds after which the reader ends it: a bookmark comes shortly before. Default: it never does. */
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
}

/** Who writes, and how. */
export interface RegistryWriteOptions {
  readonly user: UserInfo;
  readonly dryRun?: boolean | undefined;
  /** Validating admission: called with the final object before the commit; for a delete, with the present one twice. */
  readonly admit?: ((next: KubeObject, previous: KubeObject | undefined) => Promise<void>) | undefined;
}

/** Options of {@linkcode Registry.update}. */
export interface RegistryUpdateOptions extends RegistryWriteOptions {
  /**
   * What may change. Absent: everything but the status. `status`, `approval`: that, and metadata where the kind lets them.
   * `finalize`: only `spec.finalizers`. `binding`: everything, the status too; the server
   * itself made it of what was valid, so that only its metadata is checked.
   */
  readonly subresource?: PartName | "status" | "approval" | "finalize" | "binding" | undefined;
}

/** Options of {@linkcode Registry.delete}. */
export interface RegistryDeleteOptions extends RegistryWriteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
}

/** Storage of one kind with Kubernetes' semantics: one implementation for every {@linkcode Kind}. */
export interface Registry<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  /** Known to hold nothing, at no cost; false also where only a look could tell, as in a store that others write to. */
  readonly isEmpty: boolean;
  /** From the watch cache, after it has caught up with every commit answered so far. @throws StatusError NotFound */
  get(key: ObjectKey): Promise<Stored<T>>;
  list(options?: RegistryListOptions): Promise<RegistryPage<T>>;
  /** Fills metadata (uid, creationTimestamp, generation, generated name), defaults, validates, commits. */
  create(object: T, options: RegistryWriteOptions): Promise<Stored<T>>;
  /**
   * Reads, changes and commits; runs again when somebody else committed in between, unless `change` carried a
   * resourceVersion of its own that is stale (Conflict). A change of nothing commits nothing.
   */
  update(key: ObjectKey, change: (current: T) => T | Promise<T>, options: RegistryUpdateOptions): Promise<Stored<T>>;
  /** Gone at once, or marked (grace period, finalizers): `gone` tells. */
  delete(
    key: ObjectKey,
    options: RegistryDeleteOptions,
  ): Promise<{ readonly stored: Stored<T>; readonly gone: boolean }>;
  watch(options: RegistryWatchOptions): AsyncIterable<readonly RegistryEvent<T>[]>;
}

/** Options of `openRegistries()`. */
export interface RegistriesOptions {
  readonly store: Store;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** See {@linkcode ValidationContext}. */
  readonly localRanges: readonly string[];
  /** See {@linkcode ValidationContext}. */
  readonly apiServerAddress?: string | undefined;
  /** Makes uids. Default: random UUIDs of the machine. */
  readonly uuid?: (() => string) | undefined;
  /** Bytes that may wait for one watcher before it is cut. Default 64 MiB. */
  readonly watcherBudgetBytes?: number | undefined;
}

/** One registry per kind over one store and one watch cache. What is served changes while it is open. */
export interface Registries extends AsyncDisposable {
  /** What is served now. Another array after every change. */
  readonly kinds: readonly Kind[];
  /** Begins to serve a kind, in place of the one of the same group, version and plural, if any: its watches end. */
  serve(kind: Kind): Promise<void>;
  /** Stops to serve a kind: its watches end. What is stored stays. */
  withdraw(kind: ResourceType): void;
  /** Calls `listener` after every change of `kinds`, until the function that it gives back is called. */
  onChange(listener: () => void): () => void;
  /** @throws RangeError for a kind that is not served */
  for<T extends KubeObject>(kind: ResourceType<T>): Registry<T>;
  /** The last revision that readers see. */
  readonly revision: number;
  /** Why a store that other masters share cannot be read; undefined when it can. */
  readonly storeFailure: string | undefined;
}
