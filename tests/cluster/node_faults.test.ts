import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { lease as leaseKind } from "../../core/kinds/lease.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { patienceMs } from "../patience.ts";
import { shellPod } from "./manifests.ts";

/** How far the wall clock of master and node is off. What they measure times with is not. */
let offsetMs = 0;
const clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
const weekMs = 7 * 86_400_000;
const maxPods = 110;
const onDeno = "Deno" in globalThis;
let cluster: Cluster;
let nodeName = "";

beforeAll(async () => {
  cluster = await startCluster({ clock });
  nodeName = cluster.nodes[0] ?? "";
}, 2 * patienceMs);
afterAll(() => cluster[Symbol.asyncDispose](), 4 * patienceMs);

const key = (name: string) => ({ namespace: "default", name });
const first = ({ status }: Pod) => status?.containerStatuses?.[0];
const seen = (name: string, predicate: (pod: Pod) => boolean, timeoutMs = patienceMs) =>
  cluster.waitFor(podKind, key(name), { predicate, timeoutMs });
const isRunning = (pod: Pod) => first(pod)?.state?.running !== undefined;

/** A pod that costs as little as a process can. */
function smallPod(name: string, spec: object = {}): Pod {
  const pod = shellPod(name, "exec sleep 1000");
  const shared = { automountServiceAccountToken: false, hostPID: true, hostIPC: true };
  return { ...pod, spec: { ...pod.spec, ...shared, ...spec } };
}

describe("a node of processes", () => {
  it("goes on when the clock is set a week forward, then two back: nothing restarts, pods start and end, it stays ready", async () => {
    const probe = { exec: { command: ["true"] }, periodSeconds: 1 };
    const [container] = smallPod("steady").spec.containers;
    await cluster.apply(
      smallPod("steady", { containers: [{ ...container, livenessProbe: probe, readinessProbe: probe }] }),
    );
    const before = await seen("steady", (pod) => first(pod)?.ready === true);
    for (const offset of [weekMs, -weekMs]) {
      offsetMs = offset;
      await cluster.apply(smallPod(`after-${offset > 0}`));
      await seen(`after-${offset > 0}`, isRunning);
      await cluster.client.delete(podKind, key(`after-${offset > 0}`));
      await cluster.waitFor(podKind, key(`after-${offset > 0}`), { deleted: true, timeoutMs: patienceMs });
      expect(first(await cluster.client.get(podKind, key("steady")))).toEqual(first(before));
    }
    // The lease goes by the new time soon, however long ago the old one says that the next is due.
    await cluster.waitFor(
      leaseKind,
      { namespace: "kube-node-lease", name: nodeName },
      {
        predicate: ({ spec }) => Math.abs(Date.parse(spec?.renewTime ?? "") - clock.now()) < 60_000,
        timeoutMs: patienceMs,
      },
    );
    const { status } = await cluster.client.get(nodeKind, { name: nodeName });
    expect(status?.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  });

  // It takes a quarter of a minute of the processor: what differs between the two is tested with fewer pods.
  it.skipIf(onDeno)(
    "runs 110 pods, each with an address of its own, and no more, whoever sends them",
    async () => {
      const { items } = await cluster.client.list(podKind, { namespace: "default" });
      const names = Array.from({ length: maxPods - items.length }, (_, index) => `full-${index}`);
      await cluster.apply(names.map((name) => smallPod(name)));
      const pods = await Promise.all(names.map((name) => seen(name, isRunning, 4 * patienceMs)));
      const addresses = [...items, ...pods].map(({ status }) => status?.podIP);
      expect(new Set(addresses).size).toBe(maxPods);

      await cluster.apply([smallPod("sent", { nodeName }), smallPod("scheduled")]);
      const { status } = await seen("sent", (pod) => pod.status?.phase === "Failed");
      expect(status).toMatchObject({
        reason: "OutOfpods",
        message: "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110",
      });
      const waiting = await seen("scheduled", (pod) => pod.status?.conditions !== undefined);
      expect(waiting.status?.conditions?.[0]).toMatchObject({
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: expect.stringMatching(/^0\/1 nodes are available: 1 Too many pods\./),
      });
    },
    6 * patienceMs,
  );
});
