/** The wire types that Kubernetes' messages use; groups are long gone. */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const maxInt32 = 2 ** 31 - 1;
// Strings are checked: what is no UTF-8 would not come back as it was sent.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads one protobuf message, value by value. Every method throws SyntaxError, in the words of Kubernetes' decoder, for
 * what cannot be read; nothing is read past the end of the message.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether the whole message was read. */
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** What stands next: the number of a field, and how its value is encoded. */
  tag(): { readonly field: number; readonly wire: number } {
    const tag = this.#varint();
    if (tag < 8 || tag > 2 ** 32 - 1) throw new SyntaxError(`proto: illegal tag ${tag >> 3} (wire type ${tag & 7})`);
    return { field: tag >>> 3, wire: tag & 7 };
  }

  bool(): boolean {
    return this.#varint() !== 0;
  }

  int32(): number {
    const value = this.#varint();
    if (value > maxInt32 || value < -maxInt32 - 1) throw new SyntaxError("proto: integer overflow");
    return value;
  }

  /** A 64-bit integer, as far as JavaScript can hold it exactly. */
  int64(): number {
    const value = this.#varint();
    if (!Number.isSafeInteger(value)) throw new SyntaxError("an integer cannot be represented exactly");
    return value;
  }

  /** A number that JSON can say. */
  double(): number {
    const { buffer, byteOffset } = this.#take(8);
    const value = new DataView(buffer, byteOffset, 8).getFloat64(0, true);
    if (!Number.isFinite(value)) throw new SyntaxError(`json: unsupported value: ${value}`);
    return value;
  }

  /** A view of the bytes, not a copy. */
  bytes(): Uint8Array {
    return this.#take(this.#varint());
  }

  string(): string {
    try {
      return decoder.decode(this.bytes());
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new SyntaxError("proto: invalid UTF-8", { cause });
    }
  }

  /** Passes over the value of a field that nobody knows. */
  skip(wire: number): void {
    if (wire === wireType.varint) this.#varint();
    else if (wire === wireType.bytes) this.bytes();
    else if (wire === wireType.fixed64) this.#take(8);
    else if (wire === wireType.fixed32) this.#take(4);
    else throw new SyntaxError(`proto: illegal wireType ${wire}`);
  }

  #take(length: number): Uint8Array {
    if (length < 0) throw new SyntaxError("proto: negative length found during unmarshaling");
    if (length > this.#bytes.length - this.#at) throw new SyntaxError("unexpected EOF");
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** A signed 64-bit integer; rounded where it is beyond 2^53. */
  #varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new SyntaxError("unexpected EOF");
      // Ten bytes hold 70 bits: the last one has room for the 64th only.
      if (shift === 63 && byte > 1) break;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high |= bits >> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 0x80) return high * 2 ** 32 + (low >>> 0);
    }
    throw new SyntaxError("proto: integer overflow");
  }
}
