import { join } from "node:path";
import type { Clock } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { nextCommit } from "./commit.ts";
import { errorCode, type StoreFile, type StoreFiles, systemFiles } from "./files.ts";
import { type Manifest, writeManifest } from "./log_manifest.ts";
import { readRecords } from "./log_reader.ts";
import { decodeEvent, RecordWriter, recordType } from "./log_record.ts";
import { createSegment, type Recovered, recover, type Segment } from "./log_recovery.ts";
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
    const code = errorCode(error) ?? "";
    const remedy = remedies.get(code);
    if (remedy === undefined) throw error;
    const path = (error as { path?: string }).path ?? folder;
    throw new Error(`Cannot open the store: ${path}: ${code}: ${remedy}, or choose another --data-dir`, {
      cause: error,
    });
  }
}

/** What helps against what the system says. */
const remedies: ReadonlyMap<string, string> = new Map([
  ["EACCES", "the folder and its files must belong to the user who runs this"],
  ["EPERM", "the folder and its files must belong to the user who runs this"],
  ["EROFS", "the file system is read-only: mount it for writing"],
  ["ENOTDIR", "something on the way is not a folder: move it away"],
  ["ENOSPC", "the disk is full: make room"],
  ["EDQUOT", "the quota of the disk is used up: make room"],
]);

async function openLocked(folder: string, options: LogStoreOptions, lock: AsyncDisposable): Promise<Store> {
  const { files = systemFiles, clock, log } = options;
  try {
    const state: StoreState = new StoreState({ clock, recent, older: (after) => store.readEvents(after) });
    const recovered = await recover(folder, { state, files, log });
    const last = recovered.segments[recovered.segments.length - 1] as Segment;
    const file = await openPart(join(folder, last.file), files, "write");
    const store: LogStore = new LogStore({ ...options, files, folder, state, recovered, file, lock });
    return store;
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
  readonly recovered: Recovered;
  /** The last segment, open for writing. */
  readonly file: StoreFile;
  readonly lock: AsyncDisposable;
}

class LogStore implements Store {
  readonly #parts: LogStoreParts;
  readonly #state: StoreState;
  readonly #segments: Segment[];
  /** Monotonic milliseconds at which a segment was closed, by its first revision; those of an earlier run: when opened. */
  readonly #closedAt = new Map<number, number>();
  readonly #openedAt: number;
  #manifest: Manifest;
  #manifestChange: Promise<unknown> = Promise.resolve();

  #file: StoreFile;
  readonly #writer = new RecordWriter();
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
  /** Where the last mark ends: nothing was written since when that is the end. */
  #markedEnd = 0;

  #valueBytes = 0;
  #bytesSinceSnapshot: number;
  #maintenance: Promise<void> | undefined;

  constructor(parts: LogStoreParts) {
    const { recovered, state, file, clock } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#segments = [...recovered.segments];
    this.#manifest = recovered.manifest;
    this.#bytesSinceSnapshot = recovered.bytesSinceSnapshot;
    this.#file = file;
    this.#nextRevision = state.revision + 1;
    this.#openedAt = clock.monotonic();
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
        if (isMark) await this.#writeMark();
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

  get #segment(): Segment {
    return this.#segments[this.#segments.length - 1] as Segment;
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
    const { segmentBytes = 16 * 2 ** 20 } = this.#parts;
    if (this.#segment.end > segmentBytes && this.#segment.last >= this.#segment.first) await this.#rotate();
    const segment = this.#segment;
    const now = this.#parts.clock.now();
    this.#writer.clear();
    if (this.#markedEnd !== segment.end) this.#writer.synced(segment.end);
    for (const event of events) this.#writer.event(event, now);
    await this.#file.write(this.#writer.bytes, segment.end);
    await this.#file.sync();
    segment.end += this.#writer.length;
    segment.last = events[events.length - 1]?.revision ?? segment.last;
    this.#bytesSinceSnapshot += this.#writer.length;
    if (this.#isFull) this.#parts.log.info("The disk of the store has room again", { file: this.#file.path });
    this.#isFull = false;
  }

  /** Says in the file that all before is on disk: from then on, damage there is told from a write cut short. */
  async #writeMark(): Promise<void> {
    const segment = this.#segment;
    this.#writer.clear();
    this.#writer.synced(segment.end);
    await this.#file.write(this.#writer.bytes, segment.end);
    // Once another segment follows, a torn mark would be damage.
    await this.#file.sync();
    segment.end += this.#writer.length;
    this.#markedEnd = segment.end;
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
    let failure = this.#failure ?? writeError(this.#file.path, error, isFull);
    if (isFull) {
      if (!this.#isFull) log.warn("The disk of the store is full", { file: this.#file.path });
      this.#isFull = true;
      // Before anybody is told: what is refused must not be there after a crash.
      await this.#cutBack().catch((cause: unknown) => {
        failure = writeError(this.#file.path, cause, false);
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

  /** Cuts the file back to what was synced. */
  async #cutBack(): Promise<void> {
    await this.#file.truncate(this.#segment.end);
    await this.#file.sync();
  }

  async #rotate(): Promise<void> {
    const { folder, files, clock } = this.#parts;
    const closing = this.#segment;
    const segment = await createSegment(folder, closing.last + 1, files);
    const file = await files.open(join(folder, segment.file), "write");
    try {
      const { file: name, first } = segment;
      await this.#changeManifest((manifest) => ({
        ...manifest,
        segments: [...manifest.segments, { file: name, first }],
      }));
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file.close();
    this.#file = file;
    this.#segments.push(segment);
    this.#closedAt.set(closing.first, clock.monotonic());
    this.#markedEnd = segment.end;
  }

  /** Changes the manifest on disk, one change after the other. */
  #changeManifest(change: (manifest: Manifest) => Manifest): Promise<void> {
    const next = this.#manifestChange.then(async () => {
      const changed = change(this.#manifest);
      const { file } = changed.segments[changed.segments.length - 1] ?? {};
      // What a segment is said to hold is synced.
      const manifest = { ...changed, end: this.#segments.find((segment) => segment.file === file)?.end ?? 0 };
      await writeManifest(this.#parts.folder, manifest, this.#parts.files);
      this.#manifest = manifest;
    });
    this.#manifestChange = next.catch(() => {});
    return next;
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
    const previous = this.#manifest.snapshot;
    if (previous?.revision === revision) return;
    await writeSnapshot(folder, { revision, items, files });
    await this.#changeManifest((manifest) => ({ ...manifest, snapshot: { file: snapshotName(revision), revision } }));
    if (previous) await files.remove(join(folder, previous.file));
    this.#parts.log.debug("Made a snapshot of the store", { revision, items: items.length, logBytes: bytes });
  }

  /** How many segments at the front are covered by the snapshot and older than the history to keep. */
  #countOldSegments(): number {
    const { clock, historyMs = 300_000, historyEvents = 10_000 } = this.#parts;
    const covered = this.#manifest.snapshot?.revision ?? 0;
    const now = clock.monotonic();
    let count = 0;
    for (const { first, last } of this.#segments.slice(0, -1)) {
      const isHistory = last > this.#manifest.compacted;
      const isYoung = now - (this.#closedAt.get(first) ?? this.#openedAt) < historyMs;
      const isAmongLast = this.#state.revision - last < historyEvents;
      if (last > covered || (isHistory && (isYoung || isAmongLast))) break;
      count++;
    }
    return count;
  }

  async #dropSegments(): Promise<void> {
    const { folder, files } = this.#parts;
    const count = this.#countOldSegments();
    if (count === 0) return;
    const dropped = this.#segments.slice(0, count);
    await this.#changeManifest((manifest) => ({ ...manifest, segments: manifest.segments.slice(count) }));
    this.#segments.splice(0, count);
    this.#state.forget(dropped[dropped.length - 1]?.last ?? 0);
    for (const { file, first } of dropped) {
      this.#closedAt.delete(first);
      await files.remove(join(folder, file));
    }
  }

  async compact(revision: number): Promise<void> {
    const compacted = Math.min(revision, this.#state.revision);
    if (compacted <= this.#state.oldest) return;
    await this.#changeManifest((manifest) => ({
      ...manifest,
      compacted: Math.max(manifest.compacted, compacted),
    })).catch((cause: unknown) => {
      // The manifest is replaced wholly or not at all: it can be tried again.
      throw writeError(join(this.#parts.folder, "MANIFEST"), cause, true);
    });
    this.#state.forget(compacted);
    this.#maintain();
  }

  /** The events on disk with revision > `after`, in batches. */
  async *readEvents(after: number): AsyncGenerator<readonly StoreEvent[], void, void> {
    const { folder, files } = this.#parts;
    for (let position = after; ; ) {
      const segment = this.#segments.find(({ last }) => last > position);
      if (!segment) return;
      const file = await files.open(join(folder, segment.file), "read").catch((error: unknown) => {
        // Given up while we were on the way: the caller finds that history no longer reaches back that far.
        if (errorCode(error) === "ENOENT" && !this.#segments.includes(segment)) return undefined;
        throw error;
      });
      if (!file) return;
      try {
        for await (const records of readRecords(file, { end: segment.end })) {
          const events: StoreEvent[] = [];
          for (const { payload } of records) {
            if (payload[0] !== recordType.put && payload[0] !== recordType.delete) continue;
            const event = decodeEvent(payload);
            // On disk, but not yet answered: not to be seen before the answer.
            if (event.revision > this.#state.revision) break;
            if (event.revision > position) events.push(event);
          }
          position = events[events.length - 1]?.revision ?? position;
          if (events.length > 0) yield events;
        }
      } finally {
        await file.close();
      }
      if (position >= this.#state.revision) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelIdle();
    while (this.#writing) await this.#writing;
    await this.#maintenance;
    await this.#manifestChange;
    this.#state.close();
    try {
      if (!this.#failure && this.#markedEnd !== this.#segment.end) await this.#writeMark();
      if (!this.#failure && this.#manifest.end !== this.#segment.end) await this.#changeManifest((same) => same);
    } catch (error) {
      // All that was answered is there; only the proof that nothing is missing at the end is not.
      this.#parts.log.warn("Cannot mark the end of the store's log", { error: errorMessage(error) });
    } finally {
      await this.#file.close();
      await this.#parts.lock[Symbol.asyncDispose]();
    }
  }
}

function writeError(path: string, cause: unknown, temporary: boolean): StoreWriteError {
  const remedy = remedies.get(errorCode(cause) ?? "");
  const text = `Cannot write to the store: ${path}: ${errorMessage(cause)}${remedy ? `: ${remedy}` : ""}`;
  return new StoreWriteError(temporary ? text : `${text}; it takes no writes until it is opened again`, {
    temporary,
    cause,
  });
}
