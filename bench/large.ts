import process from "node:process";
import { systemClock } from "../core/platform/clock.ts";
import { type Cluster, node, startCluster } from "../mod.ts";
import { type Bench, cpuTime, type Figure } from "./figure.ts";
import { comeUp, isReady } from "./scale.ts";

const nodes = 1000;
const replicas = 20_000;
/** On a busy machine it is told how far it came. */
const limitMs = 600_000;
const nodesLimitMs = 120_000;

/** What a large cluster costs when all of it, the nodes' daemons too, is one process. */
export const bench: Bench = {
  about: `a Deployment of ${replicas} on ${nodes} fake nodes, all in this process`,
  isLong: true,
  async *run(): AsyncGenerator<Figure> {
    const startedAt = performance.now();
    await using cluster = await startCluster({ nodes, runtime: "fake" });
    yield { what: `${nodes} nodes started`, value: performance.now() - startedAt, unit: "ms" };
    yield told(
      "nodes ready",
      { came: await nodesReady(cluster), of: nodes, ms: performance.now() - startedAt },
      "nodes",
    );
    yield { what: "memory with the nodes", value: memory(), unit: "MiB" };
    const cpuBefore = cpuTime();
    const { made, madeMs, bound, boundMs, ready, readyMs } = await comeUp(cluster, replicas, { limitMs });
    yield told("pods made", { came: made, of: replicas, ms: madeMs });
    yield told("pods bound", { came: bound, of: replicas, ms: boundMs });
    yield told("pods ready", { came: ready, of: replicas, ms: readyMs });
    yield { what: "for each pod", value: (cpuTime() - cpuBefore) / ready, unit: "ms CPU" };
    yield { what: `memory with ${ready} pods`, value: memory(), unit: "MiB", goal: 1536 };
  },
};

/** How long all of them took, or how far they came. */
function told(
  what: string,
  { came, of, ms }: { readonly came: number; readonly of: number; readonly ms: number },
  unit: "pods" | "nodes" = "pods",
): Figure {
  if (came === of) return { what: `all ${of} ${what}`, value: ms, unit: "ms" };
  return { what: `${what}, of ${of}`, value: came, unit };
}

/** How many nodes say that they are ready: all, or as many as do after a while. */
async function nodesReady(cluster: Cluster): Promise<number> {
  const ready = new Set<string>();
  const stop = new AbortController();
  const cancel = systemClock.schedule(nodesLimitMs, () => stop.abort());
  for await (const { type, object } of cluster.client.watch(node, { signal: stop.signal })) {
    if (type === "BOOKMARK") continue;
    if (isReady(object)) ready.add(object.metadata.name ?? "");
    else ready.delete(object.metadata.name ?? "");
    if (ready.size === nodes) stop.abort();
  }
  cancel();
  return ready.size;
}

function memory(): number {
  return process.memoryUsage().rss / 2 ** 20;
}
