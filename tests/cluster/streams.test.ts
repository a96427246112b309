import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { runCli } from "../../commands/run_cli.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { channel } from "../../core/client/channel_frames.ts";
import type { Client } from "../../core/client/client.ts";
import { createClient } from "../../core/client/create_client.ts";
import { exec } from "../../core/client/exec.ts";
import { httpTransport } from "../../core/client/http_transport.ts";
import { logs } from "../../core/client/logs.ts";
import { openPortForward } from "../../core/client/port_forward.ts";
import { spdyMessages } from "../../core/client/spdy_messages.ts";
import type { MessageStream } from "../../core/client/transport.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import { deployment } from "../../core/kinds/deployment.ts";
import { type PodSpec, pod } from "../../core/kinds/pod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { dial } from "../../core/platform/dial.ts";
import { sha256 } from "../../core/platform/hash.ts";
import { type ByteStream, joinStreams, writeAll } from "../../core/platform/join_streams.ts";
import { type Messages, messageDuplex } from "../../core/platform/message_duplex.ts";
import { systemRandom } from "../../core/platform/random.ts";
import { listenTcp } from "../../core/platform/tcp_listener.ts";
import { silentLogger } from "../../core/util/log.ts";
import { startNode } from "../../node_daemon/node.ts";
import { fakeRuntime } from "../../node_daemon/runtime/fake.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { recordedTerminal } from "../commands/_terminal.ts";
import { eventually } from "../e2e/harness.ts";
import { duplexPair } from "../master_daemon/apiserver/_api.ts";
import { patienceMs } from "../patience.ts";
import { missing } from "../require.ts";
import { importBusybox, testImage } from "../suites/docker_image.ts";

const namespace = "default";
const runtimes = missing("docker", await findDocker({ clock: systemClock }))
  ? (["process"] as const)
  : (["process", "docker"] as const);
const channelProtocols = ["v4.channel.k8s.io", "v5.channel.k8s.io", "SPDY/3.1"] as const;

const blockBytes = 64 * 1024;
const block = (number: number) => Buffer.from(String(number).padStart(blockBytes));
/** More blocks than every buffer on the way takes in: sockets, pipes, and what the daemons hold. */
const bound = 1024;
/** How often a count must have been the same, 20 ms apart, until it is taken to stand still. */
const stillLooks = 20;

/** The count that a writer keeps, once it stands still. One that never does ends it by being far too much. */
async function standing(count: () => Promise<number> | number): Promise<number> {
  let last = 0;
  let looks = 0;
  const stopped = await eventually("the writer stopped", async () => {
    const now = await count();
    looks = now === last && now > 0 ? looks + 1 : 0;
    last = now;
    return looks === stillLooks || now > 2 * bound ? now : undefined;
  });
  expect(stopped).toBeLessThan(bound);
  return stopped;
}

/** Reads numbered blocks until there were `count` of them. @throws Error when a byte is missing or another */
async function readBlocks(output: AsyncIterable<Uint8Array>, count: number): Promise<void> {
  let rest = Buffer.alloc(0);
  let number = 0;
  for await (const bytes of output) {
    rest = Buffer.concat([rest, bytes]);
    for (; rest.length >= blockBytes; rest = rest.subarray(blockBytes)) {
      if (!rest.subarray(0, blockBytes).equals(block(number))) throw new Error(`Block ${number} is another`);
      if (++number === count) return;
    }
  }
  throw new Error(`The output ended after ${number} blocks`);
}

/** Gives numbered blocks to `send`, one after the other. */
class BlockWriter {
  #count = 0;
  #left = Number.POSITIVE_INFINITY;
  readonly done: Promise<void>;

  constructor(send: (bytes: Uint8Array) => Promise<void>) {
    this.done = this.#write(send);
    this.done.catch(() => {});
  }

  get count(): number {
    return this.#count;
  }

  /** Ends it with that many blocks in all. */
  endAt(count: number): void {
    this.#left = count;
  }

  async #write(send: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    while (this.#count < this.#left && this.#count < 4 * bound) {
      await send(block(this.#count));
      this.#count++;
    }
  }
}

const sumOf = (count: number) => sha256(Buffer.concat(Array.from({ length: count }, (_, number) => block(number))));

describe.each(runtimes)("streams of a pod with the runtime %s", (runtime) => {
  // How they travel does not depend on what runs the containers.
  const protocols = runtime === "docker" ? channelProtocols.slice(1, 2) : channelProtocols;
  let folder: string;
  let cluster: Cluster;
  let client: Client;

  beforeAll(async () => {
    if (runtime === "docker") await importBusybox();
    folder = await mkdtemp(join(tmpdir(), "wherry-streams-"));
    cluster = await startCluster({ runtime, podInfraImage: testImage });
    const { cluster: server, user } = cluster.credentials;
    const ca = atob(server["certificate-authority-data"] ?? "");
    client = createClient(httpTransport({ server: cluster.url, ca, token: user.token }));
    await run("quiet", "sleep 1000");
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Runs a pod of one shell, whose folder `shared` the test sees. */
  const run = async (name: string, script: string, more: object = {}) => {
    const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
    const container = { name: "main", image: testImage, command: ["/bin/sh", "-c", script], volumeMounts, ...more };
    const volumes = [{ name: "shared", hostPath: { path: folder } }];
    const spec = { containers: [container], volumes, terminationGracePeriodSeconds: 0 } as PodSpec;
    await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec });
    return await cluster.waitFor(pod, { name, namespace }, { condition: "Ready" });
  };
  /** What writes numbered blocks without end, and notes how many it has got rid of. */
  const talk = (name: string) => `i=0; while printf '%${blockBytes}s' $i; do i=$((i+1)); echo $i >shared/${name}; done`;
  const noted = async (name: string) => Number(await readFile(join(folder, name), "utf8").catch(() => ""));
  /** What reads nothing until it is told how many blocks there are, and then says the checksum of all that comes. */
  const listen = (name: string, { hasEnd }: { readonly hasEnd: boolean }) => {
    const read = hasEnd ? "cat" : `head -c $(($(cat shared/${name}) * ${blockBytes}))`;
    return `until [ -e shared/${name} ]; do sleep 0.02; done; ${read} | sha256sum`;
  };

  const open = async (verb: "exec" | "attach", name: string, streams: object, protocol: string, script = "") => {
    const query = new URLSearchParams(Object.fromEntries(Object.keys(streams).map((stream) => [stream, "true"])));
    if (verb === "exec") for (const word of ["/bin/sh", "-c", script]) query.append("command", word);
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/${verb}?${query}`;
    if (protocol !== "SPDY/3.1") return await client.upgrade(path, { protocols: [protocol] });
    const spdy = await client.spdy(path, { protocols: ["v4.channel.k8s.io"] });
    if (!spdy) throw new Error("There is no SPDY");
    return await spdyMessages(spdy, { stdin: false, stdout: false, stderr: false, resize: false, ...streams });
  };
  const outputOf = async function* (messages: MessageStream): AsyncGenerator<Uint8Array, void, void> {
    for await (const message of messages) if (message[0] === channel.stdout) yield message.subarray(1);
  };

  it.each(protocols)("exec by %s: a reader that stops stops the program, and misses nothing", async (protocol) => {
    const name = `exec-out-${channelProtocols.indexOf(protocol)}`;
    const messages = await open("exec", "quiet", { stdout: true, stderr: true }, protocol, talk(name));
    onTestFinished(() => messages.close());
    const stopped = await standing(() => noted(name));
    await readBlocks(outputOf(messages), stopped + 16);
  });

  it.each(protocols)(
    "exec by %s: a program that does not read stops the writer, and misses nothing",
    async (protocol) => {
      const name = `exec-in-${channelProtocols.indexOf(protocol)}`;
      // By the older of the two over WebSockets nobody can say that the input ends.
      const hasEnd = protocol !== "v4.channel.k8s.io";
      const messages = await open("exec", "quiet", { stdin: true, stdout: true }, protocol, listen(name, { hasEnd }));
      onTestFinished(() => messages.close());
      const writer = new BlockWriter((bytes) => messages.send(Buffer.concat([Uint8Array.of(channel.stdin), bytes])));
      const stopped = await standing(() => writer.count);
      writer.endAt(stopped + 16);
      if (hasEnd) void writer.done.then(() => messages.send(Uint8Array.of(channel.closeInput, channel.stdin)));
      await writeFile(join(folder, `${name}.new`), String(stopped + 16));
      await rename(join(folder, `${name}.new`), join(folder, name));
      let said = "";
      for await (const bytes of outputOf(messages)) said += new TextDecoder().decode(bytes);
      expect(said.split(" ")[0]).toBe(sumOf(stopped + 16));
    },
  );

  /** Attaches to a pod that ticks until it is told to talk, once a tick has shown that it is attached. */
  const attachToTalk = async (script: string) => {
    await run("talks", `until [ -e shared/talk ]; do echo tick; sleep 0.02; done; echo; ${script}`);
    const messages = await open("attach", "talks", { stdout: true }, "v5.channel.k8s.io");
    onTestFinished(() => messages.close());
    const output = outputOf(messages);
    const tick = await output.next();
    await writeFile(join(folder, "talk"), "");
    return (async function* () {
      let head = Buffer.from(tick.value ?? []);
      for (let end = head.indexOf("\n\n"); ; end = head.indexOf("\n\n")) {
        if (end >= 0) {
          yield head.subarray(end + 2);
          break;
        }
        const { value } = await output.next();
        if (!value) throw new Error("The output ended with the ticks");
        head = Buffer.concat([head, value]);
      }
      yield* output;
    })();
  };

  it.runIf(runtime === "process")(
    "attach: a reader that stops misses nothing of what the log keeps meanwhile",
    async () => {
      const count = 200;
      const some = talk("attach-out").replace("while ", `while [ $i -lt ${count} ] && `);
      const output = await attachToTalk(`${some}; sleep 1000`);
      // What it writes goes into a file: nobody who looks on holds it up.
      await eventually("all was written", async () => (await noted("attach-out")) === count || undefined);
      await readBlocks(output, count);
    },
  );

  it.skipIf(runtime === "process")("attach: a reader that stops stops the program, and misses nothing", async () => {
    const output = await attachToTalk(talk("attach-out"));
    const stopped = await standing(() => noted("attach-out"));
    await readBlocks(output, stopped + 16);
  });
});

const refused = new StatusError(403, "Forbidden", "unable to upgrade");

/** A client of an older server: it knows no WebSocket of the kind that is asked for. */
const withoutWebSockets = (client: Client): Client =>
  ({
    upgrade: () => Promise.reject(refused),
    spdy: (...args: Parameters<Client["spdy"]>) => client.spdy(...args),
  }) as unknown as Client;

/** One that must not fall back to SPDY. */
const withoutSpdy = (client: Client): Client =>
  ({
    upgrade: (...args: Parameters<Client["upgrade"]>) => client.upgrade(...args),
    spdy: () => Promise.reject(refused),
  }) as unknown as Client;

/** A client whose ports travel as messages. */
async function messagesOf(client: Client, name: string, port: number): Promise<Messages> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/portforward?ports=${port}`;
  const messages = await client.upgrade(path, { protocols: ["v4.channel.k8s.io"] });
  return {
    send: (bytes) => messages.send(Buffer.concat([Uint8Array.of(0), bytes])),
    close: () => messages.close(),
    async *[Symbol.asyncIterator]() {
      let isNamed = false;
      for await (const message of messages) {
        if (message[0] === 0 && isNamed) yield message.subarray(1);
        isNamed ||= message[0] === 0;
      }
    },
  };
}

/** Ways to a port of a pod: what joins a connection with it. */
const forwardings = {
  "SPDY in a WebSocket": async (client: Client, name: string) =>
    await openPortForward(withoutSpdy(client), { namespace, name }),
  "SPDY/3.1": async (client: Client, name: string) =>
    await openPortForward(withoutWebSockets(client), { namespace, name }),
  "v4.channel.k8s.io": async (client: Client, name: string) => ({
    forward: async (local: Socket, port: number) =>
      await joinStreams(local, messageDuplex(await messagesOf(client, name, port))),
    close() {},
  }),
};

/** What does not depend on what runs the containers: the ports of a pod are those of this machine. */
describe("ports and logs of a pod", () => {
  let folder: string;
  let cluster: Cluster;
  let client: Client;
  let address: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "wherry-streams-"));
    cluster = await startCluster({ runtime: "process" });
    const { cluster: server, user } = cluster.credentials;
    const ca = atob(server["certificate-authority-data"] ?? "");
    client = createClient(httpTransport({ server: cluster.url, ca, token: user.token }));
    const container = { name: "main", image: testImage, command: ["/bin/sh", "-c", "sleep 1000"] };
    const spec: PodSpec = { containers: [container], terminationGracePeriodSeconds: 0 };
    await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace }, spec });
    const { status } = await cluster.waitFor(pod, { name: "web", namespace }, { condition: "Ready" });
    address = status?.podIP ?? "";
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Listens where the pod is. */
  const serve = async (onConnection: (socket: Socket) => void, at = address): Promise<number> => {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      sockets.add(socket.on("error", () => {}));
      onConnection(socket);
    });
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, at, resolve));
    return (server.address() as AddressInfo).port;
  };

  /** Connects to a port of the pod, through a port of this machine. */
  const open = async (protocol: keyof typeof forwardings, port: number): Promise<Socket> => {
    const way = await forwardings[protocol](client, "web");
    const listener = await listenTcp({ address: "127.0.0.1", port: 0 }, (local) => {
      way.forward(local as Socket, port).catch(() => {});
    });
    onTestFinished(() => {
      listener.close();
      way.close();
    });
    return connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
  };

  it.each(["SPDY in a WebSocket", "SPDY/3.1", "v4.channel.k8s.io"] as const)(
    "port-forward by %s: a reader that stops stops the pod, and misses nothing",
    async (protocol) => {
      let writer: BlockWriter | undefined;
      const port = await serve((socket) => {
        writer = new BlockWriter((bytes) => writeAll(socket, bytes));
      });
      const local = await open(protocol, port);
      const stopped = await standing(() => writer?.count ?? 0);
      await readBlocks(local, stopped + 16);
    },
  );

  // By the last one nobody can say that a way ends.
  it.each(["SPDY in a WebSocket", "SPDY/3.1"] as const)(
    "port-forward by %s: a pod that does not read stops the writer; each way ends by itself",
    async (protocol) => {
      let pod: Socket | undefined;
      const port = await serve((socket) => {
        pod = socket;
      });
      const local = await open(protocol, port);
      const writer = new BlockWriter((bytes) => writeAll(local, bytes));
      const stopped = await standing(() => writer.count);
      writer.endAt(stopped + 16);
      void writer.done.then(() => local.end());
      const got: Uint8Array[] = [];
      for await (const bytes of pod?.iterator({ destroyOnReturn: false }) ?? []) got.push(bytes);
      pod?.end(sha256(Buffer.concat(got)));
      let answer = "";
      for await (const bytes of local) answer += bytes;
      expect(answer).toBe(sumOf(stopped + 16));
    },
  );

  /** Runs a verb that stays; its kubeconfig leads to `server`. */
  const follow = async (server: string, ...words: readonly string[]): Promise<() => string> => {
    const kubeconfig = join(folder, `config-${words[0]}`);
    await writeFile(kubeconfig, cluster.kubeconfig.replaceAll(cluster.url, server), { mode: 0o600 });
    const { terminal, text } = recordedTerminal();
    const end = new AbortController();
    const caches = `--cache-dir=${join(folder, "cache")}`;
    const running = runCli([`--kubeconfig=${kubeconfig}`, caches, ...words], { terminal, signal: end.signal });
    onTestFinished(async () => {
      end.abort();
      await running;
    });
    return text;
  };
  const printed = (text: () => string, pattern: RegExp): Promise<RegExpExecArray> =>
    eventually(`${pattern} was printed`, () => pattern.exec(text()) ?? undefined);
  const answerOf = async (local: Socket): Promise<string> => {
    let answer = "";
    for await (const bytes of local) answer += bytes;
    return answer;
  };

  it("the proxy passes on exec, port-forward and watches, by WebSocket and SPDY, where its filter lets them", async () => {
    const through = async (...flags: readonly string[]) => {
      const said = await follow(cluster.url, "proxy", "--port=0", ...flags);
      const [, address = ""] = await printed(said, /Starting to serve on (\S+)/);
      const proxied = createClient(httpTransport({ server: `http://${address}` }));
      onTestFinished(() => proxied[Symbol.asyncDispose]());
      return { address, proxied };
    };
    const { address, proxied } = await through("--reject-paths=^/nothing$");
    const port = await serve((socket) => void socket.resume().end("hello"));
    const key = { namespace, name: "web" };
    for (const caller of [withoutSpdy(proxied), withoutWebSockets(proxied)]) {
      let said = "";
      const code = await exec(caller, key, {
        command: ["/bin/sh", "-c", "tr a-z A-Z; exit 7"],
        stdin: (async function* () {
          yield new TextEncoder().encode("word");
        })(),
        stdout: (bytes) => {
          said += new TextDecoder().decode(bytes);
        },
      });
      expect([code, said]).toEqual([7, "WORD"]);
      const way = await openPortForward(caller, key);
      const listener = await listenTcp({ address: "127.0.0.1", port: 0 }, (local) => void way.forward(local, port));
      expect(await answerOf(connect(listener.port, "127.0.0.1"))).toBe("hello");
      listener.close();
      way.close();
    }
    const watching = await proxied.upgrade("/api/v1/namespaces?watch=true", { protocols: [] });
    for await (const event of watching) {
      expect(JSON.parse(new TextDecoder().decode(event))).toMatchObject({
        type: "ADDED",
        object: { kind: "Namespace" },
      });
      break;
    }
    const filtered = await through();
    const refusal = { code: 403 };
    await expect(exec(filtered.proxied, key, { command: ["true"], stdout: () => {} })).rejects.toMatchObject(refusal);
    // A page somewhere that has its name lead here; one that opens a WebSocket to this machine; and one of the proxy's own.
    for (const [host, origin, status] of [
      ["example.com", "http://example.com", 403],
      [address, "http://example.com", 403],
      [address, `http://${address}`, 101],
    ] as const) {
      const page = await dial({
        hostname: "127.0.0.1",
        port: Number(address.split(":")[1]),
        timeoutMs: patienceMs,
        keepAliveProbeMs: 1000,
      });
      const handshake =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2hlcnJ5IHdoZXJyeSB3aA==";
      page.write(`GET /api/v1/pods?watch=true HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\n${handshake}\r\n\r\n`);
      const [head] = (await once(page, "data")) as [Uint8Array];
      expect(new TextDecoder().decode(head), `${host} ${origin}`).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      page.destroy();
    }
  });

  it("port-forward of a Deployment goes on when its connection was cut", async () => {
    const { hostname, port: apiPort } = new URL(cluster.url);
    const connections = new Set<ByteStream>();
    const relay = await listenTcp({ address: "127.0.0.1", port: 0 }, (near) => {
      const far = connect(Number(apiPort), hostname);
      connections.add(near);
      joinStreams(near, far).catch(() => {});
    });
    onTestFinished(() => relay.close());
    const labels = { app: "served" };
    const container = { name: "main", image: testImage, command: ["/bin/sh", "-c", "sleep 1000"] };
    await cluster.apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "served", namespace },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    } as KubeObject);
    await cluster.waitFor(deployment, { namespace, name: "served" }, { condition: "Available" });
    const [served] = (await client.list(pod, { namespace, labelSelector: "app=served" })).items;
    const port = await serve((socket) => void socket.resume().end("hello"), served?.status?.podIP);
    const said = await follow(`https://127.0.0.1:${relay.port}`, "port-forward", "deploy/served", `:${port}`);
    const [, local] = await printed(said, /Forwarding from 127\.0\.0\.1:(\d+) ->/);
    expect(await answerOf(connect(Number(local), "127.0.0.1"))).toBe("hello");
    for (const connection of connections) connection.destroy();
    await printed(said, /lost connection to pod\/served-\S+, waiting for another one/);
    // It waits for the way that is made anew.
    expect(await answerOf(connect(Number(local), "127.0.0.1"))).toBe("hello");
    expect(said()).toMatch(/forwarding to pod\/served-/);
  });

  it("port-forward needs no network where the API is in the same process", async () => {
    const port = await serve((socket) => void socket.resume().end("hello"));
    const way = await openPortForward(cluster.client, { namespace, name: "web" });
    onTestFinished(() => way.close());
    const [near, far] = duplexPair();
    void way.forward(far, port);
    let answer = "";
    for await (const bytes of near) answer += bytes;
    expect(answer).toBe("hello");
  });

  it.each(["HTTP", "WebSocket"])(
    "logs by %s: a follower that stops reading stops what reads the log",
    async (protocol) => {
      const name = `follows-${protocol.toLowerCase()}`;
      let count = 0;
      const runtime = Object.assign(fakeRuntime({ clock: systemClock, random: systemRandom }), {
        async *logs(): AsyncGenerator<Uint8Array, void, void> {
          for (; count < 4 * bound; count++) yield block(count);
        },
      });
      const authority = await cluster.client.get(configMap, {
        namespace: "kube-system",
        name: "extension-apiserver-authentication",
      });
      await using _node = await startNode({
        client: cluster.client,
        nodeName: name,
        nodeIPs: ["127.0.0.1"],
        rootDir: join(folder, name),
        runtime,
        clientCa: authority.data?.["client-ca-file"],
        serverAddress: "127.0.0.1",
        serverPort: 0,
        proxy: false,
        dns: false,
        clock: systemClock,
        random: systemRandom,
        log: silentLogger,
      });
      const spec: PodSpec = { nodeName: name, containers: [{ name: "main", image: testImage }] };
      await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec });
      await cluster.waitFor(pod, { name, namespace }, { condition: "Ready" });
      let output: AsyncIterable<Uint8Array>;
      if (protocol === "HTTP") {
        const lines = logs(client, { name, namespace }, { follow: true });
        // The request goes out with the first piece.
        expect((await lines.next()).value?.length).toBeGreaterThan(0);
        output = lines;
      } else {
        const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?follow=true`;
        output = await client.upgrade(path, { protocols: ["binary.k8s.io"] });
      }
      const stopped = await standing(() => count);
      let bytes = 0;
      for await (const part of output) {
        bytes += part.length;
        if (bytes > (stopped + 16) * blockBytes) break;
      }
      await client.delete(pod, { name, namespace }, { gracePeriodSeconds: 0 });
    },
  );
});
