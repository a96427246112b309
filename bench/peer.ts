import { setMaxListeners } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { deferred } from "../core/util/deferred.ts";
import {
  type Client,
  type ConfigMap,
  configMap,
  createClient,
  httpTransport,
  type KubeObject,
  namespace as namespaceKind,
  type Pod,
  pod,
  readBody,
  type Transport,
} from "../mod.ts";
import { cpuOf, startMasterDaemon } from "./daemons.ts";
import { type Bench, type Figure, median, rate } from "./figure.ts";

/** Runs of each measurement on each side, in turns. */
const turns = 2;
/** Milliseconds of each, and of the same before it, unmeasured: servers run for long, and ours is compiled while it runs. */
const measuredMs = 2000;
const warmUpMs = 1500;
const listed = 2_000;
const watchers = 500;
/** Objects that all watchers are told of. */
const told = 100;

/** One of the two servers. */
interface Side {
  readonly name: string;
  readonly transport: Transport;
  readonly client: Client;
  /** Processes whose processor time counts. */
  readonly pids: readonly number[];
}

interface Measured {
  readonly value: number;
  /** Milliseconds of the server's processor time for each. */
  readonly cpuMs: number;
}

/** The API server beside Kubernetes' own: the same client, the same requests, in turns. */
export const bench: Bench = {
  about:
    "the API server in a process of its own beside a Kubernetes API server: WHERRY_PEER_SERVER, WHERRY_PEER_TOKEN, WHERRY_PEER_CA (a file; absent: not checked), WHERRY_PEER_PIDS (1,2: whose CPU counts); A B A B",
  async *run(): AsyncGenerator<Figure> {
    const server = process.env["WHERRY_PEER_SERVER"];
    if (server === undefined) return;
    const folder = await mkdtemp(join(tmpdir(), "wherry-bench-peer-"));
    try {
      await using ours = await startOurs(folder);
      const peer = await peerSide(server);
      for (const side of [ours, peer]) await side.client.create(namespaceKind, aNamespace);
      for (const [what, measure] of measurements) {
        const results: Record<string, Measured[]> = { ours: [], peer: [] };
        for (let turn = 0; turn < turns; turn++)
          for (const side of [ours, peer]) results[side.name]?.push(await measure(side, turn));
        yield* figures(what, results["ours"] ?? [], results["peer"] ?? []);
      }
      await peer.transport[Symbol.asyncDispose]();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const aNamespace = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: `bench-${process.pid}` },
} as const;
const inNamespace = aNamespace.metadata.name;

type Measure = (side: Side, turn: number) => Promise<Measured>;

const measurements: readonly (readonly [string, Measure])[] = [
  ...[1, 16, 64].map(
    (clients) => [`create ConfigMap, ${clients} clients`, creating(clients, aConfigMap, "maps")] as const,
  ),
  ...[1, 16].map((clients) => [`create Pod, ${clients} clients`, creating(clients, aPod, "pods")] as const),
  ...[1, 16, 64].map((clients) => [`get ConfigMap, ${clients} clients`, getting(clients)] as const),
  ["patch one ConfigMap, 16 clients", patching(1)],
  ["patch 100 ConfigMaps, 16 clients", patching(100)],
  [`watch, ${watchers} watchers: deliveries`, watching],
  [`list ${listed} ConfigMaps, JSON`, listing("application/json")],
  [`list ${listed} ConfigMaps, Table`, listing("application/json;as=Table;v=v1;g=meta.k8s.io")],
];

function* figures(what: string, ours: readonly Measured[], peer: readonly Measured[]): Generator<Figure> {
  const isTime = what.startsWith("list");
  const middle = (all: readonly Measured[], of: (one: Measured) => number) => median(all.map(of));
  yield {
    what,
    value: middle(ours, ({ value }) => value),
    unit: isTime ? "ms" : "per s",
    beside: { peer: middle(peer, ({ value }) => value) },
  };
  yield {
    what: "  server, each",
    value: middle(ours, ({ cpuMs }) => cpuMs),
    unit: "ms CPU",
    beside: { peer: middle(peer, ({ cpuMs }) => cpuMs) },
  };
}

function aConfigMap(name: string): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: inNamespace },
    data: { text: "x".repeat(1024) },
  } as ConfigMap;
}

function aPod(name: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: inNamespace },
    // Nobody places or runs it.
    spec: { schedulerName: "nobody", containers: [{ name: "main", image: "image:1" }] },
  } as Pod;
}

function creating(clients: number, object: (name: string) => KubeObject, prefix: string): Measure {
  return (side, turn) =>
    measured(
      side,
      (index) => {
        const one = object(`${prefix}-${clients}-${turn}-${index}`);
        return one.kind === "Pod"
          ? side.client.create(pod, one as Pod)
          : side.client.create(configMap, one as ConfigMap);
      },
      clients,
    );
}

function getting(clients: number): Measure {
  return (side) =>
    measured(side, () => side.client.get(configMap, { namespace: inNamespace, name: "maps-1-0-0" }), clients);
}

function patching(objects: number): Measure {
  return async (side, turn) => {
    for (let index = 0; index < objects; index++)
      await side.client.create(configMap, aConfigMap(`patched-${objects}-${turn}-${index}`));
    return measured(
      side,
      (index) => {
        const name = `patched-${objects}-${turn}-${index % objects}`;
        const body = { data: { text: String(index) } };
        return side.client.patch(configMap, { namespace: inNamespace, name }, { type: "merge", body });
      },
      16,
    );
  };
}

const filled = new Set<string>();

function listing(accept: string): Measure {
  return async (side) => {
    const namespace = `${inNamespace}-listed`;
    if (!filled.has(side.name)) {
      filled.add(side.name);
      await side.client.create(namespaceKind, { ...aNamespace, metadata: { name: namespace } });
      await Promise.all(
        Array.from({ length: 16 }, async (_, first) => {
          for (let index = first; index < listed; index += 16)
            await side.client.create(configMap, {
              ...aConfigMap(`listed-${index}`),
              metadata: { name: `listed-${index}`, namespace },
            });
        }),
      );
    }
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const signal = new AbortController().signal;
    const before = await cpuOf(side.pids);
    const times: number[] = [];
    for (let run = 0; run < 5; run++) {
      const startedAt = performance.now();
      const response = await side.transport.request({ method: "GET", path, headers: { accept } }, { signal });
      await readBody(response.body);
      times.push(performance.now() - startedAt);
    }
    return { value: median(times), cpuMs: ((await cpuOf(side.pids)) - before) / times.length };
  };
}

/** A burst of creations, seen by many who watch. */
async function watching(side: Side, turn: number): Promise<Measured> {
  const namespace = `${inNamespace}-watched-${turn}`;
  await side.client.create(namespaceKind, { ...aNamespace, metadata: { name: namespace } });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const path = `/api/v1/namespaces/${namespace}/configmaps?watch=1&resourceVersion=0&fieldSelector=metadata.name%21%3Dkube-root-ca.crt`;
  let left = watchers * told;
  const done = deferred<void>();
  const streams = await Promise.all(
    Array.from({ length: watchers }, () =>
      side.transport.request({ method: "GET", path, headers: { accept: "application/json" } }, { signal: stop.signal }),
    ),
  );
  const reading = streams.map(async ({ body }) => {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, at + 1)) left--;
      if (left <= 0) done.resolve();
    }
  });
  const before = await cpuOf(side.pids);
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: told }, (_, index) =>
      side.client.create(configMap, { ...aConfigMap(`told-${index}`), metadata: { name: `told-${index}`, namespace } }),
    ),
  );
  await done.promise;
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMs = (await cpuOf(side.pids)) - before;
  stop.abort();
  await Promise.allSettled(reading);
  return { value: (watchers * told) / seconds, cpuMs: cpuMs / (watchers * told) };
}

const lineFeed = 10;

async function measured(side: Side, work: (turn: number) => Promise<unknown>, clients: number): Promise<Measured> {
  let turns = 0;
  const anew = () => work(turns++);
  await rate(anew, { clients, ms: warmUpMs });
  const before = await cpuOf(side.pids);
  const startedAt = performance.now();
  const { perSecond } = await rate(anew, { clients, ms: measuredMs });
  const count = (perSecond * (performance.now() - startedAt)) / 1000;
  return { value: perSecond, cpuMs: ((await cpuOf(side.pids)) - before) / count };
}

async function startOurs(folder: string): Promise<Side & AsyncDisposable> {
  const master = await startMasterDaemon(folder);
  const { transport, client, pid } = master;
  return { name: "ours", transport, client, pids: [pid], [Symbol.asyncDispose]: () => master[Symbol.asyncDispose]() };
}

async function peerSide(server: string): Promise<Side> {
  const { WHERRY_PEER_TOKEN: token, WHERRY_PEER_CA: authority, WHERRY_PEER_PIDS: pids = "" } = process.env;
  const transport = httpTransport({
    server,
    token,
    ...(authority === undefined ? { insecureSkipTlsVerify: true } : { ca: await readFile(authority) }),
  });
  const numbers = pids.split(",").filter((text) => text !== "");
  return { name: "peer", transport, client: createClient(transport), pids: numbers.map(Number) };
}
