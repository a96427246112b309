const encoder = new TextEncoder();
const firstCapacity = 64 * 1024;
const maxLengthBytes = 5;

/**
 * Writes protobuf messages into one growing buffer: what is nested is written in place, its length put before it.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class ProtoWriter {
  #buffer = new Uint8Array(firstCapacity);
  #size = 0;

  /** All that was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#size);
  }

  /** A text; absent and empty ones are left out, as proto3 does. */
  text(field: number, value: string | undefined): void {
    if (!value) return;
    this.#nested(field, () => {
      // Three bytes hold any UTF-16 unit.
      this.#reserve(value.length * 3);
      this.#size += encoder.encodeInto(value, this.#buffer.subarray(this.#size)).written;
    });
  }

  /** A yes or no; no is left out, as proto3 does. */
  flag(field: number, value: boolean | undefined): void {
    if (!value) return;
    this.#varint(field * 8);
    this.#varint(1);
  }

  /** A message that was written elsewhere. */
  bytes(field: number, value: Uint8Array): void {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#size);
    this.#size += value.length;
  }

  /** A message that `write` fills from a value; absent values are left out. */
  message<T>(field: number, value: T | undefined, write: (value: T, to: ProtoWriter) => void): void {
    if (value !== undefined) this.#nested(field, () => write(value, this));
  }

  /** The entries of a map as repeated messages {1 name, 2 value}. */
  entries<T>(field: number, map: Readonly<Record<string, T>>, write: (value: T, to: ProtoWriter) => void): void {
    for (const entry of Object.entries(map)) {
      this.message(field, entry, ([name, value]) => {
        this.text(1, name);
        this.message(2, value, write);
      });
    }
  }

  #nested(field: number, write: () => void): void {
    this.#varint(field * 8 + 2);
    const start = this.#size;
    write();
    const length = this.#size - start;
    this.#reserve(maxLengthBytes);
    const lengthBytes = varintSize(length);
    this.#buffer.copyWithin(start + lengthBytes, start, this.#size);
    this.#size = start;
    this.#varint(length);
    this.#size += length;
  }

  #varint(value: number): void {
    this.#reserve(maxLengthBytes);
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#buffer[this.#size++] = (rest & 127) | 128;
    this.#buffer[this.#size++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#size + bytes <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#size + bytes));
    grown.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = grown;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest >>>= 7) size++;
  return size;
}
