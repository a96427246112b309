import { crc32 } from "node:zlib";
import type { KeyValue, StoreEvent } from "./store.ts";

/*
 * A file is a row of records: payload length (4 bytes), CRC-32 of the payload (4), payload; numbers are big-endian. The
 * payload's first byte is its type. An event carries what it replaced as the difference to its value, so that history
 * read from any point on is whole.
 */

/** Bytes of a record before its payload. */
export const recordHeaderBytes = 8;
/** Longest payload: the longest value, what it replaced, and some. */
export const maxPayloadBytes: number = 130 * 2 ** 20;

/** First byte of a payload. */
export const recordType = {
  segmentHeader: 1,
  put: 2,
  delete: 3,
  /** Everything before this record was on disk when it was written. */
  synced: 4,
  snapshotHeader: 5,
  snapshotItem: 6,
  snapshotEnd: 7,
  manifest: 8,
} as const;

/** Version of the layout, in headers and the manifest. */
export const formatVersion = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const nothing = new Uint8Array();

/** Collects records in one buffer, to be written at once. */
export class RecordWriter {
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The records so far. Valid until the next record or {@linkcode clear}. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Starts anew; gives back what an unusually large batch took. */
  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > 4 * 2 ** 20) this.#buffer = Buffer.allocUnsafe(64 * 1024);
  }

  /** The header of a segment whose first event has revision `first`. */
  segmentHeader(first: number): void {
    const at = this.#begin(1 + 1 + 6);
    let to = this.#buffer.writeUInt8(recordType.segmentHeader, at);
    to = this.#buffer.writeUInt8(formatVersion, to);
    this.#end(at, this.#buffer.writeUIntBE(first, to, 6));
  }

  /** Says that everything before `offset`, where this record goes, is on disk. */
  synced(offset: number): void {
    const at = this.#begin(1 + 6);
    const to = this.#buffer.writeUInt8(recordType.synced, at);
    this.#end(at, this.#buffer.writeUIntBE(offset, to, 6));
  }

  /** @param timeMs wall-clock milliseconds of the commit, for people */
  event(event: StoreEvent, timeMs: number): void {
    const { key, value, createRevision } = event.type === "put" ? event.kv : event.previous;
    const keyBytes = encoder.encode(key);
    const previous = event.previous?.value ?? nothing;
    const { head, tail } = event.type === "put" ? common(value, previous) : { head: previous.length, tail: 0 };
    const middle = previous.length - head - tail;
    const at = this.#begin(1 + 6 * 4 + 2 + keyBytes.length + 12 + value.length + middle);
    const buffer = this.#buffer;
    let to = buffer.writeUInt8(event.type === "put" ? recordType.put : recordType.delete, at);
    for (const number of [
      event.revision,
      Math.max(0, Math.floor(timeMs)),
      createRevision,
      event.previous?.revision ?? 0,
    ]) {
      to = buffer.writeUIntBE(number, to, 6);
    }
    to = buffer.writeUInt16BE(keyBytes.length, to);
    buffer.set(keyBytes, to);
    to = buffer.writeUInt32BE(value.length, to + keyBytes.length);
    to = buffer.writeUInt32BE(head, to);
    to = buffer.writeUInt32BE(tail, to);
    buffer.set(value, to);
    to += value.length;
    buffer.set(previous.subarray(head, head + middle), to);
    this.#end(at, to + middle);
  }

  snapshotHeader({ revision, count }: { readonly revision: number; readonly count: number }): void {
    const at = this.#begin(1 + 1 + 12);
    let to = this.#buffer.writeUInt8(recordType.snapshotHeader, at);
    to = this.#buffer.writeUInt8(formatVersion, to);
    to = this.#buffer.writeUIntBE(revision, to, 6);
    this.#end(at, this.#buffer.writeUIntBE(count, to, 6));
  }

  snapshotItem({ key, value, createRevision, revision }: KeyValue): void {
    const keyBytes = encoder.encode(key);
    const at = this.#begin(1 + 12 + 2 + keyBytes.length + value.length);
    const buffer = this.#buffer;
    let to = buffer.writeUInt8(recordType.snapshotItem, at);
    to = buffer.writeUIntBE(createRevision, to, 6);
    to = buffer.writeUIntBE(revision, to, 6);
    to = buffer.writeUInt16BE(keyBytes.length, to);
    buffer.set(keyBytes, to);
    to += keyBytes.length;
    buffer.set(value, to);
    this.#end(at, to + value.length);
  }

  snapshotEnd(count: number): void {
    const at = this.#begin(1 + 6);
    const to = this.#buffer.writeUInt8(recordType.snapshotEnd, at);
    this.#end(at, this.#buffer.writeUIntBE(count, to, 6));
  }

  /** @param json text of the manifest */
  manifest(json: string): void {
    const text = encoder.encode(json);
    const at = this.#begin(1 + text.length);
    const to = this.#buffer.writeUInt8(recordType.manifest, at);
    this.#buffer.set(text, to);
    this.#end(at, to + text.length);
  }

  /** Makes room; returns where the payload starts. */
  #begin(payloadBytes: number): number {
    const needed = this.#length + recordHeaderBytes + payloadBytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    return this.#length + recordHeaderBytes;
  }

  #end(start: number, end: number): void {
    this.#buffer.writeUInt32BE(end - start, this.#length);
    this.#buffer.writeUInt32BE(crc32(this.#buffer.subarray(start, end)), this.#length + 4);
    this.#length = end;
  }
}

/** Whether the payload is what was written. */
export function isIntact(payload: Uint8Array, checksum: number): boolean {
  return crc32(payload) === checksum;
}

/** The revision in a payload of type put or delete. */
export function decodeRevision(payload: Uint8Array): number {
  return viewOf(payload).readUIntBE(1, 6);
}

/** What the key of a payload of type put or delete holds after the event. */
export function decodeChange(
  payload: Uint8Array,
): KeyValue | { readonly key: string; readonly value: null; readonly revision: number } {
  const { type, revision, createRevision, key, value } = decodeFields(payload);
  if (type === recordType.delete) return { key, value: null, revision };
  return { key, value: new Uint8Array(value), createRevision, revision };
}

/** The event in a payload of type put or delete. Values are copies: they do not hold on to the buffer read from. */
export function decodeEvent(payload: Uint8Array): StoreEvent {
  const {
    type,
    revision,
    createRevision,
    previousRevision,
    key,
    value: shared,
    head,
    middle,
    tail,
  } = decodeFields(payload);
  const value = new Uint8Array(shared);
  if (type === recordType.delete) {
    return { type: "delete", revision, key, previous: { key, value, createRevision, revision: previousRevision } };
  }
  const kv = { key, value, createRevision, revision };
  if (previousRevision === 0) return { type: "put", revision, kv, previous: undefined };
  const before = new Uint8Array(head + middle.length + tail);
  before.set(value.subarray(0, head));
  before.set(middle, head);
  before.set(value.subarray(value.length - tail), head + middle.length);
  return { type: "put", revision, kv, previous: { key, value: before, createRevision, revision: previousRevision } };
}

interface EventFields {
  readonly type: number;
  readonly revision: number;
  readonly createRevision: number;
  /** 0: there was nothing before. */
  readonly previousRevision: number;
  readonly key: string;
  /** Of a delete: what was deleted. */
  readonly value: Uint8Array;
  /** What was before, of a put: the first `head` bytes of the value, `middle`, the last `tail` bytes of the value. */
  readonly head: number;
  readonly middle: Uint8Array;
  readonly tail: number;
}

function decodeFields(payload: Uint8Array): EventFields {
  const view = viewOf(payload);
  const at = 27 + view.readUInt16BE(25);
  const end = at + 12 + view.readUInt32BE(at);
  return {
    type: view.readUInt8(0),
    revision: view.readUIntBE(1, 6),
    createRevision: view.readUIntBE(13, 6),
    previousRevision: view.readUIntBE(19, 6),
    key: decoder.decode(view.subarray(27, at)),
    value: view.subarray(at + 12, end),
    head: view.readUInt32BE(at + 4),
    middle: view.subarray(end),
    tail: view.readUInt32BE(at + 8),
  };
}

/** The value in a snapshot's payload. */
export function decodeSnapshotItem(payload: Uint8Array): KeyValue {
  const view = viewOf(payload);
  const keyLength = view.readUInt16BE(13);
  return {
    key: decoder.decode(view.subarray(15, 15 + keyLength)),
    value: new Uint8Array(view.subarray(15 + keyLength)),
    createRevision: view.readUIntBE(1, 6),
    revision: view.readUIntBE(7, 6),
  };
}

/** Version and numbers of a header's payload: `first` revision of a segment, `revision` and `count` of a snapshot. */
export function decodeHeader(payload: Uint8Array): { readonly version: number; readonly numbers: readonly number[] } {
  const view = viewOf(payload);
  const numbers: number[] = [];
  for (let at = 2; at + 6 <= view.length; at += 6) numbers.push(view.readUIntBE(at, 6));
  return { version: view.readUInt8(1), numbers };
}

/** The number in a payload of type synced or snapshotEnd. */
export function decodeNumber(payload: Uint8Array): number {
  return viewOf(payload).readUIntBE(1, 6);
}

/** The text in a manifest's payload. */
export function decodeText(payload: Uint8Array): string {
  return decoder.decode(payload.subarray(1));
}

function viewOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** How many bytes two values share at their beginning and, beyond that, at their end. */
function common(a: Uint8Array, b: Uint8Array): { readonly head: number; readonly tail: number } {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { head, tail };
}
