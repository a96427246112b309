import { readlinkSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ContainerStatus } from "../../core/kinds/pod.ts";
import { type Cluster, event, type Pod, pod, startCluster } from "../../mod.ts";
import { openNamespaces } from "../../node_daemon/runtime/process_namespace.ts";
import { openRegistry, type TestRegistry } from "../node_daemon/runtime/programs/_registry.ts";

const namespace = "default";

/** Pods whose images are programs, on a whole cluster that runs processes. */
describe("a pod whose image is a program", () => {
  let folder: string;
  let registry: TestRegistry;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wherry-programs-"));
    registry = await openRegistry(folder);
    vi.stubEnv("npm_config_registry", registry.url);
    vi.stubEnv("npm_config_cache", join(folder, "cache"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await registry[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  function podOf(name: string, image: string, more: object = {}): Pod {
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "main", image, ...more }],
      },
    };
  }

  const eventsOf = async (cluster: Cluster, name: string) =>
    (await cluster.client.list(event, { namespace })).items
      .filter(({ involvedObject }) => involvedObject?.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`);

  const waitingOf = async (cluster: Cluster, name: string) =>
    (await cluster.client.get(pod, { namespace, name })).status?.containerStatuses?.[0]?.state?.waiting;

  it("is fetched when it is not there, told as Pulling and Pulled, and served from what is there afterwards", async () => {
    const script = `require("node:http").createServer((q, r) => r.end("from npm")).listen(8080, process.env.POD_IP);`;
    await registry.publish({ name: "server", version: "1.2.3", bin: { server: script } });
    await using cluster = await startCluster({ runtime: "process" });
    const probe = { httpGet: { port: 8080 }, periodSeconds: 1 };
    await cluster.apply(podOf("first", "npm:server", { readinessProbe: probe }));
    const first = await cluster.waitFor(pod, { namespace, name: "first" }, { condition: "Ready" });
    expect(first.status?.containerStatuses?.[0]?.imageID).toMatch(/^process:\/\/npm:server@1\.2\.3#sha512-/);
    expect(await (await fetch(`http://${first.status?.podIP}:8080/`)).text()).toBe("from npm");
    await cluster.apply(podOf("second", "npm:server", { imagePullPolicy: "Never" }));
    await cluster.waitFor(pod, { namespace, name: "second" }, { condition: "Ready" });
    await expect
      .poll(() => eventsOf(cluster, "first"))
      .toEqual(
        expect.arrayContaining([
          'Pulling: Pulling image "npm:server"',
          expect.stringMatching(/^Pulled: Successfully pulled image "npm:server" in /),
        ]),
      );
    await expect
      .poll(() => eventsOf(cluster, "second"))
      .toContain('Pulled: Container image "npm:server" already present on machine');
  });

  it("waits with a reason when it cannot be had", async () => {
    await using cluster = await startCluster({ runtime: "process" });
    await cluster.apply(podOf("missing", "npm:no-such-package"));
    await cluster.apply(podOf("never", "npm:no-such-package", { imagePullPolicy: "Never" }));
    await cluster.apply(podOf("hostile", "npm:--prefix=/"));
    await expect.poll(() => waitingOf(cluster, "missing")).toMatchObject({ reason: "ImagePullBackOff" });
    await expect.poll(() => waitingOf(cluster, "never")).toMatchObject({ reason: "ErrImageNeverPull" });
    await expect.poll(() => waitingOf(cluster, "hostile")).toMatchObject({ reason: "InvalidImageName" });
    await expect
      .poll(() => eventsOf(cluster, "missing"))
      .toContainEqual(expect.stringMatching(/^Failed: Failed to pull image "npm:no-such-package": npm: E404: /));
  });

  it("runs by Deno with what its annotation and its volumes allow", async () => {
    const main = `
      const text = await Deno.readTextFile(Deno.env.get("WHERRY_ROOT") + "/data/word");
      const answer = await (await fetch(Deno.args[0])).text();
      const other = await Deno.readTextFile("/etc/passwd").catch((error) => error.name);
      console.log(text, answer, other);`;
    registry.serve("/main.ts", main);
    registry.serve("/answer", "yes");
    await writeFile(join(folder, "word"), "word");
    await using cluster = await startCluster({ runtime: "process" });
    const wanted = podOf("module", `deno:${registry.url}/main.ts`, {
      args: [`${registry.url}/answer`],
      volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
    });
    await cluster.apply({
      ...wanted,
      metadata: { ...wanted.metadata, annotations: { "wherry.dev/egress": new URL(registry.url).host } },
      spec: { ...wanted.spec, volumes: [{ name: "data", hostPath: { path: folder } }] },
    } as Pod);
    await expect
      .poll(async () => (await cluster.client.get(pod, { namespace, name: "module" })).status?.phase)
      .toBe("Succeeded");
    const [terminated] = (await cluster.client.get(pod, { namespace, name: "module" })).status?.containerStatuses ?? [];
    expect(terminated?.state?.terminated?.exitCode).toBe(0);
    const lines: string[] = [];
    for await (const line of cluster.logs({ namespace, name: "module" })) lines.push(line);
    expect(lines).toEqual(["word yes NotCapable"]);
  });
});

describe.runIf(process.platform === "linux")("a pod of processes", () => {
  it("is told whom it runs as, what it mounts and how soon it ends for want of memory; and shares its processes", async () => {
    await using cluster = await startCluster({ runtime: "process" });
    const words = '"$WHERRY_ROOT/dev/termination-log"';
    const script = `cat /proc/self/oom_score_adj >${words}; readlink /proc/self/ns/pid >>${words}`;
    const own = (name: string) => ({
      name,
      image: "a:1",
      command: ["/bin/sh", "-c", script],
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    });
    const podOf = (name: string, more: object): Pod => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
      spec: {
        restartPolicy: "Never",
        containers: [own("first"), own("second")],
        volumes: [{ name: "data", emptyDir: {} }],
        ...more,
      },
    });
    await cluster.apply(podOf("together", { shareProcessNamespace: true }));
    await cluster.apply(podOf("node", { hostPID: true, hostIPC: true }));
    const statusesOf = async (name: string) => {
      const status = async () => (await cluster.client.get(pod, { namespace, name })).status;
      await expect.poll(async () => (await status())?.phase).toBe("Succeeded");
      return (await status())?.containerStatuses ?? [];
    };
    const said = (statuses: readonly ContainerStatus[]) =>
      statuses.map(({ state }) => state?.terminated?.message?.trim().split("\n"));
    const together = await statusesOf("together");
    expect(together[0]).toMatchObject({
      volumeMounts: expect.arrayContaining([{ name: "data", mountPath: "/data" }]),
      user: { linux: { uid: process.geteuid?.(), gid: process.getegid?.() } },
    });
    const [first, second] = said(together);
    expect(first).toEqual(second);
    expect(first?.[0]).toBe("1000");
    const machine = readlinkSync("/proc/self/ns/pid");
    expect(said(await statusesOf("node")).map((lines) => lines?.[1])).toEqual([machine, machine]);
    const hasOwn = (await openNamespaces())?.pods !== undefined;
    expect(first?.[1] === machine).toBe(!hasOwn);
  });
});
