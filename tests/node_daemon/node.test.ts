import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { event as eventKind } from "../../core/kinds/event.ts";
import { lease } from "../../core/kinds/lease.ts";
import { namespace } from "../../core/kinds/namespace.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { createAuthority, fingerprint } from "../../core/platform/certificates.ts";
import { machineFacts } from "../../core/platform/machine.ts";
import { seededRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import { evictionConfig } from "../../node_daemon/kubelet/eviction/thresholds.ts";
import { startNode } from "../../node_daemon/node.ts";
import { type NodeCarePolicy, playedCare, workstationCare } from "../../node_daemon/node_care.ts";
import { openTestNode, type TestNode } from "./kubelet/cluster.ts";

const key = { name: "node-1" };

async function start(world: TestNode, rest: object = {}) {
  const name = "kube-node-lease";
  await world.client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name } }).catch(() => {});
  return await startNode({
    client: world.client,
    nodeName: "node-1",
    nodeIPs: ["127.0.0.1"],
    rootDir: world.rootDir,
    runtime: world.runtime,
    proxy: false,
    // Whether this machine swaps, what it searches names in, and how full its disk is, is not what is tested.
    machine: { ...machineFacts(), swapBytes: 0 },
    resolvConf: "",
    care: workstationCare,
    clock: world.clock,
    random: seededRandom(3),
    log: silentLogger,
    ...rest,
  });
}

/** Resolves when the node's Ready condition has this status: how fast a daemon hears of its runtime is not ours to say. */
const untilReady = (world: TestNode, status: "True" | "False") =>
  world.soon(async () => (await ready(world))?.status === status);

const ready = async (world: TestNode) =>
  (await world.client.get(nodeKind, key)).status?.conditions?.find(({ type }) => type === "Ready");

/** Registers the node and ends its daemon. */
async function registeredVersion(world: TestNode) {
  await using _daemon = await start(world);
  return (await world.client.get(nodeKind, key)).metadata;
}

describe("startNode()", () => {
  it("registers the node with what it is and has", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    await using _daemon = await start(world, { labels: { zone: "a" }, taints: [{ key: "x", effect: "NoSchedule" }] });
    const node = await world.client.get(nodeKind, key);
    expect(node.metadata.labels).toMatchObject({
      "kubernetes.io/hostname": "node-1",
      "kubernetes.io/os": process.platform,
      zone: "a",
    });
    expect(node.spec?.taints).toEqual([{ key: "x", effect: "NoSchedule" }]);
    expect(node.status?.addresses).toEqual([
      { type: "InternalIP", address: "127.0.0.1" },
      { type: "Hostname", address: "node-1" },
    ]);
    expect(node.status?.allocatable).toMatchObject({ pods: "110" });
    expect(node.status?.nodeInfo?.containerRuntimeVersion).toBe("fake://1.0.0");
    expect(node.status?.conditions?.map(({ type, status }) => `${type} ${status}`).sort()).toEqual([
      expect.stringMatching(/^DiskPressure /),
      expect.stringMatching(/^MemoryPressure /),
      "PIDPressure False",
      "Ready True",
    ]);
  });

  it("tells of its start, and of all conditions of a Node that it made, but not of those of one that was there", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const counts = async () => {
      const { items } = await world.client.list(eventKind, { namespace: "default" });
      const totals: Record<string, number> = {};
      for (const { reason = "", count = 0 } of items) totals[reason] = (totals[reason] ?? 0) + count;
      return totals;
    };
    {
      await using _daemon = await start(world);
      await world.soon(async () => Object.keys(await counts()).length === 5);
    }
    const first = await counts();
    expect(first).toMatchObject({ Starting: 1, NodeHasNoDiskPressure: 1, NodeHasSufficientPID: 1, NodeReady: 1 });
    // Two events at one moment, by randomness from one seed, would have one name.
    await world.advance(1000);
    await using _again = await start(world);
    await world.soon(async () => (await counts())["Starting"] === 2);
    expect(await counts()).toEqual({ ...first, Starting: 2 });
  });

  it("tells of memory that may end up on a disk, and of a resolv.conf that pods lose something of", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const resolvConf = join(world.rootDir, "resolv.conf");
    await writeFile(resolvConf, `search ${Array.from({ length: 30 }, (_, at) => `s${at}`).join(" ")}\n`);
    const machine = { ...machineFacts(), operatingSystem: "linux", kernelVersion: "5.15.0", swapBytes: 1024 };
    await using _daemon = await start(world, { machine, resolvConf });
    const told = async () =>
      (await world.client.list(eventKind, { namespace: "default" })).items.map(({ reason }) => reason);
    for (const reason of ["PossibleMemoryBackedVolumesOnDisk", "CheckLimitsForResolvConf"])
      await world.soon(async () => (await told()).includes(reason));
  });

  it("tells why it does not start", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const { certificate } = await createAuthority({ commonName: "test", clock: { now: () => Date.now() } });
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const options = { clientCa: certificate, serverAddress: "127.0.0.1", serverPort: port };
    await expect(start(world, options)).rejects.toThrow("EADDRINUSE");
    const { items } = await world.client.list(eventKind, { namespace: "default" });
    expect(items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)).toEqual([
      expect.stringMatching(/^Warning KubeletSetupFailed: .*EADDRINUSE/),
    ]);
    expect(items[0]?.involvedObject).toMatchObject({ kind: "Node", name: "node-1" });
  });

  it("renews its lease every 10 seconds", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    await using _daemon = await start(world);
    const leaseKey = { namespace: "kube-node-lease", name: "node-1" };
    await world.idle();
    const before = await world.client.get(lease, leaseKey);
    expect(before.spec).toMatchObject({ holderIdentity: "node-1", leaseDurationSeconds: 40 });
    expect(before.metadata.ownerReferences?.[0]).toMatchObject({ kind: "Node", name: "node-1" });
    await world.advance(10_000);
    const after = await world.client.get(lease, leaseKey);
    expect(Date.parse(after.spec?.renewTime ?? "") - Date.parse(before.spec?.renewTime ?? "")).toBe(10_000);
  });

  it("is not ready while the runtime does not answer, and writes nothing while nothing changes", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    await using _daemon = await start(world);
    const { resourceVersion } = (await world.client.get(nodeKind, key)).metadata;
    await world.advance(60_000, 10_000);
    expect((await world.client.get(nodeKind, key)).metadata.resourceVersion).toBe(resourceVersion);
    world.runtime.setHealthy(false);
    await world.advance(10_000, 10_000);
    await untilReady(world, "False");
    expect(await ready(world)).toMatchObject({ status: "False", reason: "ContainerRuntimeUnhealthy" });
    world.runtime.setHealthy(true);
    await world.advance(10_000, 10_000);
    await untilReady(world, "True");
    expect(await ready(world)).toMatchObject({ status: "True", reason: "KubeletReady" });
    await world.advance(300_000, 10_000);
    const heartbeat = (await ready(world)) as { lastHeartbeatTime?: string } | undefined;
    expect(Date.parse(heartbeat?.lastHeartbeatTime ?? "")).toBeGreaterThanOrEqual(world.clock.now() - 10_000);
  });

  it("registers again when its Node was deleted", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    await using _daemon = await start(world);
    await world.client.delete(nodeKind, key);
    await world.advance(20_000, 10_000);
    expect(await ready(world)).toMatchObject({ status: "True" });
  });

  it("registers at once, however busy others are with its Node", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const { resourceVersion } = await registeredVersion(world);
    await world.client.patch(nodeKind, key, { type: "merge", body: { metadata: { annotations: { theirs: "0" } } } });
    let reads = 0;
    const client = new Proxy(world.client, {
      get(target, member) {
        if (member !== "get") {
          const value: unknown = Reflect.get(target, member, target);
          return typeof value === "function" ? value.bind(target) : value;
        }
        // The Node is changed between every read of it and the write that follows, three times.
        return async (...args: Parameters<typeof target.get>) => {
          const found = await target.get(...args);
          const body = { metadata: { annotations: { theirs: String(++reads) } } };
          if (reads <= 3) await target.patch(nodeKind, key, { type: "merge", body });
          return found;
        };
      },
    });
    // Time stands still: what waits before it tries again would wait for ever.
    await using _daemon = await start(world, { client, labels: { zone: "b" } });
    const { metadata } = await world.client.get(nodeKind, key);
    expect(metadata.labels).toMatchObject({ zone: "b" });
    expect(BigInt(metadata.resourceVersion ?? 0)).toBeGreaterThan(BigInt(resourceVersion ?? 0));
  });

  it("gives addresses from the Node's pod range, once it is there, and says what a pod waits for", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    await using _daemon = await start(world);
    await world.run({});
    await world.idle();
    expect((await world.get()).status?.podIP).toBeUndefined();
    await world.advance(2000);
    await world.soon(async () =>
      (await world.events()).includes(
        "NetworkNotReady: network is not ready: the node has no range of addresses for pods",
      ),
    );
    const body = { spec: { podCIDR: "127.64.9.0/24", podCIDRs: ["127.64.9.0/24"] } };
    await world.client.patch(nodeKind, key, { type: "merge", body });
    await world.until(({ status }) => status?.podIP === "127.64.9.1");
  });

  it("makes its pods' range this host's own only where programs listen on it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wherry-ip-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "ip"), `#!/bin/sh\necho "$*" >> ${folder}/calls\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const callsOf = async (listensOnPodIP: boolean) => {
      rmSync(join(folder, "calls"), { force: true });
      await using world = await openTestNode(undefined, { kubelet: false });
      Object.defineProperty(world.runtime, "listensOnPodIP", { value: listensOnPodIP });
      const daemon = await start(world, { podCidr: "10.254.77.0/24" });
      await world.run({});
      await world.until(({ status }) => status?.phase === "Running");
      await daemon[Symbol.asyncDispose]();
      return existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8") : "";
    };
    expect(await callsOf(true)).toBe(
      "route replace local 10.254.77.0/24 dev lo\nroute del local 10.254.77.0/24 dev lo\n",
    );
    expect(await callsOf(false)).toBe("");
  });

  it("is short of nothing that the machine is short of, when its containers are played", async () => {
    const eviction = evictionConfig({ hard: { "memory.available": "99%" } });
    const pressureWith = async (care: NodeCarePolicy) => {
      await using world = await openTestNode(undefined, { kubelet: false });
      await using _daemon = await start(world, { care: { ...care, eviction } });
      return (await world.client.get(nodeKind, key)).status?.conditions?.find(({ type }) => type === "MemoryPressure");
    };
    expect(await pressureWith(workstationCare)).toMatchObject({ status: "True" });
    expect(await pressureWith(playedCare)).toMatchObject({ status: "False" });
  });

  it("tells pods of its first address of each family, however many it has", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const nodeIPs = ["127.0.0.1", "127.0.0.2", "::1", "2001:db8::1"];
    await using _daemon = await start(world, { nodeIPs, podCidr: "127.64.9.0/24" });
    await world.run({ hostNetwork: true });
    const { status } = await world.until(({ status }) => status?.phase === "Running");
    const both = [{ ip: "127.0.0.1" }, { ip: "::1" }];
    expect(status).toMatchObject({ hostIP: "127.0.0.1", hostIPs: both, podIP: "127.0.0.1", podIPs: both });
    expect(status?.hostIPs).toHaveLength(2);
    const { addresses } = (await world.client.get(nodeKind, key)).status ?? {};
    expect(addresses?.map(({ address }) => address)).toEqual([...nodeIPs, "node-1"]);
  });

  it("serves its own port, and says by which certificate it is known", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const { certificate } = await createAuthority({ commonName: "test", clock: { now: () => Date.now() } });
    await using daemon = await start(world, { clientCa: certificate, serverAddress: "127.0.0.1", serverPort: 0 });
    const node = await world.client.get(nodeKind, key);
    expect(daemon.port).toBeGreaterThan(0);
    expect(node.status?.daemonEndpoints).toEqual({ kubeletEndpoint: { Port: daemon.port } });
    expect(node.metadata.annotations?.["wherry.dev/serving-certificate-sha256"]).toHaveLength(
      fingerprint(certificate).length,
    );
  });

  it("refuses a folder that another daemon uses, until that has ended", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const first = await start(world);
    await expect(start(world, { nodeName: "node-2" })).rejects.toThrow(
      `Cannot start the node: ${world.rootDir} is in use by this process (process ${process.pid})`,
    );
    await first[Symbol.asyncDispose]();
    await using _second = await start(world);
  });

  it("leaves pods running when it ends, or drains them when told to", async () => {
    await using world = await openTestNode(undefined, { kubelet: false });
    const running = async () =>
      (await world.runtime.listContainers({ signal: new AbortController().signal })).filter(
        ({ state }) => state === "running",
      ).length;
    const first = await start(world, { podCidr: "127.64.9.0/24" });
    await world.run({});
    await world.until(({ status }) => status?.phase === "Running");
    await first[Symbol.asyncDispose]();
    expect(await running()).toBe(1);
    const second = await start(world, { podCidr: "127.64.9.0/24", drainOnExit: true });
    await world.idle();
    await second[Symbol.asyncDispose]();
    expect(await running()).toBe(0);
    expect((await world.get()).status).toMatchObject({ phase: "Failed", reason: "Terminated" });
  });
});
