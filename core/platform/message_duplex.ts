import { Duplex } from "node:stream";

/** Messages that come and go one by one, as a WebSocket's. */
export interface Messages extends AsyncIterable<Uint8Array> {
  /** Resolves when another may follow. */
  send(message: Uint8Array): Promise<void>;
  /** Ends them. Idempotent. */
  close(): void;
}

/** Messages as a stream of bytes: where one ends means nothing. It waits for its reader and for theirs, and ends them with itself. */
export function messageDuplex(messages: Messages): Duplex {
  const incoming = messages[Symbol.asyncIterator]();
  return new Duplex({
    read() {
      incoming.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, callback) {
      messages.send(chunk).then(() => callback(), callback);
    },
    final(callback) {
      messages.close();
      callback();
    },
    destroy(error, callback) {
      messages.close();
      callback(error);
    },
  });
}
