import { readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { missing } from "../require.ts";
import { type DockerCluster, dockerFolder, podOf, shell, startOnDocker, stay } from "./_cluster.ts";

describe.skipIf(missing("docker", await findDocker({ clock: systemClock })))("volumes in Docker", () => {
  const folder = dockerFolder();
  let cluster: DockerCluster;
  beforeAll(async () => {
    cluster = await startOnDocker(folder.path);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const volumes = [{ name: "data", emptyDir: {} }];
  const sees = (name: string, subPath: string, script: string) => ({
    ...shell(script),
    name,
    volumeMounts: [{ name: "data", mountPath: "/data", subPath }],
  });

  it("a subPath is a folder or a file of the volume, seen by all, and stays when its name is gone", async () => {
    const whole = {
      ...shell("mkdir -p /all/a && echo text > /all/a/file"),
      name: "fill",
      volumeMounts: [{ name: "data", mountPath: "/all" }],
    };
    await cluster.apply(
      podOf("parts", [sees("folder", "a", stay), sees("file", "a/file", stay)], { volumes, initContainers: [whole] }),
    );
    await cluster.ready("parts");
    expect(await cluster.ok("exec", "parts", "-c", "folder", "--", "cat", "/data/file")).toBe("text\n");
    expect(await cluster.ok("exec", "parts", "-c", "file", "--", "cat", "/data")).toBe("text\n");
    await cluster.ok("exec", "parts", "-c", "folder", "--", "sh", "-c", "echo more >> /data/file");
    expect(await cluster.ok("exec", "parts", "-c", "file", "--", "cat", "/data")).toBe("text\nmore\n");
  });

  it("containers do not get out of a volume by exchanging its folders for links while others start", async () => {
    const exchange =
      "cd /all; mkdir -p x; while sleep 0.02; do mv x kept; ln -s /etc x; rm -rf x; mv kept x 2>/dev/null || { rm -rf x; mv kept x; }; done";
    const exchanger = { ...shell(exchange), name: "exchanger", volumeMounts: [{ name: "data", mountPath: "/all" }] };
    const names = ["a", "b"];
    const spec = { volumes, restartPolicy: "Never", terminationGracePeriodSeconds: 0 };
    const others = names.map((name) => sees(name, "x", "ls /data; echo done"));
    await cluster.apply(podOf("exchange", [exchanger, ...others], spec));
    const { status } = await cluster.pod("exchange", ({ status }) =>
      names.every((name) => status?.containerStatuses?.some((one) => one.name === name && one.state?.terminated)),
    );
    for (const name of names) {
      const lines = (await cluster.ok("logs", "exchange", "-c", name)).split("\n");
      expect(lines).toContain("done");
      expect(lines).not.toContain("passwd");
    }
    expect(status?.containerStatuses).toHaveLength(3);
    await cluster.ok("delete", "pod", "exchange", "--force", "--grace-period=0");
  });

  it("leaves nothing mounted", async () => {
    const folders = await readdir(folder.path, { recursive: true });
    const pins = folders.filter((path) => path.endsWith("/pins"));
    for (const path of pins) expect(await readdir(join(folder.path, path))).toEqual([]);
    expect(pins).toHaveLength(process.geteuid?.() === 0 ? 1 : 0);
  });
});
