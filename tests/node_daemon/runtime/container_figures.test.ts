import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { folderUsage } from "../../../core/platform/folder_usage.ts";
import { machineUsage, parseCpu, parseInterfaces, parseMemory } from "../../../core/platform/machine_usage.ts";
import { label } from "../../../node_daemon/runtime/docker_config.ts";
import { containerStats, networkStats } from "../../../node_daemon/runtime/docker_stats.ts";
import { cgroupStats, processStats } from "../../../node_daemon/runtime/process_stats.ts";
import { withDescendants } from "../../../node_daemon/runtime/process_table.ts";

const found = { Id: "c1", Labels: { [label.podUid]: "u1", [label.containerName]: "app" } };

describe("containerStats() of Docker", () => {
  const cpu_stats = {
    cpu_usage: { total_usage: 90, usage_in_kernelmode: 30, usage_in_usermode: 60 },
    throttling_data: { periods: 5, throttled_periods: 2, throttled_time: 7 },
  };
  const io = [
    { op: "Read", value: 10 },
    { op: "read", value: 5 },
    { op: "Write", value: 3 },
    { op: "Total", value: 18 },
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
    io: { readBytes: 15, writeBytes: 3 },
    threads: 4,
  };

  it.each([
    [
      "version 1",
      { total_inactive_file: 300, inactive_file: 1, total_rss: 600, total_cache: 350, total_pgfault: 9 },
      { usageBytes: 1000, rssBytes: 600, cacheBytes: 350, pageFaults: 9 },
    ],
    [
      "version 2",
      { inactive_file: 300, anon: 600, file: 350, file_mapped: 20, pgfault: 9, pgmajfault: 1 },
      { usageBytes: 1000, rssBytes: 600, cacheBytes: 350, mappedBytes: 20, pageFaults: 9, majorPageFaults: 1 },
    ],
  ])("reads what control groups of %s tell", (_, stats, memory) => {
    const engine = {
      cpu_stats,
      memory_stats: { usage: 1000, stats },
      blkio_stats: { io_service_bytes_recursive: io },
      pids_stats: { current: 4 },
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
    "memory.swap.current": "8\n",
    "io.stat": "8:0 rbytes=10 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=1 rios=1 wios=1\n",
    "pids.current": "4\n",
  };

  it("reads the files of version 2", () => {
    expect(cgroupStats(files)).toEqual({
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
        pageFaults: 9,
        majorPageFaults: 1,
      },
      io: { readBytes: 15, writeBytes: 3 },
      threads: 4,
    });
  });

  it("tells nothing of a group that is gone, or does not count memory", () => {
    const gone = { "cpu.stat": "", "memory.current": "", "memory.stat": "" };
    expect(cgroupStats({ ...files, ...gone, "memory.swap.current": "", "io.stat": "", "pids.current": "" })).toBe(
      undefined,
    );
    expect(cgroupStats({ ...files, "memory.current": "" })).toBeUndefined();
  });
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
    expect(parseCpu("cpu  1 2 3 400 500 6 7 8 9 10\ncpu0 1 1 1 1\n")).toBe((1 + 2 + 3 + 6 + 7 + 8) * 10_000_000);
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
