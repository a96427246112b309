import { describe, expect, it } from "vitest";
import type { ResourceType } from "../../../core/api/kind.ts";
import { findCondition, type JsonObject } from "../../../core/api/meta.ts";
import { lease, namespace, node, pod } from "../../../core/kinds/mod.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { podsByNode } from "../../../master_daemon/controllers/_pods_by_node.ts";
import type { ControllerContext } from "../../../master_daemon/controllers/controller.ts";
import { nodeLifecycleController } from "../../../master_daemon/controllers/node_lifecycle.ts";
import { openCluster } from "./_cluster.ts";
import { aNode } from "./fixtures.ts";

/** A cluster of two nodes, of which the test looks at one by hand. */
async function open() {
  const cluster = await openCluster();
  const { client, clock, informers, random } = cluster;
  const controller = nodeLifecycleController();
  for (const name of ["node-1", "node-2"]) await cluster.addNode(name);
  await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-node-lease" } });
  await client.create(lease, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: "kube-node-lease", name: "node-1" },
    spec: { holderIdentity: "node-1" },
  });
  informers.informer(pod, { indexes: podsByNode });
  const told: string[] = [];
  const context: ControllerContext = {
    client,
    clock,
    random,
    log: silentLogger,
    signal: new AbortController().signal,
    lister: (kind) => informers.informer(kind),
    event: (_object, { reason, message }) => told.push(`${reason}: ${message}`),
    watch: () => () => {},
  };
  for (const kind of [node, lease, pod] as readonly ResourceType[]) await informers.informer(kind).synced();
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...cluster,
    told,
    async look(afterMs: number) {
      await clock.advance(afterMs);
      await settle();
      await controller.reconcile({ name: "node-1" }, context);
      await settle();
      const { status } = await client.get(node, { name: "node-1" });
      return findCondition(status?.conditions, "Ready")?.status;
    },
    async renew() {
      const present = await client.get(lease, { namespace: "kube-node-lease", name: "node-1" });
      const renewTime = new Date(clock.now()).toISOString().replace("Z", "000Z");
      await client.update(lease, { ...present, spec: { ...present.spec, renewTime } });
      await settle();
    },
  };
}

describe("nodeLifecycleController()", () => {
  it("calls a node lost after 50 s of silence, and found at its first sign of life", async () => {
    const { look, client, clock } = await open();
    const states: (string | undefined)[] = [await look(0)];
    for (let seconds = 5; seconds <= 55; seconds += 5) states.push(await look(5000));
    expect(states.indexOf("Unknown")).toBe(11);
    const present = await client.get(node, { name: "node-1" });
    const heartbeat = new Date(clock.now()).toISOString().replace(".000Z", "Z");
    const conditions = (aNode("node-1").status?.conditions ?? []).map((one) => ({
      ...one,
      lastHeartbeatTime: heartbeat,
    }));
    await client.updateStatus(node, { ...present, status: { ...present.status, conditions } });
    expect(await look(5000)).toBe("True");
    expect((await client.get(node, { name: "node-1" })).spec?.taints ?? []).toEqual([]);
  });

  it("keeps trusting a node whose lease is renewed", async () => {
    const { look, renew } = await open();
    for (let round = 0; round < 30; round++) {
      await renew();
      expect(await look(10_000)).toBe("True");
    }
  });

  it("does not count the time in which it did not look, such as that of a paused master", async () => {
    const { look, renew } = await open();
    await look(0);
    expect(await look(3_600_000)).toBe("True");
    expect(await look(5000)).toBe("True");
    await renew();
    expect(await look(40_000)).toBe("True");
  });

  it("spares a pod whose node loses its taint in time, and says so", async () => {
    const { look, renew, client, told } = await open();
    const metadata = { namespace: "default", name: "p" };
    const tolerations = [{ key: "repair", operator: "Exists", effect: "NoExecute", tolerationSeconds: 20 }] as const;
    const spec = { nodeName: "node-1", containers: [{ name: "c", image: "i" }], tolerations };
    await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata, spec });
    const taint = (taints: readonly JsonObject[] | null) =>
      client.patch(node, { name: "node-1" }, { type: "merge", body: { spec: { taints } } });
    const repair = [{ key: "repair", effect: "NoExecute" }];
    await taint(repair);
    for (let seconds = 0; seconds <= 10; seconds += 5) await look(seconds === 0 ? 0 : 5000);
    await renew();
    await taint(null);
    await look(5000);
    expect(told).toEqual(["TaintManagerEviction: Cancelling deletion of Pod default/p"]);
    await taint(repair);
    // It has its whole time again.
    for (let seconds = 0; seconds <= 15; seconds += 5) await look(seconds === 0 ? 0 : 5000);
    expect(told).toHaveLength(1);
    await look(5000);
    expect(told.slice(1)).toEqual(["TaintManagerEviction: Marking for deletion Pod default/p"]);
  });
});
