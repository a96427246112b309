import { constants, createWriteStream } from "node:fs";
import { type FileHandle, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { type LogSource, readLog } from "./log_reader.ts";
import { unlessFull } from "./process_files.ts";
import { punchHead } from "./punch_head.ts";
import { defaultLogLimits, type LogLimits, type LogOptions } from "./runtime.ts";
import { untilAborted } from "./until_aborted.ts";

const noFollow = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const indexEntryBytes = 16;
const attachBlockBytes = 64 * 1024;
/** How far from where room is to end the end of a line is looked for. */
const lineSearchBytes = 64 * 1024;

/** Options of {@linkcode ContainerLog}. */
export interface ContainerLogOptions {
  readonly dir: string;
  readonly clock: Pick<Clock, "now">;
  /** Default: {@linkcode defaultLogLimits}. */
  readonly limits?: LogLimits | undefined;
  /** How space is given back. Default: {@linkcode punchHead}. */
  readonly punch?: typeof punchHead;
}

/**
 * What a container wrote, as a file that its processes append to directly.
 *
 * - A place in the log is a byte offset since the container's start.
 * - `log.index` says up to which offset bytes were seen at which time (two little-endian doubles an entry): lines get
 *   their timestamps without any process between the program and its file. An entry of time 0 says what is gone.
 * - When it holds as much as its files may, the space of its oldest lines is given back to the disk, and the rest keeps its
 *   place: nobody has to stop writing or reading meanwhile, and nothing is lost.
 * - Where the system cannot do that, a full file is copied aside to `log.OFFSET`, after the offset of its first byte, and
 *   truncated; bytes written in between the two are lost, as with any copy-and-truncate.
 * - Files are opened without following links: what a container puts in their place is not read.
 */
export class ContainerLog implements LogSource {
  readonly #dir: string;
  readonly #clock: Pick<Clock, "now">;
  readonly #limits: LogLimits;
  readonly #punch: typeof punchHead;
  /** Offset before which the space of `log` was given back. */
  #hole = 0;
  #canPunch = true;
  /** Offsets of the first bytes of the older parts, ascending. */
  #older: number[] = [];
  /** Offset of the first byte of `log`. */
  #start = 0;
  #end = 0;
  #ends: number[] = [];
  #times: number[] = [];
  #ended = false;
  #changed: Deferred<void> = deferred();
  /** Reads and rotation take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ dir, clock, limits = defaultLogLimits, punch = punchHead }: ContainerLogOptions) {
    this.#dir = dir;
    this.#clock = clock;
    this.#limits = limits;
    this.#punch = punch;
  }

  /** Takes up what an earlier daemon left. */
  load(): Promise<void> {
    return this.#exclusive(async () => {
      const names = await readdir(this.#dir);
      this.#older = names
        .map((name) => /^log\.(\d+)$/.exec(name)?.[1])
        .filter((offset) => offset !== undefined)
        .map(Number)
        .sort((first, second) => first - second);
      // As it was begun: what was copied aside is not in the file.
      if (this.#older.length > 0) this.#canPunch = false;
      const last = this.#older.at(-1);
      this.#start = last === undefined ? 0 : last + (await statOf(this.#part(last))).size;
      const index = await readFile(join(this.#dir, "log.index")).catch(() => Buffer.alloc(0));
      for (let at = 0; at + indexEntryBytes <= index.length; at += indexEntryBytes) {
        this.#ends.push(index.readDoubleLE(at));
        this.#times.push(index.readDoubleLE(at + 8));
      }
      this.#hole = this.#times[0] === 0 ? (this.#ends[0] ?? 0) : 0;
      this.#end = Math.max(this.#start, this.#ends.at(-1) ?? 0);
      // What was written while no daemon watched is as old as the file says.
      const { size, mtimeMs } = await statOf(join(this.#dir, "log"));
      if (this.#start + size > this.#end) await this.#note(this.#start + size, mtimeMs);
    });
  }

  /** The file as the program's stdout and stderr. The caller closes it. */
  openForProgram(): Promise<FileHandle> {
    const { O_APPEND, O_CREAT, O_WRONLY } = constants;
    return open(join(this.#dir, "log"), O_APPEND | O_CREAT | O_WRONLY | constants.O_NOFOLLOW, 0o600);
  }

  /** Looks how far the file has grown, notes the time, makes room when it is full. */
  async refresh(): Promise<void> {
    await this.#exclusive(async () => {
      const end = this.#start + (await statOf(join(this.#dir, "log"))).size;
      if (end > this.#end) await this.#note(end, this.#clock.now());
      await this.#makeRoom();
    });
    this.#wake();
  }

  /** Nothing more is going to be written. */
  async finish(): Promise<void> {
    await this.refresh();
    this.#ended = true;
    this.#wake();
  }

  get oldest(): number {
    return Math.max(this.#hole, this.#older[0] ?? this.#start);
  }

  get end(): number {
    return this.#end;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Size of the files that are kept. */
  async bytesOnDisk(): Promise<number> {
    const paths = [join(this.#dir, "log"), ...this.#older.map((offset) => this.#part(offset))];
    const sizes = await Promise.all(paths.map(async (path) => (await statOf(path)).size));
    const given = this.oldest - (this.#older[0] ?? this.#start);
    return sizes.reduce((sum, size) => sum + size, 0) - given;
  }

  /** Resolves at the next growth, or when the log has ended. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  timeAt(offset: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return this.#times[low] ?? this.#clock.now();
  }

  readAt(offset: number, length: number): Promise<Uint8Array> {
    return this.#exclusive(() => this.#read(offset, length));
  }

  /** The log's lines; see {@linkcode LogOptions}. */
  read(options: LogOptions): AsyncIterable<Uint8Array> {
    return readLog(this, options);
  }

  /** What is written from `offset` on, without waiting for whole lines: for attach. */
  async *follow(
    offset: number,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly stream: "stdout"; readonly data: Uint8Array }, void, void> {
    for (let at = offset; !signal.aborted; ) {
      const changed = this.changed();
      const ended = this.#ended;
      at = Math.max(at, this.oldest);
      const data = at < this.#end ? await this.readAt(at, attachBlockBytes) : new Uint8Array();
      at += data.length;
      if (data.length > 0) yield { stream: "stdout", data };
      else if (ended) return;
      else await untilAborted(changed, signal);
    }
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    const part = this.#older.findLast((start) => start <= offset);
    const inCurrent = offset >= this.#start || part === undefined;
    const start = inCurrent ? this.#start : part;
    const wanted = Math.min(length, this.#end - offset);
    // What is gone reads as zeros.
    if (offset < this.oldest || wanted <= 0) return Buffer.alloc(0);
    const file = await open(inCurrent ? join(this.#dir, "log") : this.#part(part), noFollow).catch(() => undefined);
    if (!file) return Buffer.alloc(0);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, offset - start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async #note(end: number, time: number): Promise<void> {
    this.#end = end;
    this.#ends.push(end);
    this.#times.push(time);
    const index = join(this.#dir, "log.index");
    await unlessFull(() => writeFile(index, encodeIndex([end], [time]), { flag: "a", mode: 0o600 }));
  }

  async #makeRoom(): Promise<void> {
    const { fileBytes, files } = this.#limits;
    if (!this.#canPunch) {
      if (this.#end - this.#start >= fileBytes) await this.#rotate();
      return;
    }
    if (this.#end - this.oldest < fileBytes * files) return;
    const hole = await this.#lineStart(this.#end - fileBytes * (files - 1));
    const file = await open(join(this.#dir, "log"), constants.O_WRONLY | noFollow).catch(() => undefined);
    if (!file) return;
    try {
      // Written down first: what is gone is not to be taken for zeros that a program wrote.
      this.#forgetUntil(hole, [{ end: hole, time: 0 }]);
      await this.#writeIndex();
      this.#hole = hole;
      this.#canPunch = await this.#punch(file, hole - this.#start);
    } finally {
      await file.close();
    }
  }

  /** Offset of the first line that begins at `offset` or soon after. */
  async #lineStart(offset: number): Promise<number> {
    const feed = (await this.#read(offset - 1, lineSearchBytes)).indexOf(10);
    return feed < 0 ? offset : offset + feed;
  }

  /** Forgets when what lies before `offset` was seen. */
  #forgetUntil(offset: number, instead: readonly { readonly end: number; readonly time: number }[] = []): void {
    const gone = this.#ends.findIndex((end) => end > offset);
    const count = gone < 0 ? this.#ends.length : gone;
    this.#ends.splice(0, count, ...instead.map(({ end }) => end));
    this.#times.splice(0, count, ...instead.map(({ time }) => time));
  }

  async #writeIndex(): Promise<void> {
    const index = join(this.#dir, "log.index");
    await unlessFull(() => writeFile(index, encodeIndex(this.#ends, this.#times), { mode: 0o600 }));
  }

  async #rotate(): Promise<void> {
    const log = join(this.#dir, "log");
    const part = this.#part(this.#start);
    // By one handle: what a container put in the file's place meanwhile is neither copied nor emptied.
    const file = await open(log, constants.O_RDWR | noFollow).catch(() => undefined);
    if (!file) return;
    try {
      await pipeline(
        file.createReadStream({ start: 0, autoClose: false }),
        createWriteStream(part, { flags: "wx", mode: 0o600 }),
      );
      await file.truncate();
    } finally {
      await file.close();
    }
    this.#older.push(this.#start);
    this.#start += (await statOf(part)).size;
    while (this.#older.length >= this.#limits.files) await rm(this.#part(this.#older.shift() ?? 0), { force: true });
    if (this.#start > this.#end) await this.#note(this.#start, this.#clock.now());
    this.#forgetUntil(this.oldest);
    await this.#writeIndex();
  }

  #part(start: number): string {
    return join(this.#dir, `log.${start}`);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = deferred();
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function encodeIndex(ends: readonly number[], times: readonly number[]): Buffer {
  const bytes = Buffer.alloc(ends.length * indexEntryBytes);
  for (const [index, end] of ends.entries()) {
    bytes.writeDoubleLE(end, index * indexEntryBytes);
    bytes.writeDoubleLE(times[index] ?? 0, index * indexEntryBytes + 8);
  }
  return bytes;
}

async function statOf(path: string): Promise<{ readonly size: number; readonly mtimeMs: number }> {
  const nothing = { size: 0, mtimeMs: 0 };
  const file = await open(path, noFollow).catch(() => undefined);
  if (!file) return nothing;
  try {
    const found = await file.stat();
    return found.isFile() ? found : nothing;
  } finally {
    await file.close();
  }
}
