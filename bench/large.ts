import process from "node:process";
import { startCluster } from "../mod.ts";
import { type Bench, cpuTime, type Figure } from "./figure.ts";
import { comeUp } from "./scale.ts";

const nodes = 1000;
const replicas = 20_000;
/** On a busy machine it is told how far it came. */
const limitMs = 600_000;

/** What a large cluster costs when all of it, the nodes' daemons too, is one process. */
export const bench: Bench = {
  about: `a Deployment of ${replicas} on ${nodes} fake nodes, all in this process`,
  isLong: true,
  async *run(): AsyncGenerator<Figure> {
    const startedAt = performance.now();
    await using cluster = await startCluster({ nodes, runtime: "fake" });
    yield { what: `${nodes} nodes ready`, value: performance.now() - startedAt, unit: "ms" };
    yield { what: "memory with the nodes", value: memory(), unit: "MiB" };
    const cpuBefore = cpuTime();
    const { boundMs, readyMs, ready } = await comeUp(cluster, replicas, { limitMs });
    if (ready === replicas) {
      yield { what: "all bound", value: boundMs, unit: "ms" };
      yield { what: "all ready", value: readyMs, unit: "ms" };
    } else yield { what: `ready of ${replicas} after ${limitMs / 60_000} minutes`, value: ready, unit: "pods" };
    yield { what: "for each pod", value: (cpuTime() - cpuBefore) / ready, unit: "ms CPU" };
    yield { what: `memory with ${ready} pods`, value: memory(), unit: "MiB" };
  },
};

function memory(): number {
  return process.memoryUsage().rss / 2 ** 20;
}
