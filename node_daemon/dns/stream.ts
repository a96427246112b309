/** Takes the messages out of a TCP stream, where each has its length before it. Keeps at most one that is not whole. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Takes in what arrived, and gives the messages that are whole now. */
  add(data: Uint8Array): readonly Uint8Array[] {
    this.#rest = Buffer.concat([this.#rest, data]);
    const messages: Uint8Array[] = [];
    for (;;) {
      if (this.#rest.length < 2) return messages;
      const end = 2 + this.#rest.readUInt16BE(0);
      if (this.#rest.length < end) return messages;
      messages.push(this.#rest.subarray(2, end));
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** What goes before a message on TCP. */
export function writeLength({ length }: Uint8Array): Uint8Array {
  return Uint8Array.of(length >> 8, length & 255);
}
