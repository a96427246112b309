/** A stored value. */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the commit that created the key. */
  readonly createRevision: number;
  /** Revision of the last commit to the key. */
  readonly revision: number;
  /** Whether it would be stored in another form now, so that writing it again changes something. */
  readonly isStale?: boolean;
  /** Why the value cannot be read: it is then as it is stored. */
  readonly unreadable?: string | undefined;
}

/** One change. `previous` is what it replaced. */
export type StoreEvent =
  | { readonly type: "put"; readonly revision: number; readonly kv: KeyValue; readonly previous: KeyValue | undefined }
  | { readonly type: "delete"; readonly revision: number; readonly key: string; readonly previous: KeyValue };

/** One page of a list. */
export interface Page {
  /** The revision that the page shows. */
  readonly revision: number;
  readonly items: readonly KeyValue[];
  /** Keys after the last item exist. */
  readonly more: boolean;
}

/** Options of {@linkcode Store.commit}. */
export interface CommitOptions {
  readonly expected: number;
  /**
   * Called by stores that take further commits while one is on its way to the disk: it has its revision, and the next one
   * may expect it. It may still fail; then all that expect it are stale, or fail as well.
   */
  readonly onTaken?: ((revision: number) => void) | undefined;
}

/** What became of a commit. A stale expectation is an answer, not an error. */
export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly current: KeyValue | undefined };

/**
 * The key-value store under the API: a linear history of commits.
 *
 * - Revisions are store-wide integers that start at 1 and only grow, across restarts too.
 * - A commit that was answered is durable (except in the memory store).
 * - Watches see every event once, in order, without gaps.
 */
export interface Store extends AsyncDisposable {
  get(
    key: string,
    options?: { readonly revision?: number },
  ): Promise<{ readonly revision: number; readonly kv: KeyValue | undefined }>;
  /** Keys with `prefix`, in byte order. `after` is exclusive. @throws Compacted for a revision that is gone */
  list(
    prefix: string,
    options?: { readonly revision?: number; readonly after?: string; readonly limit?: number },
  ): Promise<Page>;
  /**
   * Compare-and-set. `expected` is the key's last revision, 0: must be absent. `value` null deletes; deleting what is
   * absent is refused as stale. The value belongs to the store afterwards: do not change it.
   * @throws StoreWriteError when it cannot be made durable; StoreUnavailable when nobody knows; ValueTooLarge
   */
  commit(key: string, value: Uint8Array | null, options: CommitOptions): Promise<CommitResult>;
  /**
   * Every event with revision > `after`, batched as committed. Ends when aborted, or once everything up to and including
   * `until` was told. @throws Compacted when `after` is older than the history kept
   */
  watch(prefix: string, options: WatchStoreOptions): AsyncIterable<readonly StoreEvent[]>;
  /** Forgets history up to and including `revision`; present values stay. */
  compact(revision: number): Promise<void>;
  /**
   * Only of a store that others may write to as well: makes a revision that every watch reaches (see `onProgress`), so
   * that whoever waits for an earlier one need not wait for somebody's next write. @throws StoreUnavailable
   */
  mark?(): Promise<number>;
}

/** Options of {@linkcode Store.watch}. */
export interface WatchStoreOptions {
  readonly after: number;
  readonly until?: number | undefined;
  /** Of a store that has `mark`: called when everything up to a revision was told. */
  readonly onProgress?: ((revision: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Thrown for a revision whose history is no longer kept. */
export class Compacted extends Error {
  /** The oldest revision after which a watch may still start. */
  readonly oldest: number;

  constructor(requested: number, oldest: number) {
    super(`Cannot read revision ${requested}: history starts after ${oldest}`);
    this.name = "Compacted";
    this.oldest = oldest;
  }
}

/** Thrown when the store cannot be asked now. */
export class StoreUnavailable extends Error {
  /** Whether what was to be written may have been: nobody knows. */
  readonly mayHaveWritten: boolean;

  constructor(message: string, options: ErrorOptions & { readonly mayHaveWritten?: boolean } = {}) {
    super(message, options);
    this.name = "StoreUnavailable";
    this.mayHaveWritten = options.mayHaveWritten ?? false;
  }
}

/** Thrown for a value that is larger than the store takes. */
export class ValueTooLarge extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ValueTooLarge";
  }
}

/** Thrown when a commit could not be made durable: nothing of it took effect. Reading goes on. */
export class StoreWriteError extends Error {
  /** Whether a later commit may succeed (a full disk), or the store has to be opened again. */
  readonly temporary: boolean;

  constructor(message: string, { temporary, cause }: { readonly temporary: boolean; readonly cause?: unknown }) {
    super(message, { cause });
    this.name = "StoreWriteError";
    this.temporary = temporary;
  }
}
