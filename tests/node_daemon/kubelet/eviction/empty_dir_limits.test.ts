import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, it } from "vitest";
import { usedBytes } from "../../../../node_daemon/kubelet/eviction/empty_dir_limits.ts";
import { openTestNode } from "../cluster.ts";

it.runIf(process.platform === "linux")("an emptyDir in memory goes with its pod", async () => {
  await using node = await openTestNode();
  await node.run({
    volumes: [{ name: "ram", emptyDir: { medium: "Memory" } }],
    containers: [{ name: "app", image: "img:1", command: ["run"], volumeMounts: [{ name: "ram", mountPath: "/ram" }] }],
  });
  await node.until(({ status }) => status?.phase === "Running");
  const path = node.started[0]?.mounts.find(({ containerPath }) => containerPath === "/ram")?.hostPath ?? "";
  expect(path).toMatch(/^\/dev\/shm\/wherry-[0-9a-f]{16}\/[^/]+\/ram$/);
  expect((await stat(path)).mode & 0o777).toBe(0o777);
  await node.client.delete(
    { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true },
    {
      namespace: "default",
      name: "web",
    },
    { gracePeriodSeconds: 0 },
  );
  await node.soon(async () => (await stat(path).catch(() => undefined)) === undefined);
});

it("usedBytes() counts what is there, holes and links aside", async () => {
  const root = await mkdtemp(join(tmpdir(), "wherry-used-"));
  try {
    const { signal } = new AbortController();
    await mkdir(join(root, "sub"));
    await writeFile(join(root, "sub/file"), Buffer.alloc(64 * 1024, 1));
    await symlink("/", join(root, "link"));
    const used = await usedBytes(root, Number.POSITIVE_INFINITY, signal);
    expect(used).toBeGreaterThanOrEqual(64 * 1024);
    expect(used).toBeLessThan(256 * 1024);
    expect(await usedBytes(join(root, "none"), 1, signal)).toBe(0);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
