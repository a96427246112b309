import type { LogOptions } from "./runtime.ts";
import { untilAborted } from "./until_aborted.ts";

/** A log as bytes at offsets, with the time at which each was seen. */
export interface LogSource {
  /** Offset of the first byte that is still there. */
  readonly oldest: number;
  /** Offset after the last byte. */
  readonly end: number;
  /** Whether nothing more comes. */
  readonly ended: boolean;
  /** Resolves when `end` or `ended` changes the next time. */
  changed(): Promise<void>;
  /** Up to `length` bytes from `offset`. Fewer at the end of a file; none when they are gone. */
  readAt(offset: number, length: number): Promise<Uint8Array>;
  /** Milliseconds since the epoch at which the byte at `offset` was seen. */
  timeAt(offset: number): number;
}

const blockBytes = 64 * 1024;
/** A line longer than this is passed on in pieces. */
const maxLineBytes = 1024 * 1024;
const lineFeed = 10;

/**
 * The lines of a log, in blocks of whole lines. With `follow` it goes on until the log has ended, and waits for the rest
 * of a line; without, it ends where the log ends now.
 */
export async function* readLog(source: LogSource, options: LogOptions): AsyncGenerator<Uint8Array, void, void> {
  const { follow, timestamps, tailLines, sinceMs, limitBytes, signal } = options;
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  // Bytes before `offset` were read; `rest` are those of them that belong to an unfinished line.
  let offset = tailLines === undefined ? source.oldest : await tailStart(source, tailLines);
  let rest: Uint8Array = new Uint8Array();
  const dated = timestamps || sinceMs !== undefined ? lineDater(source, options) : undefined;
  const endAtStart = source.end;
  while (!signal.aborted && left > 0) {
    // Before looking, so that growth meanwhile is not missed.
    const changed = source.changed();
    const { ended } = source;
    const end = follow ? source.end : endAtStart;
    if (offset < source.oldest) {
      offset = source.oldest;
      rest = new Uint8Array();
    }
    const bytes = offset < end ? await source.readAt(offset, Math.min(blockBytes, end - offset)) : new Uint8Array();
    if (bytes.length === 0 && offset < end && source.oldest <= offset) break; // the file is gone under us
    offset += bytes.length;
    const whole = Buffer.concat([rest, bytes]);
    const atEnd = offset >= end && (!follow || ended);
    const cut = atEnd || whole.length > maxLineBytes ? whole.length : whole.lastIndexOf(lineFeed) + 1;
    const first = offset - whole.length;
    const lines = whole.subarray(0, cut);
    rest = whole.subarray(cut);
    const output = dated ? dated(lines, first) : lines;
    if (output.length > 0) {
      const allowed = output.length > left ? output.subarray(0, left) : output;
      left -= allowed.length;
      yield allowed;
    }
    if (atEnd) return;
    if (offset >= end) await untilAborted(changed, signal);
  }
}

/** Text of a time as log lines carry it: RFC 3339 with nanoseconds. */
export function logTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000000Z`;
}

/** Dates the lines of one block after the other, and leaves out those that are too old; each line once, however long. */
function lineDater(
  source: LogSource,
  { timestamps, sinceMs }: LogOptions,
): (block: Uint8Array, first: number) => Uint8Array {
  // Whether the line is shown that the block before left unfinished; undefined when it left none.
  let unfinished: boolean | undefined;
  return (block, first) => {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < block.length; ) {
      const feed = block.indexOf(lineFeed, at);
      const next = feed < 0 ? block.length : feed + 1;
      const time = source.timeAt(first + at);
      const shown: boolean = unfinished ?? (sinceMs === undefined || time >= sinceMs);
      if (shown && timestamps && unfinished === undefined) parts.push(Buffer.from(`${logTimestamp(time)} `));
      if (shown) parts.push(block.subarray(at, next));
      unfinished = feed < 0 ? shown : undefined;
      at = next;
    }
    return Buffer.concat(parts);
  };
}

/** Offset at which the last `count` lines begin, found backwards from the end. */
async function tailStart(source: LogSource, count: number): Promise<number> {
  const { end } = source;
  if (count <= 0) return end;
  let seen = 0;
  for (let blockEnd = end; blockEnd > source.oldest; ) {
    const start = Math.max(source.oldest, blockEnd - blockBytes);
    const block = await readWhole(source, start, blockEnd - start);
    if (block.length === 0) return blockEnd;
    for (let at = block.length - 1; at >= 0; at--) {
      // A line feed as the very last byte ends the last line; it begins none.
      if (block[at] !== lineFeed || start + at === end - 1) continue;
      seen++;
      if (seen === count) return start + at + 1;
    }
    blockEnd = start;
  }
  return source.oldest;
}

/** All `length` bytes, also where they lie in two files. */
async function readWhole(source: LogSource, offset: number, length: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let read = 0; read < length; ) {
    const part = await source.readAt(offset + read, length - read);
    if (part.length === 0) break;
    parts.push(part);
    read += part.length;
  }
  return Buffer.concat(parts);
}
