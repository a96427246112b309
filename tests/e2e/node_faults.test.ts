import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import type { Client } from "../../core/client/client.ts";
import { waitFor } from "../../core/client/wait_for.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { sharedMemoryOf } from "../../core/platform/shared_memory.ts";
import { groupsName } from "../../node_daemon/runtime/cgroup_leftovers.ts";
import { patienceMs } from "../patience.ts";
import { freePort, openClient, startMaster, startNode } from "./_daemons.ts";
import { canMount, eventually, hasEnded, processesOf, temporaryFolder } from "./harness.ts";
import { shellPod } from "./manifests.ts";

const namespace = "default";

const used: string[] = [];

function ownFolder(): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder();
  used.push(folder.path);
  return folder;
}

const seen = (client: Client, name: string, predicate: (pod: Pod) => boolean) =>
  waitFor(client, podKind, { namespace, name }, { predicate, timeoutMs: patienceMs });
function inNamespace(object: object): Pod {
  const pod = object as Pod;
  return { ...pod, metadata: { ...pod.metadata, namespace } };
}

const first = ({ status }: Pod) => status?.containerStatuses?.[0];
const restarted = (count: number) => (pod: Pod) =>
  first(pod)?.state?.running !== undefined && first(pod)?.restartCount === count;

/** A process as it was called; empty when it is gone: some are there only until a container's own program is. */
function argumentsOf(pid: number): string {
  return spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout;
}

/** The program of a container that runs. */
async function programOf(folder: string, word: string, but?: number): Promise<number> {
  return await eventually(`${word} runs`, () =>
    processesOf(join(folder, "node")).find((pid) => pid !== but && argumentsOf(pid).startsWith(`sleep ${word}`)),
  );
}

describe("a node", () => {
  it("whose master is gone restarts what ends, and tells it when the master is back", async () => {
    await using folder = ownFolder();
    const port = await freePort();
    const master = await startMaster(folder.path, port);
    await using _master = master;
    await using _node = await startNode(folder.path, port);
    await using client = await openClient(folder.path, port);
    await client.create(podKind, inNamespace(shellPod("web", "exec sleep 98761")));
    await seen(client, "web", restarted(0));
    const before = await programOf(folder.path, "98761");
    await master.stop("SIGKILL");
    process.kill(before, "SIGKILL");
    const after = await programOf(folder.path, "98761", before);
    expect(hasEnded(after)).toBe(false);

    await using _again = await startMaster(folder.path, port);
    await using later = await openClient(folder.path, port);
    const pod = await seen(later, "web", restarted(1));
    expect(first(pod)?.lastState?.terminated?.exitCode).toBe(137);
    expect(hasEnded(after)).toBe(false);
  });

  it("whose daemon is killed and comes back goes on with what runs and its count of restarts, ends what nobody wants any more, and what ignores SIGTERM, and removes a thousand dead containers, and cgroups that a lost daemon left", async () => {
    await using folder = ownFolder();
    const port = await freePort();
    await using _master = await startMaster(folder.path, port);
    const lostDir = join(folder.path, "lost");
    const manifest = join(folder.path, "lost.json");
    const whole = { resources: { limits: { cpu: "1", memory: "100Mi" } } };
    writeFileSync(manifest, JSON.stringify(shellPod("lost", "exec sleep 98768", whole)));
    const alone = ["--standalone", "--pod-manifest-path", manifest, "--root-dir", lostDir];
    const [daemon, lost] = await Promise.all([
      startNode(folder.path, port),
      startNode(folder.path, port, { flags: alone }),
    ]);
    await using _daemon = daemon;
    await using _lost = lost;
    await using client = await openClient(folder.path, port);
    await client.create(podKind, inNamespace(shellPod("web", "exec sleep 98762")));
    await client.create(podKind, shellPod("orphan", "trap '' TERM; while :; do sleep 98763; done") as Pod);
    await eventually("the other runs", () =>
      processesOf(lostDir).find((pid) => argumentsOf(pid).startsWith("sleep 98768")),
    );
    const groups = groupsOf(lostDir);
    await lost.stop("SIGKILL");
    for (const pid of processesOf(lostDir)) endProcess(pid);
    // What is being ended may still write there.
    rmSync(lostDir, { recursive: true, maxRetries: 20, retryDelay: 100 });
    // Of the same hierarchies, and of somebody who may come back.
    const others = groups
      .filter((path) => basename(path) === groupsName(join(lostDir, "runtime")))
      .map((path) => join(dirname(path), groupsName(folder.path), "somebodys"));
    for (const path of others) mkdirSync(path, { recursive: true });
    await seen(client, "web", restarted(0));
    await seen(client, "orphan", restarted(0));
    process.kill(await programOf(folder.path, "98762"), "SIGKILL");
    const before = await seen(client, "web", restarted(1));
    const program = await programOf(folder.path, "98762");
    await daemon.stop("SIGKILL");
    await client.delete(podKind, { namespace, name: "orphan" }, { gracePeriodSeconds: 0 });
    const sandboxes = join(folder.path, "node", "runtime", "sandboxes");
    const own = readdirSync(sandboxes);
    leaveDeadContainers(sandboxes, { pods: 250, containers: 4 });
    expect(readdirSync(sandboxes)).toHaveLength(own.length + 250);

    await using _again = await startNode(folder.path, port);
    await eventually(
      "the orphan has ended",
      () =>
        processesOf(join(folder.path, "node")).every((pid) => pid === program || !argsOf(pid).includes("98763")) ||
        undefined,
    );
    // Those of the orphan go, too.
    await eventually("dead containers are gone", () => readdirSync(sandboxes).length < own.length || undefined);
    const after = await client.get(podKind, { namespace, name: "web" });
    expect(first(after)).toEqual(first(before));
    expect(await programOf(folder.path, "98762")).toBe(program);
    if (groups.length === 0) return;
    await eventually("cgroups of the lost daemon are gone", () => groupsOf(lostDir).length === 0 || undefined);
    expect(others.every(existsSync)).toBe(true);
    expect(groupsOf(join(folder.path, "node"))).not.toEqual([]);
    for (const path of others) for (const one of [path, dirname(path)]) rmdirSync(one);
  });
});

/** Ends a process, which may have ended by itself meanwhile. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The cgroups that the daemon of that folder made; none where it may not make any. */
function groupsOf(rootDir: string): readonly string[] {
  const name = groupsName(join(rootDir, "runtime"));
  const found = spawnSync("find", ["/sys/fs/cgroup", "-type", "d", "-path", `*/wherry/${name}*`], { encoding: "utf8" });
  return found.stdout.split("\n").filter((line) => line !== "");
}

/** Pods that are gone left containers that had ended, as the one did that is taken for a pattern. */
function leaveDeadContainers(sandboxes: string, counts: { readonly pods: number; readonly containers: number }): void {
  const [pattern] = readdirSync(sandboxes).flatMap((id) => {
    const folder = join(sandboxes, id, "containers");
    return readdirSync(folder)
      .map((name) => ({ sandbox: join(sandboxes, id), container: join(folder, name) }))
      .filter(({ container }) => existsSync(join(container, "exited")));
  });
  if (!pattern) throw new Error("no container has ended");
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const sandbox = read(join(pattern.sandbox, "sandbox.json"));
  const container = read(join(pattern.container, "config.json"));
  const files = readdirSync(pattern.container, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [name, readFileSync(join(pattern.container, name))] as const);
  const hex = (index: number, length: number) => index.toString(16).padStart(length, "0");
  for (let index = 0; index < counts.pods; index++) {
    const id = hex(index, 32);
    const config = { ...sandbox.config, name: `job-${index}`, uid: `gone-${index}` };
    mkdirSync(join(sandboxes, id, "containers"), { recursive: true });
    writeFileSync(join(sandboxes, id, "sandbox.json"), JSON.stringify({ ...sandbox, id, config }));
    for (let attempt = 0; attempt < counts.containers; attempt++) {
      const folder = join(sandboxes, id, "containers", `main_${attempt}`);
      mkdirSync(folder);
      // Its folders show what it saw of the machine, and are nothing to those who remove them.
      for (const [file, text] of files) writeFileSync(join(folder, file), text);
      const one = { ...container, id: hex(index * counts.containers + attempt, 64), sandboxId: id };
      writeFileSync(join(folder, "config.json"), JSON.stringify({ ...one, config: { ...one.config, attempt } }));
    }
  }
}

function argsOf(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

it("a node that is told to shut down says so, and its pods have ended by the time that it has", async () => {
  await using folder = ownFolder();
  const port = await freePort();
  await using _master = await startMaster(folder.path, port);
  const daemon = await startNode(folder.path, port, { flags: ["--shutdown-grace-period", "20s"] });
  await using _daemon = daemon;
  await using client = await openClient(folder.path, port);
  await client.create(podKind, inNamespace(shellPod("web", "exec sleep 98767")));
  await seen(client, "web", restarted(0));
  expect(await daemon.stop("SIGTERM")).toMatchObject({ code: 0 });
  expect((await client.get(podKind, { namespace, name: "web" })).status).toMatchObject({
    phase: "Failed",
    reason: "Terminated",
    message: "Pod was terminated in response to imminent node shutdown.",
  });
  expect((await client.get(nodeKind, { name: "worker" })).status?.conditions).toContainEqual(
    expect.objectContaining({
      type: "Ready",
      status: "False",
      reason: "KubeletNotReady",
      message: "node is shutting down",
    }),
  );
});

describe.skipIf(!canMount())("a node whose disk is full", () => {
  it("says so, ends a pod and takes no more, and takes them again when there is room", async () => {
    await using folder = ownFolder();
    const port = await freePort();
    await using _master = await startMaster(folder.path, port);
    const disk = join(folder.path, "node");
    const script = `mkdir -p "$0" && mount -t tmpfs -o size=32m,mode=700 none "$0" && exec "$@"`;
    const daemon = await startNode(folder.path, port, {
      flags: ["--eviction-pressure-transition-period", "1s"],
      before: ["unshare", "-m", "sh", "-c", script, disk],
    });
    await using _daemon = daemon;
    await using client = await openClient(folder.path, port);
    await client.create(podKind, inNamespace(shellPod("web", "exec sleep 98764")));
    await seen(client, "web", restarted(0));

    // What the daemon sees; nobody else does.
    const filler = join("/proc", String(daemon.child.pid), "root", disk, "filler");
    try {
      writeFileSync(filler, Buffer.alloc(64 * 2 ** 20));
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
    }
    const pressure = (status: "True" | "False") =>
      waitFor(client, nodeKind, { name: "worker" }, { condition: "DiskPressure", status, timeoutMs: patienceMs });
    await pressure("True");
    const evicted = await seen(client, "web", ({ status }) => status?.phase === "Failed");
    expect(evicted.status).toMatchObject({
      reason: "Evicted",
      message: expect.stringMatching(
        /^The node was low on resource: ephemeral-storage\. Threshold quantity: \d+, available: /,
      ),
    });
    await client.create(podKind, inNamespace(shellPod("late", "exec sleep 98765", { nodeName: "worker" })));
    const refused = await seen(client, "late", ({ status }) => status?.phase === "Failed");
    expect(refused.status).toMatchObject({
      reason: "Evicted",
      message: "Pod was rejected: The node had condition: [DiskPressure]. ",
    });
    writeFileSync(filler, "");
    await pressure("False");
    await client.create(podKind, inNamespace(shellPod("later", "exec sleep 98766")));
    await seen(client, "later", restarted(0));
  });
});

it("nothing of these nodes is left, not even of those that were killed", () => {
  expect(used.length).toBeGreaterThan(0);
  expect(used.flatMap(processesOf).filter((pid) => !hasEnded(pid))).toEqual([]);
  const folders = used.flatMap((path) =>
    ["node", join("node", "runtime", "sandboxes")].map((name) => join(path, name)),
  );
  expect(folders.map(sharedMemoryOf).filter(existsSync)).toEqual([]);
});
