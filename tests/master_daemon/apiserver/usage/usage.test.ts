import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../core/api/meta.ts";
import type { ApiResponse } from "../../../../core/client/transport.ts";
import { FakeClock } from "../../../../core/util/fake_clock.ts";
import type { Aggregator } from "../../../../master_daemon/apiserver/aggregation/aggregator.ts";
import type { NodeConnector } from "../../../../master_daemon/apiserver/node_connector.ts";
import { parseSummary } from "../../../../master_daemon/apiserver/usage/node_usage.ts";
import { openApi, type TestApi } from "../_api.ts";

const root = "/apis/metrics.k8s.io/v1beta1";
const time = "2026-01-01T00:00:10Z";

/** Node daemons that tell what a test has them tell, and count who asks. */
class Nodes implements NodeConnector {
  readonly asked: string[] = [];
  readonly answers = new Map<string, (signal: AbortSignal) => ApiResponse | Promise<ApiResponse>>();

  async request(...[node, path, { signal }]: Parameters<NodeConnector["request"]>): Promise<ApiResponse> {
    const name = node.metadata.name ?? "";
    this.asked.push(`${name} ${path}`);
    const answer = this.answers.get(name);
    if (!answer) throw new Error("connect ECONNREFUSED");
    return answer(signal);
  }

  async upgrade(): Promise<never> {
    throw new Error("not asked for");
  }
}

function summary(pods: readonly JsonObject[] = []): ApiResponse {
  return jsonResponse({ node: { nodeName: "n", ...usage(250_000_000, 3 * 1024 * 1024) }, pods });
}

function jsonResponse(value: unknown): ApiResponse {
  const headers = { "x-wherry-cpu-window-seconds": "15.0134" };
  return { status: 200, headers, body: new TextEncoder().encode(JSON.stringify(value)) };
}

function usage(usageNanoCores: number, workingSetBytes: number): JsonObject {
  return { cpu: { time, usageNanoCores }, memory: { time, workingSetBytes } };
}

function podSummary(uid: string, ...containers: JsonObject[]): JsonObject {
  return { podRef: { name: "ignored", namespace: "ignored", uid }, containers };
}

async function openWorld(): Promise<{ api: TestApi; nodes: Nodes; clock: FakeClock }> {
  const clock = new FakeClock();
  const nodes = new Nodes();
  const api = await openApi({ clock, nodes, namespaces: ["default", "other"] });
  for (const name of ["node-1", "node-2"]) {
    const metadata = { name, labels: { "kubernetes.io/hostname": name } };
    await api.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata });
  }
  return { api, nodes, clock };
}

/** Creates a pod that runs and returns its uid. */
async function runningPod(
  api: TestApi,
  name: string,
  { namespace = "default", nodeName = "node-1", labels = {} } = {},
) {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const spec = {
    nodeName,
    containers: [
      { name: "app", image: "i" },
      { name: "side", image: "i" },
    ],
  };
  const { json } = await api.create(path, { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec });
  const status = await api.call("PUT", `${path}/${name}/status`, { ...json, status: { phase: "Running" } });
  expect(status.status).toBe(200);
  return json.metadata.uid as string;
}

const names = (json: { items: { metadata: { name: string } }[] }) => json.items.map(({ metadata }) => metadata.name);

describe("metrics.k8s.io nodes", () => {
  it("are what nodes tell, in metrics-server's form", async () => {
    const { api, nodes } = await openWorld();
    nodes.answers.set("node-1", () => summary());
    const { status, json } = await api.call("GET", `${root}/nodes`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ kind: "NodeMetricsList", apiVersion: "metrics.k8s.io/v1beta1" });
    expect(json.items).toEqual([
      {
        kind: "NodeMetrics",
        apiVersion: "metrics.k8s.io/v1beta1",
        metadata: {
          name: "node-1",
          labels: { "kubernetes.io/hostname": "node-1" },
          creationTimestamp: expect.any(String),
        },
        timestamp: time,
        window: "15.013s",
        usage: { cpu: "250m", memory: "3Mi" },
      },
    ]);
    expect(nodes.asked[0]).toMatch(/^node-. \/stats\/summary\?only_cpu_and_memory=true$/);
    expect((await api.call("GET", `${root}/nodes/node-1`)).json.usage).toEqual({ cpu: "250m", memory: "3Mi" });
  });

  it("are not found, when there is no such node or it does not answer", async () => {
    const { api } = await openWorld();
    for (const name of ["node-1", "nowhere"]) {
      const { status, json } = await api.call("GET", `${root}/nodes/${name}`);
      expect([status, json.message]).toEqual([404, `nodemetrics.metrics.k8s.io "${name}" not found`]);
    }
  });

  it("are asked for once, however many want to know, and again after two seconds", async () => {
    const { api, nodes, clock } = await openWorld();
    for (const name of ["node-1", "node-2"]) nodes.answers.set(name, () => summary());
    const list = () => api.call("GET", `${root}/nodes`);
    await Promise.all([list(), list(), list()]);
    await list();
    expect(nodes.asked).toHaveLength(2);
    await clock.advance(2_000);
    await list();
    expect(nodes.asked).toHaveLength(4);
  });

  it("leave out a node that fails, for ten seconds", async () => {
    const { api, nodes, clock } = await openWorld();
    nodes.answers.set("node-2", () => summary());
    const list = async () => names((await api.call("GET", `${root}/nodes`)).json);
    expect(await list()).toEqual(["node-2"]);
    nodes.answers.set("node-1", () => summary());
    await clock.advance(9_999);
    expect(await list()).toEqual(["node-2"]);
    await clock.advance(1);
    expect(await list()).toEqual(["node-1", "node-2"]);
  });

  it("do not wait for a node that does not answer", async () => {
    const { api, nodes, clock } = await openWorld();
    nodes.answers.set("node-2", () => summary());
    const reached = new Promise<void>((resolve) => {
      nodes.answers.set("node-1", () => {
        resolve();
        return new Promise(() => {});
      });
    });
    const listed = api.call("GET", `${root}/nodes`);
    await reached;
    await clock.advance(8_000);
    expect(names((await listed).json)).toEqual(["node-2"]);
  });

  it("leave out a node whose daemon has not been heard of, without a question", async () => {
    const { api, nodes } = await openWorld();
    const { json } = await api.call("GET", "/api/v1/nodes/node-1");
    const conditions = [{ type: "Ready", status: "Unknown" }];
    await api.call("PUT", "/api/v1/nodes/node-1/status", { ...json, status: { conditions } });
    await api.call("GET", `${root}/nodes/node-1`);
    expect(nodes.asked).toEqual([]);
  });

  it("are selected by labels and name, and shown in a table", async () => {
    const { api, nodes } = await openWorld();
    for (const name of ["node-1", "node-2"]) nodes.answers.set(name, () => summary());
    const list = async (query: string) => names((await api.call("GET", `${root}/nodes?${query}`)).json);
    expect(await list("labelSelector=kubernetes.io/hostname%3Dnode-2")).toEqual(["node-2"]);
    expect(await list("fieldSelector=metadata.name%3Dnode-1")).toEqual(["node-1"]);
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const { json } = await api.call("GET", `${root}/nodes`, undefined, { accept });
    expect(json.columnDefinitions).toMatchObject([
      { name: "Name", type: "string", format: "name" },
      { name: "cpu", type: "string", format: "quantity" },
      { name: "memory", type: "string", format: "quantity" },
      { name: "Window", type: "string", format: "duration" },
    ]);
    expect(json.rows[0].cells).toEqual(["node-1", "250m", "3Mi", "15.013s"]);
  });

  it.each([
    ["no JSON", { status: 200, headers: {}, body: new TextEncoder().encode("{") }],
    ["a failure", { status: 500, headers: {}, body: new Uint8Array() }],
    ["nothing of itself", jsonResponse({ pods: [] })],
    ["null", jsonResponse(null)],
    ["a negative amount", jsonResponse({ node: usage(-1, 5), pods: [] })],
    ["too much", { status: 200, headers: {}, body: new Uint8Array(2 * 1024 * 1024 + 1) }],
  ])("leave out a node that tells %s", async (_, response: ApiResponse) => {
    const { api, nodes } = await openWorld();
    nodes.answers.set("node-1", () => response);
    nodes.answers.set("node-2", () => summary());
    const { status, json } = await api.call("GET", `${root}/nodes`);
    expect([status, names(json)]).toEqual([200, ["node-2"]]);
  });
});

describe("metrics.k8s.io pods", () => {
  it("are what the pods' nodes tell, by container", async () => {
    const { api, nodes } = await openWorld();
    const uid = await runningPod(api, "web", { labels: { app: "web" } });
    const app = { name: "app", ...usage(1_234_567, 1000) };
    nodes.answers.set("node-1", () => summary([podSummary(uid, app, { name: "side", ...usage(0, 2048) })]));
    const path = `${root}/namespaces/default/pods`;
    const expected = {
      kind: "PodMetrics",
      apiVersion: "metrics.k8s.io/v1beta1",
      metadata: {
        name: "web",
        namespace: "default",
        labels: { app: "web" },
        creationTimestamp: expect.any(String),
      },
      timestamp: time,
      window: "15.013s",
      containers: [
        { name: "app", usage: { cpu: "1234567n", memory: "1k" } },
        { name: "side", usage: { cpu: "0", memory: "2Ki" } },
      ],
    };
    expect((await api.call("GET", `${path}/web`)).json).toEqual(expected);
    expect((await api.call("GET", path)).json.items).toEqual([expected]);
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const { json } = await api.call("GET", path, undefined, { accept });
    expect(json.rows[0].cells).toEqual(["web", "1234567n", "3048", "15.013s"]);
    // Only the pod's own node was asked.
    expect(nodes.asked.every((line) => line.startsWith("node-1 "))).toBe(true);
  });

  it("are selected by namespace, labels and fields", async () => {
    const { api, nodes } = await openWorld();
    const uids = [
      await runningPod(api, "a", { labels: { app: "x" } }),
      await runningPod(api, "b", { labels: { app: "y" } }),
      await runningPod(api, "c", { namespace: "other", labels: { app: "x" } }),
    ];
    nodes.answers.set("node-1", () => summary(uids.map((uid) => podSummary(uid, { name: "app", ...usage(1, 1) }))));
    const list = async (path: string) => names((await api.call("GET", root + path)).json).sort();
    expect(await list("/pods")).toEqual(["a", "b", "c"]);
    expect(await list("/namespaces/default/pods")).toEqual(["a", "b"]);
    expect(await list("/pods?labelSelector=app%3Dx")).toEqual(["a", "c"]);
    expect(await list("/pods?fieldSelector=metadata.name%3Db")).toEqual(["b"]);
  });

  it("do not believe a node about pods that are not its own, or were replaced", async () => {
    const { api, nodes } = await openWorld();
    const uid = await runningPod(api, "web", { nodeName: "node-2" });
    const told = { name: "app", ...usage(1, 1) };
    nodes.answers.set("node-1", () => summary([podSummary(uid, told)]));
    nodes.answers.set("node-2", () => summary([podSummary("another", told)]));
    expect((await api.call("GET", `${root}/pods`)).json.items).toEqual([]);
    const { status, json } = await api.call("GET", `${root}/namespaces/default/pods/web`);
    expect([status, json.message]).toEqual([404, 'podmetrics.metrics.k8s.io "default/web" not found']);
  });

  it("cannot be written or watched", async () => {
    const { api } = await openWorld();
    const path = `${root}/namespaces/default/pods`;
    expect((await api.call("POST", path, { kind: "PodMetrics" })).status).toBe(405);
    expect((await api.call("DELETE", `${path}/web`)).status).toBe(405);
    expect((await api.call("GET", `${path}?watch=true`)).status).toBe(405);
  });
});

describe("metrics.k8s.io", () => {
  it("stands in discovery and OpenAPI as metrics-server's does", async () => {
    const { api } = await openWorld();
    const { json } = await api.call("GET", root);
    expect(json.resources).toEqual([
      { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs: ["get", "list"] },
      { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] },
    ]);
  });

  it("is another server's, once an APIService says so", async () => {
    const forwarded: string[] = [];
    const aggregator: Aggregator = {
      keepLocal() {},
      isRemote: (group, version) => `${group}/${version}` === "metrics.k8s.io/v1beta1",
      remotes: [],
      onChange() {},
      openApi: async () => [],
      async forward(_group, _version, { path }) {
        forwarded.push(path);
        return jsonResponse({ kind: "NodeMetricsList" });
      },
      connect: () => Promise.reject(new Error("not asked for")),
      async [Symbol.asyncDispose]() {},
    };
    const api = await openApi({ aggregator: async () => aggregator });
    await api.call("GET", `${root}/nodes`);
    await api.call("GET", root);
    expect(forwarded).toEqual([`${root}/nodes`, root]);
  });
});

describe("parseSummary()", () => {
  it("leaves out what is not whole, whatever it is called", () => {
    const whole = { name: "app", ...usage(1, 2) };
    const pods = [
      podSummary("__proto__", whole),
      podSummary("u1", whole, { name: "late", memory: { workingSetBytes: 5 } }, { ...usage(1, 2) }),
      podSummary("u2", { name: "x", ...usage(Number.NaN, 2) }),
      podSummary("u3", { name: "x", cpu: { time: "now", usageNanoCores: 1 }, memory: { workingSetBytes: 1 } }),
      null,
      { containers: [whole] },
      { podRef: { uid: 7 }, containers: [whole] },
    ];
    const text = JSON.stringify({ node: usage(1, 2), pods });
    const { pods: found } = parseSummary(JSON.parse(text), 1000);
    expect([...found.keys()]).toEqual(["__proto__", "u1"]);
    expect(found.get("u1")?.containers).toEqual([{ name: "app", nanoCores: 1, memoryBytes: 2 }]);
  });
});
