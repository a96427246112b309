import type { Duplex } from "node:stream";
import { type Deferred, deferred } from "../util/deferred.ts";
import {
  controlFrame,
  dataFrame,
  defaultWindowBytes,
  flagFin,
  frameType,
  initialWindowOf,
  readFrames,
  resetCode,
  settingsFrame,
  streamFrame,
  streamIdAt,
  uint32At,
  uint32s,
} from "./spdy_frames.ts";
import { SpdyHeaderCodec } from "./spdy_headers.ts";
import { SpdyStream, type StreamOwner } from "./spdy_stream.ts";
import { SendWindows } from "./spdy_windows.ts";

const maxDataBytes = 32 * 1024;
const maxStreams = 4096;
/** What may wait unread in one stream, and in all of them. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 16 * 1024 * 1024;
/** What may wait for the transport, of the answers to a peer that does not read. */
const maxQueuedBytes = 256 * 1024;
/** So much must have been taken before the peer is told. */
const creditBytes = 32 * 1024;

/** Options of {@linkcode SpdyConnection}. */
export interface SpdyOptions {
  /** Called for each stream that the peer opens, before any of its data. */
  onStream(stream: SpdyStream): void;
}

/**
 * One end of a SPDY/3.1 connection over any byte stream: as much as exec, attach and port-forward use.
 *
 * - The peer's windows are kept when it begins with its settings. Kubernetes' own programs do not, and neither open nor heed
 *   windows: what is sent to them waits for the transport only.
 * - A window is opened again as its reader takes what came. A peer that does not heed that stops when the whole connection
 *   is not read any more.
 *
 * @see https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
export class SpdyConnection implements StreamOwner {
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
  /** Bytes that wait for readers, and those that were taken and not told of. */
  #unread = 0;
  #owedBytes = 0;
  /** Present while reading waits for readers. */
  #lagging: Deferred<void> | undefined;
  readonly #windows = new SendWindows();
  #hasSpoken = false;
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
    transport.on("drain", () => this.#openWindows(this.#streams.values()));
    transport.write(settingsFrame(streamWindowBytes));
    transport.write(streamFrame(frameType.windowUpdate, 0, connectionWindowBytes - defaultWindowBytes));
    this.closed = readFrames(transport as AsyncIterable<Buffer>, {
      control: (...frame) => this.#control(...frame),
      data: (...frame) => this.#take(...frame),
    })
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
    await this.#sendHeaders(frameType.synStream, head, headers);
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
    this.#wakeReading();
    this.#windows.wake();
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

  reply(id: number): Promise<void> {
    return this.#sendHeaders(frameType.synReply, uint32s(id), new Map());
  }

  async sendData(stream: SpdyStream, data: Uint8Array, isLast: boolean): Promise<void> {
    let rest = data;
    do {
      const isOpen = () => this.#streams.has(stream.id);
      const room = await this.#windows.take(stream, Math.min(rest.length, maxDataBytes), isOpen);
      const part = rest.subarray(0, room);
      rest = rest.subarray(part.length);
      // Behind SYN_REPLY, which waits for the packer.
      await this.#packing;
      await this.#write(dataFrame(stream.id, part, isLast && rest.length === 0));
    } while (rest.length > 0);
  }

  onRead(stream: SpdyStream): void {
    const count = stream.countTaken();
    stream.owedBytes += count;
    this.#noteTaken(count);
    this.#openWindows([stream]);
    this.#wakeReading();
  }

  release(stream: SpdyStream, reset: boolean): void {
    this.#noteTaken(stream.countTaken());
    this.#openWindows([]);
    const { id } = stream;
    // Behind SYN_REPLY, which waits for the packer: a reset that comes first reads as a refusal to open the stream.
    if (this.#streams.delete(id) && reset)
      void this.#packing.then(() => this.#send(streamFrame(frameType.rstStream, id, resetCode.cancel)));
    this.#wakeReading();
    this.#windows.wake();
  }

  #add(id: number, headers: ReadonlyMap<string, string>): SpdyStream {
    const stream = new SpdyStream(this, id, headers);
    stream.sendWindow = this.#windows.initial;
    this.#streams.set(id, stream);
    return stream;
  }

  async #take(id: number, part: Buffer, isLast: boolean): Promise<void> {
    const stream = this.#streams.get(id);
    this.#unread += part.length;
    if (!stream || stream.destroyed) {
      this.#noteTaken(part.length);
      return this.#openWindows([]);
    }
    if (part.length > 0) stream.receive(part);
    while (this.#lags(stream)) {
      this.#lagging ??= deferred();
      await this.#lagging.promise;
    }
    if (isLast) stream.finish();
  }

  #lags(stream: SpdyStream): boolean {
    if (this.#gone || this.#closed) return false;
    if (this.#unread > connectionWindowBytes) return true;
    return !stream.destroyed && stream.readableLength > streamWindowBytes;
  }

  async #control(kind: number, flags: number, payload: Buffer): Promise<void> {
    if (!this.#hasSpoken && kind !== frameType.settings) this.#windows.forget();
    this.#hasSpoken = true;
    switch (kind) {
      case frameType.synStream: {
        const id = streamIdAt(payload);
        const headers = await this.#codec.unpack(payload.subarray(10));
        if (this.#streams.size >= maxStreams || this.#streams.has(id))
          return this.#send(streamFrame(frameType.rstStream, id, resetCode.refusedStream));
        const stream = this.#add(id, headers);
        this.#onStream(stream);
        if (flags & flagFin) stream.finish();
        return;
      }
      case frameType.synReply:
      case frameType.headers:
        // Nothing is in them for us, but the packer's state must follow.
        await this.#codec.unpack(payload.subarray(4));
        if (flags & flagFin) this.#streams.get(streamIdAt(payload))?.finish();
        return;
      case frameType.rstStream: {
        const id = streamIdAt(payload);
        const stream = this.#streams.get(id);
        this.#streams.delete(id);
        stream?.abandon();
        return this.#windows.wake();
      }
      case frameType.ping:
        if (uint32At(payload, 0) % 2 !== this.#nextId % 2)
          this.#send(controlFrame(frameType.ping, payload.subarray(0, 4)));
        return;
      case frameType.settings:
        return this.#windows.keep(initialWindowOf(payload), this.#streams.values());
      case frameType.windowUpdate: {
        const id = streamIdAt(payload);
        return this.#windows.open(id === 0 ? "all" : this.#streams.get(id), streamIdAt(payload.subarray(4)));
      }
      default:
        return;
    }
  }

  /** Readers took that much, or nobody will. */
  #noteTaken(count: number): void {
    this.#unread -= count;
    this.#owedBytes += count;
  }

  /** Tells the peer what was taken, once that is worth it. One that does not read now is told when it does. */
  #openWindows(streams: Iterable<SpdyStream>): void {
    if (this.#transport.writableNeedDrain) return;
    if (this.#owedBytes >= creditBytes) {
      this.#send(streamFrame(frameType.windowUpdate, 0, this.#owedBytes));
      this.#owedBytes = 0;
    }
    for (const stream of streams) {
      if (stream.owedBytes < creditBytes || !this.#streams.has(stream.id)) continue;
      this.#send(streamFrame(frameType.windowUpdate, stream.id, stream.owedBytes));
      stream.owedBytes = 0;
    }
  }

  #wakeReading(): void {
    this.#lagging?.resolve();
    this.#lagging = undefined;
  }

  /** Sends what waits for nobody. A peer that reads none of it is let go. */
  #send(frame: Uint8Array): void {
    if (this.#closed || this.#transport.writableEnded) return;
    if (this.#transport.writableLength > maxQueuedBytes) this.close();
    else this.#transport.write(frame);
  }

  /** Header blocks share one packer: each waits for the one before, so that they are sent in the order packed. */
  #sendHeaders(kind: number, head: Uint8Array, headers: ReadonlyMap<string, string>): Promise<void> {
    const sent = this.#packing.then(async () => {
      const block = await this.#codec.pack(headers);
      await this.#write(controlFrame(kind, Buffer.concat([head, block])));
    });
    this.#packing = sent.catch(() => {});
    return sent;
  }

  async #write(frame: Uint8Array): Promise<void> {
    while (this.#drained && !this.#closed) await this.#drained;
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
