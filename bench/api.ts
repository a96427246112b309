import { mkdtemp, open, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type ConfigMap, configMap, createClient, httpTransport, startCluster } from "../mod.ts";
import { type Bench, cpuTime, type Figure, type Rate, rate } from "./figure.ts";

const clients = 16;
const listed = 200;
const watchers = 50;

/** What the API carries over the network, client and server sharing this process. */
export const bench: Bench = {
  about: `ConfigMaps of 1 KiB over TLS, ${clients} clients, durable log; beside a bare node:http server that appends, syncs and answers`,
  async *run(): AsyncGenerator<Figure> {
    const folder = await mkdtemp(join(tmpdir(), "wherry-bench-api-"));
    try {
      await using floor = await bareServer(join(folder, "floor.log"));
      await using bareClient = createClient(httpTransport({ server: floor.url }));
      const bare = await rates(bareClient, "bare");
      await using cluster = await startCluster({ nodes: 0, dataDir: join(folder, "data") });
      const { cluster: server, user } = cluster.credentials;
      await using client = createClient(
        httpTransport({ server: cluster.url, ca: atob(server["certificate-authority-data"] ?? ""), token: user.token }),
      );
      const ours = await rates(client, "ours");
      const cost = (what: string, one: Rate, floor?: Rate): readonly Figure[] => [
        { what, value: one.perSecond, unit: "per s", beside: { floor: floor?.perSecond } },
        { what: "  client and server, each", value: one.cpuMs, unit: "ms CPU", beside: { floor: floor?.cpuMs } },
      ];
      yield* cost("create", ours.create, bare.create);
      yield* cost("get", ours.get, bare.get);
      yield* cost(`list of ${listed}`, await listRate(client));
      yield* cost(`watch, ${watchers} watchers: events delivered`, await watchRate(client));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function objectNamed(name: string, namespace = "default"): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace },
    data: { text: "x".repeat(1024) },
  };
}

async function rates(client: Client, prefix: string): Promise<{ readonly create: Rate; readonly get: Rate }> {
  const create = await rate((turn) => client.create(configMap, objectNamed(`${prefix}-${turn}`)), { clients });
  const get = await rate(() => client.get(configMap, { namespace: "default", name: `${prefix}-0` }), { clients });
  return { create, get };
}

async function listRate(client: Client): Promise<Rate> {
  for (let count = 0; count < listed; count++)
    await client.create(configMap, objectNamed(`listed-${count}`, "kube-public"));
  return await rate(() => client.list(configMap, { namespace: "kube-public" }), { clients: 4 });
}

async function watchRate(client: Client): Promise<Rate> {
  const stop = new AbortController();
  const key = { namespace: "kube-system", name: "watched" };
  await client.create(configMap, objectNamed(key.name, key.namespace));
  let delivered = 0;
  const watching = Array.from({ length: watchers }, async () => {
    for await (const { type } of client.watch(configMap, { namespace: key.namespace, signal: stop.signal }))
      if (type === "MODIFIED") delivered++;
  });
  const cpuBefore = cpuTime();
  const startedAt = performance.now();
  await rate((turn) => client.patch(configMap, key, { type: "merge", body: { data: { turn: String(turn) } } }), {
    clients: 4,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMs = cpuTime() - cpuBefore;
  stop.abort();
  await Promise.allSettled(watching);
  return { perSecond: delivered / seconds, cpuMs: cpuMs / delivered };
}

/** A server that does the least: writes go to a file and are synced, several at once; reads come from memory. */
async function bareServer(path: string): Promise<AsyncDisposable & { readonly url: string }> {
  const file = await open(path, "a");
  let waiting: { readonly body: Buffer; answer(): void }[] = [];
  let writing = false;
  let last = Buffer.alloc(0);
  const flush = async () => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await file.appendFile(Buffer.concat(batch.map(({ body }) => body)));
      await file.datasync();
      for (const { answer } of batch) answer();
    }
    writing = false;
  };
  const server = createServer((request, response) => {
    const headers = { "content-type": "application/json" };
    if (request.method === "GET") {
      response.writeHead(200, headers).end(last);
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      last = body;
      waiting.push({ body, answer: () => response.writeHead(201, headers).end(body) });
      if (!writing) void flush();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await file.close();
    },
  };
}
