import type { StoreFile } from "./files.ts";
import { decodeNumber, isIntact, maxPayloadBytes, recordHeaderBytes, recordType } from "./log_record.ts";

const chunkBytes = 1 << 20;

/** A record and where it stands in its file. The payload is only valid until the next record is read. */
export interface ReadRecord {
  readonly offset: number;
  readonly end: number;
  readonly payload: Uint8Array;
}

/** A file of the store does not hold what was written to it. */
export class DamagedFile extends Error {
  readonly path: string;
  /** Bytes from the start of the file to the first record that is wrong. */
  readonly offset: number;

  constructor(path: string, offset: number, reason: string, options?: ErrorOptions) {
    super(`Cannot read the store: ${path} is damaged at offset ${offset}: ${reason}`, options);
    this.name = "DamagedFile";
    this.path = path;
    this.offset = offset;
  }
}

/**
 * Reads records one by one, from `offset` up to `end` (default: the end of the file).
 *
 * @throws DamagedFile at the first that is not whole
 */
export async function* readRecords(
  file: StoreFile,
  { offset = 0, end }: { readonly offset?: number; readonly end?: number } = {},
): AsyncGenerator<readonly ReadRecord[], void, void> {
  const stop = end ?? (await file.size());
  let position = offset;
  let needed = 0;
  while (position < stop) {
    const wanted = Math.min(stop - position, Math.max(chunkBytes, needed));
    const chunk = await file.read(position, wanted);
    const isLast = chunk.length < wanted || position + chunk.length >= stop;
    const { records, used, problem, needs } = parseChunk(chunk, position);
    if (records.length > 0) yield records;
    position += used;
    needed = needs;
    if (problem) throw new DamagedFile(file.path, position, problem);
    if (isLast && used < chunk.length) throw new DamagedFile(file.path, position, "the record is cut off");
    if (isLast && position < stop) throw new DamagedFile(file.path, position, "the file ends early");
  }
}

interface ParsedChunk {
  readonly records: readonly ReadRecord[];
  /** Bytes of whole records. */
  readonly used: number;
  readonly problem: string | undefined;
  /** Bytes that the first record that is not whole needs. */
  readonly needs: number;
}

function parseChunk(chunk: Uint8Array, position: number): ParsedChunk {
  const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const records: ReadRecord[] = [];
  let at = 0;
  while (at + recordHeaderBytes <= view.length) {
    const length = view.readUInt32BE(at);
    if (length === 0 || length > maxPayloadBytes) {
      return { records, used: at, problem: `impossible record length ${length}`, needs: 0 };
    }
    const end = at + recordHeaderBytes + length;
    if (end > view.length) return { records, used: at, problem: undefined, needs: end - at };
    const payload = view.subarray(at + recordHeaderBytes, end);
    if (!isIntact(payload, view.readUInt32BE(at + 4))) {
      return { records, used: at, problem: "the checksum does not match", needs: 0 };
    }
    records.push({ offset: position + at, end: position + end, payload });
    at = end;
  }
  return { records, used: at, problem: undefined, needs: recordHeaderBytes };
}

const syncedBytes = recordHeaderBytes + 7;

/**
 * Whether some record after `offset` proves that the file was on disk beyond it: then what is wrong there is damage, not
 * a write that never finished.
 */
export async function wasSyncedBeyond(file: StoreFile, offset: number): Promise<boolean> {
  const size = await file.size();
  for (let position = offset + 1; position + syncedBytes <= size; position += chunkBytes) {
    const chunk = await file.read(position, chunkBytes + syncedBytes - 1);
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const first = Uint8Array.of(0, 0, 0, 7);
    for (let at = view.indexOf(first); at >= 0 && at + syncedBytes <= view.length; at = view.indexOf(first, at + 1)) {
      const payload = view.subarray(at + recordHeaderBytes, at + syncedBytes);
      if (payload[0] !== recordType.synced || decodeNumber(payload) !== position + at) continue;
      if (isIntact(payload, view.readUInt32BE(at + 4))) return true;
    }
  }
  return false;
}
