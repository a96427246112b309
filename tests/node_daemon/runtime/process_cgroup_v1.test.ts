import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { openCgroupsV1 } from "../../../node_daemon/runtime/process_cgroup_v1.ts";

const own = "6:blkio:/\n5:memory:/daemon\n4:pids:/daemon\n3:cpu,cpuacct:/elsewhere\n1:name=systemd:/\n0::/\n";

const owner = "/var/lib/wherry";
const group = "wherry/%2Fvar%2Flib%2Fwherry";

/** Folders as version 1 has them; files appear as they are written. */
async function openTree() {
  const root = await mkdtemp(join(tmpdir(), "wherry-cgroup-"));
  for (const folder of ["memory/daemon", "pids/daemon", "cpu,cpuacct", "blkio"])
    await mkdir(join(root, folder), { recursive: true });
  const cgroups = await openCgroupsV1({ root, own, owner, processors: 2, maxTasks: 100 });
  return {
    root,
    cgroups,
    read: (path: string) => readFile(join(root, path), "utf8"),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

const limits = { milliCpuRequest: 500, milliCpuLimit: 250, memoryBytesLimit: 64 * 1024 * 1024 };

describe("cgroups of version 1", () => {
  it("hold limits in a group for each controller, below the daemon's own where it is to be seen", async () => {
    await using tree = await openTree();
    const joined = await tree.cgroups?.make("a", limits);
    const places = ["blkio", "cpu,cpuacct", "memory/daemon", "pids/daemon"];
    expect([...(joined ?? [])].sort()).toEqual(places.map((place) => join(tree.root, place, group, "a")));
    expect(await tree.read(`memory/daemon/${group}/a/memory.limit_in_bytes`)).toBe(String(limits.memoryBytesLimit));
    expect(await tree.read(`cpu,cpuacct/${group}/a/cpu.cfs_quota_us`)).toBe("25000");
    expect(await tree.read(`cpu,cpuacct/${group}/a/cpu.shares`)).toBe("512");
    for (const one of ["wherry", group]) expect(await tree.read(`cpu,cpuacct/${one}/cpu.shares`)).toBe("2048");
    expect(await tree.read(`pids/daemon/${group}/a/pids.max`)).toBe("100");
    await tree.cgroups?.make("least", { ...limits, milliCpuRequest: 0 });
    expect(await tree.read(`cpu,cpuacct/${group}/least/cpu.shares`)).toBe("2");
    await tree.cgroups?.set("a", { ...limits, milliCpuLimit: 1000, milliCpuRequest: undefined });
    expect(await tree.read(`cpu,cpuacct/${group}/a/cpu.cfs_quota_us`)).toBe("100000");
    expect(await tree.read(`cpu,cpuacct/${group}/a/cpu.shares`)).toBe("512");
  });

  it("tell what is used, and whether memory ran out", async () => {
    await using tree = await openTree();
    await tree.cgroups?.make("a", limits);
    expect(await tree.cgroups?.stats("a")).toBeUndefined();
    const write = (path: string, text: string) => writeFile(join(tree.root, path), text);
    await write(`cpu,cpuacct/${group}/a/cpuacct.usage`, "123456\n");
    await write(`memory/daemon/${group}/a/memory.usage_in_bytes`, "1000\n");
    await write(`memory/daemon/${group}/a/memory.stat`, "rss 1\ntotal_rss 300\ntotal_inactive_file 400\n");
    await write(`memory/daemon/${group}/a/memory.max_usage_in_bytes`, "1500\n");
    await write(`memory/daemon/${group}/a/memory.failcnt`, "2\n");
    await write(`cpu,cpuacct/${group}/a/cpu.stat`, "nr_periods 5\nnr_throttled 1\nthrottled_time 7\n");
    await write(`blkio/${group}/a/blkio.throttle.io_service_bytes_recursive`, "8:0 Read 10\n8:0 Write 3\n");
    await write(`blkio/${group}/a/blkio.throttle.io_serviced_recursive`, "8:0 Read 2\n8:0 Write 1\n");
    expect(await tree.cgroups?.stats("a")).toMatchObject({
      cpuNanoseconds: 123_456,
      throttling: { periods: 5, throttledPeriods: 1, throttledNanoseconds: 7 },
      memoryBytes: 600,
      memory: { usageBytes: 1000, maxUsageBytes: 1500, rssBytes: 300, limitHits: 2 },
      io: [{ number: "8:0", readBytes: 10, writeBytes: 3, reads: 2, writes: 1 }],
      maxThreads: 100,
    });
    expect(await tree.cgroups?.ranOutOfMemory("a")).toBe(false);
    await write(`memory/daemon/${group}/a/memory.oom_control`, "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    expect(await tree.cgroups?.ranOutOfMemory("a")).toBe(true);
  });

  it("are all in one of the daemon's, which is limited as a whole", async () => {
    await using tree = await openTree();
    await tree.cgroups?.limitAll({ milliCpuRequest: 1500, milliCpuLimit: undefined, memoryBytesLimit: 1024 });
    expect(await tree.read(`cpu,cpuacct/${group}/cpu.shares`)).toBe("1536");
    expect(await tree.read(`memory/daemon/${group}/memory.limit_in_bytes`)).toBe("1024");
  });

  it.skipIf(process.geteuid?.() !== 0)(
    "are made by root in folders that nobody may write to, as those of the kernel",
    async () => {
      const root = await mkdtemp(join(tmpdir(), "wherry-cgroup-"));
      for (const name of ["memory", "cpu"]) {
        await mkdir(join(root, name));
        await chmod(join(root, name), 0o555);
      }
      const options = { root, own: "2:memory:/\n1:cpu:/\n", owner, processors: 1, maxTasks: 1 };
      expect(await openCgroupsV1(options)).toBeDefined();
      await rm(root, { recursive: true });
    },
  );

  it("are not there where CPU or memory have none", async () => {
    await using tree = await openTree();
    const before = await readdir(join(tree.root, "pids", "daemon"));
    const options = { root: tree.root, owner, processors: 1, maxTasks: 1 };
    expect(await openCgroupsV1({ ...options, own: "4:pids:/daemon\n5:memory:/daemon\n" })).toBeUndefined();
    expect(await openCgroupsV1({ ...options, own: "0::/user.slice\n" })).toBeUndefined();
    expect(await readdir(join(tree.root, "pids", "daemon"))).toEqual(before);
  });
});
