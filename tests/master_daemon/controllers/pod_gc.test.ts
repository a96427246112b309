import { describe, expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import { node, type Pod, pod } from "../../../core/kinds/mod.ts";
import { podGcController } from "../../../master_daemon/controllers/pod_gc.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { openCluster } from "./_cluster.ts";
import { aNode, template } from "./fixtures.ts";

const finalizers = ["example.com/look"];

async function open(options: Parameters<typeof podGcController>[0] = {}) {
  const cluster = await openCluster();
  const { client, clock, informers, log, parts, random } = cluster;
  parts.use(runControllers([podGcController(options)], { client, clock, informers, log, random }));
  return {
    ...cluster,
    async add(name: string, spec: Partial<Pod["spec"]> = {}, status: Pod["status"] = {}) {
      const metadata = { namespace: "default", name, finalizers };
      const wanted: Pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { ...template().spec, ...spec } };
      const made = await client.create(pod, wanted);
      return client.updateStatus(pod, { ...made, status: { ...made.status, ...status } });
    },
    get: (name: string) => client.get(pod, { namespace: "default", name }),
  };
}

describe("podGcController()", () => {
  it("forces pods out that end on a node that is out of service, and those that never had a node", async () => {
    const { client, until, add, get } = await open();
    const taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }] as const;
    for (const name of ["dead", "slow"]) {
      await client.create(node, aNode(name, { ready: "False", spec: name === "dead" ? { taints } : {} }));
      await add(`on-${name}`, { nodeName: name }, { phase: "Running" });
    }
    await add("nowhere");
    for (const name of ["on-slow", "on-dead", "nowhere"]) await client.delete(pod, { namespace: "default", name });
    await until(async () => (await get("on-dead")).status?.phase === "Failed");
    await until(async () => (await get("nowhere")).status?.phase === "Failed");
    // It was asked to go: nobody else disrupted it.
    expect(findCondition((await get("on-dead")).status?.conditions, "DisruptionTarget")).toBeUndefined();
    expect((await get("on-slow")).status?.phase).toBe("Running");
    // The taint may come later than the pod's end.
    await client.patch(node, { name: "slow" }, { type: "merge", body: { spec: { taints } } });
    await until(async () => (await get("on-slow")).status?.phase === "Failed");
  });

  it("removes ended pods beyond the threshold, those first that a node drove out", async () => {
    const { client, clock, until, add } = await open({ terminatedPodGcThreshold: 2 });
    for (const [name, status] of [
      ["first", { phase: "Succeeded" }],
      ["second", { phase: "Failed", reason: "Evicted" }],
      ["third", { phase: "Failed" }],
    ] as const) {
      await add(name, {}, status);
      await clock.advance(1000);
    }
    const marked = async () => {
      const { items } = await client.list(pod, { namespace: "default" });
      return items.filter(({ metadata }) => metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
    };
    await until(async () => (await marked()).length > 0);
    expect(await marked()).toEqual(["second"]);
  });
});
