import { describe, expect, it, onTestFinished } from "vitest";
import { asJson } from "../../../core/api/json_object.ts";
import type { JsonObject } from "../../../core/api/meta.ts";
import type { Client } from "../../../core/client/client.ts";
import { readBody } from "../../../core/client/transport.ts";
import { type Refusal, rememberedRefusals, visibleRefusals } from "../../../core/client/why/refusals.ts";
import { schedulingReason } from "../../../core/client/why/scheduling.ts";
import { node, type Pod, pod } from "../../../core/kinds/mod.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { startMaster } from "../../../master_daemon/master.ts";
import { Diagnoses } from "../../../master_daemon/scheduler/diagnoses.ts";
import { patienceMs } from "../../patience.ts";
import { aNode } from "../controllers/fixtures.ts";
import { labelled, on, place, snapshotOf, waiting } from "./_place.ts";

const asking = (cpu: string) => ({ containers: [{ name: "c", image: "none", resources: { requests: { cpu } } }] });

describe("Diagnoses", () => {
  it("tells who refused which node and by how much, or how the chosen one scored", () => {
    const diagnoses = new Diagnoses({ clock: new FakeClock(0) });
    const full = on("a", "full", {}, asking("3500m"));
    const snapshot = snapshotOf([aNode("a"), aNode("b", { spec: { unschedulable: true } })], [full]);
    const big = waiting(asking("1"));
    diagnoses.record(big, place(big, snapshot));
    expect(diagnoses.of({ namespace: "default", name: "new" })).toMatchObject({
      uid: "uid-new",
      at: "1970-01-01T00:00:00Z",
      nodes: [
        {
          name: "a",
          plugin: "NodeResourcesFit",
          reasons: ["Insufficient cpu"],
          lacks: [{ resource: "cpu", requested: 1000, free: 500 }],
        },
        { name: "b", plugin: "NodeUnschedulable", reasons: ["node(s) were unschedulable"], preemptionHelps: false },
      ],
    });
    const small = waiting(asking("100m"));
    snapshot.setNode(aNode("c"));
    diagnoses.record(small, place(small, snapshot));
    expect(diagnoses.of({ namespace: "default", name: "new" })).toMatchObject({
      nodeName: "c",
      visitedNodes: 3,
      feasibleNodes: 2,
      scores: [
        { plugin: "NodeResourcesFit", weight: 1 },
        { plugin: "NodeResourcesBalancedAllocation", weight: 1 },
      ],
    });
    diagnoses.forget(small);
    expect(diagnoses.of({ namespace: "default", name: "new" })).toBeUndefined();
  });

  it("remembers of each node what nodes and pods show to whoever asks a scheduler that tells nothing", () => {
    const zoneA = labelled("in-a", { zone: "a" });
    const nodes = [
      aNode("cordoned", { spec: { unschedulable: true } }),
      aNode("tainted", { spec: { taints: [{ key: "team", value: "x", effect: "NoSchedule" }] } }),
      labelled("elsewhere"),
      zoneA,
      labelled("taken", { zone: "a" }),
    ];
    const ports = { containers: [{ name: "c", image: "none", ports: [{ containerPort: 80, hostPort: 80 }] }] };
    const pods = [on("in-a", "full", {}, asking("3500m")), on("taken", "held", {}, ports)];
    const resources = { requests: { cpu: "1", memory: "9Gi", "example.com/gpu": "1" } };
    const pod = waiting({
      nodeSelector: { zone: "a" },
      containers: [{ name: "c", image: "none", resources, ports: [{ containerPort: 80, hostPort: 80 }] }],
    });
    const diagnoses = new Diagnoses({ clock: new FakeClock(0) });
    diagnoses.record(pod, place(pod, snapshotOf(nodes, pods)));
    const diagnosis = diagnoses.of({ namespace: "default", name: "new" });
    const byNode = (refusals: readonly Refusal[]) => refusals.toSorted((a, b) => (a.node < b.node ? -1 : 1));
    const visible = byNode(visibleRefusals(pod, nodes, pods));
    expect(visible.map(({ node, plugin }) => `${node} ${plugin}`)).toEqual([
      "cordoned NodeUnschedulable",
      "elsewhere NodeAffinity",
      "in-a NodeResourcesFit",
      "tainted TaintToleration",
      "taken NodePorts",
    ]);
    expect(visible).toEqual(byNode(rememberedRefusals(asJson(diagnosis) as JsonObject)));
  });

  it("forgets the oldest past a thousand", () => {
    const diagnoses = new Diagnoses({ clock: new FakeClock(0) });
    const snapshot = snapshotOf([aNode("a")]);
    for (let at = 0; at < 1001; at++) {
      const one: Pod = { ...waiting(), metadata: { namespace: "default", name: `p${at}` } };
      diagnoses.record(one, place(one, snapshot));
    }
    expect(diagnoses.of({ namespace: "default", name: "p0" })).toBeUndefined();
    expect(diagnoses.of({ namespace: "default", name: "p1" })).toBeDefined();
  });
});

describe("/debug/scheduling", () => {
  const read = async (client: Client, name: string) => {
    const path = `/debug/scheduling/namespaces/default/pods/${name}`;
    const response = await client.raw({ method: "GET", path, headers: {} });
    return { status: response.status, text: new TextDecoder().decode(await readBody(response.body, 1_000_000)) };
  };

  it("tells administrators, and nobody else, what became of a pod; wherry why shows it", async () => {
    const master = await startMaster({ clock: systemClock, random: seededRandom(1), log: silentLogger });
    onTestFinished(() => master[Symbol.asyncDispose]());
    const { client } = master;
    await client.create(node, { ...aNode("a"), metadata: { name: "a" } });
    const tolerations = [{ operator: "Exists" as const }];
    const created = await client.create(pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "big", namespace: "default" },
      spec: { ...asking("5"), tolerations, automountServiceAccountToken: false },
    });
    await expect.poll(async () => (await read(client, "big")).status, { timeout: patienceMs }).toBe(200);
    expect(JSON.parse((await read(client, "big")).text)).toMatchObject({
      uid: created.metadata.uid,
      nodes: [{ name: "a", lacks: [{ resource: "cpu", requested: 5000, free: 4000 }] }],
    });
    expect((await read(client, "other")).status).toBe(404);
    expect((await read(master.clientFor({ username: "eve", groups: ["system:authenticated"] }), "big")).status).toBe(
      403,
    );
    const reason = await schedulingReason(created, { client, resourceOf: async () => undefined });
    expect(reason).toMatchObject({
      details: ["a  NodeResourcesFit  cpu: asks 5, 4 free"],
      remedy: "with no more than 4 of cpu it would fit on a",
    });
  });
});
