import { describe, expect, it } from "vitest";
import type { Pod } from "../../../../core/kinds/pod.ts";
import { parseDiskstats } from "../../../../core/platform/disks.ts";
import type { MachineFacts } from "../../../../core/platform/machine.ts";
import type { MachineUsage } from "../../../../core/platform/machine_usage.ts";
import type { Pressure } from "../../../../core/platform/pressure.ts";
import { renderMetrics } from "../../../../core/util/prometheus.ts";
import { cadvisorMetrics } from "../../../../node_daemon/kubelet/stats/cadvisor_metrics.ts";
import { usageByPod } from "../../../../node_daemon/kubelet/stats/pod_usage.ts";
import { resourceMetrics } from "../../../../node_daemon/kubelet/stats/resource_metrics.ts";
import { summaryOf } from "../../../../node_daemon/kubelet/stats/summary.ts";
import type { DiskSample, Sample } from "../../../../node_daemon/kubelet/stats/usage_reader.ts";
import type { ContainerStats } from "../../../../node_daemon/runtime/runtime.ts";
import { parsePrometheus, samplesOf } from "../../../prometheus_text.ts";

const start = Date.parse("2026-01-01T00:00:00Z");
const hostile = 'a"b\\c\nd{e="f"}';

const eth0 = {
  name: "eth0",
  rxBytes: 10,
  rxPackets: 1,
  rxErrors: 0,
  rxDropped: 0,
  txBytes: 20,
  txPackets: 2,
  txErrors: 0,
  txDropped: 3,
};
function stalls(totalMicroseconds: number): Pressure {
  const some = { totalMicroseconds, avg10: 1, avg60: 2, avg300: 3 };
  return { some, full: { ...some, totalMicroseconds: totalMicroseconds / 2 } };
}

const machine: MachineUsage = {
  bootedAt: start - 3_600_000,
  cpuNanoseconds: 5e9,
  cpuUserNanoseconds: 4e9,
  memoryBytes: 3000,
  workingSetBytes: 2000,
  rssBytes: 1500,
  cacheBytes: 900,
  activeFileBytes: 500,
  inactiveFileBytes: 400,
  dirtyBytes: 3,
  writebackBytes: 0,
  outOfMemoryKills: 2,
  pressures: { cpu: stalls(1_500_000), memory: undefined, io: stalls(2_000_000) },
  pageFaults: 7,
  majorPageFaults: 1,
  swapTotalBytes: 100,
  swapFreeBytes: 60,
  processes: 11,
  maxProcesses: 4096,
  defaultInterface: "eth0",
  interfaces: [{ ...eth0, name: "wlan0" }, eth0],
};
const facts: MachineFacts = {
  hostname: "m",
  operatingSystem: "linux",
  architecture: "amd64",
  cpus: 4,
  memoryBytes: 10_000,
  swapBytes: 100,
  kernelVersion: "6.1",
  osImage: hostile,
  machineId: "mid",
  systemUuid: "sid",
  bootId: "bid",
};
const fileSystem = {
  device: "/dev/vda1",
  totalBytes: 1000,
  freeBytes: 400,
  usedBytes: 550,
  inodes: 100,
  inodesFree: 90,
};

function stats(changes: Partial<ContainerStats> = {}): ContainerStats {
  return { id: "c1", podUid: "u1", name: "app", at: start, cpuNanoseconds: 1e9, memoryBytes: 500, ...changes };
}

function sample(monotonic: number, containers: readonly ContainerStats[], changes: Partial<MachineUsage> = {}): Sample {
  const at = start + monotonic;
  const networks = [{ podUid: "u1", at, interfaces: [eth0] }];
  const daemon = { startedAt: start, cpuNanoseconds: monotonic * 100, memoryBytes: 70 };
  return { at, monotonic, machine: { ...machine, ...changes }, daemon, complete: true, containers, networks };
}

function pod(changes: { readonly startedAt?: string; readonly uid?: string } = {}): Pod {
  const { startedAt = "2025-12-31T23:00:00Z", uid = "u1" } = changes;
  const status = { name: "app", ready: true, restartCount: 0, image: hostile, imageID: "" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default", uid },
    spec: {
      containers: [{ name: "app", resources: { limits: { cpu: "500m", memory: "1000" }, requests: { cpu: "250m" } } }],
      volumes: [
        { name: "scratch", emptyDir: {} },
        { name: "data", persistentVolumeClaim: { claimName: "pvc-1" } },
      ],
    },
    status: {
      qosClass: "Burstable",
      startTime: "2025-12-31T22:59:00Z",
      containerStatuses: [{ ...status, state: { running: { startedAt } } }],
    },
  };
}

const disk: DiskSample = {
  at: start,
  node: fileSystem,
  images: undefined,
  containers: [{ id: "c1", podUid: "u1", name: "app", rootBytes: 30, rootInodes: 3, logBytes: 12 }],
  volumes: [
    { podUid: "u1", name: "scratch", bytes: 8, inodes: 2, fileSystem },
    { podUid: "u1", name: "data", bytes: 99, inodes: 5, fileSystem },
    { podUid: "other", name: "scratch", bytes: 1e6, inodes: 5, fileSystem },
  ],
};

function summary({ before, now, only = false }: { before: Sample; now: Sample; only?: boolean }) {
  const samples = { before, now };
  return summaryOf({
    nodeName: "node-1",
    memoryCapacityBytes: 10_000,
    samples,
    pods: usageByPod([pod(), pod({ uid: "idle" })], samples),
    disk: only ? undefined : disk,
  });
}

describe("summaryOf()", () => {
  const before = sample(0, [stats()]);
  const now = sample(
    2000,
    [stats({ at: start + 2000, cpuNanoseconds: 2e9, memory: { rssBytes: 400, usageBytes: 600 } })],
    {
      cpuNanoseconds: 9e9,
    },
  );

  it("tells how fast CPU time is used, by what lies between two samples", () => {
    const { node, pods } = summary({ before, now });
    expect(node.cpu).toEqual({
      time: "2026-01-01T00:00:02Z",
      usageNanoCores: 2e9,
      usageCoreNanoSeconds: 9e9,
      psi: {
        some: { total: 1_500_000, avg10: 1, avg60: 2, avg300: 3 },
        full: { total: 750_000, avg10: 1, avg60: 2, avg300: 3 },
      },
    });
    expect(node.systemContainers).toMatchObject([
      { name: "kubelet", cpu: { usageNanoCores: 1e5 }, memory: { workingSetBytes: 70 } },
      { name: "pods", cpu: { usageNanoCores: 5e8 }, memory: { workingSetBytes: 500 } },
    ]);
    expect(pods[0]?.containers[0]?.cpu).toMatchObject({ usageNanoCores: 5e8, usageCoreNanoSeconds: 2e9 });
    expect(pods[0]?.cpu).toMatchObject({ usageNanoCores: 5e8 });
  });

  it("counts a container that began in between from its start, and one too young not at all", () => {
    const young = (ms: number) =>
      usageByPod([pod({ startedAt: "2026-01-01T00:00:01Z" })], {
        before: sample(0, []),
        now: sample(1000 + ms, [stats({ at: start + 1000 + ms, cpuNanoseconds: 1e8 })]),
      })[0]?.containers[0]?.nanoCores;
    expect(young(500)).toBe(2e8);
    expect(young(50)).toBeUndefined();
  });

  it("never tells a negative rate, when a container's counter fell", () => {
    const fallen = sample(2000, [stats({ at: start + 2000, cpuNanoseconds: 5 })], { cpuNanoseconds: 0 });
    const { node, pods } = summary({ before, now: fallen });
    expect([node.cpu.usageNanoCores, pods[0]?.cpu?.usageNanoCores]).toEqual([0, 0]);
  });

  it("tells the memory, network, disks and processes of node, pod and container", () => {
    const { node, pods } = summary({ before, now });
    expect(node).toMatchObject({
      nodeName: "node-1",
      startTime: "2025-12-31T23:00:00Z",
      memory: { availableBytes: 8000, usageBytes: 3000, workingSetBytes: 2000, rssBytes: 1500, pageFaults: 7 },
      network: { name: "eth0", rxBytes: 10, txBytes: 20 },
      fs: { capacityBytes: 1000, availableBytes: 400, usedBytes: 550, inodes: 100, inodesUsed: 10 },
      rlimit: { maxpid: 4096, curproc: 11 },
      swap: { swapAvailableBytes: 60, swapUsageBytes: 40 },
    });
    expect(node.network?.interfaces.map(({ name }) => name)).toEqual(["wlan0", "eth0"]);
    // A pod without containers that run has nothing to tell.
    expect(pods.map(({ podRef }) => podRef)).toEqual([{ name: "web", namespace: "default", uid: "u1" }]);
    const [web] = pods;
    expect(web?.containers[0]).toMatchObject({
      name: "app",
      startTime: "2025-12-31T23:00:00Z",
      memory: { availableBytes: 500, workingSetBytes: 500, usageBytes: 600, rssBytes: 400 },
      rootfs: { usedBytes: 30, inodesUsed: 3, capacityBytes: 1000 },
      logs: { usedBytes: 12 },
    });
    expect(web?.network).toMatchObject({ name: "eth0", rxBytes: 10 });
    expect(web?.volume).toMatchObject([
      { name: "scratch", usedBytes: 8 },
      { name: "data", usedBytes: 99, pvcRef: { name: "pvc-1", namespace: "default" } },
    ]);
    expect(node.io?.psi.some.total).toBe(2_000_000);
    // Root, log and scratch: a claim's volume is not the pod's own.
    expect(web?.["ephemeral-storage"]).toMatchObject({ usedBytes: 30 + 12 + 8 });
  });

  it("tells CPU and memory only, when nothing of disks was read", () => {
    const { node, pods } = summary({ before, now, only: true });
    expect(Object.keys(node).sort()).toEqual(["cpu", "memory", "nodeName", "startTime", "swap", "systemContainers"]);
    expect(Object.keys(pods[0] ?? {}).sort()).toEqual(["containers", "cpu", "memory", "podRef", "startTime"]);
  });
});

describe("resourceMetrics()", () => {
  it("has the names and labels that metrics-server reads, with the time of each figure", () => {
    const now = sample(1000, [stats({ at: start + 900 })]);
    const families = parsePrometheus(renderMetrics(resourceMetrics(now, usageByPod([pod()], { now }))));
    expect(samplesOf(families, "container_cpu_usage_seconds_total")).toEqual([
      {
        name: "container_cpu_usage_seconds_total",
        labels: { container: "app", namespace: "default", pod: "web" },
        value: 1,
        at: start + 900,
      },
    ]);
    expect(samplesOf(families, "pod_memory_working_set_bytes")[0]).toMatchObject({ value: 500 });
    expect(samplesOf(families, "node_cpu_usage_seconds_total")[0]).toMatchObject({ labels: {}, value: 5 });
    expect(samplesOf(families, "container_start_time_seconds")[0]).toMatchObject({
      value: (start - 3_600_000) / 1000,
      at: undefined,
    });
    expect(families.get("node_cpu_usage_seconds_total")?.type).toBe("counter");
    expect(samplesOf(families, "resource_scrape_error")[0]?.value).toBe(0);
  });
});

/** What Prometheus finds at a kubelet of today, on cgroups of version 2 with pressure stall information. */
const kubeletFamilies: readonly (readonly [string, "counter" | "gauge"])[] = [
  ...[
    ...["cpu_usage_seconds", "cpu_user_seconds", "cpu_system_seconds", "cpu_cfs_periods"],
    ...["cpu_cfs_throttled_periods", "cpu_cfs_throttled_seconds", "memory_failures", "oom_events"],
    ...["memory_events_high", "memory_events_max", "memory_pgscan", "memory_pgsteal"],
    ...["memory_workingset_refault_file", "memory_workingset_refault_anon", "blkio_device_usage"],
    ...["fs_reads", "fs_writes", "fs_reads_bytes", "fs_writes_bytes", "fs_sector_reads", "fs_sector_writes"],
    ...["fs_reads_merged", "fs_writes_merged", "fs_read_seconds", "fs_write_seconds"],
    ...["fs_io_time_seconds", "fs_io_time_weighted_seconds"],
    ...["network_receive_bytes", "network_receive_errors", "network_receive_packets"],
    ...["network_receive_packets_dropped", "network_transmit_bytes", "network_transmit_errors"],
    ...["network_transmit_packets", "network_transmit_packets_dropped"],
    ...["pressure_cpu_stalled_seconds", "pressure_cpu_waiting_seconds", "pressure_io_stalled_seconds"],
    ...["pressure_io_waiting_seconds", "pressure_memory_stalled_seconds", "pressure_memory_waiting_seconds"],
  ].map((name) => [`container_${name}_total`, "counter"] as const),
  ["container_memory_failcnt", "counter"],
  ...[
    ...["memory_cache", "memory_rss", "memory_kernel_usage", "memory_mapped_file", "memory_swap"],
    ...["memory_usage_bytes", "memory_max_usage_bytes", "memory_working_set_bytes"],
    ...["memory_total_active_file_bytes", "memory_total_inactive_file_bytes"],
    ...["memory_file_dirty_bytes", "memory_file_writeback_bytes"],
    ...["fs_inodes_free", "fs_inodes_total", "fs_limit_bytes", "fs_usage_bytes", "fs_io_current"],
    ...["processes", "threads", "threads_max", "file_descriptors", "sockets", "ulimits_soft"],
    ...["spec_cpu_period", "spec_cpu_quota", "spec_cpu_shares", "spec_memory_limit_bytes"],
    ...["spec_memory_reservation_limit_bytes", "spec_memory_swap_limit_bytes"],
    ...["creation_time_seconds", "start_time_seconds", "last_seen", "health_state", "scrape_error"],
  ].map((name) => [`container_${name}`, "gauge"] as const),
  ...["cpu_cores", "cpu_physical_cores", "cpu_sockets", "memory_bytes", "swap_bytes", "scrape_error"].map(
    (name) => [`machine_${name}`, "gauge"] as const,
  ),
  ["cadvisor_version_info", "gauge"],
];

describe("cadvisorMetrics()", () => {
  const container = stats({
    createdAt: start - 3_700_000,
    throttling: { periods: 4, throttledPeriods: 1, throttledNanoseconds: 5e8 },
    memory: {
      ...{ usageBytes: 600, maxUsageBytes: 800, kernelBytes: 5, mappedBytes: 4, swapBytes: 0, swapLimitBytes: 0 },
      ...{ limitHits: 6, highHits: 0, pagesScanned: 3, pagesReclaimed: 2, refaultsOfFiles: 1, refaultsOfMemory: 0 },
    },
    io: [
      { number: "254:0", readBytes: 4096, writeBytes: 512, reads: 2, writes: 1 },
      { number: "8:0", readBytes: 1, writeBytes: 0 },
    ],
    outOfMemoryKills: 1,
    pressures: { cpu: stalls(3_000_000), memory: stalls(0), io: undefined },
    threads: 3,
    maxThreads: 4096,
  });
  const now = sample(0, [container]);
  const disks = parseDiskstats(" 254 0 vda 9 8 6 4000 7 6 4 2000 1 3000 5000\n 254 1 vda1 1 1 2 10 1 1 2 10 0 20 20\n");
  const details = {
    disks,
    fileSystems: [{ ...fileSystem, number: "254:1" }],
    files: new Map([["c1", { descriptors: 12, sockets: 5, softLimit: 1024 }]]),
  };
  const topology = { sockets: 1, cores: 2 };
  const pods = usageByPod([pod()], { now });
  const text = renderMetrics(
    cadvisorMetrics({ machine: facts, topology, details, runtimeVersion: "docker://28", sample: now, disk, pods }),
  );
  const families = parsePrometheus(text);

  it("tells of the machine, the pod and the container under the labels of cAdvisor", () => {
    const id = "/kubepods/burstable/podu1";
    const rows = samplesOf(families, "container_cpu_usage_seconds_total");
    expect(rows.map(({ labels }) => [labels["id"], labels["container"], labels["pod"], labels["cpu"]])).toEqual([
      ["/", "", "", "total"],
      [id, "", "web", "total"],
      [`${id}/c1`, "app", "web", "total"],
    ]);
    expect(samplesOf(families, "container_memory_working_set_bytes", { container: "app" })[0]?.value).toBe(500);
    expect(samplesOf(families, "container_network_transmit_packets_dropped_total", { pod: "web" })).toMatchObject([
      { labels: { interface: "eth0", container: "" }, value: 3 },
    ]);
    expect(samplesOf(families, "container_spec_cpu_quota")[0]).toMatchObject({ value: 50_000 });
    expect(samplesOf(families, "container_spec_cpu_shares")[0]?.value).toBe(256);
    expect(samplesOf(families, "container_spec_memory_limit_bytes")[0]?.value).toBe(1000);
    expect(samplesOf(families, "container_cpu_cfs_throttled_seconds_total")[0]?.value).toBe(0.5);
  });

  it("names the device of every figure of disks and file systems", () => {
    const rows = (name: string, labels: Record<string, string>) =>
      samplesOf(families, `container_fs_${name}`, labels).map(({ labels: { device }, value }) => [device, value]);
    const app = { container: "app" };
    expect(rows("reads_bytes_total", app)).toEqual([
      ["/dev/vda", 4096],
      // One that the machine does not list.
      ["/dev/block/8:0", 1],
    ]);
    expect(rows("writes_bytes_total", app)[0]).toEqual(["/dev/vda", 512]);
    expect([rows("reads_total", app), rows("writes_total", app)]).toEqual([[["/dev/vda", 2]], [["/dev/vda", 1]]]);
    expect(rows("usage_bytes", app)).toEqual([["/dev/vda1", 30]]);
    expect([rows("limit_bytes", app), rows("inodes_total", app), rows("inodes_free", app)]).toEqual([
      [["/dev/vda1", 1000]],
      [["/dev/vda1", 100]],
      [["/dev/vda1", 90]],
    ]);
    const root = { id: "/" };
    expect([rows("usage_bytes", root), rows("reads_total", root)]).toEqual([[["/dev/vda1", 550]], [["/dev/vda1", 1]]]);
    expect([rows("sector_reads_total", root), rows("reads_bytes_total", root)]).toEqual([
      [["/dev/vda1", 2]],
      [["/dev/vda1", 1024]],
    ]);
    expect([rows("io_time_seconds_total", root), rows("io_current", root)]).toEqual([
      [["/dev/vda1", 0.02]],
      [["/dev/vda1", 0]],
    ]);
    expect(samplesOf(families, "container_cpu_system_seconds_total", root)[0]?.value).toBe(1);
    const device = { ...app, device: "/dev/vda", major: "254", minor: "0", operation: "Write" };
    expect(samplesOf(families, "container_blkio_device_usage_total", device)[0]?.value).toBe(512);
  });

  it("has the families that a kubelet's cAdvisor has, each of its type", () => {
    const missing = kubeletFamilies.filter(([name, type]) => families.get(name)?.type !== type);
    expect(missing).toEqual([]);
    const value = (name: string, labels = {}) => samplesOf(families, name, { container: "app", ...labels })[0]?.value;
    expect(value("container_oom_events_total")).toBe(1);
    expect(value("container_pressure_cpu_waiting_seconds_total")).toBe(3);
    expect(value("container_pressure_cpu_stalled_seconds_total")).toBe(1.5);
    expect(value("container_pressure_io_stalled_seconds_total")).toBeUndefined();
    expect([value("container_file_descriptors"), value("container_sockets")]).toEqual([12, 5]);
    expect(value("container_ulimits_soft", { ulimit: "max_open_files" })).toBe(1024);
    expect([value("container_threads_max"), value("container_memory_max_usage_bytes")]).toEqual([4096, 800]);
    expect(value("container_creation_time_seconds")).toBe((start - 3_700_000) / 1000);
  });

  it("tells what the machine has", () => {
    const labels = { boot_id: "bid", machine_id: "mid", system_uuid: "sid" };
    expect(samplesOf(families, "machine_cpu_cores", labels)[0]?.value).toBe(4);
    expect(samplesOf(families, "machine_cpu_physical_cores", labels)[0]?.value).toBe(2);
    expect(samplesOf(families, "machine_memory_bytes", labels)[0]?.value).toBe(10_000);
  });

  it("carries names of images and systems whatever is in them", () => {
    expect(samplesOf(families, "container_memory_rss", { container: "app" })).toEqual([]);
    expect(samplesOf(families, "container_last_seen", { container: "app" })[0]?.labels["image"]).toBe(hostile);
    expect(samplesOf(families, "cadvisor_version_info")[0]?.labels["osVersion"]).toBe(hostile);
  });
});
