import { type Cluster, type Pod, pod, startCluster } from "../mod.ts";
import { benchImage, enginePairTimes, engineTimes, openEngine, openSwarm, swarmTimes } from "./docker_peer.ts";
import { type Bench, type Figure, percentile } from "./figure.ts";

/** How many pods at a time, and how often: the first time of each is not counted, since it loads what later ones find loaded. */
const sizes: readonly { readonly count: number; readonly turns: number }[] = [
  { count: 1, turns: 11 },
  { count: 10, turns: 4 },
  { count: 50, turns: 2 },
];

/** How long pods take from apply to Ready, one and many at a time, beside what Docker and Docker Swarm take for containers. */
export const bench: Bench = {
  about:
    "apply to Ready of pods side by side: processes; in Docker, beside its own create and start of as many containers, of as many pairs of containers that share a network (what a pod is) and a service of Swarm with as many replicas, in turns",
  async *run(): AsyncGenerator<Figure> {
    {
      await using cluster = await startCluster({ runtime: "process" });
      for (const { count, turns } of sizes) {
        const times = await inTurns(turns, { pods: () => podTimes(cluster, count) });
        yield* figures(`${count} process pods`, times["pods"] ?? [], {}, count === 1 ? 150 : undefined);
      }
    }
    const engine = await openEngine();
    if (!engine) return;
    await using swarm = await openSwarm(engine);
    await using cluster = await startCluster({ runtime: "docker", podInfraImage: benchImage });
    for (const { count, turns } of sizes) {
      const {
        pods = [],
        docker = [],
        pair = [],
        swarm: replicas = [],
      } = await inTurns(turns, {
        docker: () => engineTimes(engine, count),
        pair: () => enginePairTimes(engine, count),
        pods: () => podTimes(cluster, count),
        ...(swarm ? { swarm: () => swarmTimes(engine, count) } : {}),
      });
      yield* figures(`${count} Docker pods`, pods, { docker, pair, swarm: replicas }, percentile(pair, 50) + 100);
    }
  },
};

function* figures(
  what: string,
  times: readonly number[],
  beside: Readonly<Record<string, readonly number[]>>,
  goal: number | undefined,
): Generator<Figure> {
  for (const percent of [50, 99]) {
    const others = Object.entries(beside).filter(([, values]) => values.length > 0);
    yield {
      what: `${what}, p${percent}`,
      value: percentile(times, percent),
      unit: "ms",
      beside: Object.fromEntries(others.map(([name, values]) => [name, percentile(values, percent)])),
      ...(goal === undefined || percent !== 50 ? {} : { goal }),
    };
  }
}

/** Takes every measurement by turns, and gives all its values but those of the first turn. */
async function inTurns(
  turns: number,
  measurements: Readonly<Record<string, () => Promise<readonly number[]>>>,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const all: Record<string, number[]> = {};
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, measure] of Object.entries(measurements)) {
      const values = await measure();
      if (turn > 0) all[name] = [...(all[name] ?? []), ...values];
    }
  }
  return all;
}

let made = 0;

/** Applies pods side by side; milliseconds of each, until a watch shows it Ready. They are gone when this resolves. */
async function podTimes({ client }: Cluster, count: number): Promise<readonly number[]> {
  const names = Array.from({ length: count }, () => `pod-${made++}`);
  const startedAt = new Map<string, number>();
  const times: number[] = [];
  const left = new Set(names);
  const gone = new AbortController();
  const watching = (async () => {
    for await (const { type, object } of client.watch(pod, { namespace: "default", signal: gone.signal })) {
      if (type === "BOOKMARK") continue;
      const { name = "" } = object.metadata;
      const began = startedAt.get(name);
      if (began !== undefined && isReady(object)) {
        times.push(performance.now() - began);
        startedAt.delete(name);
        if (times.length === count) {
          for (const one of names)
            void client.delete(pod, { namespace: "default", name: one }, { gracePeriodSeconds: 0 });
        }
      }
      if (type === "DELETED" && left.delete(name) && left.size === 0) gone.abort();
    }
  })();
  await Promise.all(
    names.map(async (name) => {
      startedAt.set(name, performance.now());
      await client.create(pod, podNamed(name));
    }),
  );
  await watching;
  return times;
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
}

function podNamed(name: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image: benchImage, command: ["sleep", "1000000"] }],
    },
  };
}
