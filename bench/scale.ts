import process from "node:process";
import { systemClock } from "../core/platform/clock.ts";
import { type Cluster, type Deployment, deployment, type Node, type Pod, pod, startCluster } from "../mod.ts";
import { type Bench, cpuTime, type Figure } from "./figure.ts";

const nodes = 50;
const replicas = 500;

/** How fast a large deployment comes up and is replaced, apart from its programs. */
export const bench: Bench = {
  about: `a Deployment of ${replicas} on ${nodes} fake nodes, all in this process`,
  async *run(): AsyncGenerator<Figure> {
    await using cluster = await startCluster({ nodes, runtime: "fake" });
    const cpuBefore = cpuTime();
    const came = await comeUp(cluster, replicas);
    yield { what: "all pods created", value: came.madeMs, unit: "ms" };
    yield { what: "all bound", value: came.boundMs, unit: "ms", goal: 1000 };
    yield { what: "all ready", value: came.readyMs, unit: "ms", goal: 1500 };
    yield { what: "for each pod", value: (cpuTime() - cpuBefore) / replicas, unit: "ms CPU", goal: 2 };
    yield { what: "memory of the process", value: process.memoryUsage().rss / 2 ** 20, unit: "MiB" };
    // A quarter of the 19 s that Kubernetes' own daemons take here.
    yield { what: "all replaced", value: await replaceAll(cluster, replicas), unit: "ms", goal: 4750 };
  },
};

/** How a Deployment came up: how many of its pods were created, had a node, and were ready at the end, and the milliseconds until all were; NaN: they never were. */
export interface ComingUp {
  readonly made: number;
  readonly madeMs: number;
  readonly bound: number;
  readonly boundMs: number;
  readonly ready: number;
  readonly readyMs: number;
}

/** Makes a Deployment, and waits until its pods are ready, or for so long. */
export async function comeUp(
  cluster: Cluster,
  replicas: number,
  { limitMs = 600_000 }: { readonly limitMs?: number } = {},
): Promise<ComingUp> {
  const startedAt = performance.now();
  await cluster.apply(deploymentOf(replicas, "1"));
  const stop = new AbortController();
  const cancel = systemClock.schedule(limitMs, () => stop.abort());
  const [made, bound, ready] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const doneAt = new Map<Set<string>, number>();
  for await (const { type, object } of cluster.client.watch(pod, { namespace: "default", signal: stop.signal })) {
    if (type === "BOOKMARK") continue;
    const { metadata, spec } = object;
    const uid = metadata.uid ?? "";
    made.add(uid);
    if (spec.nodeName) bound.add(uid);
    if (isReady(object)) ready.add(uid);
    for (const set of [made, bound, ready])
      if (set.size === replicas && !doneAt.has(set)) doneAt.set(set, performance.now() - startedAt);
    if (ready.size === replicas) stop.abort();
  }
  cancel();
  const ms = (set: Set<string>) => doneAt.get(set) ?? Number.NaN;
  return {
    made: made.size,
    madeMs: ms(made),
    bound: bound.size,
    boundMs: ms(bound),
    ready: ready.size,
    readyMs: ms(ready),
  };
}

/** Changes the template; milliseconds until all pods are new and available, and the old ones gone. */
async function replaceAll(cluster: Cluster, replicas: number): Promise<number> {
  const startedAt = performance.now();
  await cluster.apply(deploymentOf(replicas, "2"));
  const stop = new AbortController();
  const options = { namespace: "default", signal: stop.signal };
  for await (const { type, object } of cluster.client.watch(deployment, options)) {
    if (type === "BOOKMARK") continue;
    const { observedGeneration = 0, updatedReplicas, availableReplicas, replicas: all } = object.status ?? {};
    const isSeen = observedGeneration === object.metadata.generation;
    if (isSeen && updatedReplicas === replicas && availableReplicas === replicas && all === replicas) stop.abort();
  }
  return performance.now() - startedAt;
}

/** Whether a pod or a node says that it is ready. */
export function isReady({ status }: Pod | Node): boolean {
  return status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
}

function deploymentOf(replicas: number, version: string): Deployment {
  const labels = { app: "many" };
  const main = { name: "main", image: "none", env: [{ name: "VERSION", value: version }] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "many", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [main] } },
    },
  };
}
