import { describe, expect, it } from "vitest";
import { keyOf } from "../../../core/api/meta.ts";
import { createInformers } from "../../../core/client/informers.ts";
import {
  controllerRevision,
  event,
  type Pod,
  persistentVolumeClaim,
  pod,
  type StatefulSet,
  type StatefulSetSpec,
  statefulSet,
} from "../../../core/kinds/mod.ts";
import { isPodReady } from "../../../core/kinds/pod_helpers.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { type Controller, controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { statefulSetController } from "../../../master_daemon/controllers/statefulset.ts";
import { runScheduler } from "../../../master_daemon/scheduler/mod.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";
import { template } from "./fixtures.ts";

const key = { namespace: "default", name: "db" };

function aSet(spec: Partial<StatefulSetSpec> = {}): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { ...key },
    spec: {
      replicas: 3,
      serviceName: "peers",
      selector: { matchLabels: { app: "web" } },
      template: template(),
      ...spec,
    },
  };
}

/** Starts controllers and scheduler with caches of their own; returns how to stop them. */
function startMaster(
  { client, clock, log, random }: TestCluster,
  started: readonly Controller[] = controllers(),
): () => Promise<void> {
  const parts = new DisposalStack();
  const informers = parts.use(createInformers({ client, clock, log, random }));
  parts.use(runControllers(started, { client, clock, informers, log, random }));
  parts.use(runScheduler({ client, clock, informers, log, random }));
  return () => parts[Symbol.asyncDispose]();
}

async function openMaster(): Promise<TestCluster> {
  const cluster = await openCluster();
  cluster.parts.defer(startMaster(cluster));
  await cluster.addNode("node-1");
  return cluster;
}

/** Waits until all replicas run the wanted template, and nothing else. */
function settled({ client, until }: TestCluster): Promise<StatefulSet> {
  return until(async () => {
    const set = await client.get(statefulSet, key);
    const { replicas } = set.spec;
    const { status } = set;
    const done =
      status?.observedGeneration === set.metadata.generation &&
      status?.currentRevision === status?.updateRevision &&
      status?.replicas === replicas &&
      (status?.updatedReplicas ?? 0) === replicas &&
      (status?.availableReplicas ?? 0) === replicas;
    return done && set;
  });
}

const byName = (pods: readonly Pod[]) =>
  pods.toSorted((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
const images = (pods: readonly Pod[]) => byName(pods).map(({ spec }) => spec.containers[0]?.image);

describe("stateful set controller", () => {
  it("makes pods one after the other, and removes them the other way round", async () => {
    const cluster = await openMaster();
    const log: string[] = [];
    cluster.parts.defer(
      cluster.informers.informer(pod).onChange((change) => {
        const { object } = change;
        const { name = "" } = object.metadata;
        if (change.type === "added") log.push(`+${name}`);
        else if (change.type === "deleted") log.push(`-${name}`);
        else if (isPodReady(object) && !isPodReady(change.previous)) log.push(`=${name}`);
      }),
    );
    await cluster.client.create(statefulSet, aSet());
    await settled(cluster);
    expect(log).toEqual(["+db-0", "=db-0", "+db-1", "=db-1", "+db-2", "=db-2"]);
    await cluster.client.patch(statefulSet, key, { type: "merge", body: { spec: { replicas: 1 } } });
    await settled(cluster);
    expect(log.slice(6)).toEqual(["-db-2", "-db-1"]);
    await cluster.until(async () =>
      (await cluster.all(event, "default")).some(
        ({ reason, message }) =>
          reason === "SuccessfulDelete" && message === "delete Pod db-2 in StatefulSet db successful",
      ),
    );
    expect(cluster.errors).toEqual([]);
  });

  it("rolls to a new template down to the partition, and back", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    await client.create(statefulSet, aSet());
    const first = await settled(cluster);
    const image = (name: string, partition: number) => {
      const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition } };
      const spec = { updateStrategy, template: { spec: { containers: [{ name: "app", image: name }] } } };
      return client.patch(statefulSet, key, { type: "strategic", body: { spec } });
    };
    await image("app:2", 2);
    await cluster.until(async () => (await client.get(statefulSet, key)).status?.updatedReplicas === 1);
    await cluster.until(async () => images(await cluster.all(pod, "default")).join() === "app:1,app:1,app:2");
    const { status } = await client.get(statefulSet, key);
    expect(status?.currentRevision).toBe(first.status?.currentRevision);
    expect(status?.updateRevision).not.toBe(first.status?.currentRevision);
    await image("app:2", 0);
    await settled(cluster);
    expect(images(await cluster.all(pod, "default"))).toEqual(["app:2", "app:2", "app:2"]);
    await image("app:1", 0);
    const back = await settled(cluster);
    expect(back.status?.currentRevision).toBe(first.status?.currentRevision);
    const revisions = (await cluster.all(controllerRevision, "default")).map(({ revision }) => revision);
    expect(revisions.toSorted()).toEqual([2, 3]);
    expect(cluster.errors).toEqual([]);
  });

  it("keeps as many revisions as the limit says", async () => {
    const cluster = await openMaster();
    await cluster.client.create(statefulSet, aSet({ replicas: 1, revisionHistoryLimit: 1 }));
    for (const name of ["app:2", "app:3", "app:4"]) {
      const containers = [{ name: "app", image: name }];
      await cluster.client.patch(statefulSet, key, {
        type: "strategic",
        body: { spec: { template: { spec: { containers } } } },
      });
      await settled(cluster);
    }
    await cluster.until(async () => (await cluster.all(controllerRevision, "default")).length === 2);
  });

  it("makes claims, and lets those go that its policy lets go", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    const claim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    } as const;
    await client.create(
      statefulSet,
      aSet({
        replicas: 2,
        podManagementPolicy: "Parallel",
        volumeClaimTemplates: [claim],
        persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete", whenDeleted: "Retain" },
      }),
    );
    const claims = async () =>
      (await cluster.all(persistentVolumeClaim, "default")).map(({ metadata }) => metadata.name);
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 2);
    expect((await claims()).toSorted()).toEqual(["data-db-0", "data-db-1"]);
    await client.patch(statefulSet, key, { type: "merge", body: { spec: { replicas: 1 } } });
    await cluster.until(async () => (await claims()).join() === "data-db-0");
    await client.delete(statefulSet, key, { propagationPolicy: "Background" });
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 0);
    expect(await claims()).toEqual(["data-db-0"]);
  });

  it("makes a pod anew that has failed, and adopts none of another name", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    const stranger = { ...template().metadata, namespace: "default", name: "stranger" };
    await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata: stranger, spec: template().spec });
    await client.create(statefulSet, aSet({ replicas: 1 }));
    await settled(cluster);
    const before = await client.get(pod, { ...key, name: "db-0" });
    await client.updateStatus(pod, { ...before, status: { ...before.status, phase: "Failed" } });
    await cluster.until(async () => {
      const found = (await cluster.all(pod, "default")).find(({ metadata }) => metadata.name === "db-0");
      return found !== undefined && found.metadata.uid !== before.metadata.uid;
    });
    await settled(cluster);
    expect((await client.get(pod, keyOf({ metadata: stranger }))).metadata.ownerReferences).toBeUndefined();
    await cluster.until(async () =>
      (await cluster.all(event, "default")).some(({ reason }) => reason === "RecreatingFailedPod"),
    );
  });

  it("goes on with a roll-out, however often it is restarted", async () => {
    const cluster = await openCluster();
    await cluster.addNode("node-1");
    await cluster.client.create(statefulSet, aSet());
    for (let round = 0; round < 5; round++) {
      const body = { spec: { template: { spec: { containers: [{ name: "app", image: `app:${round}` }] } } } };
      const before = await cluster.client.patch(statefulSet, key, { type: "strategic", body });
      const stop = startMaster(cluster, [statefulSetController]);
      // Stopped wherever it happens to be.
      await cluster.until(async () => {
        const { resourceVersion } = (await cluster.client.get(statefulSet, key)).metadata;
        return resourceVersion !== before.metadata.resourceVersion;
      });
      await stop();
    }
    cluster.parts.defer(startMaster(cluster, [statefulSetController]));
    await settled(cluster);
    expect(images(await cluster.all(pod, "default"))).toEqual(["app:4", "app:4", "app:4"]);
  });
});
