/** Types of control frames. */
export const frameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Says that nothing follows on a stream. */
export const flagFin = 1;
/** RST_STREAM codes. */
export const resetCode = { refusedStream: 3, cancel: 5 } as const;
/** What may be sent on a stream, and on all of them, before the peer says more. */
export const defaultWindowBytes: number = 64 * 1024;
/** The most that a window may be. */
export const maxWindowBytes: number = 2 ** 31 - 1;

const initialWindowSize = 7;
const maxControlBytes = 64 * 1024;

/** Who hears of what comes. Nothing more is read before the promise is resolved. */
export interface FrameReader {
  control(kind: number, flags: number, payload: Buffer): Promise<void>;
  /** A piece of the data of a stream; `isLast`: nothing follows on it. */
  data(id: number, part: Buffer, isLast: boolean): Promise<void>;
}

/** Reads frames to the end of the bytes. @throws RangeError for a control frame that is too long */
export async function readFrames(bytes: AsyncIterable<Buffer>, reader: FrameReader): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let data: { readonly id: number; readonly isLast: boolean; left: number } | undefined;
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (data) {
        // Data frames are passed on as they come: nothing of their length is ever held.
        const part = rest.subarray(0, data.left);
        rest = rest.subarray(part.length);
        data.left -= part.length;
        await reader.data(data.id, part, data.isLast && data.left === 0);
        if (data.left > 0) break;
        data = undefined;
      }
      if (rest.length < 8) break;
      const length = rest.readUIntBE(5, 3);
      const flags = rest[4] ?? 0;
      if (((rest[0] ?? 0) & 0x80) === 0) {
        data = { id: streamIdAt(rest), isLast: (flags & flagFin) !== 0, left: length };
        rest = rest.subarray(8);
        continue;
      }
      if (length > maxControlBytes) throw new RangeError(`Cannot read a SPDY frame: ${length} bytes are too many`);
      if (rest.length < 8 + length) break;
      await reader.control(rest.readUInt16BE(2), flags, rest.subarray(8, 8 + length));
      rest = rest.subarray(8 + length);
    }
  }
}

/** The lower 31 bits of the first number: that of a stream, or of what a window is opened by. */
export function streamIdAt(payload: Buffer): number {
  return uint32At(payload, 0) & 0x7fffffff;
}

/** A control frame. */
export function controlFrame(kind: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(kind, 2);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

/** A frame of data. */
export function dataFrame(id: number, data: Uint8Array, isLast: boolean): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(data.length, 4);
  if (isLast) head[4] = flagFin;
  return data.length > 0 ? Buffer.concat([head, data]) : head;
}

/** A control frame that names a stream (0: all of them) and a number: RST_STREAM, WINDOW_UPDATE. */
export function streamFrame(kind: number, id: number, value: number): Uint8Array {
  return controlFrame(kind, uint32s(id, value));
}

/** SETTINGS that say how much a stream may bring before its reader has taken any of it. */
export function settingsFrame(initialWindowBytes: number): Uint8Array {
  return controlFrame(frameType.settings, uint32s(1, initialWindowSize, initialWindowBytes));
}

/** What {@linkcode settingsFrame} says, of the payload of any SETTINGS; undefined when they say nothing of it. */
export function initialWindowOf(payload: Buffer): number | undefined {
  let found: number | undefined;
  for (let at = 4; at + 8 <= payload.length; at += 8)
    if ((uint32At(payload, at) & 0xffffff) === initialWindowSize)
      found = Math.min(uint32At(payload, at + 4), maxWindowBytes);
  return found;
}

/** @throws RangeError when the payload ends before */
export function uint32At(payload: Buffer, offset: number): number {
  if (payload.length < offset + 4) throw new RangeError("Cannot read a SPDY frame: it is cut");
  return payload.readUInt32BE(offset);
}

/** Numbers of four bytes, big end first. */
export function uint32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}
