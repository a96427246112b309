import { describe, expect, it } from "vitest";
import { controllerOf, findCondition } from "../../../core/api/meta.ts";
import { type Pod, pod, type ReplicationController, replicationController } from "../../../core/kinds/mod.ts";
import { controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { runScheduler } from "../../../master_daemon/scheduler/mod.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";
import { template } from "./fixtures.ts";

const key = { namespace: "default", name: "web" };

function aController(replicas: number): ReplicationController {
  return {
    apiVersion: "v1",
    kind: "ReplicationController",
    metadata: { ...key },
    spec: { replicas, template: template() },
  };
}

async function openMaster(): Promise<TestCluster> {
  const cluster = await openCluster();
  const { client, clock, informers, log, parts, random } = cluster;
  parts.use(runControllers(controllers(), { client, clock, informers, log, random }));
  parts.use(runScheduler({ client, clock, informers, log, random }));
  await cluster.addNode("node-1");
  return cluster;
}

const owned = (pods: readonly Pod[]) => pods.filter((one) => controllerOf(one)?.kind === "ReplicationController");

describe("replication controller", () => {
  it("keeps as many pods as are wanted, and says so", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    await client.create(replicationController, aController(3));
    const ready = (count: number) =>
      cluster.until(async () => {
        const { status } = await client.get(replicationController, key);
        return status?.readyReplicas === count && status.replicas === count && status;
      });
    expect(await ready(3)).toMatchObject({ fullyLabeledReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
    await client.patch(replicationController, key, { type: "merge", body: { spec: { replicas: 1 } } });
    await ready(1);
    const [one] = owned(await cluster.all(pod, "default"));
    expect(one && controllerOf(one)).toMatchObject({ apiVersion: "v1", kind: "ReplicationController", name: "web" });
    expect(cluster.errors).toEqual([]);
  });

  it("adopts pods that nobody controls, and releases those that it no longer selects", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    const { metadata, spec } = template();
    await client.create(pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, ...key, name: "orphan" },
      spec,
    });
    await client.create(replicationController, aController(1));
    await cluster.until(async () => controllerOf(await client.get(pod, { ...key, name: "orphan" })) !== undefined);
    expect(owned(await cluster.all(pod, "default"))).toHaveLength(1);
    await client.patch(
      pod,
      { ...key, name: "orphan" },
      { type: "merge", body: { metadata: { labels: { app: "other" } } } },
    );
    await cluster.until(async () => controllerOf(await client.get(pod, { ...key, name: "orphan" })) === undefined);
    await cluster.until(async () => owned(await cluster.all(pod, "default")).length === 1);
  });

  it("tells in a condition why pods could not be made", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    const refused = { ...aController(1), spec: { replicas: 1, template: template() } };
    const quota = {
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { ...key },
      spec: { limits: [{ type: "Pod", min: { cpu: "9" } }] },
    };
    await client.create(
      { group: "", version: "v1", kind: "LimitRange", plural: "limitranges", namespaced: true },
      quota,
    );
    await client.create(replicationController, refused);
    const failure = await cluster.until(async () =>
      findCondition((await client.get(replicationController, key)).status?.conditions, "ReplicaFailure"),
    );
    expect(failure).toMatchObject({ status: "True", reason: "FailedCreate" });
  });
});
