import { describe, expect, it } from "vitest";
import { simulatedComponents } from "../../cluster/simulation/interruptions.ts";
import { runSecondsAnnotation } from "../../cluster/simulation/plan_simulated_pod.ts";
import { startCluster } from "../../cluster/start_cluster.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { deployment, job, node, pod, statefulSet } from "../../core/kinds/mod.ts";
import { createLogger } from "../../core/util/log.ts";
import { everything, Invariants } from "./_invariants.ts";

const namespace = "default";
/** So many writes after which a component ends. */
const writes = [1, 2, 3, 4, 6, 9];
/** When it is looked at what must always be so, in milliseconds after the last look. */
const looks = [300, 700, 2000, 4000, 40_000];

function workload(kind: string, spec: object, annotations: object = {}): KubeObject {
  const labels = { app: kind };
  const template = { metadata: { labels, annotations }, spec: { containers: [{ name: "c", image: "app:0" }] } };
  const metadata = { namespace, name: kind.toLowerCase() };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata,
    spec: { selector: { matchLabels: labels }, template, ...spec },
  } as KubeObject;
}

const rolling = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

function aJob(index: number): KubeObject {
  const annotations = { [runSecondsAnnotation]: "3" };
  const spec = { restartPolicy: "Never", containers: [{ name: "c", image: "app:0" }] };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { namespace, name: `work-${index}` },
    spec: { completions: 3, parallelism: 2, template: { metadata: { annotations }, spec } },
  } as KubeObject;
}

describe("a component that ends between a write and its answer, after any number of writes", () => {
  it.each(simulatedComponents)("is no trouble when it is the %s", { timeout: 120_000 }, async (component) => {
    const restarted: string[] = [];
    const log = createLogger({ write: (line) => restarted.push(line), clock: { now: () => 0 } });
    await using cluster = await startCluster({ clock: "fake", runtime: "fake", nodes: 3, seed: 11, log });
    const { client } = cluster;
    const invariants = new Invariants(cluster);
    try {
      await cluster.apply([
        workload("Deployment", { replicas: 3, strategy: rolling }),
        workload("StatefulSet", { replicas: 2 }),
      ]);
      await cluster.advance("20s");
      for (const count of writes) {
        restarted.length = 0;
        await cluster.restart(component, { afterWrites: count });
        const body = { spec: { template: { spec: { containers: [{ name: "c", image: `app:${count}` }] } } } };
        await client.patch(deployment, { namespace, name: "deployment" }, { type: "strategic", body });
        await client.patch(statefulSet, { namespace, name: "statefulset" }, { type: "strategic", body });
        await cluster.apply(aJob(count));
        for (const ms of looks) {
          await cluster.advance(ms);
          await invariants.always();
        }
        expect(
          restarted.filter((line) => line.includes("Component restarted")),
          `after ${count} writes`,
        ).toEqual([expect.stringMatching(`Component restarted component=${component}$`)]);
        expect(await invariants.unfinished(), `after ${count} writes`).toEqual([]);
        expect((await client.list(pod, { labelSelector: "app in (Deployment, StatefulSet)" })).items).toHaveLength(5);
        expect((await client.list(pod, { labelSelector: `job-name=work-${count}` })).items).toHaveLength(3);
      }
      expect((await client.list(node)).items).toHaveLength(3);
      expect((await client.list(job)).items).toHaveLength(writes.length);
      const settled = await everything(cluster);
      await cluster.advance("3m");
      expect(await everything(cluster)).toEqual(settled);
    } finally {
      await invariants.close();
    }
  });

  it("has no pod of a job counted twice, or never", { timeout: 120_000 }, async () => {
    await using cluster = await startCluster({ clock: "fake", runtime: "fake", nodes: 3, seed: 12 });
    const { client } = cluster;
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8]) {
      await cluster.apply(aJob(count));
      // Until its first pods are about to end: what is written from then on counts them.
      const name = `work-${count}`;
      for (let steps = 0; steps < 100; steps++) {
        const { status } = await client.get(job, { namespace, name });
        if (status?.ready) break;
        await cluster.advance(100);
      }
      await cluster.restart("controllers", { afterWrites: count });
      for (let steps = 0; steps < 30; steps++) {
        await cluster.advance(1000);
        const { status } = await client.get(job, { namespace, name });
        const { succeeded: named = [] } = status?.uncountedTerminatedPods ?? {};
        expect((status?.succeeded ?? 0) + named.length, `after ${count} writes`).toBeLessThanOrEqual(3);
      }
      const { status } = await client.get(job, { namespace, name });
      expect([status?.succeeded, status?.failed, status?.uncountedTerminatedPods], `after ${count} writes`).toEqual([
        3,
        undefined,
        {},
      ]);
      expect((await client.list(pod, { labelSelector: `job-name=${name}` })).items).toHaveLength(3);
    }
  });
});
