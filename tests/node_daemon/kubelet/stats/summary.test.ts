import { describe, expect, it } from "vitest";
import type { Pod } from "../../../../core/kinds/pod.ts";
import type { MachineFacts } from "../../../../core/platform/machine.ts";
import type { MachineUsage } from "../../../../core/platform/machine_usage.ts";
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
const machine: MachineUsage = {
  bootedAt: start - 3_600_000,
  cpuNanoseconds: 5e9,
  memoryBytes: 3000,
  workingSetBytes: 2000,
  rssBytes: 1500,
  cacheBytes: 900,
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
  kernelVersion: "6.1",
  osImage: hostile,
  machineId: "mid",
  systemUuid: "sid",
  bootId: "bid",
};
const fileSystem = { totalBytes: 1000, freeBytes: 400, usedBytes: 550, inodes: 100, inodesFree: 90 };

function stats(changes: Partial<ContainerStats> = {}): ContainerStats {
  return { id: "c1", podUid: "u1", name: "app", at: start, cpuNanoseconds: 1e9, memoryBytes: 500, ...changes };
}

function sample(monotonic: number, containers: readonly ContainerStats[], changes: Partial<MachineUsage> = {}): Sample {
  const at = start + monotonic;
  const networks = [{ podUid: "u1", at, interfaces: [eth0] }];
  return { at, monotonic, machine: { ...machine, ...changes }, complete: true, containers, networks };
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
    });
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
    // Root, log and scratch: a claim's volume is not the pod's own.
    expect(web?.["ephemeral-storage"]).toMatchObject({ usedBytes: 30 + 12 + 8 });
  });

  it("tells CPU and memory only, when nothing of disks was read", () => {
    const { node, pods } = summary({ before, now, only: true });
    expect(Object.keys(node).sort()).toEqual(["cpu", "memory", "nodeName", "startTime", "swap"]);
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

describe("cadvisorMetrics()", () => {
  const now = sample(0, [stats({ throttling: { periods: 4, throttledPeriods: 1, throttledNanoseconds: 5e8 } })]);
  const pods = usageByPod([pod()], { now });
  const text = renderMetrics(
    cadvisorMetrics({ machine: facts, runtimeVersion: "docker://28", sample: now, disk, pods }),
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

  it("tells what the machine has", () => {
    const labels = { boot_id: "bid", machine_id: "mid", system_uuid: "sid" };
    expect(samplesOf(families, "machine_cpu_cores", labels)[0]?.value).toBe(4);
    expect(samplesOf(families, "machine_memory_bytes", labels)[0]?.value).toBe(10_000);
  });

  it("carries names of images and systems whatever is in them", () => {
    expect(samplesOf(families, "container_memory_rss", { container: "app" })).toEqual([]);
    expect(samplesOf(families, "container_last_seen", { container: "app" })[0]?.labels["image"]).toBe(hostile);
    expect(samplesOf(families, "cadvisor_version_info")[0]?.labels["osVersion"]).toBe(hostile);
  });
});
