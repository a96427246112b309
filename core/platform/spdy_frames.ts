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
