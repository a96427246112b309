import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Cluster, type Pod, type Probe, pod, startCluster } from "../mod.ts";
import { type Bench, type Figure, median, timed } from "./figure.ts";

/** How long until a pod that was applied is ready. */
export const bench: Bench = {
  about: "apply to Ready: scheduled, started by the kubelet, its status written and seen by a watch",
  async *run(): AsyncGenerator<Figure> {
    const bare: number[] = [];
    for (let turn = 0; turn < 10; turn++)
      bare.push(await timed(async () => once(spawn("sh", ["-c", "exit 0"], { stdio: "ignore" }), "close")));
    {
      await using cluster = await startCluster();
      yield {
        what: "process pod",
        value: await applyToReady(cluster),
        unit: "ms",
        goal: 200,
        beside: { "sh -c 'exit 0'": median(bare) },
      };
      const probe = { exec: { command: ["true"] }, periodSeconds: 10 };
      yield { what: "process pod with a readiness probe", value: await applyToReady(cluster, probe), unit: "ms" };
    }
    await using fake = await startCluster({ runtime: "fake" });
    yield { what: "fake pod", value: await applyToReady(fake), unit: "ms", goal: 20 };
  },
};

const turns = 12;

async function applyToReady(cluster: Cluster, readinessProbe?: Probe): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const name = `pod-${turn}-${readinessProbe ? "probed" : "plain"}`;
    const wanted: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default" },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: "main",
            image: "none",
            command: ["sleep", "1000"],
            ...(readinessProbe ? { readinessProbe } : {}),
          },
        ],
      },
    };
    const key = { namespace: "default", name };
    times.push(
      await timed(async () => {
        await cluster.apply(wanted);
        await cluster.waitFor(pod, key, { condition: "Ready" });
      }),
    );
    await cluster.client.delete(pod, key, { gracePeriodSeconds: 0 });
  }
  // The first loads what the others find loaded.
  return median(times.slice(1));
}
