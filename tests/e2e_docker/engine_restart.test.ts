import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { waitFor } from "../../core/client/wait_for.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { clusterFlags, ownAddress, start, temporaryFolder, useCluster, wherry } from "../e2e/harness.ts";
import { shellPod } from "../e2e/manifests.ts";
import { patienceMs } from "../patience.ts";
import { importBusybox, testImage } from "../suites/docker_image.ts";
import { stay } from "./_cluster.ts";
import { canRunEngine, startEngine } from "./_engine.ts";

function inNamespace(object: object): Pod {
  const pod = object as Pod;
  return { ...pod, metadata: { ...pod.metadata, namespace: "default" } };
}

// On Node only: the engine is what is at fault here.
describe.skipIf("Deno" in globalThis || !canRunEngine())("a Docker engine that is stopped and started again", () => {
  it("takes its containers with it: the node says so, and runs them again when the engine is back", async () => {
    await using folder = temporaryFolder();
    const own = join(folder.path, "engine");
    const first = await startEngine(own);
    await using _first = first;
    await importBusybox(first.engine);
    const up = start(
      [
        ...[...wherry, "up", ...clusterFlags(folder.path, ownAddress())],
        ...["--container-runtime", "docker", "--pod-infra-container-image", testImage],
      ],
      { env: { HOME: folder.path, DOCKER_HOST: first.address } },
    );
    await using _up = up;
    await up.printed(/Ctrl-C stops the cluster/);
    await using client = (await useCluster(join(folder.path, "config"), folder.path)).client;
    const containers = [{ name: "main", image: testImage, command: ["sh", "-c", stay] }];
    const { metadata } = await client.create(podKind, inNamespace(shellPod("web", "", { containers })));
    const seen = (predicate: (pod: Pod) => boolean) =>
      waitFor(client, podKind, { namespace: "default", name: "web" }, { predicate, timeoutMs: patienceMs });
    // While the engine ends, a start may be tried that comes too late: it counts as one.
    const runs = (restarts: number) => (pod: Pod) =>
      pod.status?.containerStatuses?.[0]?.state?.running !== undefined &&
      pod.status.containerStatuses[0].restartCount >= restarts;
    await seen(runs(0));
    const ready = (status: "True" | "False") =>
      waitFor(client, nodeKind, { name: "node-0" }, { condition: "Ready", status, timeoutMs: patienceMs });

    await first.stop();
    expect((await ready("False")).status?.conditions).toContainEqual(
      expect.objectContaining({ type: "Ready", status: "False", reason: "ContainerRuntimeUnhealthy" }),
    );
    await using _second = await startEngine(own);
    await ready("True");
    const again = await seen(runs(1));
    expect(again.metadata.uid).toBe(metadata.uid);
    await up.stop("SIGTERM");
  });
});
