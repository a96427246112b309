import { describe, expect, it } from "vitest";
import type { Client } from "../../../core/client/client.ts";
import { event, node, type Pod, type PodSpec, pod, priorityClass } from "../../../core/kinds/mod.ts";
import { podCondition } from "../../../core/kinds/pod_helpers.ts";
import { defaultConfiguration, runScheduler, type SchedulerPlugin } from "../../../master_daemon/scheduler/mod.ts";
import { openCluster } from "../controllers/_cluster.ts";
import { aNode } from "../controllers/fixtures.ts";

const aPod = (name: string, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "default", name },
  spec: { containers: [{ name: "c", image: "app" }], ...spec },
});
const wanting = (cpu: string) => ({ containers: [{ name: "c", image: "app", resources: { requests: { cpu } } }] });
const key = (name: string) => ({ namespace: "default", name });

describe("the nodes of a large cluster", () => {
  it("are looked at in turn: each search begins where the one before ended", async () => {
    const { client, clock, informers, log, parts, random, until } = await openCluster();
    const count = 300;
    for (let at = 0; at < count; at++) await client.create(node, aNode(`node-${at}`));
    const asked = new Map<string, string[]>();
    const witness: SchedulerPlugin = {
      name: "Witness",
      filter({ metadata: { name = "" } }, { name: nodeName }) {
        asked.set(name, [...(asked.get(name) ?? []), nodeName]);
        return undefined;
      },
    };
    const profiles = defaultConfiguration.profiles.map((profile) => ({
      ...profile,
      plugins: [{ plugin: witness, weight: 0 }, ...profile.plugins],
    }));
    parts.use(runScheduler({ client, clock, informers, log, random, configuration: { profiles } }));
    const names = ["a", "b", "c"];
    for (const name of names) {
      await client.create(pod, aPod(name));
      await until(async () => (await client.get(pod, key(name))).spec.nodeName);
    }
    // Of 300 nodes that fit 48 percent are enough, as Kubernetes counts: 50 less one for each 125 nodes.
    const enough = 144;
    expect(names.map((name) => asked.get(name)?.length)).toEqual([enough, enough, enough]);
    const order = names.flatMap((name) => asked.get(name) ?? []);
    expect(new Set(order.slice(0, count)).size).toBe(count);
    expect(order.slice(count)).toEqual(order.slice(0, 3 * enough - count));
  });
});

describe("a scheduler that begins anew", () => {
  /**
   * One node has a pod that is being ended, the other one whom it would be cheaper to displace. Of those that wait one is to
   * have the room, a lesser one would fit beside the pod that leaves.
   */
  async function openHandedOver({ nominated }: { readonly nominated: boolean }) {
    const cluster = await openCluster();
    const { client, addNode, stopNode, clock, informers, log, parts, random } = cluster;
    for (const [name, value] of [
      ["high", 1000],
      ["low", 10],
      ["least", 1],
    ] as const) {
      await client.create(priorityClass, {
        apiVersion: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        metadata: { name },
        value,
        preemptionPolicy: name === "high" ? "PreemptLowerPriority" : "Never",
      });
    }
    for (const name of ["node-1", "node-2"]) {
      await addNode(name);
      stopNode(name);
    }
    await client.create(pod, aPod("cheap", { ...wanting("4"), priorityClassName: "least", nodeName: "node-2" }));
    await client.create(pod, aPod("leaving", { ...wanting("3"), priorityClassName: "low", nodeName: "node-1" }));
    await end(client);
    await client.create(pod, aPod("urgent", { ...wanting("4"), priorityClassName: "high" }));
    await client.create(pod, aPod("lesser", { ...wanting("1"), priorityClassName: "low" }));
    const body = { status: { nominatedNodeName: "node-1" } };
    if (nominated) await client.patch(pod, key("urgent"), { type: "merge", body }, { subresource: "status" });
    parts.use(runScheduler({ client, clock, informers, log, random }));
    return cluster;
  }

  /** As another scheduler would have done for the sake of the urgent one. */
  async function end(client: Client): Promise<void> {
    const condition = { type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler", message: "" };
    const body = { status: { conditions: [condition] } };
    await client.patch(pod, key("leaving"), { type: "merge", body }, { subresource: "status" });
    await client.delete(pod, key("leaving"));
    expect((await client.get(pod, key("leaving"))).metadata.deletionTimestamp).toBeDefined();
  }

  it("keeps a node's room for whom it was made, as the pod's status says", async () => {
    const { all, client, until } = await openHandedOver({ nominated: true });
    for (const name of ["urgent", "lesser"])
      await until(async () => podCondition(await client.get(pod, key(name)), "PodScheduled"));
    expect(podCondition(await client.get(pod, key("urgent")), "PodScheduled")?.message).toContain(
      "not eligible due to a terminating pod on the nominated node.",
    );
    expect((await client.get(pod, key("lesser"))).spec.nodeName).toBeUndefined();
    await client.delete(pod, key("leaving"), { gracePeriodSeconds: 0 });
    await until(async () => (await client.get(pod, key("urgent"))).spec.nodeName, { stepMs: 500, rounds: 20 });
    expect((await client.get(pod, key("urgent"))).spec.nodeName).toBe("node-1");
    expect((await client.get(pod, key("cheap"))).metadata.deletionTimestamp).toBeUndefined();
    expect((await all(event)).filter(({ reason }) => reason === "Preempted")).toEqual([]);
  });

  it("makes room anew for whom none was made", async () => {
    const { client, until } = await openHandedOver({ nominated: false });
    await until(async () => (await client.get(pod, key("cheap"))).metadata.deletionTimestamp);
    expect((await client.get(pod, key("urgent"))).status?.nominatedNodeName).toBe("node-2");
  });
});
