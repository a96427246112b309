/**
 * How the master and a node daemon speak during exec and attach, once an HTTP/1.1 connection was upgraded to
 * `wherry-channels/1`: frames of one byte channel, four bytes length (big endian) and the payload, both ways.
 * The channels are those of `v5.channel.k8s.io`. Port-forward upgrades to `wherry-bytes/1` and needs no frames:
 * the connection is the forwarded connection.
 */

/** Upgrade token of exec and attach. */
export const channelsProtocol = "wherry-channels/1";
/** Upgrade token of port-forward: raw bytes. */
export const bytesProtocol = "wherry-bytes/1";

/** Meaning of a frame's first byte. */
export const channel = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** JSON Status; the last frame of the node. */
  status: 3,
  /** JSON `{"Width":80,"Height":24}`. */
  resize: 4,
  /** stdin ends; no payload. */
  closeInput: 255,
} as const;

/** One message. */
export interface ChannelFrame {
  readonly channel: number;
  readonly payload: Uint8Array;
}

const headerBytes = 5;
const maxFrameBytes = 16 * 1024 * 1024;

/** A frame as bytes. */
export function encodeFrame({ channel, payload }: ChannelFrame): Uint8Array {
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes[0] = channel;
  new DataView(bytes.buffer).setUint32(1, payload.length);
  bytes.set(payload, headerBytes);
  return bytes;
}

/** Frames out of a byte stream, however it was cut. @throws RangeError for a frame of more than 16 MiB */
export async function* decodeFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ChannelFrame, void, void> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? chunk : concat(rest, chunk);
    for (;;) {
      if (rest.length < headerBytes) break;
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (length > maxFrameBytes)
        throw new RangeError(`Cannot read a frame: ${length} bytes are more than ${maxFrameBytes}`);
      if (rest.length < headerBytes + length) break;
      yield { channel: rest[0] ?? 0, payload: rest.subarray(headerBytes, headerBytes + length) };
      rest = rest.subarray(headerBytes + length);
    }
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
