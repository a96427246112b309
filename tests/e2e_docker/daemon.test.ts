import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { missing } from "../require.ts";
import { engine, importBusybox, testImage } from "../suites/docker_image.ts";
import { httpGet, nodePortService, startOnDocker, webServers } from "./_cluster.ts";

describe.skipIf(missing("docker", await findDocker({ clock: systemClock })))("wherry up on Docker", () => {
  it("adopts its containers, when it was killed and starts again", async () => {
    await using cluster = await startOnDocker();
    await cluster.apply(
      webServers("web", { replicas: 2, word: "hello" }),
      nodePortService("web", { targetPort: 8080 }),
    );
    await cluster.ok(["rollout", "status", "deploy/web"]);
    const ids = async () => (await cluster.containers()).map(({ Id }) => Id).sort();
    const before = await ids();
    expect(before).toHaveLength(4);
    await cluster.stop("SIGKILL");
    expect(await ids()).toEqual(before);
    await cluster.restart();
    await cluster.ok(["rollout", "status", "deploy/web"]);
    expect(await httpGet(await cluster.nodePort("web"))).toMatch(/^hello web-/);
    expect(await ids()).toEqual(before);
    expect((await cluster.ok(["get", "pods", "--no-headers"])).match(/1\/1 +Running +0 /g)).toHaveLength(2);
  });

  it("removes what a deleted pod left, when the pod was deleted while nobody watched it", async () => {
    await using cluster = await startOnDocker();
    await cluster.apply(webServers("web", { replicas: 2, word: "hello" }));
    await cluster.ok(["rollout", "status", "deploy/web"]);
    await cluster.ok(["scale", "deploy/web", "--replicas=0"]);
    await cluster.stop("SIGKILL");
    await cluster.restart();
    await expect.poll(() => cluster.containers(), { timeout: 30_000 }).toEqual([]);
  });

  it("leaves no container of its own and every other one, when it is interrupted", async () => {
    await importBusybox();
    const foreign = await engine.createContainer({ Image: testImage, Labels: { app: "web" } });
    try {
      await foreign.start();
      await using neighbour = await startOnDocker();
      await neighbour.apply(webServers("web", { replicas: 1, word: "hello" }));
      await neighbour.ok(["rollout", "status", "deploy/web"]);
      {
        await using cluster = await startOnDocker();
        await cluster.apply(webServers("web", { replicas: 2, word: "hello" }));
        await cluster.ok(["rollout", "status", "deploy/web"]);
        expect(await cluster.stop("SIGINT")).toMatchObject({ code: 0, stderr: "" });
        expect(await cluster.containers()).toEqual([]);
      }
      expect((await neighbour.containers()).map(({ State }) => State)).toEqual(["running", "running"]);
      expect((await foreign.inspect()).State.Running).toBe(true);
    } finally {
      await foreign.remove({ force: true });
    }
  });
});
