import { describe, expect, it } from "vitest";
import { startCluster } from "../../cluster/start_cluster.ts";
import { deployment } from "../../core/kinds/deployment.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { eventually } from "../e2e/harness.ts";
import { serviceOf } from "../e2e/manifests.ts";
import { ask } from "../e2e/traffic.ts";
import { missing } from "../require.ts";
import { engine, importBusybox, testImage } from "../suites/docker_image.ts";
import { containersOf, dockerFolder, startOnDocker, webServers } from "./_cluster.ts";

// On Node only, for the whole run's time: pods and services in Docker are tested on Deno too.
const isLeftOut = "Deno" in globalThis || missing("docker", await findDocker({ clock: systemClock }));

describe.skipIf(isLeftOut)("wherry up on Docker", () => {
  it.concurrent("adopts its containers, when it was killed and starts again", async ({ expect }) => {
    await using folder = dockerFolder();
    const ids = async () => (await containersOf(folder.path)).map(({ Id }) => Id).sort();
    const first = await startOnDocker(folder.path);
    await first.apply(webServers("web", 2, "hello"), serviceOf("web", { type: "NodePort" }));
    await first.ok("rollout", "status", "deploy/web");
    const before = await ids();
    expect(before).toHaveLength(4);
    await first.up.stop("SIGKILL");
    expect(await ids()).toEqual(before);

    await using second = await startOnDocker(folder.path);
    await second.ok("rollout", "status", "deploy/web");
    const port = await second.nodePort("web");
    await expect.poll(() => ask(second.nodePortAddress, port)).toMatch(/^hello web-/);
    expect(await ids()).toEqual(before);
    await expect.poll(() => second.ok("get", "pods", "--no-headers")).toMatch(/^(.* 1\/1 +Running +0 .*\n){2}$/);
  });

  it.concurrent("runs its pods again, when it was interrupted and starts again", async () => {
    await using folder = dockerFolder();
    const first = await startOnDocker(folder.path);
    await first.apply(webServers("web", 2, "hello"));
    await first.ok("rollout", "status", "deploy/web");
    expect(await first.up.stop("SIGINT")).toMatchObject({ code: 0, stderr: "" });
    expect((await containersOf(folder.path)).filter(({ State }) => State === "running")).toEqual([]);

    await using second = await startOnDocker(folder.path);
    await eventually("both pods run again", async () =>
      /(.* 1\/1 +Running +1 .*\n){2}/.test(await second.ok("get", "pods", "--no-headers")) ? true : undefined,
    );
  });

  it.concurrent("removes what deleted pods left, when they were deleted just before it was killed", async () => {
    await using folder = dockerFolder();
    const first = await startOnDocker(folder.path);
    await first.apply(webServers("web", 2, "hello"));
    await first.ok("rollout", "status", "deploy/web");
    await first.ok("scale", "deploy/web", "--replicas=0");
    await first.up.stop("SIGKILL");
    await using _second = await startOnDocker(folder.path);
    await eventually("no container is left", async () =>
      (await containersOf(folder.path)).length === 0 ? true : undefined,
    );
  });

  it.concurrent("leaves containers alone that are not its own, when it ends", async () => {
    await importBusybox();
    const foreign = await engine.createContainer({ Image: testImage, Labels: { app: "web" } });
    try {
      await foreign.start();
      await using ours = dockerFolder();
      await using theirs = dockerFolder();
      await using neighbour = await startOnDocker(theirs.path);
      await using cluster = await startOnDocker(ours.path);
      for (const { apply, ok } of [neighbour, cluster]) {
        await apply(webServers("web", 1, "hello"));
        await ok("rollout", "status", "deploy/web");
      }
      await cluster.up.stop("SIGINT");
      expect((await containersOf(theirs.path)).map(({ State }) => State)).toEqual(["running", "running"]);
      expect((await foreign.inspect()).State.Running).toBe(true);
    } finally {
      await foreign.remove({ force: true });
    }
  });
});

describe.skipIf(isLeftOut)("startCluster() on Docker", () => {
  it.concurrent("leaves no container, when it had no folder to keep", async () => {
    await importBusybox();
    const name = `web-${crypto.randomUUID().slice(0, 8)}`;
    const ours = () => engine.listContainers({ all: true, filters: { label: [`app=${name}`] } });
    {
      await using cluster = await startCluster({ runtime: "docker", podInfraImage: testImage });
      await cluster.apply(JSON.stringify(webServers(name, 2, "hello")));
      await cluster.waitFor(deployment, { namespace: "default", name }, { condition: "Available" });
      expect(await ours()).toHaveLength(2);
    }
    expect(await ours()).toEqual([]);
  });
});
