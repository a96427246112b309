import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { event as eventKind } from "../../core/kinds/event.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { seededRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import type { NodeFigures } from "../../node_daemon/kubelet/eviction/eviction_manager.ts";
import type { Observation, Signal } from "../../node_daemon/kubelet/eviction/signals.ts";
import { type EvictionTexts, evictionConfig } from "../../node_daemon/kubelet/eviction/thresholds.ts";
import { startNode } from "../../node_daemon/node.ts";
import { openTestNode, type TestNode } from "./kubelet/cluster.ts";

const mebi = 2 ** 20;
const app = { name: "app", image: "img:1", command: ["run"] };
const running = ({ status }: Pod) => status?.phase === "Running";
const failed = ({ status }: Pod) => status?.phase === "Failed";

/** A node daemon whose figures are the test's: what is left, and what each pod uses (by its name, in MiB). */
async function openShortNode(texts: EvictionTexts) {
  const world = await openTestNode(undefined, { kubelet: false });
  const left = new Map<Signal, number | (() => Promise<number>)>();
  const uses = new Map<string, number>();
  const written = new Map<string, number>();
  const time = "2026-01-01T00:00:00Z";
  const figures: NodeFigures = {
    async observe() {
      const observations = new Map<Signal, Observation>();
      for (const [signal, amount] of left) {
        const available = typeof amount === "number" ? amount : await amount();
        observations.set(signal, { available, capacity: 1000 * mebi });
      }
      return { observations, layout: { imagesApart: false } };
    },
    uses: async (pods) =>
      new Map(
        pods.map(({ metadata: { name = "", namespace = "", uid = "" } }) => {
          const memory = { time, workingSetBytes: (uses.get(name) ?? 0) * mebi };
          const fs = { time, usedBytes: (written.get(name) ?? 0) * mebi };
          const containers = [{ name: "app", cpu: { time }, memory, logs: fs }];
          return [uid, { podRef: { name, namespace, uid }, memory, containers, "ephemeral-storage": fs }];
        }),
      ),
  };
  const daemon = await startNode({
    client: world.client,
    nodeName: "node-1",
    nodeIPs: ["127.0.0.1"],
    rootDir: world.rootDir,
    runtime: world.runtime,
    podCidr: "127.64.1.0/24",
    proxy: false,
    care: { eviction: evictionConfig(texts), figures },
    clock: world.clock,
    random: seededRandom(3),
    log: silentLogger,
  });
  return {
    world,
    left,
    uses,
    written,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

const condition = async (world: TestNode, type: string) =>
  (await world.client.get(nodeKind, { name: "node-1" })).status?.conditions?.find((one) => one.type === type);

/** Moves time until it is so: how many looks that takes is the daemon's affair. */
async function later(world: TestNode, check: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 120; turn++) {
    if (await check()) return;
    await world.advance(1000);
  }
  throw new Error("never came true");
}

it("a node short of memory ends the pod that uses most beyond its request, says so, and takes no pod without requests", async () => {
  await using node = await openShortNode({ hard: { "memory.available": "100Mi" } });
  const { world, left, uses } = node;
  const asking = (memory: string) => ({ containers: [{ ...app, resources: { requests: { memory } } }] });
  await world.run(asking("300Mi"), { name: "modest" });
  await world.run(asking("64Mi"), { name: "greedy" });
  await world.run({ ...asking("64Mi"), priority: 2_000_000_000 }, { name: "critical" });
  for (const name of ["modest", "greedy", "critical"]) await world.until(running, name);
  uses.set("modest", 200).set("greedy", 150).set("critical", 500);
  left.set("memory.available", 50 * mebi);
  await later(world, async () => failed(await world.get("greedy")));
  left.set("memory.available", 400 * mebi);
  const message =
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. " +
    "Container app was using 150Mi, request is 64Mi, has larger consumption of memory. ";
  const { status } = await world.get("greedy");
  expect(status).toMatchObject({ reason: "Evicted", message });
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message }),
  );
  await world.soon(async () => (await world.events()).includes(`Evicted: ${message}`));
  await world.soon(async () => (await condition(world, "MemoryPressure"))?.status === "True");
  expect(await condition(world, "MemoryPressure")).toMatchObject({
    reason: "KubeletHasInsufficientMemory",
    message: "kubelet has insufficient memory available",
  });
  await world.soon(async () => {
    const { items } = await world.client.list(eventKind, { namespace: "default" });
    return items.some(
      ({ reason, message }) => reason === "EvictionThresholdMet" && message === "Attempting to reclaim memory",
    );
  });

  // As long as the condition stands.
  await world.run({}, { name: "late" });
  const refused = await world.until(failed, "late");
  expect(refused.status).toMatchObject({
    reason: "Evicted",
    message: "Pod was rejected: The node had condition: [MemoryPressure]. ",
  });
  await world.advance(330_000, 10_000);
  await world.soon(async () => (await condition(world, "MemoryPressure"))?.status === "False");
  await world.run({}, { name: "later" });
  await world.until(running, "later");
  for (const name of ["modest", "critical"]) expect((await world.get(name)).status?.phase).toBe("Running");
});

it("a node that stays short ends one pod after the other, and never a critical one", async () => {
  await using node = await openShortNode({ hard: { "memory.available": "100Mi" } });
  const { world, left, uses } = node;
  await world.run({}, { name: "a" });
  await world.run({}, { name: "b" });
  await world.run({ priority: 2_000_000_000 }, { name: "critical" });
  for (const name of ["a", "b", "critical"]) await world.until(running, name);
  uses.set("a", 10).set("b", 20).set("critical", 500);
  left.set("memory.available", mebi);
  await later(world, async () => failed(await world.get("b")));
  await later(world, async () => failed(await world.get("a")));
  await world.advance(60_000, 10_000);
  expect((await world.get("critical")).status?.phase).toBe("Running");
});

it("a pod that writes more than its limit of ephemeral-storage is evicted, and no other", async () => {
  await using node = await openShortNode({ hard: {} });
  const { world, written } = node;
  const limited = { containers: [{ ...app, resources: { limits: { "ephemeral-storage": "64Mi" } } }] };
  await world.run(limited, { name: "over" });
  await world.run(limited, { name: "under" });
  await world.run({}, { name: "unlimited" });
  for (const name of ["over", "under", "unlimited"]) await world.until(running, name);
  written.set("over", 65).set("under", 64).set("unlimited", 5000);
  await later(world, async () => failed(await world.get("over")));
  const message = "Pod ephemeral local storage usage exceeds the total limit of containers 64Mi. ";
  expect((await world.get("over")).status).toMatchObject({ reason: "Evicted", message });
  await world.advance(120_000, 10_000);
  for (const name of ["under", "unlimited"]) expect((await world.get(name)).status?.phase).toBe("Running");
});

it("a pod that fills an emptyDir beyond its limit is evicted within seconds, in Kubernetes' words", async () => {
  await using node = await openShortNode({ hard: {} });
  const { world } = node;
  const volumes = [{ name: "cache", emptyDir: { sizeLimit: "64Ki" } }];
  const { metadata } = await world.run({ volumes });
  await world.until(running);
  const folder = join(world.rootDir, "pods", metadata.uid ?? "", "volumes/emptyDir/cache");
  await writeFile(join(folder, "small"), Buffer.alloc(1024, 1));
  await world.advance(25_000);
  expect((await world.get()).status?.phase).toBe("Running");
  await writeFile(join(folder, "large"), Buffer.alloc(128 * 1024, 1));
  await later(world, async () => failed(await world.get()));
  const message = 'Usage of EmptyDir volume "cache" exceeds the limit "64Ki". ';
  expect((await world.get()).status).toMatchObject({ reason: "Evicted", message });
  await world.soon(async () => (await world.events()).includes(`Evicted: ${message}`));
});

it("a soft threshold ends nobody before its grace period is over", async () => {
  const texts = {
    hard: {},
    soft: { "memory.available": "200Mi" },
    softGracePeriod: { "memory.available": "1m" },
  };
  await using node = await openShortNode(texts);
  const { world, left } = node;
  await world.run({});
  await world.until(running);
  left.set("memory.available", 150 * mebi);
  await world.advance(50_000, 10_000);
  await world.soon(async () => (await condition(world, "MemoryPressure"))?.status === "True");
  expect(running(await world.get())).toBe(true);
  await later(world, async () => failed(await world.get()));
});

it("a node short of processes ends pods by priority until the minimum is given back, and says so for the transition period", async () => {
  const texts = { hard: { "pid.available": "100" }, minimumReclaim: { "pid.available": "50" } };
  await using node = await openShortNode(texts);
  const { world, left } = node;
  left.set("pid.available", 200);
  for (const [name, priority] of [
    ["first", 10],
    ["second", 1000],
    ["last", 2000],
  ] as const) {
    await world.run({ containers: [app], priority }, { name });
    await world.until(running, name);
  }
  left.set("pid.available", 90);
  await later(world, async () => failed(await world.get("first")));
  expect((await world.get("first")).status).toMatchObject({
    reason: "Evicted",
    message: "The node was low on resource: pids. Threshold quantity: 100, available: 90. ",
  });
  expect(await condition(world, "PIDPressure")).toMatchObject({ status: "True", reason: "KubeletHasInsufficientPID" });
  // Enough by the threshold, and not by what has to be given back.
  left.set("pid.available", 120);
  await later(world, async () => failed(await world.get("second")));
  left.set("pid.available", 160);
  const since = world.clock.monotonic();
  for (let minute = 0; minute < 7; minute++) {
    if ((await condition(world, "PIDPressure"))?.status === "False") break;
    await world.advance(60_000, 10_000);
  }
  expect(await condition(world, "PIDPressure")).toMatchObject({ status: "False", reason: "KubeletHasSufficientPID" });
  expect(world.clock.monotonic() - since).toBeGreaterThanOrEqual(240_000);
  expect(running(await world.get("last"))).toBe(true);
});

it("a full disk gives back the dead containers of pods that have ended before a pod has to go", async () => {
  await using node = await openShortNode({ hard: { "nodefs.available": "10%" } });
  const { world, left } = node;
  await world.run({ restartPolicy: "Never" }, { name: "done" });
  await world.until(running, "done");
  await world.run({}, { name: "web" });
  await world.until(running, "web");
  const { signal } = new AbortController();
  const containersOf = async (name: string) => {
    const { uid = "" } = (await world.get(name)).metadata;
    return await world.runtime.listContainers({ podUid: uid, signal });
  };
  for (const { id } of await containersOf("done")) world.runtime.exit(id, 0);
  await world.until(({ status }) => status?.phase === "Succeeded", "done");
  left.set("nodefs.available", async () => ((await containersOf("done")).length > 0 ? 50 : 500) * mebi);
  await later(world, async () => (await containersOf("done")).length === 0);
  await world.soon(async () => (await condition(world, "DiskPressure"))?.status === "True");
  const { status } = await world.get("done");
  expect(status?.phase).toBe("Succeeded");
  expect(status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
  await world.advance(60_000, 10_000);
  expect((await world.get("web")).status?.phase).toBe("Running");
});
