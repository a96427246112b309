import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResourceType } from "../../../core/api/kind.ts";
import { findCondition, type JsonObject } from "../../../core/api/meta.ts";
import { type Lease, lease, type Node, namespace, node, pod } from "../../../core/kinds/mod.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { podsByNode } from "../../../master_daemon/controllers/_pods_by_node.ts";
import { ZoneStates } from "../../../master_daemon/controllers/_zone_states.ts";
import type { Controller, ControllerContext } from "../../../master_daemon/controllers/controller.ts";
import { nodeLifecycleController } from "../../../master_daemon/controllers/node_lifecycle.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
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
  const toldOfNodes: string[] = [];
  const context: ControllerContext = {
    client,
    clock,
    random,
    log: silentLogger,
    signal: new AbortController().signal,
    lister: (kind) => informers.informer(kind),
    event: ({ kind, metadata }, { reason, message }) => {
      if (kind === "Pod") told.push(`${reason}: ${message}`);
      else toldOfNodes.push(`${metadata.uid ? metadata.name : "unknown"} ${reason}: ${message}`);
    },
    watch: () => () => {},
  };
  for (const kind of [node, lease, pod] as readonly ResourceType[]) await informers.informer(kind).synced();
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...cluster,
    told,
    toldOfNodes,
    async look(afterMs: number) {
      await clock.advance(afterMs);
      await settle();
      await controller.reconcile({ name: "node-1" }, context);
      await settle();
      const { status } = await client.get(node, { name: "node-1" });
      return findCondition(status?.conditions, "Ready")?.status;
    },
    reconcile: async () => {
      await settle();
      await controller.reconcile({ name: "node-1" }, context);
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

  it("says when it begins to look after a node, and when it ceases to", async () => {
    const { look, client, toldOfNodes, reconcile } = await open();
    await look(0);
    await look(5000);
    await client.delete(node, { name: "node-1" });
    await reconcile();
    await reconcile();
    expect(toldOfNodes).toEqual([
      "node-1 RegisteredNode: Node node-1 event: Registered Node node-1 in Controller",
      "node-1 RemovingNode: Node node-1 event: Removing Node node-1 from Controller",
    ]);
  });

  it("looks at a node that is well only when it may be lost, and at one that is lost in time", async () => {
    const cluster = await openCluster();
    const { client, clock, informers, log, parts, random, until } = cluster;
    const names = ["node-1", "node-2", "node-3"];
    await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-node-lease" } });
    const leaseOf = (name: string, renewTime: string): Lease => ({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace: "kube-node-lease", name },
      spec: { holderIdentity: name, renewTime },
    });
    const now = () => new Date(clock.now()).toISOString().replace("Z", "000Z");
    for (const name of names) {
      await cluster.addNode(name);
      await client.create(lease, leaseOf(name, now()));
    }
    const looks = new Map(names.map((name) => [name, 0]));
    const controller = nodeLifecycleController();
    const counted: Controller = {
      ...controller,
      reconcile: (key, context) => {
        looks.set(key.name, (looks.get(key.name) ?? 0) + 1);
        return controller.reconcile(key, context);
      },
    };
    parts.use(runControllers([counted], { client, clock, informers, log, random }));
    await until(async () => [...looks.values()].every((count) => count > 0));
    const statusOf = async (name: string) =>
      findCondition((await client.get(node, { name })).status?.conditions, "Ready")?.status;
    const renew = async (living: readonly string[]) => {
      const body = { spec: { renewTime: now() } };
      for (const name of living)
        await client.patch(lease, { namespace: "kube-node-lease", name }, { type: "merge", body });
      await until(async () =>
        living.every((name) => {
          const held = informers.informer(lease).get({ namespace: "kube-node-lease", name });
          return held?.spec?.renewTime === now();
        }),
      );
      await clock.advance(10_000);
    };
    for (let round = 0; round < 30; round++) await renew(names);
    // Five minutes of thirty renewals each.
    expect(Math.max(...names.map((name) => looks.get(name) ?? 0))).toBeLessThan(15);
    const silentSince = clock.now() - 10_000;
    const living = ["node-1", "node-2"];
    while ((await statusOf("node-3")) === "True" && clock.now() - silentSince < 120_000) await renew(living);
    await until(async () => (await statusOf("node-3")) === "Unknown");
    expect(clock.now() - silentSince).toBeGreaterThan(50_000);
    expect(clock.now() - silentSince).toBeLessThanOrEqual(70_000);
    expect(await Promise.all(living.map(statusOf))).toEqual(["True", "True"]);
  });
});

describe("ZoneStates", () => {
  it("tells of zones what counting all nodes would tell", () => {
    const change = fc.record({
      name: fc.constantFrom("n1", "n2", "n3", "n4", "n5", "n6"),
      zone: fc.constantFrom("a", "b", undefined),
      ready: fc.constantFrom("True", "False", "Unknown", "gone"),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.constantFrom("n1", "n2", "new"), (changes, lostName) => {
        const zones = new ZoneStates();
        const present = new Map<string, Node>();
        const zoneLabel = "topology.kubernetes.io/zone";
        for (const { name, zone, ready } of changes) {
          const labels = zone ? { [zoneLabel]: zone } : {};
          const one = aNode(name, { ready: ready === "gone" ? "True" : ready, metadata: { name, labels } });
          if (ready === "gone") present.delete(name);
          else present.set(name, one);
          zones.note(one, present.get(name));
        }
        const lost = present.get(lostName) ?? aNode(lostName, { metadata: { labels: { [zoneLabel]: "a" } } });
        const all = [...[...present.values()].filter(({ metadata }) => metadata.name !== lostName), lost];
        const isReady = (one: Node) =>
          one !== lost && findCondition(one.status?.conditions, "Ready")?.status === "True";
        const zoneOf = ({ metadata }: Node) => metadata.labels?.[zoneLabel];
        const own = all.filter((one) => zoneOf(one) === zoneOf(lost));
        const { counts, isNoneReady } = zones.around(lost);
        expect(counts).toEqual({
          ready: own.filter(isReady).length,
          notReady: own.filter((one) => !isReady(one)).length,
        });
        expect(isNoneReady).toBe(!all.some(isReady));
      }),
    );
  });
});
