import { Duplex } from "node:stream";
import { SpdyHeaderCodec } from "./spdy_headers.ts";

const type = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 };
const flagFin = 1;
/** RST_STREAM codes. */
const refusedStream = 3;
const cancel = 5;

const maxControlBytes = 64 * 1024;
const maxDataBytes = 32 * 1024;
const maxStreams = 4096;
/** While a stream holds more unread bytes than this, nothing is read from the connection. */
const maxUnreadBytes = 1024 * 1024;

/** Options of {@linkcode SpdyConnection}. */
export interface SpdyOptions {
  /** Called for each stream that the peer opens, before any of its data. */
  onStream(stream: SpdyStream): void;
}

/**
 * One end of a SPDY/3.1 connection over any byte stream: as much as exec, attach and port-forward use.
 *
 * - Outgoing data waits for the transport only: Kubernetes' clients neither open nor heed flow-control windows.
 * - Incoming data opens the peer's windows as it arrives; a reader that lags stops the whole connection.
 *
 * @see https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
export class SpdyConnection {
  readonly #transport: Duplex;
  readonly #codec: SpdyHeaderCodec = new SpdyHeaderCodec();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #onStream: (stream: SpdyStream) => void;
  #nextId: number;
  #packing: Promise<unknown> = Promise.resolve();
  #drained: Promise<void> | undefined;
  #closed = false;
  /** Whether the transport is closed. */
  #gone = false;
  /** Whether reading waits for the reader of a stream. */
  #lagging = false;
  /** Settles when the connection is over, however it ended. */
  readonly closed: Promise<void>;

  /** @param options.role the server answers and pings with even ids, the client opens streams with odd ones; default server */
  constructor(transport: Duplex, { onStream, role = "server" }: SpdyOptions & { readonly role?: "server" | "client" }) {
    this.#transport = transport;
    this.#onStream = onStream;
    this.#nextId = role === "client" ? 1 : 2;
    transport.on("error", () => this.close());
    // What had arrived by then is read first, unless that waits for somebody who may never read it.
    transport.on("close", () => {
      this.#gone = true;
      if (this.#lagging) this.close();
    });
    this.closed = this.#read()
      .catch(() => {})
      .then(() => this.close());
  }

  /** Opens a stream. */
  async open(headers: ReadonlyMap<string, string>): Promise<SpdyStream> {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#add(id, headers);
    const head = Buffer.alloc(10);
    head.writeUInt32BE(id, 0);
    await this.#sendHeaders(type.synStream, head, headers);
    return stream;
  }

  /** Ends the connection and every stream of it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.abandon();
    this.#streams.clear();
    this.#codec.close();
    this.#transport.destroy();
  }

  /** Says that nothing more follows, lets what was written leave, and closes. */
  async end(): Promise<void> {
    if (this.#closed) return;
    await this.#packing;
    await new Promise<void>((resolve) => {
      this.#transport.once("close", resolve);
      this.#transport.end(resolve);
    });
    this.close();
  }

  /** Sends SYN_REPLY; for the stream's own use. */
  reply(id: number): Promise<void> {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(id, 0);
    return this.#sendHeaders(type.synReply, head, new Map());
  }

  /** Sends data; for the stream's own use. Resolves when more may follow. */
  async sendData(id: number, data: Uint8Array, fin: boolean): Promise<void> {
    let rest = data;
    do {
      const part = rest.subarray(0, maxDataBytes);
      rest = rest.subarray(part.length);
      const head = Buffer.alloc(8);
      head.writeUInt32BE(id, 0);
      head.writeUInt32BE(part.length, 4);
      if (fin && rest.length === 0) head[4] = flagFin;
      // Behind SYN_REPLY, which waits for the packer.
      await this.#packing;
      await this.#write(part.length > 0 ? Buffer.concat([head, part]) : head);
    } while (rest.length > 0);
  }

  /** Forgets a stream; `reset` tells the peer that it was cut. For the stream's own use. */
  release(id: number, reset: boolean): void {
    // Behind SYN_REPLY, which waits for the packer: a reset that comes first reads as a refusal to open the stream.
    if (this.#streams.delete(id) && reset) void this.#packing.then(() => this.#reset(id, cancel));
  }

  #add(id: number, headers: ReadonlyMap<string, string>): SpdyStream {
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    return stream;
  }

  async #read(): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    let data:
      | { readonly stream: SpdyStream | undefined; readonly id: number; readonly fin: boolean; left: number }
      | undefined;
    for await (const chunk of this.#transport as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        if (data) {
          // Data frames are passed on as they come: nothing of their length is ever held.
          const part = rest.subarray(0, data.left);
          rest = rest.subarray(part.length);
          data.left -= part.length;
          await this.#take(data.stream, data.id, part);
          if (data.left > 0) break;
          if (data.fin) data.stream?.finish();
          data = undefined;
        }
        if (rest.length < 8) break;
        const length = rest.readUIntBE(5, 3);
        const flags = rest[4] ?? 0;
        if (((rest[0] ?? 0) & 0x80) === 0) {
          const id = rest.readUInt32BE(0) & 0x7fffffff;
          data = { stream: this.#streams.get(id), id, fin: (flags & flagFin) !== 0, left: length };
          rest = rest.subarray(8);
          continue;
        }
        if (length > maxControlBytes) throw new RangeError(`Cannot read a SPDY frame: ${length} bytes are too many`);
        if (rest.length < 8 + length) break;
        await this.#control(rest.readUInt16BE(2), flags, rest.subarray(8, 8 + length));
        rest = rest.subarray(8 + length);
      }
    }
  }

  async #take(stream: SpdyStream | undefined, id: number, part: Buffer): Promise<void> {
    if (part.length === 0) return;
    this.#openWindow(0, part.length);
    if (!stream || stream.destroyed) return;
    this.#openWindow(id, part.length);
    stream.push(part);
    if (stream.readableLength <= maxUnreadBytes || this.#gone) return;
    this.#lagging = true;
    await stream.lagging();
    this.#lagging = false;
  }

  async #control(kind: number, flags: number, payload: Buffer): Promise<void> {
    switch (kind) {
      case type.synStream: {
        const id = uint32At(payload, 0) & 0x7fffffff;
        const headers = await this.#codec.unpack(payload.subarray(10));
        if (this.#streams.size >= maxStreams || this.#streams.has(id)) return this.#reset(id, refusedStream);
        const stream = this.#add(id, headers);
        this.#onStream(stream);
        if (flags & flagFin) stream.finish();
        return;
      }
      case type.synReply:
      case type.headers:
        // Nothing is in them for us, but the packer's state must follow.
        await this.#codec.unpack(payload.subarray(4));
        if (flags & flagFin) this.#streams.get(uint32At(payload, 0) & 0x7fffffff)?.finish();
        return;
      case type.rstStream: {
        const id = uint32At(payload, 0) & 0x7fffffff;
        const stream = this.#streams.get(id);
        this.#streams.delete(id);
        stream?.abandon();
        return;
      }
      case type.ping:
        if (uint32At(payload, 0) % 2 !== this.#nextId % 2)
          this.#transport.write(control(type.ping, payload.subarray(0, 4)));
        return;
      default:
        return;
    }
  }

  #openWindow(id: number, delta: number): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(id, 0);
    payload.writeUInt32BE(delta, 4);
    this.#transport.write(control(type.windowUpdate, payload));
  }

  #reset(id: number, code: number): void {
    if (this.#closed) return;
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(id, 0);
    payload.writeUInt32BE(code, 4);
    this.#transport.write(control(type.rstStream, payload));
  }

  /** Header blocks share one packer: each waits for the one before, so that they are sent in the order packed. */
  #sendHeaders(kind: number, head: Uint8Array, headers: ReadonlyMap<string, string>): Promise<void> {
    const sent = this.#packing.then(async () => {
      const block = await this.#codec.pack(headers);
      await this.#write(control(kind, Buffer.concat([head, block])));
    });
    this.#packing = sent.catch(() => {});
    return sent;
  }

  async #write(frame: Uint8Array): Promise<void> {
    if (this.#closed) throw new Error("Cannot write: the SPDY connection is closed");
    if (this.#transport.write(frame)) return;
    this.#drained ??= new Promise<void>((resolve) => {
      const done = () => {
        this.#transport.off("drain", done);
        this.#transport.off("close", done);
        this.#drained = undefined;
        resolve();
      };
      this.#transport.on("drain", done);
      this.#transport.on("close", done);
    });
    await this.#drained;
  }
}

/** One stream of a SPDY connection. `end()` half-closes it; `destroy()` resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  /** What the opener said about it, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly #connection: SpdyConnection;
  #onRead: (() => void) | undefined;
  #finished = false;

  constructor(connection: SpdyConnection, id: number, headers: ReadonlyMap<string, string>) {
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

  /** Resolves when the reader has asked for more. For the connection's use. */
  lagging(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRead = resolve;
    });
  }

  override _read(): void {
    this.#onRead?.();
    this.#onRead = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, chunk, false).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, new Uint8Array(), true).then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#onRead?.();
    this.#onRead = undefined;
    this.#connection.release(this.id, !(this.#finished && this.writableFinished));
    callback(error);
  }
}

function control(kind: number, payload: Uint8Array, flags = 0): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(kind, 2);
  head.writeUInt32BE(payload.length, 4);
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

function uint32At(payload: Buffer, offset: number): number {
  if (payload.length < offset + 4) throw new RangeError("Cannot read a SPDY frame: it is cut");
  return payload.readUInt32BE(offset);
}
