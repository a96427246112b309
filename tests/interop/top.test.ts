import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, rows, shellDeployment, shellPod, startInterop, stay } from "./_kubectl.ts";

/** What kubectl shows of use: top, and the node's own figures through the proxy. */
describe.skipIf(missing("kubectl", kubectl))("kubectl top", () => {
  let cluster: Interop;
  const ns = { namespace: "top" };
  beforeAll(async () => {
    cluster = await startInterop();
    await cluster.namespace("top");
    const busy = "while :; do :; done";
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellPod("busy", busy, {}, { app: "busy" }) });
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellDeployment("web", stay, 1) });
    await cluster.ok(["rollout", "status", "deploy/web", "--timeout=60s"], ns);
    await cluster.ok(["wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s"], ns);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each(dialects)("shows nodes and pods to $name", async (client) => {
    const top = async (...args: string[]) => rows(await cluster.ok(["top", ...args], { ...ns, client }));
    const [head, ...nodes] = await top("node");
    expect(head?.slice(0, 2)).toEqual(["NAME", expect.stringMatching(/^CPU/)]);
    expect(nodes).toEqual([
      ["node-0", ...[/^\d+m$/, /^\d+%$/, /^\d+Mi$/, /^\d+%$/].map((form) => expect.stringMatching(form))],
    ]);
    const [podHead, ...pods] = await top("pod", "--sort-by=cpu");
    expect(podHead?.[0]).toBe("NAME");
    expect(pods[0]).toEqual(["busy", expect.stringMatching(/^\d+m$/), expect.stringMatching(/^\d+Mi$/)]);
    expect(Number.parseInt(pods[0]?.[1] ?? "", 10)).toBeGreaterThan(20);
    expect(pods[1]?.[0]).toMatch(/^web-/);
    expect((await top("pod", "busy", "--containers")).at(-1)?.slice(0, 2)).toEqual(["busy", "main"]);
    expect((await top("pod", "-l", "app=busy", "--no-headers")).map(([name]) => name)).toEqual(["busy"]);
    expect((await top("pod", "-A", "--no-headers")).map(([namespace, name]) => `${namespace}/${name}`)).toContain(
      "top/busy",
    );
    expect(await cluster.fails(["top", "pod", "nowhere"], { ...ns, client })).toContain("not found");
  });

  it("reaches the node's own figures through the proxy", async () => {
    const raw = (path: string) => cluster.ok(["get", "--raw", `/api/v1/nodes/node-0/proxy${path}`]);
    const { node, pods } = JSON.parse(await raw("/stats/summary"));
    expect(node.nodeName).toBe("node-0");
    expect(pods.map(({ podRef }: { podRef: { name: string } }) => podRef.name)).toContain("busy");
    expect(await raw("/metrics/resource")).toContain('pod_cpu_usage_seconds_total{namespace="top",pod="busy"} ');
    expect(await raw("/metrics/cadvisor")).toContain("machine_cpu_cores{");
    expect(await raw("/metrics")).toContain('kubelet_node_name{node="node-0"} 1');
  });

  it("shows and explains the figures as objects", async () => {
    const [head, busy] = rows(await cluster.ok(["get", "pods.metrics.k8s.io", "busy"], ns));
    expect(head).toEqual(["NAME", "CPU", "MEMORY", "WINDOW"]);
    expect(busy?.[0]).toBe("busy");
    expect(await cluster.ok(["explain", "--api-version=metrics.k8s.io/v1beta1", "nodes.window"])).toContain(
      "Length of the window",
    );
  });
});
