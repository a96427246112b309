import { createHash, randomBytes } from "node:crypto";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { StatusError } from "../../../../core/api/status.ts";
import { SpdyConnection } from "../../../../core/platform/spdy.ts";
import { messagePair } from "../../../../master_daemon/apiserver/streaming/message_pair.ts";
import {
  parsePort,
  servePortForwardMessages,
  serveSpdyPortForward,
} from "../../../../master_daemon/apiserver/streaming/port_forward.ts";
import type { PortForwardTarget } from "../../../../master_daemon/apiserver/streaming/target.ts";
import { duplexPair } from "../_api.ts";

async function echo(end: Duplex): Promise<void> {
  for await (const bytes of end.iterator({ destroyOnReturn: false }))
    if (!end.write(bytes)) await new Promise((resolve) => end.once("drain", resolve));
  end.end();
}

const target: PortForwardTarget = {
  kind: "portforward",
  ports: [8080, 9090],
  pod: "pod p, uid u",
  async dial(port) {
    if (port === 9090) throw StatusError.internal("connection refused");
    const [near, far] = duplexPair();
    void echo(far).catch(() => {});
    return near;
  },
};

async function sockets(): Promise<[Socket, Socket]> {
  return new Promise((resolve) => {
    const listener = createServer({ allowHalfOpen: true }, (server) => {
      resolve([server, client]);
      listener.close();
    }).listen(0, "127.0.0.1", () => {
      client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
    });
    let client: Socket;
  });
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

describe("serveSpdyPortForward()", () => {
  async function open(to: PortForwardTarget = target) {
    const [server, client] = await sockets();
    void serveSpdyPortForward(server, to);
    const connection = new SpdyConnection(client, { onStream: () => {}, role: "client" });
    onTestFinished(() => connection.close());
    return async (port: number, requestid: number) => {
      const headers = (streamtype: string) =>
        new Map([
          ["streamtype", streamtype],
          ["port", String(port)],
          ["requestid", String(requestid)],
        ]);
      const error = await connection.open(headers("error"));
      error.end();
      return { error, data: await connection.open(headers("data")) };
    };
  }

  it("carries bytes both ways, half-closed, and ends the error stream", async () => {
    const dial = await open();
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    await Promise.all(
      [1, 2, 3].map(async (id) => {
        const { data, error } = await dial(8080, id);
        const sent = randomBytes(2 * 1024 * 1024);
        data.end(sent);
        expect(hash(await collect(data.iterator({ destroyOnReturn: false })))).toBe(hash(sent));
        expect((await collect(error)).length).toBe(0);
      }),
    );
  });

  it("says nothing on the error stream of how a connection ended: the pod, then the client, or the pod by a break", async () => {
    const pods: Duplex[] = [];
    const dial = await open({
      ...target,
      async dial() {
        const [near, far] = duplexPair();
        pods.push(far);
        return near;
      },
    });
    const ended = await dial(8080, 1);
    await expect.poll(() => pods.length).toBe(1);
    pods[0]?.end("all");
    expect((await collect(ended.data.iterator({ destroyOnReturn: false }))).toString()).toBe("all");
    ended.data.destroy();
    expect((await collect(ended.error)).toString()).toBe("");
    await expect.poll(() => pods[0]?.destroyed).toBe(true);

    const broken = await dial(8080, 2);
    await expect.poll(() => pods.length).toBe(2);
    pods[1]?.destroy(new Error("read ECONNRESET"));
    expect((await collect(broken.error)).toString()).toBe("");
    await expect(collect(broken.data)).rejects.toThrow("closed by its peer");
  });

  it("ends the error stream when the pod has said all, though the client has not", async () => {
    const ends: Duplex[] = [];
    const dial = await open({
      ...target,
      async dial() {
        const [near, far] = duplexPair();
        ends.push(far);
        far.end("all");
        return near;
      },
    });
    const { data, error } = await dial(8080, 1);
    expect((await collect(data.iterator({ destroyOnReturn: false }))).toString()).toBe("all");
    expect((await collect(error)).toString()).toBe("");
    data.end("heard");
    expect((await collect(ends[0] as Duplex)).toString()).toBe("heard");
  });

  it("tells on the error stream why a connection cannot be made", async () => {
    const dial = await open();
    const { error } = await dial(9090, 1);
    expect((await collect(error)).toString()).toBe(
      "error forwarding port 9090 to pod p, uid u: Internal error occurred: connection refused",
    );
  });
});

describe("a refused port-forward", () => {
  it("replies to the data stream and tells why before it resets it", async () => {
    const [server, client] = await sockets();
    // Control frames by type (2: SYN_REPLY, 3: RST_STREAM), data frames as 0, each with its stream.
    const sent: string[] = [];
    const write = server.write.bind(server) as (frame: Buffer) => boolean;
    server.write = ((frame: Buffer) => {
      const isControl = (frame[0] ?? 0) >= 0x80;
      sent.push(isControl ? `${frame.readUInt16BE(2)} of ${frame.readUInt32BE(8)}` : `0 of ${frame.readUInt32BE(0)}`);
      return write(frame);
    }) as typeof server.write;
    void serveSpdyPortForward(server, target);
    const connection = new SpdyConnection(client, { onStream: () => {}, role: "client" });
    onTestFinished(() => connection.close());
    const headers = (streamtype: string) =>
      new Map([
        ["streamtype", streamtype],
        ["port", "9090"],
        ["requestid", "1"],
      ]);
    const error = await connection.open(headers("error"));
    const data = await connection.open(headers("data"));
    await expect.poll(() => sent).toContain(`3 of ${data.id}`);
    const reset = sent.indexOf(`3 of ${data.id}`);
    expect(sent.indexOf(`2 of ${data.id}`)).toBeLessThan(reset);
    expect(sent.slice(0, reset)).toContain(`2 of ${data.id}`);
    expect(sent.slice(0, reset)).toContain(`0 of ${error.id}`);
  });
});

describe("servePortForwardMessages()", () => {
  it("names the port of each channel first, then carries data and errors", async () => {
    const [near, far] = messagePair("v4.channel.k8s.io");
    const served = servePortForwardMessages(far, target);
    const messages = near[Symbol.asyncIterator]();
    const next = async () => [...((await messages.next()).value ?? [])];
    expect(await next()).toEqual([0, 0x90, 0x1f]);
    expect(await next()).toEqual([1, 0x90, 0x1f]);
    expect(await next()).toEqual([2, 0x82, 0x23]);
    expect(await next()).toEqual([3, 0x82, 0x23]);
    const failure = await next();
    expect(failure[0]).toBe(3);
    expect(Buffer.from(failure.slice(1)).toString()).toContain("connection refused");
    await near.send(Uint8Array.of(0, 104, 105));
    expect(await next()).toEqual([0, 104, 105]);
    near.close();
    await served;
  });
});

describe("parsePort()", () => {
  it.each([
    ["80", 80],
    ["65535", 65535],
    ["0", undefined],
    ["65536", undefined],
    ["-1", undefined],
    ["localhost:80", undefined],
    ["", undefined],
    ["1e3", undefined],
  ])("reads %j as %s", (text, port) => {
    expect(parsePort(text)).toBe(port);
  });
});
