import { randomInt } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Client } from "../../core/client/client.ts";
import { httpTransport } from "../../core/client/http_transport.ts";
import { headerText } from "../../core/client/read_status_error.ts";
import { readBody } from "../../core/client/transport.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import { deployment } from "../../core/kinds/deployment.ts";
import { endpoints } from "../../core/kinds/endpoints.ts";
import { lease } from "../../core/kinds/lease.ts";
import { replicaSet } from "../../core/kinds/replica_set.ts";
import { service } from "../../core/kinds/service.ts";
import { patienceMs } from "../patience.ts";
import { missing } from "../require.ts";
import { etcd, startEtcd } from "../suites/etcd_process.ts";
import { eventually, type Running, start, temporaryFolder, useCluster, wherry } from "./harness.ts";

const namespace = "default";
const token = "0123456789abcdef";

/** A master that shares an etcd, and a client of it. */
interface TestMaster extends AsyncDisposable {
  readonly running: Running;
  readonly client: Client;
  readonly port: number;
  /** What `/readyz` says. */
  ready(): Promise<{ readonly status: number; readonly text: string }>;
  /** One request, once: a client would do as Retry-After says. */
  ask(
    method: "GET" | "POST",
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly retryAfter: string; readonly body: unknown }>;
}

/** Starts masters one after the other: the first makes the authority that all of them use. */
function masters(folder: string, etcdUrl: string): (name: string) => Promise<TestMaster> {
  // Ranges that no whole cluster chooses: those lie below 127.240.
  const [second, third] = [randomInt(240, 250), 2 * randomInt(0, 127)];
  const tokens = join(folder, "tokens.csv");
  writeFileSync(tokens, `${token},admin,1,"system:masters"\n`, { mode: 0o600 });
  const pki = join(folder, "pki");
  return async (name) => {
    const dataDir = join(folder, name);
    mkdirSync(dataDir, { mode: 0o700, recursive: true });
    if (existsSync(pki)) cpSync(pki, join(dataDir, "pki"), { recursive: true });
    const running = start(
      [
        ...wherry,
        "master",
        ...["--data-dir", dataDir, "--token-auth-file", tokens, "--secure-port", "0", "--etcd-servers", etcdUrl],
        ...["--cluster-cidr", `127.${second}.${third}.0/24`],
        ...["--service-cluster-ip-range", `127.${second}.${third + 1}.0/24`, "--log-level", "info"],
      ],
      { env: { HOME: folder } },
    );
    const [, url = ""] = await running.printed(/The API is ready at (\S+)/);
    if (!existsSync(pki)) cpSync(join(dataDir, "pki"), pki, { recursive: true });
    const config = join(folder, `${name}.yaml`);
    const cluster = { server: url, "certificate-authority": join(pki, "ca.crt") };
    writeFileSync(
      config,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "test",
        clusters: [{ name: "test", cluster }],
        users: [{ name: "test", user: { token } }],
        contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      }),
    );
    const { client } = await useCluster(config, folder);
    const transport = httpTransport({ server: url, ca: readFileSync(join(pki, "ca.crt")), token });
    return {
      running,
      client,
      port: Number(new URL(url).port),
      async ready() {
        const request = { method: "GET", path: "/readyz?verbose", headers: {} } as const;
        const { status, body } = await transport.request(request, { signal: AbortSignal.timeout(patienceMs) });
        return { status, text: Buffer.from(await readBody(body, 2 ** 20)).toString() };
      },
      async ask(method, path, body) {
        const {
          status,
          headers,
          body: bytes,
        } = await transport.request(
          {
            method,
            path,
            headers: { "content-type": "application/json" },
            ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
          },
          { signal: AbortSignal.timeout(patienceMs) },
        );
        const retryAfter = headerText({ headers }, "retry-after");
        return { status, retryAfter, body: JSON.parse(Buffer.from(await readBody(bytes, 2 ** 20)).toString()) };
      },
      async [Symbol.asyncDispose]() {
        await transport[Symbol.asyncDispose]();
        await client[Symbol.asyncDispose]();
        await running[Symbol.asyncDispose]();
      },
    };
  };
}

/** A Deployment of pods that no node runs. */
function idle(name: string, replicas: number) {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "none" }] } },
    },
  } as const;
}

/** Undefined before there is one. */
const leaderOf = async (client: Client): Promise<string | undefined> => {
  const { items } = await client.list(lease, { namespace: "kube-system" });
  return items.find(({ metadata }) => metadata.name === "kube-controller-manager")?.spec?.holderIdentity || undefined;
};

describe.skipIf(missing("etcd", etcd))("several masters on one etcd", () => {
  it("show one state: what one was answered the other reads at once, in one order, with addresses that nobody else has", async () => {
    await using folder = temporaryFolder();
    await using server = await startEtcd();
    const startMaster = masters(folder.path, server.url);
    await using one = await startMaster("one");
    await using other = await startMaster("other");
    const both = [one.client, other.client];

    const { metadata } = await one.client.list(configMap, { namespace });
    for (let round = 0; round < 20; round++) {
      const [writer = one.client, reader = one.client] = round % 2 ? both : [...both].reverse();
      const name = `map-${round}`;
      const made = await writer.create(configMap, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace },
      });
      expect((await reader.get(configMap, { namespace, name })).metadata).toEqual(made.metadata);
      expect((await reader.list(configMap, { namespace })).items.map((item) => item.metadata.name)).toContain(name);
      // Nothing that was read elsewhere is taken for stale.
      const changed = await reader.update(configMap, { ...made, data: { round: String(round) } });
      expect((await writer.get(configMap, { namespace, name })).metadata.resourceVersion).toBe(
        changed.metadata.resourceVersion,
      );
    }
    const histories = await Promise.all(
      both.map(async (client) => {
        const seen: string[] = [];
        const { resourceVersion } = metadata;
        for await (const { type, object } of client.watch(configMap, { namespace, resourceVersion })) {
          if (type === "BOOKMARK") continue;
          seen.push(`${type} ${object.metadata.name} ${object.metadata.uid} ${object.metadata.resourceVersion}`);
          if (seen.length === 40) break;
        }
        return seen;
      }),
    );
    expect(histories[0]).toEqual(histories[1]);

    const services = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        both[index % 2]?.create(service, {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: `service-${index}`, namespace },
          spec: { type: "NodePort", ports: [{ port: 80 }], selector: { app: "web" } },
        }),
      ),
    );
    expect(new Set(services.map((made) => made?.spec?.clusterIP)).size).toBe(60);
    expect(new Set(services.map((made) => made?.spec?.ports?.[0]?.nodePort)).size).toBe(60);
    // One address asked for of both at once is given to one.
    for (let last = 250; last > 240; last--) {
      const clusterIP = services[0]?.spec?.clusterIP?.replace(/\d+$/, String(last)) ?? "";
      const outcomes = await Promise.allSettled(
        both.map((client, index) =>
          client.create(service, {
            apiVersion: "v1",
            kind: "Service",
            metadata: { name: `asked-${last}-${index}`, namespace },
            spec: { clusterIP, ports: [{ port: 80 }] },
          }),
        ),
      );
      const taken = services.some((made) => made?.spec?.clusterIP === clusterIP);
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(taken ? 0 : 1);
    }

    const ports = async () => {
      const { subsets = [] } = await other.client.get(endpoints, { namespace, name: "kubernetes" });
      return subsets.flatMap((subset) => subset.ports?.map(({ port }) => port) ?? []).sort((a, b) => a - b);
    };
    expect(await ports()).toEqual([one.port, other.port].sort((a, b) => a - b));
    expect(await one.running.stop("SIGTERM")).toMatchObject({ code: 0 });
    expect(await ports()).toEqual([other.port]);
  });

  // What these take is mostly the time of leases and deadlines: they wait side by side, each on an etcd of its own.
  it.concurrent("kill -9 of the leader: writes go on at once, controllers within their lease, and nobody acts twice", async () => {
    await using folder = temporaryFolder();
    await using server = await startEtcd();
    const startMaster = masters(folder.path, server.url);
    await using one = await startMaster("one");
    const first = await eventually("a leader was elected", () => leaderOf(one.client));
    await using other = await startMaster("other");
    await one.client.create(deployment, idle("before", 2));
    await eventually("the ReplicaSet was made", async () => (await replicaSets(other.client, "before"))[0]);

    await one.running.stop("SIGKILL");
    const killedAt = performance.now();
    await other.client.create(deployment, idle("after", 3));
    expect(await leaderOf(other.client)).toBe(first);
    await eventually("another leads", async () => {
      const leader = await leaderOf(other.client);
      return leader && leader !== first ? leader : undefined;
    });
    const ledMs = performance.now() - killedAt;
    // Promised is: within 15 seconds, always. Leases last 12.
    expect(ledMs).toBeLessThan(15_000);
    const made = await eventually("the controllers went on", async () => (await replicaSets(other.client, "after"))[0]);
    const tookMs = performance.now() - killedAt;
    expect(made.spec.replicas).toBe(3);
    await sleep(1_000);
    expect(await replicaSets(other.client, "before")).toHaveLength(1);
    expect(await replicaSets(other.client, "after")).toHaveLength(1);
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    console.info(
      `Another led ${seconds(ledMs)} s after the leader was killed; controllers went on after ${seconds(tookMs)} s`,
    );
  });

  it.concurrent("a leader that was frozen does nothing more when it wakes up, and one that is told to stop hands over at once", async () => {
    await using folder = temporaryFolder();
    await using server = await startEtcd();
    const startMaster = masters(folder.path, server.url);
    await using one = await startMaster("one");
    const first = await eventually("a leader was elected", () => leaderOf(one.client));
    await using other = await startMaster("other");
    const { pid = 0 } = one.running.child;
    process.kill(pid, "SIGSTOP");
    await eventually("another leads", async () => {
      const leader = await leaderOf(other.client);
      return leader && leader !== first ? leader : undefined;
    });
    await other.client.create(deployment, idle("while-frozen", 2));
    process.kill(pid, "SIGCONT");
    await one.running.printed(/Lost the lease of the leader/);
    await eventually("the new leader's work", async () => (await replicaSets(one.client, "while-frozen"))[0]);
    await sleep(2_000);
    expect(await replicaSets(one.client, "while-frozen")).toHaveLength(1);

    const second = await leaderOf(one.client);
    expect(await other.running.stop("SIGTERM")).toMatchObject({ code: 0 });
    expect(await leaderOf(one.client)).not.toBe(second);
    await one.client.create(deployment, idle("handed-over", 1));
    await eventually("the first leads again", async () => (await replicaSets(one.client, "handed-over"))[0]);
  });

  it.concurrent("etcd frozen or killed: reads and writes are refused with 503 and Retry-After, none are wrong, and all goes on afterwards", async () => {
    await using folder = temporaryFolder();
    await using server = await startEtcd();
    await using one = await masters(folder.path, server.url)("one");
    const metadata = { name: "state", namespace };
    let present = await one.client.create(configMap, { apiVersion: "v1", kind: "ConfigMap", metadata });
    const stop = new AbortController();
    const rounds: string[] = [];
    const watching = (async () => {
      const options = { namespace, resourceVersion: present.metadata.resourceVersion, signal: stop.signal };
      for await (const event of one.client.watch(configMap, options)) {
        if (event.type !== "BOOKMARK" && event.object.data?.["round"]) rounds.push(event.object.data["round"]);
      }
    })().catch(() => {});

    const isReady = async () => ((await one.ready()).status === 200 ? true : undefined);
    await eventually("everything was there that a new cluster has", isReady);
    await server.freeze();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const [read, write] = await Promise.all([
      one.ask("GET", `${path}/state`),
      one.ask("POST", path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" } }),
    ]);
    expect(read).toMatchObject({
      status: 503,
      retryAfter: "1",
      body: { kind: "Status", reason: "ServiceUnavailable" },
    });
    expect(write).toMatchObject({
      status: 503,
      retryAfter: "1",
      body: { kind: "Status", reason: "ServiceUnavailable" },
    });
    const { status } = await one.ready();
    expect(status).toBe(500);
    // What says that it need not be current is served.
    const cached = await one.client.list(configMap, { namespace, resourceVersion: "0" });
    expect(cached.items.map((item) => item.metadata.name)).toContain("state");
    server.signal("SIGCONT");

    present = await one.client.get(configMap, { namespace, name: "state" });
    present = await one.client.update(configMap, { ...present, data: { round: "1" } });
    await eventually("it was ready again", isReady);
    expect((await one.ready()).text).toContain("[+]etcd ok");
    await server.restart();
    present = await one.client.get(configMap, { namespace, name: "state" });
    await one.client.update(configMap, { ...present, data: { round: "2" } });
    await eventually("the watch went on", () => (rounds.includes("2") ? true : undefined));
    expect(rounds).toEqual(["1", "2"]);
    stop.abort();
    await watching;
    expect(await one.running.stop("SIGTERM")).toMatchObject({ code: 0 });
  });
});

async function replicaSets(client: Client, app: string) {
  return (await client.list(replicaSet, { namespace, labelSelector: `app=${app}` })).items;
}
