import { createHash, randomBytes } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { SpdyConnection } from "../../../core/platform/spdy.ts";
import { controlFrame, frameType, settingsFrame, streamFrame, uint32s } from "../../../core/platform/spdy_frames.ts";
import { SpdyHeaderCodec, spdyDictionary } from "../../../core/platform/spdy_headers.ts";
import type { SpdyStream } from "../../../core/platform/spdy_stream.ts";

function socketPair(): Promise<[Socket, Socket]> {
  return new Promise((resolve) => {
    let client: Socket;
    const listener = createServer({ allowHalfOpen: true }, (server) => {
      resolve([server, client]);
      listener.close();
    }).listen(0, "127.0.0.1", () => {
      client = connect((listener.address() as { port: number }).port, "127.0.0.1");
    });
  });
}

async function pair(onStream: (stream: SpdyStream) => void) {
  const sockets = await socketPair();
  const server = new SpdyConnection(sockets[0], { onStream });
  const client = new SpdyConnection(sockets[1], { onStream: () => {}, role: "client" });
  onTestFinished(() => {
    server.close();
    client.close();
  });
  return { server, client, socket: sockets[1] };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

describe("SpdyHeaderCodec", () => {
  it("unpack() reads a block that zlib packed with the protocol's dictionary (its Adler-32 is e3c6a7c2)", async () => {
    expect(spdyDictionary.length).toBe(1423);
    const block = Buffer.from("78bbe3c6a7c202e50e703a2b294a4dcc452a4a1221a5721138035818581800000000ffff", "hex");
    expect(await new SpdyHeaderCodec().unpack(block)).toEqual(
      new Map([
        ["streamtype", "data"],
        ["port", "8080"],
      ]),
    );
  });

  it("unpack() gives what pack() took, block after block of one state", async () => {
    const codec = new SpdyHeaderCodec();
    const other = new SpdyHeaderCodec();
    for (let n = 0; n < 50; n++) {
      const headers = new Map([
        ["streamtype", "data"],
        ["port", String(8000 + n)],
        ["requestid", String(n)],
      ]);
      expect(await other.unpack(await codec.pack(headers))).toEqual(headers);
    }
    codec.close();
    other.close();
  });

  it("unpack() refuses a block that is not packed, cut, or a bomb", async () => {
    await expect(new SpdyHeaderCodec().unpack(Buffer.from("garbage!"))).rejects.toThrow(RangeError);
    const packer = new SpdyHeaderCodec();
    const bomb = await packer.pack(new Map([["a", "x".repeat(1_000_000)]]));
    await expect(new SpdyHeaderCodec().unpack(bomb)).rejects.toThrow(/longer than/);
  });
});

describe("SpdyConnection", () => {
  it("carries 8 MiB both ways on two streams at once, with half-close", async () => {
    const { client } = await pair((stream) => {
      stream.reply();
      stream.pipe(stream);
    });
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    await Promise.all(
      [1, 2].map(async (n) => {
        const sent = randomBytes(8 * 1024 * 1024);
        const stream = await client.open(new Map([["streamtype", `data${n}`]]));
        stream.end(sent);
        expect(hash(await collect(stream))).toBe(hash(sent));
      }),
    );
  });

  it("passes headers of the opener", async () => {
    const seen: string[] = [];
    const { client } = await pair((stream) => {
      seen.push(stream.headers.get("streamtype") ?? "");
      stream.reply();
      stream.end("hello");
    });
    const stream = await client.open(new Map([["streamtype", "stdout"]]));
    expect((await collect(stream)).toString()).toBe("hello");
    expect(seen).toEqual(["stdout"]);
  });

  it("ends its streams when the transport breaks", async () => {
    let server: SpdyStream | undefined;
    const { client, socket } = await pair((stream) => {
      server = stream;
      stream.reply();
    });
    await client.open(new Map([["streamtype", "data"]]));
    await expect.poll(() => server).toBeDefined();
    socket.destroy();
    await expect.poll(() => server?.destroyed).toBe(true);
  });

  it("resets the stream that its owner destroys, and keeps the others", async () => {
    const streams: SpdyStream[] = [];
    const { client } = await pair((stream) => {
      streams.push(stream);
      stream.reply();
    });
    const first = await client.open(new Map([["streamtype", "a"]]));
    const second = await client.open(new Map([["streamtype", "b"]]));
    await expect.poll(() => streams.length).toBe(2);
    streams[0]?.destroy();
    await expect.poll(() => first.destroyed).toBe(true);
    second.end("still here");
    expect((await collect(streams[1] as SpdyStream)).toString()).toBe("still here");
  });

  it("one stream that nobody reads stops its writer, not the others, and brings all once it is read", async () => {
    const streams: SpdyStream[] = [];
    const { client } = await pair((stream) => {
      streams.push(stream);
      stream.reply();
    });
    const first = await client.open(new Map([["streamtype", "a"]]));
    const second = await client.open(new Map([["streamtype", "b"]]));
    await expect.poll(() => streams.length).toBe(2);
    const sent = randomBytes(4 * 1024 * 1024);
    let written = 0;
    for (let at = 0; at < sent.length; at += 64 * 1024)
      first.write(sent.subarray(at, at + 64 * 1024), () => {
        written += 64 * 1024;
      });
    first.end();
    // Much more than the windows of both together: had the first not stopped, it would be through by then.
    const other = randomBytes(20 * 1024 * 1024);
    second.end(other);
    expect((await collect(streams[1] as SpdyStream)).equals(other)).toBe(true);
    expect(written).toBeLessThanOrEqual(1024 * 1024);
    expect((await collect(streams[0] as SpdyStream)).equals(sent)).toBe(true);
  });

  it("keeps the window of a peer that said how large it is, and waits for nothing of one that did not", async () => {
    const frames: Buffer[] = [];
    const sockets = await socketPair();
    const server = new SpdyConnection(sockets[0], { onStream: (stream) => void stream.end(randomBytes(200_000)) });
    const [, peer] = sockets;
    onTestFinished(() => server.close());
    let rest = Buffer.alloc(0);
    peer.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 8 && rest.length >= 8 + rest.readUIntBE(5, 3)) {
        frames.push(rest.subarray(0, 8 + rest.readUIntBE(5, 3)));
        rest = rest.subarray(8 + rest.readUIntBE(5, 3));
      }
    });
    const bytesOf = (id: number) =>
      frames
        .filter((frame) => (frame[0] ?? 0) < 0x80 && frame.readUInt32BE(0) === id)
        .reduce((sum, frame) => sum + frame.length - 8, 0);
    const codec = new SpdyHeaderCodec();
    onTestFinished(() => codec.close());
    const open = async (id: number) => {
      const head = Buffer.alloc(10);
      head.writeUInt32BE(id, 0);
      peer.write(controlFrame(frameType.synStream, Buffer.concat([head, await codec.pack(new Map())])));
    };
    await open(1);
    await expect.poll(() => bytesOf(1)).toBe(200_000);
    peer.write(settingsFrame(1000));
    peer.write(streamFrame(frameType.windowUpdate, 0, 1_000_000));
    await open(3);
    await expect.poll(() => bytesOf(3)).toBe(1000);
    peer.write(streamFrame(frameType.windowUpdate, 3, 500));
    await expect.poll(() => bytesOf(3)).toBe(1500);
    // It counted meanwhile what it sent without a limit.
    peer.write(settingsFrame(250_000));
    await expect.poll(() => bytesOf(3)).toBe(200_000);
  });

  it("closes on a peer that reads none of its answers", async () => {
    const transport = new Duplex({ read() {}, write() {} });
    const server = new SpdyConnection(transport, { onStream: () => {} });
    transport.push(Buffer.concat(Array.from({ length: 30_000 }, () => controlFrame(frameType.ping, uint32s(1)))));
    await server.closed;
  });

  it.each([
    ["a control frame that is too long", Buffer.from("80030001 00ffffff".replace(/ /g, ""), "hex")],
    ["a cut SYN_STREAM", Buffer.from("8003000100000002ffff", "hex")],
    ["a header block of garbage", Buffer.from("800300010000000e0000000100000000000041424344", "hex")],
  ])("closes on %s", async (_name, bytes) => {
    const { server, socket } = await pair(() => {});
    socket.write(bytes);
    await server.closed;
  });
});
