import { join } from "node:path";
import { diskRemedies, folderTrouble } from "../../core/platform/folder_trouble.ts";
import type { Clock } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { nextCommit } from "./commit.ts";
import { errorCode, type StoreFiles, systemFiles } from "./files.ts";
import { recover, type Segment } from "./log_recovery.ts";
import { LogSegments } from "./log_segments.ts";
import { openPart, snapshotName, writeSnapshot } from "./log_snapshot.ts";
import { keyOfEvent, StoreState } from "./state.ts";
import {
  type CommitOptions,
  type CommitResult,
  type KeyValue,
  type Page,
  type Store,
  type StoreEvent,
  StoreWriteError,
} from "./store.ts";

/** Options of {@linkcode openLogStore}. */
export interface LogStoreOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** History is kept on disk at least this many milliseconds. Default 5 minutes. */
  readonly historyMs?: number;
  /** At least this many events are kept, however old. Default 10,000. */
  readonly historyEvents?: number;
  /** A segment is closed when it has more than this many bytes. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** A snapshot is made when the log beyond the last one has more than this many bytes, and more than the values. Default 32 MiB. */
  readonly snapshotBytes?: number;
  /** Default: the machine's own. */
  readonly files?: StoreFiles;
}

/** Most that is written and synced at once. */
const maxBatchBytes = 8 * 2 ** 20;
/** Most commits that may wait for the disk. */
const maxQueueLength = 100_000;
/** Idle milliseconds after which the file says that it is on disk up to its end. */
const idleMs = 50;
/** Events that memory holds beside those on disk. */
const recent = { events: 1_024, ms: 0, bytes: 8 * 2 ** 20 };

/**
 * Opens the append-only log in `folder`, made when missing. One process at a time.
 *
 * @throws DamagedFile naming file and offset; Error when another process holds the folder
 */
export async function openLogStore(folder: string, options: LogStoreOptions): Promise<Store> {
  const { files = systemFiles } = options;
  try {
    await files.makeFolder(folder);
    return await openLocked(folder, options, await files.lock(folder, "open the store"));
  } catch (error) {
    throw folderTrouble(error, { purpose: "open the store", folder });
  }
}

async function openLocked(folder: string, options: LogStoreOptions, lock: AsyncDisposable): Promise<Store> {
  const { files = systemFiles, clock, log } = options;
  try {
    const state: StoreState = new StoreState({
      clock,
      recent,
      older: (after) => segments.read(after, () => state.revision),
    });
    const recovered = await recover(folder, { state, files, log });
    const last = recovered.segments[recovered.segments.length - 1] as Segment;
    const file = await openPart(join(folder, last.file), files, "write");
    const segments: LogSegments = new LogSegments({ ...options, files, folder, recovered, file });
    const { bytesSinceSnapshot } = recovered;
    return new LogStore({ ...options, files, folder, state, segments, bytesSinceSnapshot, lock });
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** A commit that waits for the disk: an event, or a refusal that rests on an event before it. */
interface Waiting {
  readonly event: StoreEvent | undefined;
  readonly conflict: KeyValue | undefined;
  readonly answer: Deferred<CommitResult>;
}

interface LogStoreParts extends LogStoreOptions {
  readonly files: StoreFiles;
  readonly folder: string;
  readonly state: StoreState;
  readonly segments: LogSegments;
  /** Bytes of events that no snapshot covers. */
  readonly bytesSinceSnapshot: number;
  readonly lock: AsyncDisposable;
}

class LogStore implements Store {
  readonly #parts: LogStoreParts;
  readonly #state: StoreState;
  readonly #segments: LogSegments;
  #queue: Waiting[] = [];
  /** What keys will hold once the queue is on disk. */
  readonly #pending = new Map<string, { readonly revision: number; readonly kv: KeyValue | undefined }>();
  #nextRevision: number;
  #writing: Promise<void> | undefined;
  #failure: StoreWriteError | undefined;
  /** Whether the last write found the disk full. */
  #isFull = false;
  #closed = false;

  #cancelIdle: () => void = () => {};
  #isMarkDue = false;
  #valueBytes = 0;
  #bytesSinceSnapshot: number;
  #maintenance: Promise<void> | undefined;

  constructor(parts: LogStoreParts) {
    const { state, segments, bytesSinceSnapshot } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#segments = segments;
    this.#bytesSinceSnapshot = bytesSinceSnapshot;
    this.#nextRevision = state.revision + 1;
    for (const { value } of state.currentValues()) this.#valueBytes += value.length;
    this.#maintain();
  }

  get(...args: Parameters<Store["get"]>): ReturnType<Store["get"]> {
    return this.#state.get(...args);
  }

  list(...args: Parameters<Store["list"]>): Promise<Page> {
    return this.#state.list(...args);
  }

  watch(...args: Parameters<Store["watch"]>): ReturnType<Store["watch"]> {
    return this.#state.watch(...args);
  }

  async commit(key: string, value: Uint8Array | null, { expected, onTaken }: CommitOptions): Promise<CommitResult> {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new StoreWriteError("Cannot write: the store is closed", { temporary: false });
    if (this.#queue.length >= maxQueueLength) {
      throw new StoreWriteError(`Cannot write: ${maxQueueLength} commits wait for the disk already`, {
        temporary: true,
      });
    }
    const pending = this.#pending.get(key);
    const current = pending ? pending.kv : this.#state.current(key);
    const event = nextCommit({ key, value, expected, current, revision: this.#nextRevision });
    if (!event && !pending) return { ok: false, current };
    if (event) {
      this.#nextRevision++;
      this.#pending.set(key, { revision: event.revision, kv: event.type === "put" ? event.kv : undefined });
    }
    const answer = deferred<CommitResult>();
    this.#queue.push({ event, conflict: current, answer });
    this.#startWriting();
    if (event) onTaken?.(event.revision);
    return answer.promise;
  }

  #startWriting(): void {
    this.#cancelIdle();
    this.#writing ??= this.#write();
  }

  /** The writer loop: what waits goes to disk at once, is applied, answered and told to watchers, in order. */
  async #write(): Promise<void> {
    let hasAppended = false;
    for (;;) {
      // Those who were answered just now get their turn to ask again, so that one sync serves them all.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#takeBatch();
      const isMark = batch.length === 0 && this.#isMarkDue;
      this.#isMarkDue = false;
      if (batch.length === 0 && !isMark) break;
      const events = batch.flatMap(({ event }) => event ?? []);
      try {
        if (this.#failure) throw this.#failure;
        if (isMark) await this.#segments.mark();
        else if (events.length > 0) await this.#append(events);
        hasAppended ||= events.length > 0;
      } catch (error) {
        await this.#refuse(batch, error);
        continue;
      }
      this.#finish(batch, events);
    }
    this.#writing = undefined;
    if (this.#closed || this.#failure || !hasAppended) return;
    this.#cancelIdle = this.#parts.clock.schedule(idleMs, () => {
      this.#isMarkDue = true;
      this.#startWriting();
    });
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { event } of this.#queue) {
      if (event?.type === "put") bytes += event.kv.value.length;
      if (bytes > maxBatchBytes && count > 0) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #append(events: readonly StoreEvent[]): Promise<void> {
    const bytes = await this.#segments.append(events);
    this.#bytesSinceSnapshot += bytes;
    if (this.#isFull) this.#parts.log.info("The disk of the store has room again", { file: this.#segments.path });
    this.#isFull = false;
  }

  #finish(batch: readonly Waiting[], events: readonly StoreEvent[]): void {
    for (const event of events) {
      const key = keyOfEvent(event);
      if (this.#pending.get(key)?.revision === event.revision) this.#pending.delete(key);
      this.#valueBytes += (event.type === "put" ? event.kv.value.length : 0) - (event.previous?.value.length ?? 0);
    }
    this.#state.apply(events);
    for (const { event, conflict, answer } of batch) {
      answer.resolve(event ? { ok: true, revision: event.revision } : { ok: false, current: conflict });
    }
    this.#maintain();
  }

  /**
   * Refuses a batch, with everything that was decided on top of it. A full disk is got over by cutting the file back to
   * what was synced; after any other error nobody knows what the disk holds, so nothing is written any more.
   */
  async #refuse(batch: readonly Waiting[], error: unknown): Promise<void> {
    const { log } = this.#parts;
    const isFull = ["ENOSPC", "EDQUOT"].includes(errorCode(error) ?? "");
    let failure = this.#failure ?? writeError(this.#segments.path, error, isFull);
    if (isFull) {
      if (!this.#isFull) log.warn("The disk of the store is full", { file: this.#segments.path });
      this.#isFull = true;
      // Before anybody is told: what is refused must not be there after a crash.
      await this.#segments.cutBack().catch((cause: unknown) => {
        failure = writeError(this.#segments.path, cause, false);
      });
    }
    if (!failure.temporary && !this.#failure) {
      this.#failure = failure;
      log.error("The store writes no more", { error: failure.message });
    }
    const refused = [...batch, ...this.#queue];
    this.#queue = [];
    this.#pending.clear();
    this.#nextRevision = this.#state.revision + 1;
    for (const { answer } of refused) answer.reject(failure);
  }

  /** Starts a snapshot or the removal of old segments when one is due; never more than one at a time. */
  #maintain(): void {
    if (this.#maintenance || this.#closed || this.#failure) return;
    const { snapshotBytes = 32 * 2 ** 20, log } = this.#parts;
    const needsSnapshot = this.#bytesSinceSnapshot > Math.max(snapshotBytes, this.#valueBytes);
    if (!needsSnapshot && this.#countOldSegments() === 0) return;
    this.#maintenance = (async () => {
      try {
        if (needsSnapshot) await this.#makeSnapshot();
        await this.#dropSegments();
      } catch (error) {
        // Only old files are at stake: the log itself goes on, and the next commit tries again.
        log.warn("Cannot compact the store", { error: errorMessage(error) });
      }
    })().finally(() => {
      this.#maintenance = undefined;
    });
  }

  async #makeSnapshot(): Promise<void> {
    const { folder, files } = this.#parts;
    const revision = this.#state.revision;
    const items = [...this.#state.currentValues()];
    const bytes = this.#bytesSinceSnapshot;
    // Counted from here on even if it fails: the next try comes after as many bytes again, not at once.
    this.#bytesSinceSnapshot = 0;
    const previous = this.#segments.snapshot;
    if (previous?.revision === revision) return;
    await writeSnapshot(folder, { revision, items, files });
    await this.#segments.changeManifest((manifest) => ({
      ...manifest,
      snapshot: { file: snapshotName(revision), revision },
    }));
    if (previous) await files.remove(join(folder, previous.file));
    this.#parts.log.debug("Made a snapshot of the store", { revision, items: items.length, logBytes: bytes });
  }

  #countOldSegments(): number {
    const { historyMs = 300_000, historyEvents = 10_000 } = this.#parts;
    return this.#segments.countOld({ revision: this.#state.revision, ms: historyMs, events: historyEvents });
  }

  async #dropSegments(): Promise<void> {
    const count = this.#countOldSegments();
    if (count > 0) await this.#segments.drop(count, (revision) => this.#state.forget(revision));
  }

  async compact(revision: number): Promise<void> {
    const compacted = Math.min(revision, this.#state.revision);
    if (compacted <= this.#state.oldest) return;
    await this.#segments
      .changeManifest((manifest) => ({
        ...manifest,
        compacted: Math.max(manifest.compacted, compacted),
      }))
      .catch((cause: unknown) => {
        // The manifest is replaced wholly or not at all: it can be tried again.
        throw writeError(join(this.#parts.folder, "MANIFEST"), cause, true);
      });
    this.#state.forget(compacted);
    this.#maintain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelIdle();
    while (this.#writing) await this.#writing;
    await this.#maintenance;
    await this.#segments.settled();
    this.#state.close();
    try {
      if (!this.#failure) await this.#segments.seal();
    } catch (error) {
      // All that was answered is there; only the proof that nothing is missing at the end is not.
      this.#parts.log.warn("Cannot mark the end of the store's log", { error: errorMessage(error) });
    } finally {
      await this.#segments.close();
      await this.#parts.lock[Symbol.asyncDispose]();
    }
  }
}

function writeError(path: string, cause: unknown, temporary: boolean): StoreWriteError {
  const remedy = diskRemedies.get(errorCode(cause) ?? "");
  const text = `Cannot write to the store: ${path}: ${errorMessage(cause)}${remedy ? `: ${remedy}` : ""}`;
  return new StoreWriteError(temporary ? text : `${text}; it takes no writes until it is opened again`, {
    temporary,
    cause,
  });
}
