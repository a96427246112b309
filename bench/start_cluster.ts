import process from "node:process";
import { namespace, startCluster } from "../mod.ts";
import { inFreshProcess, output } from "./child.ts";
import { type Bench, type Figure, median, timed } from "./figure.ts";

interface Cold {
  readonly importMs: number;
  readonly totalMs: number;
  /** Of the whole process, its own start included. */
  readonly cpuMs: number;
}

/** How long until a cluster answers. */
export const bench: Bench = {
  about: "startCluster() to its first answered list: API over TLS, controllers, scheduler, a node with its proxy",
  async *run(): AsyncGenerator<Figure> {
    const cold: Cold[] = [];
    const bare: number[] = [];
    for (let turn = 0; turn < 7; turn++) {
      cold.push(await inFreshProcess<Cold>("start_cluster_child"));
      bare.push(await timed(() => output([process.execPath, "-e", "0"])));
    }
    const warm: number[] = [];
    const stop: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      const startedAt = performance.now();
      const cluster = await startCluster();
      await cluster.client.list(namespace);
      warm.push(performance.now() - startedAt);
      stop.push(await timed(() => cluster[Symbol.asyncDispose]()));
    }
    yield {
      what: "cold: import and start, in a fresh process",
      value: median(cold.map(({ totalMs }) => totalMs)),
      unit: "ms",
      goal: 150,
      beside: { "node -e 0": median(bare) },
    };
    yield { what: "  of which import", value: median(cold.map(({ importMs }) => importMs)), unit: "ms" };
    yield { what: "  that process, all in all", value: median(cold.map(({ cpuMs }) => cpuMs)), unit: "ms CPU" };
    // The first in this process is not warm yet.
    yield { what: "warm: another one in the same process", value: median(warm.slice(1)), unit: "ms", goal: 50 };
    yield { what: "stop", value: median(stop), unit: "ms" };
  },
};
