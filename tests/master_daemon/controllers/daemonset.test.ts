import { describe, expect, it } from "vitest";
import { keyOf } from "../../../core/api/meta.ts";
import { createInformers } from "../../../core/client/informers.ts";
import {
  type ControllerRevision,
  controllerRevision,
  type DaemonSet,
  type DaemonSetSpec,
  daemonSet,
  event,
  node,
  type Pod,
  pod,
} from "../../../core/kinds/mod.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { daemonSetController } from "../../../master_daemon/controllers/daemonset.ts";
import { type Controller, controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { runScheduler } from "../../../master_daemon/scheduler/mod.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";
import { template } from "./fixtures.ts";

const key = { namespace: "default", name: "agent" };

function aSet(spec: Partial<DaemonSetSpec> = {}): DaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { ...key },
    spec: { selector: { matchLabels: { app: "web" } }, template: template(), ...spec },
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

async function openMaster(nodes = 3): Promise<TestCluster> {
  const cluster = await openCluster();
  cluster.parts.defer(startMaster(cluster));
  for (let number = 1; number <= nodes; number++) await cluster.addNode(`node-${number}`);
  return cluster;
}

/** Waits until that many nodes run a pod of the wanted template. */
function settled({ client, until }: TestCluster, count: number): Promise<DaemonSet> {
  return until(async () => {
    const set = await client.get(daemonSet, key);
    const { status } = set;
    const done =
      status?.observedGeneration === set.metadata.generation &&
      status?.desiredNumberScheduled === count &&
      status.currentNumberScheduled === count &&
      (status.updatedNumberScheduled ?? 0) === count &&
      (status.numberAvailable ?? 0) === count;
    return done && set;
  });
}

async function daemons({ all }: TestCluster): Promise<readonly Pod[]> {
  return (await all(pod, "default")).filter(({ metadata }) => !metadata.deletionTimestamp);
}

const setImage = ({ client }: TestCluster, image: string) =>
  client.patch(daemonSet, key, {
    type: "strategic",
    body: { spec: { template: { spec: { containers: [{ name: "app", image }] } } } },
  });

describe("daemon set controller", () => {
  it("runs one pod on every node, also on nodes that come, and follows their labels", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    await client.create(daemonSet, aSet());
    await settled(cluster, 3);
    const places = (await daemons(cluster)).map(({ spec }) => spec.nodeName);
    expect(places.toSorted()).toEqual(["node-1", "node-2", "node-3"]);
    await cluster.addNode("node-4");
    await settled(cluster, 4);
    const spec = { template: { spec: { nodeSelector: { kind: "edge" } } } };
    await client.patch(daemonSet, key, { type: "strategic", body: { spec } });
    await settled(cluster, 0);
    await client.patch(node, { name: "node-2" }, { type: "merge", body: { metadata: { labels: { kind: "edge" } } } });
    await settled(cluster, 1);
    expect((await daemons(cluster)).map((one) => one.spec.nodeName)).toEqual(["node-2"]);
    expect(cluster.errors).toEqual([]);
  });

  it("rolls to a new template, never with more missing than may be, and back to the old one", async () => {
    const cluster = await openMaster();
    await cluster.client.create(daemonSet, aSet());
    await settled(cluster, 3);
    let most = 0;
    cluster.parts.defer(
      cluster.informers.informer(daemonSet).onChange(({ object }) => {
        most = Math.max(most, object.status?.numberUnavailable ?? 0);
      }),
    );
    most = 0;
    await setImage(cluster, "app:2");
    await settled(cluster, 3);
    expect((await daemons(cluster)).map(({ spec }) => spec.containers[0]?.image)).toEqual(["app:2", "app:2", "app:2"]);
    expect(most).toBe(1);
    await setImage(cluster, "app:1");
    await settled(cluster, 3);
    const revisions = (await cluster.all(controllerRevision, "default")).map(({ revision }) => revision);
    expect(revisions.toSorted()).toEqual([2, 3]);
    const labels = (await daemons(cluster)).map(({ metadata }) => metadata.labels?.["pod-template-generation"]);
    expect(labels).toEqual(["3", "3", "3"]);
    expect(cluster.errors).toEqual([]);
  });

  it("with surge never has a node without a pod", async () => {
    const cluster = await openMaster(2);
    const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } as const;
    await cluster.client.create(daemonSet, aSet({ updateStrategy }));
    await settled(cluster, 2);
    let fewest = 2;
    cluster.parts.defer(
      cluster.informers.informer(pod).onChange(() => {
        fewest = Math.min(fewest, cluster.informers.informer(pod).list().length);
      }),
    );
    fewest = 2;
    await setImage(cluster, "app:2");
    await settled(cluster, 2);
    await cluster.until(async () => (await daemons(cluster)).length === 2);
    expect(fewest).toBe(2);
  });

  it("replaces pods that failed, later each time", async () => {
    const cluster = await openMaster(1);
    const { client } = cluster;
    // The test plays the daemon of the node.
    cluster.stopNode("node-1");
    await client.create(daemonSet, aSet());
    const ready = (count: number) =>
      cluster.until(async () => (await client.get(daemonSet, key)).status?.numberReady === count);
    const fail = async () => {
      const one = await cluster.until(async () => (await daemons(cluster))[0]);
      const say = async (phase: "Running" | "Failed", status: "True" | "False") => {
        const latest = await client.get(pod, keyOf(one));
        await client.updateStatus(pod, { ...latest, status: { phase, conditions: [{ type: "Ready", status }] } });
      };
      await say("Running", "True");
      await ready(1);
      await say("Failed", "False");
      return one.metadata.uid;
    };
    const replaced = (uid: string | undefined, stepMs = 0) =>
      cluster.until(async () => (await daemons(cluster)).some(({ metadata }) => metadata.uid !== uid), { stepMs });
    await replaced(await fail());
    const second = await fail();
    await ready(0);
    expect((await daemons(cluster)).map(({ metadata }) => metadata.uid)).toEqual([second]);
    await cluster.clock.advance(1000);
    // What began before the jump of the clock may rest for some milliseconds more.
    await replaced(second, 5);
    await cluster.until(async () =>
      (await cluster.all(event, "default")).some(({ reason }) => reason === "FailedDaemonPod"),
    );
  });

  it("keeps as many old revisions as the limit says", async () => {
    const cluster = await openMaster(1);
    await cluster.client.create(daemonSet, aSet({ revisionHistoryLimit: 1 }));
    for (const image of ["app:2", "app:3", "app:4"]) {
      await setImage(cluster, image);
      await settled(cluster, 1);
    }
    await cluster.until(async () => (await cluster.all(controllerRevision, "default")).length === 2);
  });

  it("merges revisions of one template: the newest stays, and gets the pods of the others", async () => {
    const cluster = await openCluster();
    const { client, parts } = cluster;
    await cluster.addNode("node-1");
    const stop = startMaster(cluster);
    await client.create(daemonSet, aSet());
    await settled(cluster, 1);
    await stop();
    const [first] = await cluster.all(controllerRevision, "default");
    const { resourceVersion: _, uid: __, creationTimestamp: ___, ...metadata } = first?.metadata ?? {};
    const labels = { ...metadata.labels, "controller-revision-hash": "twin" };
    const twin = { ...metadata, name: "agent-twin", labels };
    await client.create(controllerRevision, { ...first, metadata: twin, revision: 7 } as ControllerRevision);
    const [before] = await cluster.all(pod, "default");

    parts.defer(startMaster(cluster));
    await cluster.until(async () => (await cluster.all(controllerRevision, "default")).length === 1);
    const [kept] = await cluster.all(controllerRevision, "default");
    expect([kept?.metadata.name, kept?.revision]).toEqual(["agent-twin", 7]);
    await settled(cluster, 1);
    const pods = await cluster.all(pod, "default");
    expect(pods.map((one) => [one.metadata.uid, one.metadata.labels?.["controller-revision-hash"]])).toEqual([
      [before?.metadata.uid, "twin"],
    ]);
    expect(cluster.errors).toEqual([]);
  });

  it("goes on with a roll-out, however often it is restarted", async () => {
    const cluster = await openCluster();
    for (const name of ["node-1", "node-2", "node-3"]) await cluster.addNode(name);
    await cluster.client.create(daemonSet, aSet());
    for (let round = 0; round < 4; round++) {
      const before = await setImage(cluster, `app:${round}`);
      const stop = startMaster(cluster, [daemonSetController()]);
      // Stopped wherever it happens to be.
      await cluster.until(async () => {
        const { resourceVersion } = (await cluster.client.get(daemonSet, key)).metadata;
        return resourceVersion !== before.metadata.resourceVersion;
      });
      await stop();
    }
    cluster.parts.defer(startMaster(cluster, [daemonSetController()]));
    await settled(cluster, 3);
    expect((await daemons(cluster)).map(({ spec }) => spec.containers[0]?.image)).toEqual(["app:3", "app:3", "app:3"]);
  });
});
