import { bytesValue } from "../../../core/api/quantity.ts";
import type { Volume } from "../../../core/kinds/pod.ts";
import type { FileSystemUsage, InterfaceUsage, MachineUsage } from "../../../core/platform/machine_usage.ts";
import type { Pressure, Pressures, Stall } from "../../../core/platform/pressure.ts";
import { compact } from "../../../core/util/compact.ts";
import type { ContainerStats } from "../../runtime/runtime.ts";
import { type ContainerUsage, nanoCoresOf, type PodUsage } from "./pod_usage.ts";
import type {
  ContainerSummary,
  CpuStats,
  FsStats,
  IoStats,
  MemoryStats,
  NetworkStats,
  NodeSummary,
  PodSummary,
  PsiData,
  PsiStats,
  Summary,
  SwapStats,
} from "./summary_document.ts";
import type { DiskSample, SamplePair } from "./usage_reader.ts";

/** Options of {@linkcode summaryOf}. */
export interface SummaryOptions {
  readonly nodeName: string;
  readonly memoryCapacityBytes: number;
  readonly samples: SamplePair;
  readonly pods: readonly PodUsage[];
  /** Absent: only CPU and memory are told. */
  readonly disk: DiskSample | undefined;
}

/** The summary of two samples. Pure. */
export function summaryOf(options: SummaryOptions): Summary {
  return {
    node: nodeSummary(options),
    pods: options.pods.filter(({ containers }) => containers.length > 0).map((pod) => podSummary(pod, options)),
  };
}

function nodeSummary(options: SummaryOptions): NodeSummary {
  const { nodeName, memoryCapacityBytes, samples, disk } = options;
  const { machine, at } = samples.now;
  const time = isoTime(at);
  const fs = disk && fileSystem(disk.node, disk.at);
  const images = disk?.images && {
    ...fileSystem(disk.images.fileSystem, disk.at),
    usedBytes: disk.images.usedBytes,
  };
  return compact<NodeSummary>({
    nodeName,
    startTime: isoTime(machine.bootedAt),
    systemContainers: systemContainers(options),
    cpu: compact<CpuStats>({
      time,
      usageNanoCores: nanoCoresOf(samples, (sample) => sample.machine.cpuNanoseconds),
      usageCoreNanoSeconds: machine.cpuNanoseconds,
      psi: psiOf(machine.pressures?.cpu),
    }),
    memory: compact<MemoryStats>({
      time,
      availableBytes: Math.max(0, memoryCapacityBytes - machine.workingSetBytes),
      usageBytes: machine.memoryBytes,
      workingSetBytes: machine.workingSetBytes,
      rssBytes: machine.rssBytes,
      pageFaults: machine.pageFaults,
      majorPageFaults: machine.majorPageFaults,
      psi: psiOf(machine.pressures?.memory),
    }),
    io: disk && ioOf(machine.pressures, time),
    network: disk && network(machine.interfaces, machine.defaultInterface, at),
    fs,
    runtime: fs && { imageFs: images ?? fs, containerFs: images ?? fs },
    rlimit: disk && rlimit(machine, time),
    swap: {
      time,
      swapAvailableBytes: machine.swapFreeBytes,
      swapUsageBytes: machine.swapTotalBytes - machine.swapFreeBytes,
    },
  });
}

/** What the kubelet calls by these names of its own. */
function systemContainers({ samples, pods }: SummaryOptions): readonly ContainerSummary[] {
  const { daemon, at } = samples.now;
  const time = isoTime(at);
  const usageNanoCores = nanoCoresOf(samples, (sample) => sample.daemon.cpuNanoseconds);
  const cpu = { time, usageNanoCores, usageCoreNanoSeconds: daemon.cpuNanoseconds };
  const memory = { time, workingSetBytes: daemon.memoryBytes, rssBytes: daemon.memoryBytes };
  const own = { name: "kubelet", startTime: isoTime(daemon.startedAt), cpu, memory };
  return [
    own,
    {
      name: "pods",
      ...useOf(
        pods.flatMap(({ containers }) => containers),
        time,
      ),
    },
  ];
}

/** CPU and memory of containers together; what is not known of one of them is left out. */
function useOf(containers: readonly ContainerUsage[], time: string): { cpu: CpuStats; memory: MemoryStats } {
  const total = (figure: (container: ContainerUsage) => number | undefined) => sumOf(containers.map(figure));
  return {
    cpu: compact<CpuStats>({
      time,
      usageNanoCores: total(({ nanoCores }) => nanoCores),
      usageCoreNanoSeconds: total(({ stats }) => stats.cpuNanoseconds),
    }),
    memory: compact<MemoryStats>({
      time,
      usageBytes: total(({ stats }) => stats.memory?.usageBytes),
      workingSetBytes: total(({ stats }) => stats.memoryBytes),
      rssBytes: total(({ stats }) => stats.memory?.rssBytes),
      pageFaults: total(({ stats }) => stats.memory?.pageFaults),
      majorPageFaults: total(({ stats }) => stats.memory?.majorPageFaults),
    }),
  };
}

function psiOf(pressure: Pressure | undefined): PsiStats | undefined {
  const data = ({ totalMicroseconds: total, ...averages }: Stall): PsiData => ({ total, ...averages });
  return pressure && { full: data(pressure.full), some: data(pressure.some) };
}

function ioOf(pressures: Pressures | undefined, time: string): IoStats | undefined {
  const psi = psiOf(pressures?.io);
  return psi && { time, psi };
}

function rlimit({ maxProcesses, processes }: MachineUsage, time: string): NonNullable<NodeSummary["rlimit"]> {
  return compact<NonNullable<NodeSummary["rlimit"]>>({ time, maxpid: maxProcesses, curproc: processes });
}

function podSummary({ pod, containers, network: own }: PodUsage, options: SummaryOptions): PodSummary {
  const { samples, disk } = options;
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const time = isoTime(samples.now.at);
  const summaries = containers.map((container) => containerSummary(container, disk));
  const volumes = disk?.volumes.filter(({ podUid }) => podUid === uid) ?? [];
  const volume = volumes.map(({ name: volumeName, fileSystem: fs, bytes, inodes }) => {
    const spec = pod.spec.volumes?.find((one) => one.name === volumeName);
    const claim = spec?.persistentVolumeClaim?.claimName;
    return {
      ...fileSystem(fs, disk?.at ?? samples.now.at),
      usedBytes: bytes,
      inodesUsed: inodes,
      name: volumeName,
      ...(claim === undefined ? {} : { pvcRef: { name: claim, namespace } }),
    };
  });
  const onNode = volume.filter((one) => isOnNode(pod.spec.volumes?.find((spec) => spec.name === one.name)));
  const files = [...summaries.flatMap(({ rootfs, logs }) => [rootfs, logs]), ...onNode];
  return compact<PodSummary>({
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime,
    containers: summaries,
    ...useOf(containers, time),
    network: disk && own && network(own.interfaces, own.interfaces[0]?.name, own.at),
    volume: disk && volume,
    "ephemeral-storage": disk && {
      ...fileSystem(disk.node, disk.at),
      usedBytes: files.reduce((sum, fs) => sum + (fs?.usedBytes ?? 0), 0),
      inodesUsed: files.reduce((sum, fs) => sum + (fs?.inodesUsed ?? 0), 0),
    },
    process_stats: disk && processCount(containers),
    swap: podSwap(summaries, time),
  });
}

function podSwap(containers: readonly ContainerSummary[], time: string): SwapStats | undefined {
  const swapUsageBytes = sumOf(containers.map(({ swap }) => swap?.swapUsageBytes));
  const swapAvailableBytes = sumOf(containers.map(({ swap }) => swap?.swapAvailableBytes));
  return swapUsageBytes === undefined ? undefined : compact<SwapStats>({ time, swapAvailableBytes, swapUsageBytes });
}

function processCount(containers: readonly ContainerUsage[]): { readonly process_count: number } | undefined {
  const count = sumOf(containers.map(({ stats }) => stats.processes ?? stats.threads));
  return count === undefined ? undefined : { process_count: count };
}

/** Whether what is in a volume counts as the pod's use of the node's disk. */
function isOnNode(volume: Volume | undefined): boolean {
  return volume !== undefined && volume.persistentVolumeClaim === undefined && volume.emptyDir?.medium !== "Memory";
}

function containerSummary(
  { stats, startedAt, nanoCores, spec }: ContainerUsage,
  disk: DiskSample | undefined,
): ContainerSummary {
  const time = isoTime(stats.at);
  const onDisk = disk?.containers.find(({ id }) => id === stats.id);
  const part = (usedBytes: number | undefined, inodesUsed?: number): FsStats | undefined =>
    disk && usedBytes !== undefined
      ? compact<FsStats>({ ...fileSystem(disk.images?.fileSystem ?? disk.node, disk.at), usedBytes, inodesUsed })
      : undefined;
  const limit = memoryLimit(spec);
  return compact<ContainerSummary>({
    name: stats.name,
    startTime: startedAt,
    cpu: compact<CpuStats>({
      time,
      usageNanoCores: nanoCores,
      usageCoreNanoSeconds: stats.cpuNanoseconds,
      psi: psiOf(stats.pressures?.cpu),
    }),
    memory: compact<MemoryStats>({
      time,
      availableBytes: limit === undefined ? undefined : Math.max(0, limit - stats.memoryBytes),
      usageBytes: stats.memory?.usageBytes,
      workingSetBytes: stats.memoryBytes,
      rssBytes: stats.memory?.rssBytes,
      pageFaults: stats.memory?.pageFaults,
      majorPageFaults: stats.memory?.majorPageFaults,
      psi: psiOf(stats.pressures?.memory),
    }),
    io: disk && ioOf(stats.pressures, time),
    rootfs: part(onDisk?.rootBytes, onDisk?.rootInodes),
    logs: part(onDisk?.logBytes),
    swap: swapOf(stats, time),
  });
}

function swapOf({ memory }: ContainerStats, time: string): SwapStats | undefined {
  const { swapBytes, swapLimitBytes = Number.POSITIVE_INFINITY } = memory ?? {};
  if (swapBytes === undefined) return undefined;
  const swapAvailableBytes = Number.isFinite(swapLimitBytes) ? Math.max(0, swapLimitBytes - swapBytes) : undefined;
  return compact<SwapStats>({ time, swapAvailableBytes, swapUsageBytes: swapBytes });
}

function memoryLimit(spec: ContainerUsage["spec"]): number | undefined {
  const limit = spec?.resources?.limits?.["memory"];
  return limit === undefined ? undefined : bytesValue(limit);
}

function fileSystem(usage: FileSystemUsage, at: number): FsStats {
  return {
    time: isoTime(at),
    availableBytes: usage.freeBytes,
    capacityBytes: usage.totalBytes,
    usedBytes: usage.usedBytes,
    inodesFree: usage.inodesFree,
    inodes: usage.inodes,
    inodesUsed: usage.inodes - usage.inodesFree,
  };
}

function network(interfaces: readonly InterfaceUsage[], main: string | undefined, at: number): NetworkStats {
  const all = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes,
    rxErrors,
    txBytes,
    txErrors,
  }));
  return { time: isoTime(at), ...all.find(({ name }) => name === main), interfaces: all };
}

/** Undefined when one of them is not known. */
function sumOf(figures: readonly (number | undefined)[]): number | undefined {
  return figures.reduce<number | undefined>(
    (sum, figure) => (sum === undefined || figure === undefined ? undefined : sum + figure),
    0,
  );
}

function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
