import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseDiskstats } from "../../../core/platform/disks.ts";
import { folderUsage } from "../../../core/platform/folder_usage.ts";
import { parseCpuTopology } from "../../../core/platform/machine.ts";
import { machineUsage, parseCpu, parseInterfaces, parseMemory } from "../../../core/platform/machine_usage.ts";
import { mountPointOf, parseMountInfo } from "../../../core/platform/mount_table.ts";
import { openFiles } from "../../../core/platform/open_files.ts";
import { parsePressure } from "../../../core/platform/pressure.ts";
import { currentPid, platformName } from "../../../core/platform/processes.ts";
import { label } from "../../../node_daemon/runtime/docker_config.ts";
import { containerStats, networkStats } from "../../../node_daemon/runtime/docker_stats.ts";
import { EngineCgroups, withCgroup } from "../../../node_daemon/runtime/engine_cgroup.ts";
import { cgroupStats, ioOfV1, processStats } from "../../../node_daemon/runtime/process_stats.ts";
import { withDescendants } from "../../../node_daemon/runtime/process_table.ts";

const found = { Id: "c1", Labels: { [label.podUid]: "u1", [label.containerName]: "app" } };

describe("containerStats() of Docker", () => {
  const cpu_stats = {
    cpu_usage: { total_usage: 90, usage_in_kernelmode: 30, usage_in_usermode: 60 },
    throttling_data: { periods: 5, throttled_periods: 2, throttled_time: 7 },
  };
  const disk = { major: 8, minor: 0 };
  const io = [
    { ...disk, op: "Read", value: 10 },
    { ...disk, minor: 16, op: "read", value: 5 },
    { ...disk, op: "Write", value: 3 },
    { ...disk, op: "Total", value: 13 },
  ];
  const counts = [
    { ...disk, op: "Read", value: 2 },
    { ...disk, op: "Write", value: 1 },
  ];
  const same = {
    id: "c1",
    podUid: "u1",
    name: "app",
    at: 1000,
    cpuNanoseconds: 90,
    cpuUserNanoseconds: 60,
    cpuSystemNanoseconds: 30,
    throttling: { periods: 5, throttledPeriods: 2, throttledNanoseconds: 7 },
    memoryBytes: 700,
    io: [
      { number: "8:0", readBytes: 10, writeBytes: 3, reads: 2, writes: 1 },
      { number: "8:16", readBytes: 5, writeBytes: 0, reads: 0, writes: 0 },
    ],
    threads: 4,
    maxThreads: undefined,
  };

  it.each([
    [
      "version 1",
      { total_inactive_file: 300, inactive_file: 1, total_rss: 600, total_cache: 350, total_pgfault: 9 },
      { inactiveFileBytes: 300, usageBytes: 1000, rssBytes: 600, cacheBytes: 350, pageFaults: 9, maxUsageBytes: 1200 },
    ],
    [
      "version 2",
      { inactive_file: 300, anon: 600, file: 350, file_mapped: 20, pgfault: 9, pgmajfault: 1 },
      {
        inactiveFileBytes: 300,
        usageBytes: 1000,
        rssBytes: 600,
        cacheBytes: 350,
        mappedBytes: 20,
        pageFaults: 9,
        majorPageFaults: 1,
        maxUsageBytes: 1200,
      },
    ],
  ])("reads what control groups of %s tell", (_, stats, memory) => {
    const engine = {
      cpu_stats,
      memory_stats: { usage: 1000, max_usage: 1200, stats },
      blkio_stats: { io_service_bytes_recursive: io, io_serviced_recursive: counts },
      // What engines call no limit.
      pids_stats: { current: 4, limit: 2 ** 64 },
    };
    const read = containerStats(found, engine, 1000);
    expect(read).toMatchObject(same);
    expect(JSON.parse(JSON.stringify(read.memory))).toEqual(memory);
  });

  it("tells nothing where the engine tells nothing", () => {
    const read = containerStats(found, { blkio_stats: { io_service_bytes_recursive: null } }, 1);
    expect(read).toMatchObject({ cpuNanoseconds: 0, memoryBytes: 0, io: undefined, throttling: undefined });
  });
});

describe("EngineCgroups", () => {
  it.each([
    ["of version 2, made by systemd", "system.slice/docker-c1.scope"],
    ["of version 2, made by the engine", "docker/c1"],
    ["of version 1", "memory/docker/c1"],
  ])("reads a group %s", async (_, place) => {
    const root = await mkdtemp(join(tmpdir(), "wherry-cgroup-"));
    onTestFinished(() => rm(root, { recursive: true }));
    const folder = join(root, place);
    await mkdir(folder, { recursive: true });
    // 0: one of another namespace of processes.
    await writeFile(join(folder, "cgroup.procs"), "0\n12\n13\n");
    const isFirst = place.startsWith("memory/");
    if (isFirst) {
      await writeFile(join(folder, "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
      await writeFile(join(folder, "memory.kmem.usage_in_bytes"), "77\n");
    } else {
      await writeFile(join(folder, "memory.events"), "max 4\noom_kill 2\n");
      await writeFile(join(folder, "cpu.pressure"), "some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n");
    }
    const stats = withCgroup(
      { id: "c1", podUid: "u1", name: "app", at: 1, cpuNanoseconds: 1, memoryBytes: 5, memory: { rssBytes: 3 } },
      await new EngineCgroups(root).read("c1"),
    );
    expect(stats).toMatchObject({ pids: [12, 13], processes: 2, outOfMemoryKills: 2, memory: { rssBytes: 3 } });
    expect(isFirst ? stats.memory?.kernelBytes : stats.memory?.limitHits).toBe(isFirst ? 77 : 4);
    expect(stats.pressures?.cpu?.some.avg10).toBe(isFirst ? undefined : 1.5);
    expect(await new EngineCgroups(root).read("c2")).toBeUndefined();
  });

  it("has a container end as a whole when it runs out of memory, where its group has a file for that", async () => {
    const root = await mkdtemp(join(tmpdir(), "wherry-cgroup-"));
    onTestFinished(() => rm(root, { recursive: true }));
    const groups = ["system.slice/docker-c1.scope", "own/c2", "memory/docker/c3"];
    for (const group of groups) await mkdir(join(root, group), { recursive: true });
    for (const group of groups.slice(0, 2)) await writeFile(join(root, group, "memory.oom.group"), "0\n");
    const cgroups = new EngineCgroups(root);
    expect(await cgroups.endAsWhole("c1")).toBe(true);
    expect(await cgroups.endAsWhole("c2", { places: ["elsewhere/c2", "own/c2"] })).toBe(true);
    for (const group of groups.slice(0, 2))
      expect(await readFile(join(root, group, "memory.oom.group"), "utf8")).toMatch(/^1/);
    expect(await cgroups.endAsWhole("c3")).toBe(false);
    expect(await readdir(join(root, "memory/docker/c3"))).toEqual([]);
  });

  it("looks where a group was the last time, and everywhere once it is not there, or was forgotten", async () => {
    const root = await mkdtemp(join(tmpdir(), "wherry-cgroup-"));
    onTestFinished(() => rm(root, { recursive: true }));
    const make = async (place: string, procs: string) => {
      await mkdir(join(root, place), { recursive: true });
      await writeFile(join(root, place, "cgroup.procs"), procs);
    };
    const cgroups = new EngineCgroups(root);
    const pids = async () => (await cgroups.read("c1"))?.pids;
    await make("docker/c1", "1\n");
    expect(await pids()).toEqual([1]);
    // This place comes first for one that looks everywhere.
    await make("system.slice/docker-c1.scope", "2\n");
    expect(await pids()).toEqual([1]);
    cgroups.keep(new Set(["c1"]));
    expect(await pids()).toEqual([1]);
    cgroups.keep(new Set());
    expect(await pids()).toEqual([2]);
    await rm(join(root, "system.slice"), { recursive: true });
    expect(await pids()).toEqual([1]);
  });
});

describe("networkStats() of Docker", () => {
  const networks = { eth0: { rx_bytes: 1, rx_packets: 2, tx_bytes: 3, tx_dropped: 4 } };

  it("tells of the network that a pod has for itself, and not of the host's", () => {
    const stats = networkStats(found, { networks }, 5);
    expect(stats).toMatchObject({ podUid: "u1", at: 5 });
    expect(stats?.interfaces).toMatchObject([{ name: "eth0", rxBytes: 1, rxErrors: 0, txBytes: 3, txDropped: 4 }]);
    const onHost = { ...found, Labels: { ...found.Labels, [label.hostNetwork]: "true" } };
    expect(networkStats(onHost, { networks }, 5)).toBeUndefined();
    expect(networkStats(found, {}, 5)).toBeUndefined();
  });
});

describe("cgroupStats()", () => {
  const files = {
    "cpu.stat":
      "usage_usec 90\nuser_usec 60\nsystem_usec 30\nnr_periods 5\nnr_throttled 2\nthrottled_usec 7\nnr_bursts 0\n",
    "memory.current": "1000\n",
    "memory.stat": "anon 600\nfile 350\nfile_mapped 20\ninactive_file 300\npgfault 9\npgmajfault 1\n",
    "memory.events": "low 0\nhigh 3\nmax 4\noom 1\noom_kill 1\n",
    "memory.peak": "1100\n",
    "memory.swap.current": "8\n",
    "memory.swap.max": "0\n",
    "io.stat": "8:0 rbytes=10 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=1 rios=1 wios=1\n",
    "pids.current": "4\n",
    "pids.max": "4096\n",
  };

  it("reads the files of version 2", () => {
    expect(cgroupStats(files)).toMatchObject({
      cpuNanoseconds: 90_000,
      cpuUserNanoseconds: 60_000,
      cpuSystemNanoseconds: 30_000,
      throttling: { periods: 5, throttledPeriods: 2, throttledNanoseconds: 7000 },
      memoryBytes: 700,
      memory: {
        usageBytes: 1000,
        rssBytes: 600,
        cacheBytes: 350,
        mappedBytes: 20,
        swapBytes: 8,
        swapLimitBytes: 0,
        maxUsageBytes: 1100,
        limitHits: 4,
        highHits: 3,
        pageFaults: 9,
        majorPageFaults: 1,
      },
      outOfMemoryKills: 1,
      io: [
        { number: "8:0", readBytes: 10, writeBytes: 2, reads: 1, writes: 1 },
        { number: "8:16", readBytes: 5, writeBytes: 1, reads: 1, writes: 1 },
      ],
      threads: 4,
      maxThreads: 4096,
    });
    const free = cgroupStats({ ...files, "memory.swap.max": "max\n", "pids.max": "max\n" });
    expect([free?.memory?.swapLimitBytes, free?.maxThreads]).toEqual([Number.POSITIVE_INFINITY, undefined]);
  });

  it("tells nothing of a group that is gone, or does not count memory", () => {
    const gone = { "cpu.stat": "", "memory.current": "", "memory.stat": "" };
    expect(cgroupStats({ ...files, ...gone, "memory.swap.current": "", "io.stat": "", "pids.current": "" })).toBe(
      undefined,
    );
    expect(cgroupStats({ ...files, "memory.current": "" })).toBeUndefined();
  });
});

it("ioOfV1() reads what went through each disk, and does without counts", () => {
  const bytes = "8:0 Read 10\n8:0 Write 3\n8:0 Total 13\n253:1 Read 1\nTotal 14\n";
  expect(ioOfV1(bytes, "8:0 Read 2\n8:0 Write 1\nTotal 3\n")).toEqual([
    { number: "8:0", readBytes: 10, writeBytes: 3, reads: 2, writes: 1 },
    { number: "253:1", readBytes: 1, writeBytes: 0, reads: undefined, writes: undefined },
  ]);
  expect(ioOfV1("", "")).toBeUndefined();
});

describe("processes of a container", () => {
  const entry = (pid: number, parent: number, session: number) => ({
    pid,
    parent,
    session,
    group: session,
    startedAt: "1",
    cpuNanoseconds: 10,
    cpuUserNanoseconds: 7,
    threads: 2,
    pageFaults: 3,
    majorPageFaults: 1,
  });

  it("withDescendants() finds those that began a session of their own, and no others", () => {
    const all = [
      entry(1, 0, 1),
      entry(10, 1, 10),
      entry(11, 10, 10),
      entry(12, 11, 12),
      entry(13, 12, 13),
      entry(20, 1, 20),
    ];
    expect(
      withDescendants(all, 10)
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual([10, 11, 12, 13]);
  });

  it("processStats() adds them up", async () => {
    // Numbers that no process has: what is read of their memory is nothing.
    const own = [entry(2 ** 30, 1, 1), entry(2 ** 30 + 1, 1, 1)];
    expect(await processStats(own)).toMatchObject({
      cpuNanoseconds: 20,
      cpuUserNanoseconds: 14,
      cpuSystemNanoseconds: 6,
      processes: 2,
      threads: 4,
      memory: { pageFaults: 6, majorPageFaults: 2 },
    });
  });
});

describe("the machine's use", () => {
  it("parseCpu() counts the time that is neither idle nor waited", () => {
    expect(parseCpu("cpu  1 2 3 400 500 6 7 8 9 10\ncpu0 1 1 1 1\n")).toEqual({
      cpuNanoseconds: (1 + 2 + 3 + 6 + 7 + 8) * 10_000_000,
      cpuUserNanoseconds: (1 + 2) * 10_000_000,
    });
    expect(parseCpu("")).toBeUndefined();
  });

  it("parseMemory() leaves files that may be dropped out of the working set", () => {
    const text =
      "MemTotal:  100 kB\nMemFree:   40 kB\nCached:  25 kB\nAnonPages:  30 kB\nInactive(file):  20 kB\nSwapTotal:  8 kB\nSwapFree:  3 kB\n";
    expect(parseMemory(text)).toEqual({
      memoryBytes: 60 * 1024,
      workingSetBytes: 40 * 1024,
      rssBytes: 30 * 1024,
      cacheBytes: 25 * 1024,
      inactiveFileBytes: 20 * 1024,
      swapTotalBytes: 8 * 1024,
      swapFreeBytes: 3 * 1024,
    });
  });

  it("parseInterfaces() leaves out loopback and the ends of containers' links", () => {
    const row = "  1 2 3 4 0 0 0 0  5 6 7 8 0 0 0 0";
    const text = [
      "Inter-| Receive",
      " face |bytes",
      `    lo:${row}`,
      `  eth0:${row}`,
      `veth12:${row}`,
      `docker0:${row}`,
    ].join("\n");
    expect(parseInterfaces(text)).toEqual([
      {
        name: "eth0",
        rxBytes: 1,
        rxPackets: 2,
        rxErrors: 3,
        rxDropped: 4,
        txBytes: 5,
        txPackets: 6,
        txErrors: 7,
        txDropped: 8,
      },
    ]);
  });

  it("machineUsage() tells figures that belong together", async () => {
    const { memoryBytes, workingSetBytes, cpuNanoseconds, bootedAt } = await machineUsage();
    expect(workingSetBytes).toBeGreaterThan(0);
    expect(workingSetBytes).toBeLessThanOrEqual(memoryBytes);
    expect(cpuNanoseconds).toBeGreaterThan(0);
    expect(bootedAt).toBeLessThan(Date.now());
  });
});

describe("disks and file systems", () => {
  it("parseDiskstats() reads what disks did, and leaves out those that never did anything", () => {
    const text = [
      "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
      " 254       1 vda1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
      "",
    ].join("\n");
    const read = { reads: 1, readsMerged: 2, sectorsRead: 3, readMs: 4 };
    const written = { writes: 5, writesMerged: 6, sectorsWritten: 7, writeMs: 8 };
    const all = { inProgress: 9, busyMs: 10, weightedMs: 11 };
    expect(parseDiskstats(text)).toEqual([{ number: "254:1", device: "/dev/vda1", ...read, ...written, ...all }]);
  });

  it("mountPointOf() finds the nearest mount, the last of those over each other, whatever is in its name", () => {
    const mounts = parseMountInfo(
      [
        "1 0 254:1 / / rw shared:1 - ext4 /dev/vda1 rw",
        "2 1 0:30 / /data rw shared:2 master:1 - tmpfs tmpfs rw",
        "3 2 254:2 / /data rw - xfs /dev/vda2 rw",
        "4 2 0:31 / /with\\040space rw - tmpfs my\\040disk rw",
        "",
      ].join("\n"),
    );
    const device = (path: string) => mountPointOf(path, mounts)?.device;
    expect([device("/"), device("/database"), device("/data"), device("/data/x"), device("/with space/y")]).toEqual([
      "/dev/vda1",
      "/dev/vda1",
      "/dev/vda2",
      "/dev/vda2",
      "my disk",
    ]);
    expect(mountPointOf("/", [])).toBeUndefined();
  });
});

it("parsePressure() reads stalls, and takes an older kernel's missing line for none", () => {
  const some = "some avg10=97.20 avg60=76.90 avg300=44.65 total=357\n";
  const none = { totalMicroseconds: 0, avg10: 0, avg60: 0, avg300: 0 };
  expect(parsePressure(some)).toEqual({
    some: { totalMicroseconds: 357, avg10: 97.2, avg60: 76.9, avg300: 44.65 },
    full: none,
  });
  expect(parsePressure(`${some}full avg10=0.10 avg60=0.00 avg300=0.00 total=5\n`)?.full.totalMicroseconds).toBe(5);
  expect(parsePressure("")).toBeUndefined();
});

it("parseCpuTopology() counts processors and their cores, and says nothing where the system does not", () => {
  const logical = (socket: number, core: number) => `processor : 0\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;
  const text = [logical(0, 0), logical(0, 0), logical(0, 1), logical(1, 0)].join("\n");
  expect(parseCpuTopology(text)).toEqual({ sockets: 2, cores: 3 });
  expect(parseCpuTopology("processor : 0\nBogoMIPS : 50\n")).toBeUndefined();
});

it.skipIf(platformName !== "linux")("openFiles() counts what this process has open", async () => {
  const before = await openFiles([currentPid()]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const after = await openFiles([currentPid(), 2 ** 30]);
  server.close();
  expect(after?.sockets).toBeGreaterThan(before?.sockets ?? Number.NaN);
  expect(after?.descriptors).toBeGreaterThan(after?.sockets ?? Number.NaN);
  expect(after?.softLimit).toBeGreaterThan(0);
  expect(await openFiles([2 ** 30])).toBeUndefined();
});

describe("folderUsage()", () => {
  it("counts files once, follows no link, and tells nothing of what is not there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wherry-usage-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, "a", "b"), { recursive: true });
    await writeFile(join(folder, "a", "b", "file"), Buffer.alloc(50_000, 7));
    await symlink("/", join(folder, "a", "root"));
    const usage = await folderUsage(folder);
    // The folder, two in it, the file and the link.
    expect(usage?.inodes).toBe(5);
    expect(usage?.bytes).toBeLessThan(5_000_000);
    expect(await folderUsage(join(folder, "nothing"))).toBeUndefined();
  });
});
