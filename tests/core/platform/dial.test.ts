import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type DialOptions, dial } from "../../../core/platform/dial.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server on a port of its own that hands each connection to `serve`. @returns its port */
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  }).listen(0, "127.0.0.1");
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const echo = () => listen((socket) => socket.pipe(socket));

/** A proxy for CONNECT that notes the heads it read. */
function httpProxy(heads: string[], answer = "HTTP/1.1 200 OK"): Promise<number> {
  return listen((socket) => {
    socket.once("data", (bytes) => {
      heads.push(bytes.toString());
      const [, host, port] = /^CONNECT (.*):(\d+) /.exec(bytes.toString()) ?? [];
      socket.write(`${answer}\r\n\r\n`);
      if (!answer.includes(" 200")) return;
      const target = connect(Number(port), host);
      target.on("error", () => {});
      target.pipe(socket).pipe(target);
    });
  });
}

/** A SOCKS5 proxy that wants `me` and `secret`. */
function socksProxy(): Promise<number> {
  const replies = [
    [5, 2],
    [1, 0],
  ];
  return listen((socket) => {
    socket.on("data", function take(bytes: Buffer) {
      const reply = replies.shift();
      if (reply) {
        if (reply[0] === 1 && bytes.subarray(2, 4).toString() !== "me") reply[1] = 1;
        socket.write(Uint8Array.from(reply));
        return;
      }
      socket.off("data", take);
      const length = bytes[4] ?? 0;
      const target = connect(bytes.readUInt16BE(5 + length), bytes.subarray(5, 5 + length).toString());
      target.on("error", () => {});
      socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
      target.pipe(socket).pipe(target);
    });
  });
}

async function saysBack(options: Pick<DialOptions, "port" | "proxy">): Promise<string> {
  const socket = await dial({ hostname: "127.0.0.1", timeoutMs: 10_000, keepAliveProbeMs: 15_000, ...options });
  socket.write("hello");
  const [bytes] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return bytes.toString();
}

describe("dial()", () => {
  it("connects directly", async () => {
    expect(await saysBack({ port: await echo() })).toBe("hello");
  });

  it("goes through an HTTP proxy with its user", async () => {
    const heads: string[] = [];
    const port = await echo();
    const proxy = new URL(`http://me:secret@127.0.0.1:${await httpProxy(heads)}`);
    expect(await saysBack({ port, proxy })).toBe("hello");
    expect(heads[0]).toContain(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n`);
    expect(heads[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from("me:secret").toString("base64")}\r\n`);
  });

  it("goes through a SOCKS5 proxy with its user", async () => {
    const proxy = new URL(`socks5://me:secret@127.0.0.1:${await socksProxy()}`);
    expect(await saysBack({ port: await echo(), proxy })).toBe("hello");
  });

  it("says what a proxy that refuses said", async () => {
    const proxy = new URL(`http://127.0.0.1:${await httpProxy([], "HTTP/1.1 407 Who are you")}`);
    await expect(saysBack({ port: 1, proxy })).rejects.toThrow("the proxy refused: 407 Who are you");
  });
});
