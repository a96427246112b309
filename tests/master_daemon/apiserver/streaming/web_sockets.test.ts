import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { channel, decodeFrames, encodeFrame } from "../../../../core/client/channel_frames.ts";
import { configMap } from "../../../../core/kinds/configmap.ts";
import { node } from "../../../../core/kinds/node.ts";
import { pod } from "../../../../core/kinds/pod.ts";
import { systemClock } from "../../../../core/platform/clock.ts";
import { systemRandom } from "../../../../core/platform/random.ts";
import { deferred } from "../../../../core/util/deferred.ts";
import { silentLogger } from "../../../../core/util/log.ts";
import type { NodeConnector } from "../../../../master_daemon/apiserver/node_connector.ts";
import { type Master, startMaster } from "../../../../master_daemon/master.ts";
import { duplexPair } from "../_api.ts";

const token = "test-token-1234567890";
const namespace = "/api/v1/namespaces/default";
const encode = (text: string) => new TextEncoder().encode(text);

/** A node whose every command is `echo`, or `cat` when that is its argument, or fails when it is `fail`; logs are of two pieces. */
const nodes: NodeConnector = {
  async request() {
    async function* body() {
      yield encode("first line\nsec");
      yield encode("ond line\n");
    }
    return { status: 200, headers: {}, body: body() };
  },
  async upgrade(_node, path) {
    const [near, far] = duplexPair();
    const argument = new URL(path, "http://node").searchParams.getAll("command")[1] ?? "";
    if (argument === "cat") {
      // It ends with its client.
      void echoInput(far).catch(() => {});
      return near;
    }
    const send = (id: number, payload: string) => far.write(encodeFrame({ channel: id, payload: encode(payload) }));
    if (argument !== "fail") send(channel.stdout, argument);
    const status = argument === "fail" ? { status: "Failure", message: "it ended with code 7" } : { status: "Success" };
    send(channel.status, JSON.stringify(status));
    far.end();
    return near;
  },
};

/** Sends what comes in as input back as output. */
async function echoInput(socket: Duplex): Promise<void> {
  for await (const { channel: id, payload } of decodeFrames(socket))
    if (id === channel.stdin) socket.write(encodeFrame({ channel: channel.stdout, payload }));
}

let master: Master;
let ca: string;
beforeAll(async () => {
  master = await startMaster({
    listen: { port: 0 },
    tokens: new Map([[token, { username: "alice", groups: ["system:masters"] }]]),
    nodes,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
  });
  ca = await master.ca();
  await master.client.create(node, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
  const created = await master.client.create(pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "default" },
    spec: { nodeName: "n1", containers: [{ name: "main", image: "busybox" }], tolerations: [{ operator: "Exists" }] },
  });
  await master.client.updateStatus(pod, { ...created, status: { phase: "Running" } });
});
afterAll(() => master[Symbol.asyncDispose]());

interface Message {
  readonly text: string;
  readonly isBinary: boolean;
}

/** Opens a WebSocket, which ends with the test. */
function open(path: string, protocols: readonly string[], headers: Record<string, string> = {}): WebSocket {
  const url = `${master.url?.replace("https", "wss")}${path}`;
  const socket = new WebSocket(url, [...protocols], {
    ca,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  onTestFinished(() => socket.terminate());
  return socket;
}

/** Every message until the server closes, and what protocol it chose. */
async function readAll(path: string, protocols: readonly string[]) {
  const socket = open(path, protocols);
  const messages: Message[] = [];
  socket.on("message", (data, isBinary) => messages.push({ text: String(data), isBinary }));
  const code = await new Promise<number>((resolve, reject) => socket.on("close", resolve).on("error", reject));
  return { protocol: socket.protocol, code, messages };
}

/** The status of a refusal. */
function refusal(path: string, protocols: readonly string[], headers: Record<string, string> = {}): Promise<number> {
  const socket = open(path, protocols, headers);
  return new Promise((resolve, reject) => {
    socket.on("unexpected-response", (_request, { statusCode = 0 }) => resolve(statusCode));
    socket.on("open", () => reject(new Error("It was accepted")));
    socket.on("error", () => {});
  });
}

describe("exec over WebSocket", () => {
  const exec = (argument: string) => `${namespace}/pods/p/exec?command=echo&command=${argument}&stdout=true`;

  it.each([["channel.k8s.io"], [undefined]])("by the protocol %s tells failures only, in plain text", async (name) => {
    const protocols = name === undefined ? [] : [name];
    const good = await readAll(exec("hello"), protocols);
    expect(good).toEqual({ protocol: name ?? "", code: 1000, messages: [{ text: "\u0001hello", isBinary: true }] });
    const { messages } = await readAll(exec("fail"), protocols);
    expect(messages.map(({ text }) => text)).toEqual(["\u0003it ended with code 7"]);
  });

  it("tells success, too, by the later protocols", async () => {
    const { protocol, messages } = await readAll(exec("hello"), ["channel.k8s.io", "v4.channel.k8s.io"]);
    expect(protocol).toBe("v4.channel.k8s.io");
    expect(messages.map(({ text }) => text)).toEqual(["\u0001hello", '\u0003{"status":"Success"}']);
  });
});

describe("streams over WebSocket in text", () => {
  const exec = (argument: string) => `${namespace}/pods/p/exec?command=echo&command=${argument}&stdout=true&stdin=true`;
  const base64 = (text: string) => Buffer.from(text).toString("base64");

  it("exec has a digit and base64 in each message, and says how it ended as the protocol says", async () => {
    const later = await readAll(exec("hello"), ["v4.base64.channel.k8s.io"]);
    expect(later).toEqual({
      protocol: "v4.base64.channel.k8s.io",
      code: 1000,
      messages: [
        { text: `1${base64("hello")}`, isBinary: false },
        { text: `3${base64('{"status":"Success"}')}`, isBinary: false },
      ],
    });
    const { messages } = await readAll(exec("fail"), ["base64.channel.k8s.io"]);
    expect(messages).toEqual([{ text: `3${base64("it ended with code 7")}`, isBinary: false }]);
  });

  it("exec takes input so", async () => {
    const socket = open(exec("cat"), ["v4.base64.channel.k8s.io"]);
    socket.on("open", () => {
      socket.send(`0${base64("typed")}`);
      socket.send(`4${base64('{"Width":1,"Height":1}')}`);
    });
    const first = await new Promise<string>((resolve) => socket.once("message", (data) => resolve(String(data))));
    expect(first).toBe(`1${base64("typed")}`);
  });

  it("port-forward names the port on both channels", async () => {
    const socket = open(`${namespace}/pods/p/portforward?ports=8080`, ["v4.base64.channel.k8s.io"]);
    const messages: string[] = [];
    const two = new Promise<void>((resolve) =>
      socket.on("message", (data) => {
        messages.push(String(data));
        if (messages.length === 2) resolve();
      }),
    );
    await two;
    const name = Buffer.from([0x90, 0x1f]).toString("base64");
    // What the pod says comes after them.
    expect(messages.slice(0, 2)).toEqual([`0${name}`, `1${name}`]);
  });
});

describe("logs over WebSocket", () => {
  const path = `${namespace}/pods/p/log`;

  it.each([["binary.k8s.io"], [undefined]])("come as bytes by the protocol %s", async (name) => {
    const { protocol, code, messages } = await readAll(path, name === undefined ? [] : [name]);
    expect([protocol, code]).toEqual([name ?? "", 1000]);
    expect(messages).toEqual(["", "first line\nsec", "ond line\n"].map((text) => ({ text, isBinary: true })));
  });

  it("come as text by base64.binary.k8s.io", async () => {
    const { messages } = await readAll(path, ["base64.binary.k8s.io"]);
    expect(messages.every(({ isBinary }) => !isBinary)).toBe(true);
    const decoded = messages.map(({ text }) => Buffer.from(text, "base64").toString()).join("");
    expect(decoded).toBe("first line\nsecond line\n");
  });

  it("are refused as they are without", async () => {
    expect(await refusal(`${path}?container=none`, ["binary.k8s.io"])).toBe(400);
    expect(await refusal(path, ["binary.k8s.io"], { authorization: "Bearer wrong" })).toBe(401);
    expect(await refusal(`${namespace}/pods/nobody/log`, [])).toBe(404);
  });
});

describe("a watch over WebSocket", () => {
  it("sends an event a message, as text, until its time is over", async () => {
    const { code, messages } = await readAll(`/api/v1/nodes?watch=true&timeoutSeconds=1`, []);
    expect(code).toBe(1000);
    const [first] = messages;
    expect(first?.isBinary).toBe(false);
    expect(JSON.parse(first?.text ?? "")).toMatchObject({ type: "ADDED", object: { metadata: { name: "n1" } } });
  });

  it("goes on while things change, and sends whole documents whatever a client accepts", async () => {
    const accept = "application/vnd.kubernetes.protobuf,application/json";
    const seen: unknown[] = [];
    const socket = open(`${namespace}/configmaps?watch=1&labelSelector=made`, ["any.example.com"], {
      accept,
      "accept-encoding": "gzip",
    });
    const both = deferred();
    socket.on("message", (data) => {
      const { type, object } = JSON.parse(String(data));
      seen.push([type, object.metadata.name]);
      if (seen.length === 2) both.resolve();
    });
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    expect(socket.protocol).toBe("any.example.com");
    const labels = { made: "here" };
    for (const name of ["one", "two"]) {
      const metadata = { name, namespace: "default", labels };
      await master.client.create(configMap, { apiVersion: "v1", kind: "ConfigMap", metadata });
    }
    await both.promise;
    expect(seen).toEqual([
      ["ADDED", "one"],
      ["ADDED", "two"],
    ]);
  });

  it("is refused as it is without", async () => {
    expect(await refusal(`${namespace}/nothings?watch=true`, [])).toBe(404);
    expect(await refusal("/api/v1/nodes?watch=true", [], { authorization: "Bearer wrong" })).toBe(401);
    expect(await refusal("/api/v1/nodes", [])).toBe(400);
  });
});
