import process from "node:process";
import { type Deployment, pod, startCluster } from "../mod.ts";
import { type Bench, cpuTime, type Figure } from "./figure.ts";

const nodes = 50;
const replicas = 1000;

/** How fast a large deployment comes up, apart from its programs. */
export const bench: Bench = {
  about: `a Deployment of ${replicas} on ${nodes} fake nodes, all in this process`,
  async *run(): AsyncGenerator<Figure> {
    await using cluster = await startCluster({ nodes, runtime: "fake" });
    const cpuBefore = cpuTime();
    const startedAt = performance.now();
    await cluster.apply(deploymentOf(replicas));
    const stop = new AbortController();
    const made = new Set<string>();
    const bound = new Set<string>();
    const ready = new Set<string>();
    const doneAt = new Map<Set<string>, number>();
    for await (const { type, object } of cluster.client.watch(pod, { namespace: "default", signal: stop.signal })) {
      if (type === "BOOKMARK") continue;
      const { metadata, spec, status } = object;
      const uid = metadata.uid ?? "";
      made.add(uid);
      if (spec.nodeName) bound.add(uid);
      if (status?.conditions?.some((one) => one.type === "Ready" && one.status === "True")) ready.add(uid);
      for (const set of [made, bound, ready])
        if (set.size === replicas && !doneAt.has(set)) doneAt.set(set, performance.now() - startedAt);
      if (ready.size === replicas) stop.abort();
    }
    yield { what: "all pods created", value: doneAt.get(made) ?? Number.NaN, unit: "ms" };
    yield { what: "all bound", value: doneAt.get(bound) ?? Number.NaN, unit: "ms", goal: 2000 };
    yield { what: "all ready", value: doneAt.get(ready) ?? Number.NaN, unit: "ms", goal: 3000 };
    yield { what: "for each pod", value: (cpuTime() - cpuBefore) / replicas, unit: "ms CPU", goal: 2 };
    yield { what: "memory of the process", value: process.memoryUsage().rss / 2 ** 20, unit: "MiB" };
  },
};

function deploymentOf(replicas: number): Deployment {
  const labels = { app: "many" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "many", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "none" }] } },
    },
  };
}
