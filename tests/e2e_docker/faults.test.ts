import { randomUUID } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import type Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "../../core/client/client.ts";
import { waitFor } from "../../core/client/wait_for.ts";
import { event as eventKind } from "../../core/kinds/event.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { freePort, openClient, startMaster, startNode } from "../e2e/_daemons.ts";
import { eventually, type Running, temporaryFolder } from "../e2e/harness.ts";
import { patienceMs } from "../patience.ts";
import { missing } from "../require.ts";
import { importBusybox, testImage } from "../suites/docker_image.ts";
import { podOf, shell, stay } from "./_cluster.ts";
import { canRunEngine, type OwnEngine, startEngine } from "./_engine.ts";
import { hasRegistry, startRegistry, type TestRegistry } from "./_registry.ts";

const namespace = "default";
const mebi = 2 ** 20;
/** More of them with WHERRY_DEAD_CONTAINERS. */
const deadContainers = Number(process.env["WHERRY_DEAD_CONTAINERS"] ?? 60);
const containersPerPod = 3;
const registryIsThere = await hasRegistry;

// On Node only: the engine is what is at fault here.
describe.skipIf("Deno" in globalThis || !canRunEngine())("a node on an engine with a small disk", () => {
  const folder = temporaryFolder();
  const rootDir = join(folder.path, "node", "runtime");
  const parts: AsyncDisposable[] = [folder];
  let own: OwnEngine;
  let engine: Docker;
  let client: Client;
  let port = 0;
  let master: Running;

  beforeAll(async () => {
    own = await startEngine(join(folder.path, "engine"), { diskMiB: 160 });
    parts.push(own);
    engine = own.engine;
    await importBusybox(engine);
    port = await freePort();
    master = await startMaster(folder.path, port);
    client = await openClient(folder.path, port);
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await master?.[Symbol.asyncDispose]();
    for (const part of parts.reverse()) await part[Symbol.asyncDispose]();
  });

  const create = (object: object) => {
    const pod = object as Pod;
    return client.create(podKind, { ...pod, metadata: { ...pod.metadata, namespace } });
  };
  const seen = (name: string, predicate: (pod: Pod) => boolean) =>
    waitFor(client, podKind, { namespace, name }, { predicate, timeoutMs: patienceMs });
  const mainOf = ({ status }: Pod) => status?.containerStatuses?.[0];
  const runs = (restarts: number) => (pod: Pod) =>
    mainOf(pod)?.state?.running !== undefined && mainOf(pod)?.restartCount === restarts;
  const idOf = (pod: Pod) => mainOf(pod)?.containerID?.replace("docker://", "") ?? "";
  const ours = (filter: Readonly<Record<string, string>> = {}) => {
    const wanted = { "wherry.dev/root-dir": rootDir, ...filter };
    const label = Object.entries(wanted).map(([name, value]) => `${name}=${value}`);
    return engine.listContainers({ all: true, filters: { label } });
  };

  it("removes what pods left that were deleted while it was away, however many containers they are, and nobody else's", async () => {
    const foreign = await Promise.all(
      ["web", "db"].map((app) => engine.createContainer({ Image: testImage, Labels: { app } })),
    );
    const leave = async (uid: string, kind: string, name: string) => {
      const labels = { node: "worker", "root-dir": rootDir, kind, attempt: "0", "pod-uid": uid };
      const more = { "pod-name": "gone", "pod-namespace": namespace, "container-name": name };
      const Labels = Object.fromEntries(
        Object.entries({ ...labels, ...more }).map(([key, value]) => [`wherry.dev/${key}`, value]),
      );
      await engine.createContainer({ Image: testImage, Labels });
    };
    for (let made = 0; made < deadContainers; made += containersPerPod + 1) {
      const uid = randomUUID();
      const names = Array.from({ length: containersPerPod }, (_, index) => `c${index}`);
      await Promise.all([leave(uid, "sandbox", ""), ...names.map((name) => leave(uid, "container", name))]);
    }
    expect((await ours()).length).toBeGreaterThanOrEqual(deadContainers);
    parts.push(
      await startNode(folder.path, port, {
        flags: [
          ...["--container-runtime", "docker", "--pod-infra-container-image", testImage],
          ...["--eviction-hard", "imagefs.available<64Mi,nodefs.available<1Mi", "--minimum-image-ttl-duration", "0s"],
        ],
        before: ["nsenter", "-t", String(own.pid), "-m"],
        env: { DOCKER_HOST: own.address },
      }),
    );
    await eventually("they are gone", async () => (await ours()).length === 0 || undefined);
    for (const container of foreign) {
      expect((await container.inspect()).State.Status).toBe("created");
      await container.remove();
    }
  });

  it("restarts what ends while the master is away, waits for an image that is gone, and tells of both when the master is back", async () => {
    const [repo, tag] = ["wherry-gone", "1"];
    const image = `${repo}:${tag}`;
    await engine.getImage(testImage).tag({ repo, tag });
    await create(podOf("web", [shell(stay)]));
    await create(podOf("imageless", [shell(stay, { image, imagePullPolicy: "Never" })]));
    const [web, imageless] = [await seen("web", runs(0)), await seen("imageless", runs(0))];
    await master.stop("SIGKILL");
    await engine.getImage(image).remove();
    for (const pod of [web, imageless]) await engine.getContainer(idOf(pod)).kill();
    await eventually(
      "it runs again",
      async () =>
        (await ours({ "wherry.dev/pod-name": "web", "wherry.dev/attempt": "1", "wherry.dev/kind": "container" })).some(
          ({ State }) => State === "running",
        ) || undefined,
    );

    await client[Symbol.asyncDispose]();
    master = await startMaster(folder.path, port);
    client = await openClient(folder.path, port);
    expect(mainOf(await seen("web", runs(1)))?.lastState?.terminated?.exitCode).toBe(137);
    const waits = await seen("imageless", (pod) => mainOf(pod)?.state?.waiting?.reason === "ErrImageNeverPull");
    expect(mainOf(waits)?.lastState?.terminated?.exitCode).toBe(137);
    await engine.getImage(testImage).tag({ repo, tag });
    await seen("imageless", runs(1));
  });

  /** An image of 40 MiB that only a registry has. */
  async function bigImage(registry: TestRegistry): Promise<string> {
    const container = await engine.createContainer({
      Image: testImage,
      Cmd: ["sh", "-c", `head -c ${40 * mebi} /dev/urandom >/big`],
    });
    await container.start();
    await container.wait();
    await container.commit({ repo: "wherry-big", tag: "1" });
    await container.remove();
    const image = await registry.push("team/big", "wherry-big:1");
    await engine.getImage("wherry-big:1").remove();
    return image;
  }

  it.skipIf(missing("docker-registry", registryIsThere))(
    "says that the disk of the images is full, removes images before it ends a pod, and ends the one that fills it",
    async () => {
      const registry = await startRegistry(join(folder.path, "registry"), { from: engine, open: true });
      parts.push(registry);
      const image = await bigImage(registry);
      await create(podOf("big", [shell("exit 0", { image })], { restartPolicy: "Never" }));
      await seen("big", ({ status }) => status?.phase === "Succeeded");
      await client.delete(podKind, { namespace, name: "big" }, { gracePeriodSeconds: 0 });
      await create(podOf("hog", [shell(`head -c ${100 * mebi} /dev/zero >/filled; ${stay}`)]));
      await waitFor(
        client,
        nodeKind,
        { name: "worker" },
        { condition: "DiskPressure", status: "True", timeoutMs: patienceMs },
      );
      const { status } = await seen("hog", ({ status }) => status?.phase === "Failed");
      expect(status).toMatchObject({
        reason: "Evicted",
        message: expect.stringMatching(
          /^The node was low on resource: ephemeral-storage\. Threshold quantity: 64Mi, available: \d+[KM]i\. Container main was using \d+[KM]i, request is 0, has larger consumption of ephemeral-storage\. $/,
        ),
      });
      expect(await engine.listImages({ filters: { reference: [image] } })).toEqual([]);
      expect((await client.get(podKind, { namespace, name: "web" })).status?.phase).toBe("Running");
      const { items } = await client.list(eventKind, { namespace: "default" });
      const told = items.map(({ reason, message }) => `${reason}: ${message}`);
      expect(told).toContainEqual("EvictionThresholdMet: Attempting to reclaim ephemeral-storage");
    },
  );
});
