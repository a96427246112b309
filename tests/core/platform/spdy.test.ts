import { createHash, randomBytes } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { SpdyConnection, type SpdyStream } from "../../../core/platform/spdy.ts";
import { SpdyHeaderCodec, spdyDictionary } from "../../../core/platform/spdy_headers.ts";

async function pair(onStream: (stream: SpdyStream) => void) {
  const sockets = await new Promise<[Socket, Socket]>((resolve) => {
    let client: Socket;
    const listener = createServer({ allowHalfOpen: true }, (server) => {
      resolve([server, client]);
      listener.close();
    }).listen(0, "127.0.0.1", () => {
      client = connect((listener.address() as { port: number }).port, "127.0.0.1");
    });
  });
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
