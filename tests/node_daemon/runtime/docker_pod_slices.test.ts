import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { currentUid } from "../../../core/platform/processes.ts";
import {
  collectPodSlices,
  nodeSlice,
  openPodSlices,
  podSlice,
  removeNodeSlice,
  removePodSlice,
  sliceFolder,
} from "../../../node_daemon/runtime/docker_pod_slices.ts";

const owner = "/var/lib/wherry/node-0/a_b:";
const [id, other] = ["1".repeat(64), "2".repeat(64)] as const;
const limits = { milliCpuRequest: 1000, milliCpuLimit: 205, memoryBytesLimit: 64 };

describe("slices of pods", () => {
  let root: string;
  let asked: string[];
  /** As systemd does it: what has a property has a cgroup. */
  const systemctl = async (...words: string[]) => {
    asked.push(words.join(" "));
    if (words[0] === "set-property") await make(words[2] ?? "");
  };
  const make = async (slice: string, populated = 0) => {
    const folder = join(root, sliceFolder(slice));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "cgroup.events"), `populated ${populated}\nfrozen 0\n`);
  };
  /** The kernel's files go with their folder. */
  const left = async () => (await readdir(root, { recursive: true })).map((path) => basename(path));
  const options = () => ({ root, systemctl });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "wherry-slices-"));
    asked = [];
  });
  afterEach(() => rm(root, { recursive: true }));

  it("have names of which each dash is a slice within", () => {
    expect(nodeSlice(owner)).toBe("wherry-_2Fvar_2Flib_2Fwherry_2Fnode_2D0_2Fa_5Fb_3A.slice");
    expect(sliceFolder(podSlice(owner, id))).toBe(
      `wherry.slice/${nodeSlice(owner)}/${nodeSlice(owner).slice(0, -6)}-${id}.slice`,
    );
  });

  it("have names that systemd takes, however deep the folder lies", () => {
    const deep = `/${"a-".repeat(100)}`;
    expect(podSlice(deep, id).length).toBeLessThanOrEqual(255);
    expect(podSlice(deep, id)).not.toBe(podSlice(`${deep}b`, id));
  });

  it("are not made where the engine's cgroups are not to be seen", async () => {
    expect(await openPodSlices(owner, id, options())).toContain("not to be seen");
    expect(asked).toEqual([]);
  });

  describe.skipIf(currentUid() !== 0)("of an engine whose cgroups are systemd's", () => {
    const run = () => mkdir(join(root, "system.slice", `docker-${id}.scope`), { recursive: true });

    it("are not made where systemd refuses", async () => {
      await run();
      const refuse = () => Promise.reject(new Error("Access denied"));
      expect(await openPodSlices(owner, id, { root, systemctl: refuse })).toContain("Access denied");
    });

    it("have the limits of pods and of the node", async () => {
      await run();
      const slices = await openPodSlices(owner, id, options());
      if (typeof slices === "string") throw new Error(slices);
      expect(asked.splice(0)).toEqual([expect.stringMatching(/^set-property --runtime wherry\.slice CPUWeight=\d+$/)]);
      expect(slices.parent).toBe(nodeSlice(owner));
      expect(await slices.isMade(other)).toBe(false);
      expect(await slices.make(other, limits)).toBe(podSlice(owner, other));
      expect(await slices.isMade(other)).toBe(true);
      await slices.set(other, { milliCpuRequest: undefined, milliCpuLimit: 5, memoryBytesLimit: undefined });
      await slices.limitAll({ milliCpuRequest: 1000, milliCpuLimit: undefined, memoryBytesLimit: 1024 });
      await slices.limitAll({ milliCpuRequest: 2, milliCpuLimit: undefined, memoryBytesLimit: undefined });
      expect(asked).toEqual([
        `set-property --runtime ${podSlice(owner, other)} MemoryMax=64 MemorySwapMax=0 CPUQuota=20.5% CPUWeight=39`,
        `set-property --runtime ${podSlice(owner, other)} CPUQuota=1%`,
        `set-property --runtime ${nodeSlice(owner)} MemoryMax=1024 CPUWeight=39`,
        `set-property --runtime ${nodeSlice(owner)} MemoryMax=infinity CPUWeight=1`,
      ]);
    });
  });

  it("are stopped and forgotten once nothing runs in them, and not before", async () => {
    await make(podSlice(owner, id), 1);
    await removePodSlice(owner, id, options());
    await removePodSlice(owner, other, options());
    expect(asked).toEqual([]);
    await make(podSlice(owner, id), 0);
    await removePodSlice(owner, id, options());
    expect(asked).toEqual([`stop ${podSlice(owner, id)}`, `revert ${podSlice(owner, id)}`]);
  });

  it("go with the node's, which stays while something runs", async () => {
    await make(podSlice(owner, id));
    await make(nodeSlice(owner), 1);
    await removeNodeSlice(owner, options());
    expect(asked).toEqual([]);
    await make(nodeSlice(owner));
    await removeNodeSlice(owner, options());
    expect(asked).toEqual(
      [podSlice(owner, id), nodeSlice(owner)].flatMap((slice) => [`stop ${slice}`, `revert ${slice}`]),
    );
  });

  it("of pods that nobody knows are collected, and of daemons that are gone", async () => {
    const gone = join(root, "gone-0");
    for (const slice of [podSlice(owner, id), podSlice(owner, other), podSlice(root, id), podSlice(gone, id)])
      await make(slice);
    for (const slice of [nodeSlice(owner), nodeSlice(root), nodeSlice(gone)]) await make(slice);
    await mkdir(join(root, sliceFolder(nodeSlice(owner)), `docker-${other}.scope`));
    await collectPodSlices(owner, { isKnown: (sandboxId) => sandboxId === id, ownOnly: false }, options());
    expect(asked.filter((words) => words.startsWith("stop"))).toEqual([
      `stop ${podSlice(owner, other)}`,
      `stop ${podSlice(gone, id)}`,
      `stop ${nodeSlice(gone)}`,
    ]);
    expect(await left()).toContain(`docker-${other}.scope`);
  });
});
