import { describe, expect, it } from "vitest";
import { simulatedComponents } from "../../cluster/simulation/interruptions.ts";
import { startCluster } from "../../cluster/start_cluster.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { createInformers } from "../../core/client/informers.ts";
import { node, type Pod, pod, statefulSet } from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";
import { seededRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import { oneOf, within } from "./_workloads.ts";

const namespace = "default";
const only = process.env["WHERRY_SEED"];
const seeds = only === undefined ? [1, 2] : [Number(only)];
const matchLabels = { app: "web" };

function workload(kind: string, spec: object): KubeObject {
  const template = { metadata: { labels: matchLabels }, spec: { containers: [{ name: "c", image: "app:0" }] } };
  const metadata = { namespace, name: "web" };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata,
    spec: { selector: { matchLabels }, template, ...spec },
  } as KubeObject;
}

/** A cluster of which every change of a pod is looked at. */
async function watched(seed: number, look: (changed: Pod, pods: readonly Pod[]) => void) {
  const cluster = await startCluster({ clock: "fake", runtime: "fake", nodes: 4, seed });
  const { client, clock } = cluster;
  const informers = createInformers({ client, clock, random: () => 0.5, log: silentLogger });
  const known = informers.informer(pod);
  known.onChange(({ type, object }) => {
    if (type !== "deleted") look(object, known.list());
  });
  const close = async () => {
    await informers[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  };
  return { cluster, [Symbol.asyncDispose]: close };
}

describe("whoever restarts, and however slow requests are", () => {
  it.each(seeds)("drains leave as many pods as a budget wants, with seed %i", { timeout: 120_000 }, async (seed) => {
    const random = seededRandom(seed);
    const [replicas, least] = [8, 6];
    let isUp = false;
    let fewest = replicas;
    await using parts = await watched(seed, (_changed, pods) => {
      const healthy = pods.filter((one) => isPodReady(one) && !one.metadata.deletionTimestamp).length;
      if (isUp) fewest = Math.min(fewest, healthy);
    });
    const { cluster } = parts;
    const { client } = cluster;
    await cluster.apply([
      workload("Deployment", { replicas }),
      {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { namespace, name: "web" },
        spec: { selector: { matchLabels }, minAvailable: least },
      } as KubeObject,
    ]);
    await cluster.advance("20s");
    isUp = true;
    const answers = new Map<number, number>();
    for (let round = 0; round < 10; round++) {
      const name = `node-${round % 4}`;
      await client.patch(node, { name }, { type: "merge", body: { spec: { unschedulable: true } } });
      cluster.setFaults(random() < 0.5 ? { latencyMs: [0, 800], lost: 0.1 } : {});
      await cluster.restart(oneOf(random, simulatedComponents), { afterWrites: within(random, 1, 5) });
      for (let tries = 0; tries < 4; tries++) {
        for (const one of (await client.list(pod, { fieldSelector: `spec.nodeName=${name}` })).items) {
          const { name: victim } = one.metadata;
          const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name: victim } };
          const { status } = await client.raw({
            method: "POST",
            path: `/api/v1/namespaces/${namespace}/pods/${victim}/eviction`,
            headers: { "content-type": "application/json" },
            body: new TextEncoder().encode(JSON.stringify(eviction)),
          });
          answers.set(status, (answers.get(status) ?? 0) + 1);
        }
        await cluster.advance(within(random, 500, 6000));
      }
      cluster.setFaults({});
      await client.patch(node, { name }, { type: "merge", body: { spec: { unschedulable: null } } });
      await cluster.advance("20s");
    }
    expect(fewest).toBe(least);
    // Some went, some were refused, else nothing was shown.
    expect([answers.get(201) ?? 0, answers.get(429) ?? 0].map((count) => count > 3)).toEqual([true, true]);
  });

  it.each(seeds)(
    "pods of an ordered set go one at a time, from the last, with seed %i",
    { timeout: 120_000 },
    async (seed) => {
      const random = seededRandom(seed);
      const broken: string[] = [];
      const going = new Set<string>();
      const ordinalOf = ({ metadata: { name = "" } }: Pod) => Number(name.slice(name.lastIndexOf("-") + 1));
      await using parts = await watched(seed, (changed, pods) => {
        const { uid = "", name = "", deletionTimestamp } = changed.metadata;
        if (!deletionTimestamp || going.has(uid)) return;
        going.add(uid);
        for (const other of pods) {
          if (other.metadata.uid === uid || ordinalOf(other) < ordinalOf(changed)) continue;
          if (other.metadata.deletionTimestamp) broken.push(`${name} goes while ${other.metadata.name} does`);
          else if (!isPodReady(other)) broken.push(`${name} goes, and ${other.metadata.name} is not ready`);
        }
      });
      const { cluster } = parts;
      const { client } = cluster;
      const key = { namespace, name: "web" };
      await cluster.apply(workload("StatefulSet", { replicas: 4, serviceName: "web" }));
      await cluster.advance("30s");
      for (let round = 1; round <= 10; round++) {
        cluster.setFaults(random() < 0.5 ? { latencyMs: [0, 800], lost: 0.1 } : {});
        await cluster.restart(oneOf(random, simulatedComponents), { afterWrites: within(random, 1, 8) });
        const body =
          random() < 0.5
            ? { spec: { replicas: within(random, 1, 5) } }
            : { spec: { template: { spec: { containers: [{ name: "c", image: `app:${round}` }] } } } };
        await client.patch(statefulSet, key, { type: "strategic", body });
        await cluster.advance(within(random, 2000, 15_000));
        cluster.setFaults({});
        await cluster.advance("45s");
      }
      expect(going.size).toBeGreaterThan(8);
      expect(broken).toEqual([]);
    },
  );
});
