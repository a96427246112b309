import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventResource } from "../../core/client/resources.ts";
import {
  configMap,
  createClient,
  deployment,
  FakeClock,
  httpTransport,
  isReason,
  namespace,
  node,
  type Pod,
  parseKubeconfig,
  pod,
  type Service,
  service,
  startCluster,
} from "../../mod.ts";
import { patienceMs } from "../patience.ts";
import { fakeDeployment, shellPod } from "./manifests.ts";

const key = (name: string) => ({ namespace: "default", name });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "wherry-cluster-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Moves time on, and lets what runs beside it catch up, until `check` holds. */
async function advanceUntil(clock: FakeClock, check: () => Promise<boolean>, stepMs = 1000): Promise<void> {
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    if (await check()) return;
    await clock.advance(stepMs);
    // What a step has begun goes through many hands before the next.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect.fail("It did not come about");
}

const isReady = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp && status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");

describe("startCluster()", () => {
  it("runs programs as processes: apply, wait, read their logs, run commands in them", async () => {
    await using cluster = await startCluster();
    expect(cluster.runtime).toBe("process");
    expect(cluster.nodes).toEqual(["node-0"]);
    await cluster.apply([shellPod("echo", "echo started; exec sleep 1000")]);
    const ready = await cluster.waitFor(pod, key("echo"), { condition: "Ready" });
    expect(ready.status?.podIP).toMatch(/^127\./);
    for await (const line of cluster.logs(key("echo"), { follow: true })) {
      expect(line).toBe("started");
      break;
    }
    const result = await cluster.exec(key("echo"), ["sh", "-c", "cat; echo wrong >&2; exit 3"], { stdin: "hello" });
    expect(result).toEqual({ code: 3, stdout: "hello", stderr: "wrong\n" });
    await cluster.client.delete(pod, key("echo"));
    await cluster.waitFor(pod, key("echo"), { deleted: true });
  });

  it("offers a typed client: create, list, watch, patch, delete", async () => {
    await using cluster = await startCluster({ nodes: 0 });
    const { client } = cluster;
    expect((await client.list(namespace)).items.map(({ metadata }) => metadata.name)).toContain("default");
    const made = await client.create(configMap, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings", namespace: "default" },
      data: { color: "blue" },
    });
    expect(made.data?.["color"]).toBe("blue");
    const stop = new AbortController();
    const seen: string[] = [];
    // Every namespace has another one: kube-root-ca.crt.
    const watched = { namespace: "default", fieldSelector: "metadata.name=settings", signal: stop.signal };
    for await (const { type, object } of client.watch(configMap, watched)) {
      if (type === "BOOKMARK") continue;
      seen.push(`${type} ${object.data?.["color"]}`);
      if (type === "ADDED")
        await client.patch(configMap, key("settings"), { type: "merge", body: { data: { color: "red" } } });
      if (type === "MODIFIED") await client.delete(configMap, key("settings"));
      if (type === "DELETED") stop.abort();
    }
    expect(seen).toEqual(["ADDED blue", "MODIFIED red", "DELETED red"]);
    await expect(client.get(configMap, key("settings"))).rejects.toSatisfy((error) => isReason(error, "NotFound"));
  });

  it("applies YAML, and tells of what it does not know", async () => {
    await using cluster = await startCluster({ nodes: 0 });
    const [applied] = await cluster.apply("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {n: '1'}\n");
    expect(applied?.metadata.namespace).toBe("default");
    await expect(cluster.apply("kind: ConfgMap\napiVersion: v1\nmetadata: {name: a}\n")).rejects.toThrow(
      'no matches for kind "ConfgMap" in version "v1"; did you mean "ConfigMap"?',
    );
  });

  it("is reached by its kubeconfig, over TLS, with its token only", async () => {
    await using cluster = await startCluster({ nodes: 0 });
    const { clusters, users } = parseKubeconfig(cluster.kubeconfig, "kubeconfig");
    const { server = "", "certificate-authority-data": authority = "" } = clusters?.[0]?.cluster ?? {};
    expect(server).toBe(cluster.url);
    const { token = "" } = users?.[0]?.user ?? {};
    const connect = (token: string) => createClient(httpTransport({ server, ca: atob(authority), token }));
    await using client = connect(token);
    expect((await client.list(namespace)).items.length).toBeGreaterThan(3);
    await using stranger = connect("wrong");
    await expect(stranger.list(namespace)).rejects.toSatisfy((error) => isReason(error, "Unauthorized"));
  });

  it("lives on a fake clock: the pods of a lost node are replaced when their tolerations end", async () => {
    const clock = new FakeClock();
    await using cluster = await startCluster({ nodes: 3, runtime: "fake", clock, seed: 7 });
    await cluster.apply([fakeDeployment("web", 6)]);
    const pods = async () => (await cluster.client.list(pod, { namespace: "default" })).items;
    const readyNodes = async () => new Set((await pods()).filter(isReady).map(({ spec }) => spec.nodeName));
    await advanceUntil(clock, async () => (await pods()).filter(isReady).length === 6, 10);
    expect([...(await readyNodes())].sort()).toEqual(["node-0", "node-1", "node-2"]);

    const lostAt = clock.now();
    await cluster.killNode("node-1");
    expect(cluster.nodes).toEqual(["node-0", "node-2"]);
    const readyOf = async () =>
      (await cluster.client.get(node, { name: "node-1" })).status?.conditions?.find(({ type }) => type === "Ready");
    await advanceUntil(clock, async () => (await readyOf())?.status === "Unknown");
    // The lease's grace of 40 to 50 s, and up to 10 s since it was renewed last.
    expect(clock.now() - lostAt).toBeLessThanOrEqual(65_000);
    await advanceUntil(clock, async () =>
      (await pods()).every(({ spec, metadata }) => spec.nodeName !== "node-1" || metadata.deletionTimestamp),
    );
    // Kubernetes' default: five minutes after the node was found lost.
    expect(clock.now() - lostAt).toBeGreaterThan(300_000);
    expect(clock.now() - lostAt).toBeLessThan(400_000);
    // How long it takes to start them is a matter of the machine's disk.
    await advanceUntil(clock, async () => {
      const alive = (await pods()).filter(isReady);
      return alive.length === 6 && alive.every(({ spec }) => spec.nodeName !== "node-1");
    });
  });

  it("lets a service that stays on its node lead to pods of every node of the machine", async () => {
    await using cluster = await startCluster({ nodes: 2 });
    const { spec, metadata, ...rest } = shellPod("far", "exec sleep 1000");
    await cluster.apply([
      { ...rest, metadata: { ...metadata, labels: { app: "far" } }, spec: { ...spec, nodeName: "node-1" } } as Pod,
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: key("far"),
        spec: { selector: { app: "far" }, internalTrafficPolicy: "Local", ports: [{ port: 80, targetPort: 8080 }] },
      } as Service,
    ]);
    const { status } = await cluster.waitFor(pod, key("far"), { condition: "Ready" });
    // In the program's place: what matters is who leads there.
    const server = createServer((socket) => socket.end("hello")).listen(8080, status?.podIP);
    onTestFinished(() => void server.close());
    const { spec: found } = await cluster.client.get(service, key("far"));
    const answer = () =>
      new Promise<string>((resolve) => {
        const socket = connect(80, found?.clusterIP ?? "");
        socket.on("data", (bytes) => resolve(String(bytes))).on("error", (error) => resolve(error.message));
      });
    await expect.poll(answer, { timeout: patienceMs }).toBe("hello");
  });

  it("takes more nodes while it runs", async () => {
    await using cluster = await startCluster({ runtime: "fake" });
    expect(await cluster.addNode()).toBe("node-1");
    expect((await cluster.client.list(node)).items.map(({ metadata }) => metadata.name)).toEqual(["node-0", "node-1"]);
    await expect(cluster.killNode("node-9")).rejects.toThrow('Cannot stop node "node-9": there are node-0, node-1');
  });

  it("makes the same names from the same seed", async () => {
    const namesOf = async (seed: number) => {
      await using cluster = await startCluster({ nodes: 0, seed });
      const names: string[] = [];
      for (let count = 0; count < 3; count++) {
        const made = await cluster.client.create(configMap, {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { generateName: "a-", namespace: "default" },
        });
        names.push(made.metadata.name ?? "");
      }
      return names;
    };
    expect(await namesOf(7)).toEqual(await namesOf(7));
    expect(await namesOf(7)).not.toEqual(await namesOf(8));
  });

  it("keeps what a data folder holds, its token and authority too", async () => {
    const dataDir = folder();
    const first = await startCluster({ dataDir, runtime: "fake" });
    await first.apply([fakeDeployment("web", 1)]);
    await first.waitFor(deployment, key("web"), { condition: "Available" });
    await first[Symbol.asyncDispose]();
    await using second = await startCluster({ dataDir, runtime: "fake" });
    expect(second.credentials.user).toEqual(first.credentials.user);
    expect(second.credentials.cluster["certificate-authority-data"]).toBe(
      first.credentials.cluster["certificate-authority-data"],
    );
    expect((await second.client.get(deployment, key("web"))).spec.replicas).toBe(1);
  });

  it("writes no files for pods that are played, and tells all the same of volumes that cannot be made", async () => {
    const dataDir = folder();
    await using cluster = await startCluster({ dataDir, runtime: "fake" });
    const data = { name: "data", emptyDir: {} };
    const config = { name: "config", configMap: { name: "settings" } };
    const mounts = [
      { name: "data", mountPath: "/data", subPath: "a/b" },
      { name: "config", mountPath: "/config" },
    ];
    const containers = [{ name: "main", image: "none", volumeMounts: mounts }];
    const metadata = { name: "reader", namespace: "default" };
    await cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { containers, volumes: [data, config] },
    } as Pod);
    const isRefused = ({ reason }: { readonly reason?: string | undefined }) => reason === "FailedMount";
    await expect
      .poll(async () => (await cluster.client.list(eventResource)).items.some(isRefused), { timeout: patienceMs })
      .toBe(true);
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { ...metadata, name: "settings" } });
    await cluster.waitFor(pod, key("reader"), { condition: "Ready" });
    expect(existsSync(join(dataDir, "nodes", "node-0"))).toBe(true);
    expect(existsSync(join(dataDir, "nodes", "node-0", "pods"))).toBe(false);
  });

  it("runs beside another: same addresses and names, nothing shared", async () => {
    await using one = await startCluster({ seed: 1 });
    await using other = await startCluster({ seed: 1 });
    expect(one.url).not.toBe(other.url);
    await one.apply([shellPod("only", "exec sleep 1000")]);
    const { status } = await one.waitFor(pod, key("only"), { condition: "Ready" });
    expect((await other.client.list(pod)).items).toEqual([]);
    await other.apply([shellPod("only", "exec sleep 1000")]);
    expect((await other.waitFor(pod, key("only"), { condition: "Ready" })).status?.podIP).not.toBe(status?.podIP);
  });

  it.each([-1, 1.5, Number.NaN])("refuses %d nodes", async (nodes) => {
    await expect(startCluster({ nodes })).rejects.toThrow(RangeError);
  });

  it("gives up when aborted, leaving nothing", async () => {
    const temporary = ownTemporaryFolder();
    await expect(startCluster({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("leaves nothing behind, started and stopped twenty times", async () => {
    const temporary = ownTemporaryFolder();
    await startAndStop();
    const before = { handles: handles(), files: openFiles() };
    for (let count = 0; count < 20; count += 2) await Promise.all([startAndStop(), startAndStop()]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesWith(temporary)).toEqual([]);
    // One may be about to close.
    await expect.poll(openFiles).toBeLessThanOrEqual(before.files + 1);
    await expect.poll(handles).toBeLessThanOrEqual(before.handles + 1);
  });
});

async function startAndStop(): Promise<void> {
  await using cluster = await startCluster();
  await cluster.apply([shellPod("short", "exec sleep 1000")]);
  await cluster.waitFor(pod, key("short"), { condition: "Ready" });
  expect(process.platform !== "linux" || processesWith(tmpdir()).length > 0).toBe(true);
}

/** Makes a folder the place of temporary folders for the rest of the test. */
function ownTemporaryFolder(): string {
  const before = process.env["TMPDIR"];
  const path = folder();
  process.env["TMPDIR"] = path;
  onTestFinished(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  return path;
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => name !== "Immediate" && name !== "TickObject").length;
}

function openFiles(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

/** Other processes whose environment or folder speaks of `text`. */
function processesWith(text: string): readonly string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readlinkSync(`/proc/${name}/cwd`).startsWith(text);
    } catch {
      return false; // Gone meanwhile, or somebody else's.
    }
  });
}
