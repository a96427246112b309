import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { parseProxyFile, startFileProxy } from "../../../node_daemon/proxy/file_source.ts";
import { Proxier } from "../../../node_daemon/proxy/proxier.ts";
import type { Endpoint, ProxyRule } from "../../../node_daemon/proxy/rules.ts";

const options = { clock: systemClock, random: seededRandom(1), log: silentLogger };
let open = new DisposalStack();
afterEach(async () => {
  const closing = open;
  open = new DisposalStack();
  await closing[Symbol.asyncDispose]();
});

describe("Proxier TCP", () => {
  it("sends twelve connections over three endpoints four each", async () => {
    const backends = await Promise.all(["a", "b", "c"].map(greeter));
    const port = await proxied("TCP", backends);
    const answers: string[] = [];
    for (let i = 0; i < 12; i++) answers.push(await readAll(dial(port)));
    expect(count(answers)).toEqual({ a: 4, b: 4, c: 4 });
  });

  it("skips an endpoint that refuses", async () => {
    const dead = await freePort();
    const port = await proxied("TCP", [{ ip: "127.0.0.1", port: dead }, await greeter("a")]);
    for (let i = 0; i < 6; i++) expect(await readAll(dial(port))).toBe("a");
  });

  it("keeps half-close and carries 8 MiB both ways whole", async () => {
    const sum = await server((socket) => {
      let bytes = 0;
      socket.on("data", (chunk) => {
        bytes += chunk.length;
      });
      // Answers only once the client has ended its side: proves that FIN passes while the answer's direction stays open.
      socket.on("end", () => {
        socket.write(Buffer.alloc(bytes, 1));
        socket.end(`got ${bytes}`);
      });
    });
    const port = await proxied("TCP", [sum]);
    const client = dial(port);
    client.end(Buffer.alloc(8 * 1024 * 1024, 7));
    const answer = await readAll(client);
    expect(answer.length).toBe(8 * 1024 * 1024 + "got 8388608".length);
    expect(answer.endsWith("got 8388608")).toBe(true);
  });

  it("refuses when there are no endpoints, and serves as soon as there is one", async () => {
    const port = await freePort();
    const proxier = open.use(new Proxier(options));
    await proxier.apply("svc", [rule("TCP", port, [])]);
    await expect(readAll(dial(port))).rejects.toThrow(/ECONNREFUSED/);
    await proxier.apply("svc", [rule("TCP", port, [await greeter("a")])]);
    expect(await readAll(dial(port))).toBe("a");
    await proxier.apply("svc", []);
    await expect(readAll(dial(port))).rejects.toThrow(/ECONNREFUSED/);
    expect(proxier.listening).toEqual([]);
  });

  it("keeps established connections when the endpoints change, and sends new ones to the new", async () => {
    const echo = await server((socket) => socket.pipe(socket));
    const port = await freePort();
    const proxier = open.use(new Proxier(options));
    await proxier.apply("svc", [rule("TCP", port, [echo])]);
    const established = dial(port);
    established.write("one");
    expect(String((await once(established, "data"))[0])).toBe("one");
    await proxier.apply("svc", [rule("TCP", port, [await greeter("new")])]);
    expect(await readAll(dial(port))).toBe("new");
    established.write("two");
    expect(String((await once(established, "data"))[0])).toBe("two");
    established.end();
  });

  it("breaks the client's side when the endpoint resets", async () => {
    const resetter = await server((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const port = await proxied("TCP", [resetter]);
    const client = dial(port);
    client.write("x");
    await expect(readAll(client)).rejects.toThrow(/ECONNRESET/);
  });

  it("serves an address for the first who asked and leaves it to them", async () => {
    const port = await freePort();
    const proxier = open.use(new Proxier(options));
    await proxier.apply("first", [rule("TCP", port, [await greeter("first")])]);
    await proxier.apply("second", [rule("TCP", port, [await greeter("second")])]);
    expect(await readAll(dial(port))).toBe("first");
  });
});

describe("Proxier addresses", () => {
  it("asks for an address that is not this machine's, and says when it cannot be had", async () => {
    const asked: string[] = [];
    const said: unknown[] = [];
    const localRoutes = { add: async (address: string) => asked.push(address) === 0, remove: async () => {} };
    const log = { ...silentLogger, error: (_message: string, fields: unknown) => said.push(fields) };
    const proxier = open.use(new Proxier({ ...options, log, localRoutes }));
    await proxier.apply("svc", [{ ...rule("TCP", 80, [{ ip: "127.0.0.1", port: 1 }]), address: "192.0.2.1" }]);
    expect(asked).toEqual(["192.0.2.1"]);
    expect(said).toEqual([expect.objectContaining({ service: "default/web:80", address: "192.0.2.1:80" })]);
    expect(proxier.listening).toEqual([]);
  });
});

describe("Proxier UDP", () => {
  it("keeps a flow on one endpoint and moves it when that endpoint goes", async () => {
    const [a, b] = await Promise.all([udpGreeter("a"), udpGreeter("b")]);
    const port = await freePort();
    const proxier = open.use(new Proxier(options));
    await proxier.apply("svc", [rule("UDP", port, [a, b])]);
    const client = udpClient();
    const first = await ask(client, port);
    expect(await ask(client, port)).toBe(first);
    await proxier.apply("svc", [rule("UDP", port, [first === "a" ? b : a])]);
    expect(await ask(client, port)).toBe(first === "a" ? "b" : "a");
  });

  it("spreads clients round robin and carries a datagram of 60,000 bytes", async () => {
    const sizes = await udpServer((data) => String(data.length));
    const port = await freePort();
    const proxier = open.use(new Proxier(options));
    await proxier.apply("svc", [rule("UDP", port, [sizes])]);
    expect(await ask(udpClient(), port, Buffer.alloc(60_000))).toBe("60000");
    const [a, b] = await Promise.all([udpGreeter("a"), udpGreeter("b")]);
    await proxier.apply("svc", [rule("UDP", port, [a, b])]);
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(udpClient(), port)));
    expect(count(answers)).toEqual({ a: 2, b: 2 });
  });
});

describe("startFileProxy()", () => {
  it("serves what the file lists and follows its changes", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wherry-proxy-"));
    open.defer(() => rm(folder, { recursive: true }));
    const path = join(folder, "services.yaml");
    const port = await freePort();
    const file = ({ ip, port: to }: Endpoint) =>
      `services:\n- name: web\n  listen: 127.0.0.1:${port}\n  endpoints: ["${ip}:${to}"]\n`;
    await writeFile(path, file(await greeter("old")));
    let reloaded = () => {};
    const log = { ...silentLogger, info: () => reloaded() };
    open.use(await startFileProxy({ ...options, log, path }));
    expect(await readAll(dial(port))).toBe("old");
    const change = new Promise<void>((resolve) => {
      reloaded = resolve;
    });
    await writeFile(`${path}.new`, file(await greeter("new")));
    await rename(`${path}.new`, path);
    await change;
    expect(await readAll(dial(port))).toBe("new");
  });

  it.each([
    ["services: 3", "services: must be a list"],
    ["services: [{name: a, listen: nowhere, endpoints: []}]", "services[0].listen: must be ADDRESS:PORT"],
    [
      "services: [{name: a, listen: 127.0.0.1:80, protocol: SCTP, endpoints: []}]",
      "services[0].protocol: must be TCP or UDP",
    ],
    [
      "services: [{name: a, listen: 127.0.0.1:80, endpoints: ['127.0.0.1:99999']}]",
      "services[0].endpoints[0]: must be ADDRESS:PORT",
    ],
    [
      "services: [{name: a, listen: 127.0.0.1:80, balancer: best, endpoints: []}]",
      "services[0].balancer: must be one of round-robin, random",
    ],
  ])("refuses %s", (text, message) => {
    expect(() => parseProxyFile(text)).toThrow(message);
  });
});

function rule(protocol: "TCP" | "UDP", port: number, endpoints: readonly Endpoint[]): ProxyRule {
  return {
    service: "default/web:80",
    protocol,
    address: "127.0.0.1",
    port,
    endpoints,
    balancer: undefined,
    affinityTimeoutMs: undefined,
  };
}

async function proxied(protocol: "TCP" | "UDP", endpoints: readonly Endpoint[]): Promise<number> {
  const port = await freePort();
  await open.use(new Proxier(options)).apply("svc", [rule(protocol, port, endpoints)]);
  return port;
}

async function server(handle: (socket: Socket) => void): Promise<Endpoint> {
  const sockets = new Set<Socket>();
  const listening: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    handle(socket);
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  open.defer(() => {
    for (const socket of sockets) socket.destroy();
    listening.close();
  });
  return { ip: "127.0.0.1", port: (listening.address() as AddressInfo).port };
}

function greeter(name: string): Promise<Endpoint> {
  return server((socket) => socket.end(name));
}

function dial(port: number): Socket {
  return connect({ host: "127.0.0.1", port, allowHalfOpen: true });
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  socket.end();
  return Buffer.concat(chunks).toString("latin1");
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

async function udpServer(answer: (data: Buffer) => string): Promise<Endpoint> {
  const socket = createSocket("udp4");
  socket.on("message", (data, { address, port }) => socket.send(answer(data), port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  open.defer(() => socket.close());
  return { ip: "127.0.0.1", port: socket.address().port };
}

function udpGreeter(name: string): Promise<Endpoint> {
  return udpServer(() => name);
}

function udpClient(): UdpSocket {
  const socket = createSocket("udp4");
  open.defer(() => socket.close());
  return socket;
}

async function ask(client: UdpSocket, port: number, data: Uint8Array = Buffer.from("?")): Promise<string> {
  client.send(data, port, "127.0.0.1");
  const [answer] = await once(client, "message");
  return String(answer);
}

function count(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
