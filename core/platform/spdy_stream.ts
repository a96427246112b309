import { Duplex } from "node:stream";
import { defaultWindowBytes } from "./spdy_frames.ts";

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** Sends SYN_REPLY. */
  reply(id: number): Promise<void>;
  /** Sends data. Resolves when more may follow. */
  sendData(stream: SpdyStream, data: Uint8Array, isLast: boolean): Promise<void>;
  /** Hears that the reader has taken some of what came. */
  onRead(stream: SpdyStream): void;
  /** Forgets a stream; `reset` tells the peer that it was cut. */
  release(stream: SpdyStream, reset: boolean): void;
}

/** One stream of a SPDY connection. `end()` half-closes it; `destroy()` resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  /** What the opener said about it, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** How much the peer takes. For the connection's use. */
  sendWindow: number = defaultWindowBytes;
  /** What the reader took that the peer was not told of. For the connection's use. */
  owedBytes = 0;
  readonly #connection: StreamOwner;
  /** Bytes that came and were not taken yet, as far as the connection knows. */
  #unread = 0;
  #finished = false;

  constructor(connection: StreamOwner, id: number, headers: ReadonlyMap<string, string>) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    this.id = id;
    this.headers = headers;
    this.on("error", () => {});
  }

  /** Accepts the stream that the peer opened. When the connection ends before that is said, the stream ends with it. */
  reply(): void {
    this.#connection.reply(this.id).catch(() => {});
  }

  /** Data has come. For the connection's use. */
  receive(data: Uint8Array): void {
    this.#unread += data.length;
    this.push(data);
    // A reader to whom it flows has it already.
    this.#connection.onRead(this);
  }

  /** How many bytes were taken since this was asked the last time. For the connection's use. */
  countTaken(): number {
    const left = this.destroyed ? 0 : this.readableLength;
    const count = Math.max(0, this.#unread - left);
    this.#unread = left;
    return count;
  }

  /** The peer will send no more. For the connection's use. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.push(null);
  }

  /** The peer or the connection is gone. For the connection's use. */
  abandon(): void {
    if (!this.#finished) this.destroy(new Error("The SPDY stream was closed by its peer"));
    // What came in full is there to be read, also when the connection is gone.
    else if (this.readableEnded || this.readableLength === 0) this.destroy();
    else this.once("end", () => this.destroy());
  }

  /** Whoever reads does so by this, in the end; `_read()` is called before, and not each time. */
  override read(size?: number): unknown {
    const data: unknown = super.read(size);
    if (data !== null) this.#connection.onRead(this);
    return data;
  }

  override _read(): void {
    // It is pushed as it comes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#connection.sendData(this, chunk, false).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#connection.sendData(this, new Uint8Array(), true).then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#connection.release(this, !(this.#finished && this.writableFinished));
    callback(error);
  }
}
