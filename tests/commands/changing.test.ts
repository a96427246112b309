import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { runCommand } from "../../commands/command.ts";
import type { CommandEnv } from "../../commands/env.ts";
import { globalFlags } from "../../commands/global_flags.ts";
import { verbs } from "../../commands/mod.ts";
import { errorText } from "../../commands/output/errors.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { discover, findResourceOf } from "../../core/client/discovery.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { systemRandom } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import { deferred } from "../../core/util/deferred.ts";
import { eventually } from "../e2e/harness.ts";
import { recordedTerminal } from "./_terminal.ts";

/** Verbs that change something, where what they do depends on what happens meanwhile. */
describe("verbs that change", () => {
  let cluster: Cluster;
  let resources: Awaited<ReturnType<typeof discover>>;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: "fake", nodes: 1 });
    resources = await discover(cluster.client);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const create = async (object: object) => {
    const whole = { metadata: {}, ...object } as KubeObject;
    const resource = findResourceOf(resources, whole);
    const metadata = { ...(resource.namespaced ? { namespace: "default" } : {}), ...whole.metadata };
    return await cluster.client.create(resource, { ...whole, metadata });
  };
  const find = async (apiVersion: string, kind: string, name: string) =>
    await cluster.client
      .get(findResourceOf(resources, { apiVersion, kind }), { namespace: "default", name })
      .catch(() => undefined);
  const isReady = async (name: string) => {
    const { status } = ((await find("v1", "Pod", name)) ?? {}) as {
      status?: { conditions?: readonly { type: string; status: string }[] };
    };
    return status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") || undefined;
  };
  const pod = (name: string, labels = {}) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: { containers: [{ name: "main", image: "x" }] },
  });

  interface Surroundings {
    readonly clock?: Clock;
    readonly errorIsTerminal?: boolean;
    readonly input?: string;
  }

  /** What a verb prints on both streams, with the error and the exit code behind. */
  async function said(line: string, { clock = systemClock, input = "", ...surroundings }: Surroundings = {}) {
    const { terminal, text } = recordedTerminal(input, surroundings);
    const env: CommandEnv = {
      terminal,
      clock,
      random: systemRandom,
      signal: new AbortController().signal,
      verbosity: 0,
      client: async () => cluster.client,
      namespace: async () => "default",
      server: async () => undefined,
      namespaceGiven: false,
      kubeconfig: undefined,
      version: "test",
    };
    try {
      const code = await runCommand(line.split(" "), {
        verbs,
        globals: globalFlags,
        version: "test",
        write: terminal.write,
        env: () => env,
      });
      return `${text()}${code === 0 ? "" : `exit code ${code}\n`}`;
    } catch (error) {
      return `${text()}${errorText(error)}\n`;
    }
  }

  /** A clock whose sleeps last until they are let go: what is done between two looks is the test's to say. */
  function steppedClock() {
    const [asleep, awake] = [deferred(), deferred()];
    const sleep = async () => {
      asleep.resolve();
      await awake.promise;
    };
    return { clock: { ...systemClock, sleep }, asleep: asleep.promise, awake };
  }

  it("drain is refused by a disruption budget, and goes on when that allows it", async () => {
    await create({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "kept" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "kept" } } },
    });
    await create(pod("kept", { app: "kept" }));
    await eventually("the pod is ready", () => isReady("kept"));
    await eventually("the budget has counted it", async () => {
      const { status } = ((await find("policy/v1", "PodDisruptionBudget", "kept")) ?? {}) as {
        status?: { currentHealthy?: number };
      };
      return status?.currentHealthy === 1 || undefined;
    });
    const { clock, asleep, awake } = steppedClock();
    const draining = said("drain node-0 --force --pod-selector=app=kept", { clock });
    await asleep;
    expect(await find("v1", "Pod", "kept")).toBeDefined();
    const budgets = findResourceOf(resources, { apiVersion: "policy/v1", kind: "PodDisruptionBudget" });
    await cluster.client.delete(budgets, { namespace: "default", name: "kept" });
    awake.resolve();
    expect(await draining).toBe(
      [
        "node/node-0 cordoned",
        "Warning: deleting Pods that declare no controller: default/kept",
        "evicting pod default/kept",
        `error when evicting pods/"kept" -n "default" (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.`,
        "evicting pod default/kept",
        "pod/kept evicted",
        "node/node-0 drained",
        "",
      ].join("\n"),
    );
    expect(await find("v1", "Pod", "kept")).toBeUndefined();
    expect(await said("uncordon node-0")).toBe("node/node-0 uncordoned\n");
  });

  it("top tells of pods whose figures should be there by now, from those that are too young", async () => {
    await create({
      ...pod("unseen", { app: "unseen" }),
      spec: { schedulerName: "nobody", containers: [{ name: "main", image: "x" }] },
    });
    expect(await said("top pod -l app=unseen")).toBe("error: metrics not available yet\n");
    const clock = { ...systemClock, now: () => systemClock.now() + 3_690_000 };
    expect(await said("top pod -l app=unseen", { clock })).toMatch(
      /^error: Metrics not available for pod default\/unseen, age: 1h[12]m[\d.]+s\n$/,
    );
  });

  it("wait --wait-missing waits for what is not there yet, and then for its condition", async () => {
    expect(await said("wait pod/late --for=condition=Ready --timeout=5s")).toBe(
      'Error from server (NotFound): pods "late" not found\n',
    );
    const { clock, asleep, awake } = steppedClock();
    const waiting = said("wait pod/late --for=condition=Ready --wait-missing --timeout=60s", { clock });
    await asleep;
    await create(pod("late"));
    awake.resolve();
    expect(await waiting).toBe("pod/late condition met\n");
    expect(await said("wait pod/never --for=condition=Ready --wait-missing --timeout=0")).toBe(
      "error: timed out waiting for the condition\n",
    );
  });

  it("apply reads a manifest from a URL, again when the server fails, and says when there is none", async () => {
    let failures = 1;
    const server = createServer((request, response) => {
      if (request.url === "/none.yaml") response.writeHead(404, "Not Found").end();
      else if (failures-- > 0) response.writeHead(503).end();
      else response.end('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: fetched }\ndata: { a: "1" }\n');
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const clock = { ...systemClock, sleep: async () => {} };
      expect(await said(`apply -f ${url}/map.yaml`, { clock })).toBe("configmap/fetched created\n");
      expect(await find("v1", "ConfigMap", "fetched")).toMatchObject({ data: { a: "1" } });
      expect(await said(`apply -f ${url}/none.yaml`, { clock })).toBe(
        `error: unable to read URL "${url}/none.yaml", server reported 404 Not Found, status code=404\n`,
      );
    } finally {
      server.close();
    }
  });

  it("delete tells a person what it takes along, before it does, and nobody else", async () => {
    const labels = { app: "web" };
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "x" }] } },
      },
    };
    const made = await create(deployment);
    const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: made.metadata.uid };
    const kept = await create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" } });
    const other = { apiVersion: "v1", kind: "ConfigMap", name: "kept", uid: kept.metadata.uid };
    await create({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "shared", ownerReferences: [owner, other] },
    });
    const pods = findResourceOf(resources, { apiVersion: "v1", kind: "Pod" });
    await eventually("the pod of the deployment", async () => {
      const { items } = await cluster.client.list(pods, { namespace: "default", labelSelector: "app=web" });
      return items[0];
    });
    const seen = { errorIsTerminal: true };
    const taken = /^deployment\.apps\/web takes along replicaset\.apps\/web-\w+, pod\/web-\w+-\w+\n/;
    expect(await said("delete deploy/web --cascade=orphan --dry-run=server", seen)).not.toContain("takes along");
    expect(await said("delete deploy/web -i", { ...seen, input: "n\n" })).toMatch(
      new RegExp(`${taken.source}You are about to delete the following 1 resource`),
    );
    expect(await said("delete cm/kept", seen)).toBe('configmap "kept" deleted from default namespace\n');
    expect(await said("delete deploy/web", seen)).toMatch(
      new RegExp(`${taken.source}deployment\\.apps "web" deleted from default namespace\n$`),
    );
    await create(deployment);
    expect(await said("delete deploy/web")).toBe('deployment.apps "web" deleted from default namespace\n');
  });

  it("delete of a namespace tells what is in it", async () => {
    await create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    for (let number = 0; number < 7; number++)
      await create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: `map-${number}`, namespace: "shop" } });
    await create({ apiVersion: "v1", kind: "Secret", metadata: { name: "key", namespace: "shop" } });
    expect(await said("delete ns shop --wait=false", { errorIsTerminal: true })).toBe(
      'namespace/shop takes along 7 ConfigMaps, 1 Secret\nnamespace "shop" deleted\n',
    );
  });
});
