import { join } from "node:path";
import type { Clock } from "../../core/util/clock.ts";
import { errorCode, type StoreFile, type StoreFiles } from "./files.ts";
import { type Manifest, writeManifest } from "./log_manifest.ts";
import { readRecords } from "./log_reader.ts";
import { decodeEvent, RecordWriter, recordType } from "./log_record.ts";
import { createSegment, type Recovered, type Segment } from "./log_recovery.ts";
import type { StoreEvent } from "./store.ts";

/** Options of {@linkcode LogSegments}. */
export interface LogSegmentsOptions {
  readonly clock: Clock;
  readonly folder: string;
  readonly files: StoreFiles;
  readonly recovered: Recovered;
  /** The last segment, open for writing. */
  readonly file: StoreFile;
  /** A segment is closed when it has more than this many bytes. Default 16 MiB. */
  readonly segmentBytes?: number | undefined;
}

/** How much of the history is kept. */
export interface History {
  /** Of the newest event. */
  readonly revision: number;
  /** At least so many milliseconds. */
  readonly ms: number;
  /** At least so many events. */
  readonly events: number;
}

/**
 * The files of a log: segments of events, and the manifest that names those that count. Only the last segment is written to, by one
 * caller at a time; what is older is only read, and at last removed.
 */
export class LogSegments {
  readonly #options: LogSegmentsOptions;
  readonly #segments: Segment[];
  /** Monotonic milliseconds at which a segment was closed, by its first revision; those of an earlier run: when opened. */
  readonly #closedAt = new Map<number, number>();
  readonly #openedAt: number;
  readonly #writer = new RecordWriter();
  #file: StoreFile;
  #manifest: Manifest;
  #manifestChange: Promise<unknown> = Promise.resolve();
  /** Where the last mark ends: nothing was written since when that is the end. */
  #markedEnd = 0;

  constructor(options: LogSegmentsOptions) {
    const { recovered, file, clock } = options;
    this.#options = options;
    this.#segments = [...recovered.segments];
    this.#manifest = recovered.manifest;
    this.#file = file;
    this.#openedAt = clock.monotonic();
  }

  /** Path of the file that is written to. */
  get path(): string {
    return this.#file.path;
  }

  /** The snapshot that stands for what is no longer in segments. */
  get snapshot(): Manifest["snapshot"] {
    return this.#manifest.snapshot;
  }

  get #last(): Segment {
    return this.#segments[this.#segments.length - 1] as Segment;
  }

  /** Writes events behind the last one, and returns how many bytes they took once all are on disk. */
  async append(events: readonly StoreEvent[]): Promise<number> {
    const { segmentBytes = 16 * 2 ** 20, clock } = this.#options;
    if (this.#last.end > segmentBytes && this.#last.last >= this.#last.first) await this.#rotate();
    const segment = this.#last;
    const now = clock.now();
    this.#writer.clear();
    if (this.#markedEnd !== segment.end) this.#writer.synced(segment.end);
    for (const event of events) this.#writer.event(event, now);
    await this.#write(segment, events[events.length - 1]?.revision ?? segment.last);
    return this.#writer.length;
  }

  /** Says in the file that all before is on disk: from then on, damage there is told from a write cut short. */
  async mark(): Promise<void> {
    const segment = this.#last;
    this.#writer.clear();
    this.#writer.synced(segment.end);
    // Synced, too: once another segment follows, a torn mark would be damage.
    await this.#write(segment, segment.last);
    this.#markedEnd = segment.end;
  }

  async #write(segment: Segment, last: number): Promise<void> {
    await this.#file.write(this.#writer.bytes, segment.end);
    await this.#file.sync();
    segment.end += this.#writer.length;
    segment.last = last;
  }

  /** Cuts the file back to what was synced. */
  async cutBack(): Promise<void> {
    await this.#file.truncate(this.#last.end);
    await this.#file.sync();
  }

  async #rotate(): Promise<void> {
    const { folder, files, clock } = this.#options;
    const closing = this.#last;
    const segment = await createSegment(folder, closing.last + 1, files);
    const file = await files.open(join(folder, segment.file), "write");
    try {
      const { file: name, first } = segment;
      await this.changeManifest((manifest) => ({
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
  changeManifest(change: (manifest: Manifest) => Manifest): Promise<void> {
    const { folder, files } = this.#options;
    const next = this.#manifestChange.then(async () => {
      const changed = change(this.#manifest);
      const { file } = changed.segments[changed.segments.length - 1] ?? {};
      // What a segment is said to hold is synced.
      const manifest = { ...changed, end: this.#segments.find((segment) => segment.file === file)?.end ?? 0 };
      await writeManifest(folder, manifest, files);
      this.#manifest = manifest;
    });
    this.#manifestChange = next.catch(() => {});
    return next;
  }

  /** How many segments at the front are covered by the snapshot and older than the history to keep. */
  countOld({ revision, ms, events }: History): number {
    const covered = this.snapshot?.revision ?? 0;
    const now = this.#options.clock.monotonic();
    let count = 0;
    for (const { first, last } of this.#segments.slice(0, -1)) {
      const isHistory = last > this.#manifest.compacted;
      const isYoung = now - (this.#closedAt.get(first) ?? this.#openedAt) < ms;
      const isAmongLast = revision - last < events;
      if (last > covered || (isHistory && (isYoung || isAmongLast))) break;
      count++;
    }
    return count;
  }

  /**
   * Gives up so many segments at the front, and removes their files.
   *
   * @param forget hears of the last revision in them, in the same turn in which they are no longer read
   */
  async drop(count: number, forget: (revision: number) => void): Promise<void> {
    const { folder, files } = this.#options;
    await this.changeManifest((manifest) => ({ ...manifest, segments: manifest.segments.slice(count) }));
    const dropped = this.#segments.splice(0, count);
    forget(dropped[dropped.length - 1]?.last ?? 0);
    for (const { file, first } of dropped) {
      this.#closedAt.delete(first);
      await files.remove(join(folder, file));
    }
  }

  /**
   * The events on disk with revision > `after`, in batches.
   *
   * @param revision of the last event that may be seen, at any time: what follows is on disk, but not yet answered
   */
  async *read(after: number, revision: () => number): AsyncGenerator<readonly StoreEvent[], void, void> {
    const { folder, files } = this.#options;
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
            if (event.revision > revision()) break;
            if (event.revision > position) events.push(event);
          }
          position = events[events.length - 1]?.revision ?? position;
          if (events.length > 0) yield events;
        }
      } finally {
        await file.close();
      }
      if (position >= revision()) return;
    }
  }

  /** Resolves when the manifest is not being changed. */
  async settled(): Promise<void> {
    await this.#manifestChange;
  }

  /** Says on disk that nothing is missing at the end. */
  async seal(): Promise<void> {
    if (this.#markedEnd !== this.#last.end) await this.mark();
    if (this.#manifest.end !== this.#last.end) await this.changeManifest((same) => same);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
