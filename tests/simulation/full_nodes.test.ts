import { describe, expect, it } from "vitest";
import { simulatedComponents } from "../../cluster/simulation/interruptions.ts";
import type { SimulatedCluster } from "../../cluster/simulation/simulated_cluster.ts";
import { startCluster } from "../../cluster/start_cluster.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { ignoreReason } from "../../core/api/status.ts";
import { createInformers } from "../../core/client/informers.ts";
import { hostPorts, PortTable } from "../../core/kinds/host_ports.ts";
import { node, type Pod, pod } from "../../core/kinds/mod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { addResources, noResources, podRequests, resourceAmounts } from "../../core/kinds/pod_resources.ts";
import { type Random, seededRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import { oneOf, within } from "./_workloads.ts";

/** Each of the four is full at some time. */
const nodeCapacity = { cpu: "4", memory: "4Gi", pods: "7", "example.com/gpu": "2" };
const only = process.env["WHERRY_SEED"];
const seeds = only === undefined ? [1, 2, 3] : [Number(only)];

/** Far more than there is room for: of one resource, a port, or some of it all. */
function aPod(index: number, random: Random): KubeObject {
  const requests = {
    ...oneOf(random, [{ cpu: `${within(random, 1, 8) * 250}m` }, { memory: `${within(random, 1, 8) * 256}Mi` }, {}]),
    ...(random() < 0.2 ? { "example.com/gpu": String(within(random, 1, 2)) } : {}),
  };
  const ports = random() < 0.2 ? [{ containerPort: 80, hostPort: within(random, 8000, 8001) }] : [];
  const limits = "example.com/gpu" in requests ? { "example.com/gpu": requests["example.com/gpu"] } : {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name: `p-${index}` },
    spec: {
      containers: [{ name: "c", image: "app:1", resources: { requests, limits }, ports }],
      terminationGracePeriodSeconds: within(random, 0, 5),
      ...(random() < 0.3 ? { priorityClassName: "urgent" } : {}),
    },
  } as KubeObject;
}

/** What nodes have too much of, whenever a pod gets one. */
async function overfull({ client }: SimulatedCluster, pods: readonly Pod[]): Promise<readonly string[]> {
  const { items: nodes } = await client.list(node);
  return nodes.flatMap(({ metadata: { name = "" }, status }) => {
    const there = pods.filter((one) => one.spec.nodeName === name && !isPodTerminal(one));
    const room = resourceAmounts(status?.allocatable);
    const used = there.map(podRequests).reduce(addResources, noResources);
    const ports = new PortTable();
    const clashes = there.flatMap((one) => {
      const clash = hostPorts(one).some((port) => ports.conflicts(port));
      ports.add(hostPorts(one));
      return clash ? ["ports"] : [];
    });
    const gpus = "example.com/gpu";
    const over = [
      ...(used.milliCpu > room.milliCpu ? ["cpu"] : []),
      ...(used.memoryBytes > room.memoryBytes ? ["memory"] : []),
      ...((used.other.get(gpus) ?? 0) > (room.other.get(gpus) ?? 0) ? [gpus] : []),
      ...(there.length > (room.other.get("pods") ?? 0) ? ["pods"] : []),
    ];
    return [...over, ...clashes].map((what) => `${name} has too many ${what}`);
  });
}

describe("nodes that are full", () => {
  it.each(seeds)(
    "are never given more than they have of anything, with seed %i",
    { timeout: 120_000 },
    async (seed) => {
      const random = seededRandom(seed);
      await using cluster = await startCluster({ clock: "fake", runtime: "fake", nodes: 3, nodeCapacity, seed });
      const { client, clock } = cluster;
      await using informers = createInformers({ client, clock, random: () => 0.5, log: silentLogger });
      const known = informers.informer(pod);
      const looks: Promise<readonly string[]>[] = [];
      known.onChange(({ object }) => {
        if (object.spec.nodeName) looks.push(overfull(cluster, known.list()));
      });
      await cluster.apply({
        apiVersion: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        metadata: { name: "urgent" },
        value: 1000,
      } as KubeObject);
      let pending = 0;
      for (let round = 0; round < 6; round++) {
        for (let index = 0; index < 10; index++) await cluster.apply(aPod(round * 10 + index, random));
        await cluster.restart(oneOf(random, simulatedComponents), { afterWrites: within(random, 1, 6) });
        if (round % 2 === 1) cluster.setFaults({ latencyMs: [0, 400], lost: 0.1 });
        await cluster.advance(within(random, 1000, 8000));
        cluster.setFaults({});
        await cluster.advance("20s");
        const { items } = await client.list(pod);
        pending += items.filter(({ spec }) => !spec.nodeName).length;
        const placed = items.filter(({ spec }) => spec.nodeName);
        for (let index = 0; index < 3; index++) {
          const { metadata } = oneOf(random, placed);
          await client.delete(pod, { namespace: "default", name: metadata.name ?? "" }).catch(ignoreReason("NotFound"));
        }
        await cluster.advance("10s");
      }
      // The room was scarce all the time, else nothing was shown.
      expect(pending).toBeGreaterThan(6);
      expect([...new Set((await Promise.all(looks)).flat())]).toEqual([]);
    },
  );
});
