import type { MessageStream } from "../../../core/client/transport.ts";
import { type Deferred, deferred } from "../../../core/util/deferred.ts";

/** One direction: a message waits until it is taken, so the sender goes as fast as the reader. */
class Line {
  #message: { readonly bytes: Uint8Array; readonly taken: Deferred<void> } | undefined;
  #sending: Promise<unknown> = Promise.resolve();
  #arrived: Deferred<void> = deferred();
  #closed = false;

  send(bytes: Uint8Array): Promise<void> {
    const sent = this.#sending.then(async () => {
      if (this.#closed) throw new Error("Cannot send: the stream is closed");
      const taken = deferred<void>();
      this.#message = { bytes, taken };
      this.#arrived.resolve();
      await taken.promise;
    });
    this.#sending = sent.catch(() => {});
    return sent;
  }

  /** Ends the line. A message that nobody has taken by now is lost, and its sender is told. */
  close(): void {
    this.#closed = true;
    this.#message?.taken.reject(new Error("Cannot send: the stream was closed"));
    this.#message = undefined;
    this.#arrived.resolve();
  }

  async *read(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      await this.#arrived.promise;
      const message = this.#message;
      if (message) {
        this.#message = undefined;
        if (!this.#closed) this.#arrived = deferred();
        message.taken.resolve();
        yield message.bytes;
      } else if (this.#closed) return;
    }
  }
}

/** Two message streams that are each other's far end: a WebSocket without a socket. */
export function messagePair(protocol: string): [MessageStream, MessageStream] {
  const there = new Line();
  const back = new Line();
  const end = (out: Line, incoming: Line): MessageStream => ({
    protocol,
    send: (message) => out.send(message),
    close() {
      there.close();
      back.close();
    },
    [Symbol.asyncIterator]: () => incoming.read(),
  });
  return [end(there, back), end(back, there)];
}
