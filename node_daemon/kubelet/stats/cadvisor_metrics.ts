import type { Pod } from "../../../core/kinds/pod.ts";
import {
  type DiskActivity,
  diskActivity,
  diskFileSystems,
  type MountedFileSystem,
  sectorBytes,
} from "../../../core/platform/disks.ts";
import type { CpuTopology, MachineFacts } from "../../../core/platform/machine.ts";
import type { MachineUsage } from "../../../core/platform/machine_usage.ts";
import { type OpenFiles, openFiles } from "../../../core/platform/open_files.ts";
import { eachOf } from "../../../core/util/each_of.ts";
import type { MetricFamily } from "../../../core/util/prometheus.ts";
import type { ContainerStats, DeviceFigures, MemoryFigures } from "../../runtime/runtime.ts";
import { cadvisorFamilies, type Group, type Labels } from "./cadvisor_families.ts";
import type { ContainerUsage, PodUsage } from "./pod_usage.ts";
import type { DiskSample, Sample } from "./usage_reader.ts";

/** What only `/metrics/cadvisor` tells: read when it is asked for. */
export interface Details {
  readonly disks: readonly DiskActivity[];
  readonly fileSystems: readonly (MountedFileSystem & { readonly number: string })[];
  /** What containers have open, by their ids. */
  readonly files: ReadonlyMap<string, OpenFiles>;
}

/** Options of {@linkcode cadvisorMetrics}. */
export interface CadvisorOptions {
  readonly machine: MachineFacts;
  readonly topology: CpuTopology | undefined;
  readonly runtimeVersion: string;
  readonly sample: Sample;
  readonly disk: DiskSample;
  readonly details: Details;
  readonly pods: readonly PodUsage[];
}

const parallelContainers = 8;

/** Reads what the other documents do not need. */
export async function readDetails({ containers }: Sample): Promise<Details> {
  const filesOf = async ({ id, pids = [] }: ContainerStats) => {
    const found = await openFiles(pids);
    return found && ([id, found] as const);
  };
  const [disks, fileSystems, files] = await Promise.all([
    diskActivity(),
    diskFileSystems(),
    eachOf(containers, parallelContainers, filesOf),
  ]);
  return { disks, fileSystems, files: new Map(files) };
}

/**
 * What `/metrics/cadvisor` tells of the machine, of pods and of containers.
 *
 * @see https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
 */
export function cadvisorMetrics(options: CadvisorOptions): readonly MetricFamily[] {
  const groups = [machineGroup(options), ...options.pods.flatMap((pod) => podGroups(pod, options))];
  return [
    ...cadvisorFamilies(groups),
    {
      name: "container_scrape_error",
      type: "gauge",
      help: "1 when figures could not be read.",
      samples: [{ value: options.sample.complete ? 0 : 1 }],
    },
    ...machineMetrics(options),
  ];
}

function machineGroup({ sample: { machine, at }, details: { disks, fileSystems } }: CadvisorOptions): Group {
  // Parts of disks are named as they are mounted: what the kernel calls them may differ.
  const used = fileSystems.flatMap(({ number, device }) =>
    disks.filter((disk) => disk.number === number).map((disk) => ({ ...disk, device })),
  );
  return {
    labels: labelsOf("/"),
    at,
    cpu: {
      cpuNanoseconds: machine.cpuNanoseconds,
      cpuUserNanoseconds: machine.cpuUserNanoseconds,
      cpuSystemNanoseconds: machine.cpuNanoseconds - machine.cpuUserNanoseconds,
    },
    memoryBytes: machine.workingSetBytes,
    memory: memoryOf(machine),
    outOfMemoryKills: machine.outOfMemoryKills,
    pressures: machine.pressures,
    processes: machine.processes,
    interfaces: machine.interfaces,
    createdAt: Math.floor(machine.bootedAt / 1000),
    startedAt: Math.floor(machine.bootedAt / 1000),
    fileSystems: fileSystems.map((one) => ({ ...one, limitBytes: one.totalBytes })),
    disks: used,
    io: used.map(({ number, device, reads, writes, sectorsRead, sectorsWritten }) => ({
      number,
      device,
      reads,
      writes,
      readBytes: sectorsRead * sectorBytes,
      writeBytes: sectorsWritten * sectorBytes,
    })),
  };
}

function memoryOf(machine: MachineUsage): MemoryFigures {
  return {
    usageBytes: machine.memoryBytes,
    rssBytes: machine.rssBytes,
    cacheBytes: machine.cacheBytes,
    activeFileBytes: machine.activeFileBytes,
    inactiveFileBytes: machine.inactiveFileBytes,
    dirtyBytes: machine.dirtyBytes,
    writebackBytes: machine.writebackBytes,
    swapBytes: machine.swapTotalBytes - machine.swapFreeBytes,
    pageFaults: machine.pageFaults,
    majorPageFaults: machine.majorPageFaults,
  };
}

/** A pod that runs, with the sums of its containers, and they themselves. */
function podGroups(usage: PodUsage, options: CadvisorOptions): readonly Group[] {
  const { pod, containers, network } = usage;
  const [first] = containers;
  if (!first) return [];
  const { name = "", namespace = "" } = pod.metadata;
  const id = cgroupOf(pod);
  const sum = (figure: (stats: ContainerStats) => number | undefined) => sumOf(containers, figure);
  const group: Group = {
    labels: labelsOf(id, { namespace, pod: name }),
    at: first.stats.at,
    cpu: {
      cpuNanoseconds: sum((stats) => stats.cpuNanoseconds) ?? 0,
      cpuUserNanoseconds: sum((stats) => stats.cpuUserNanoseconds),
      cpuSystemNanoseconds: sum((stats) => stats.cpuSystemNanoseconds),
    },
    memoryBytes: sum((stats) => stats.memoryBytes) ?? 0,
    memory: memoryOfAll(containers),
    outOfMemoryKills: sum(({ outOfMemoryKills }) => outOfMemoryKills),
    processes: sum(({ processes }) => processes),
    threads: sum(({ threads }) => threads),
    createdAt: secondsOf(pod.metadata.creationTimestamp),
    startedAt: secondsOf(pod.status?.startTime),
    ...(network ? { interfaces: network.interfaces } : {}),
  };
  return [group, ...containers.map((container) => containerGroup(container, { id, namespace, pod: name, ...options }))];
}

/** Sums of what is used; of limits, and of the most that was, sums say nothing. */
function memoryOfAll(containers: readonly ContainerUsage[]): MemoryFigures {
  const { maxUsageBytes: _, swapLimitBytes: __, ...names } = containers[0]?.stats.memory ?? {};
  const keys = Object.keys(names) as (keyof MemoryFigures)[];
  return Object.fromEntries(keys.map((key) => [key, sumOf(containers, ({ memory }) => memory?.[key])]));
}

function containerGroup(
  { stats, image, spec, startedAt }: ContainerUsage,
  { id, namespace, pod, disk, details }: CadvisorOptions & Readonly<Record<"id" | "namespace" | "pod", string>>,
): Group {
  const usedBytes = disk.containers.find((one) => one.id === stats.id)?.rootBytes;
  const { device, totalBytes, inodes, inodesFree } = disk.images?.fileSystem ?? disk.node;
  return {
    labels: labelsOf(`${id}/${stats.id}`, { container: stats.name, image, name: stats.id, namespace, pod }),
    at: stats.at,
    cpu: stats,
    memoryBytes: stats.memoryBytes,
    memory: stats.memory,
    outOfMemoryKills: stats.outOfMemoryKills,
    pressures: stats.pressures,
    io: stats.io?.map((figures) => ({ ...figures, device: deviceOf(figures, details.disks) })),
    processes: stats.processes,
    threads: stats.threads,
    maxThreads: stats.maxThreads,
    files: details.files.get(stats.id),
    createdAt: stats.createdAt === undefined ? undefined : Math.floor(stats.createdAt / 1000),
    startedAt: secondsOf(startedAt),
    ...(usedBytes === undefined
      ? {}
      : { fileSystems: [{ device, usedBytes, limitBytes: totalBytes, inodes, inodesFree }] }),
    spec,
  };
}

/** A disk's name; one that the kernel does not list has at least its number. */
function deviceOf({ number }: DeviceFigures, disks: readonly DiskActivity[]): string {
  return disks.find((disk) => disk.number === number)?.device ?? `/dev/block/${number}`;
}

function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000;
}

/** Undefined when one of them is not known. */
function sumOf(
  containers: readonly ContainerUsage[],
  figure: (stats: ContainerStats) => number | undefined,
): number | undefined {
  return containers.reduce<number | undefined>((total, { stats }) => {
    const value = figure(stats);
    return total === undefined || value === undefined ? undefined : total + value;
  }, 0);
}

/** Where the kubelet of Kubernetes has the control group of a pod. */
function cgroupOf({ metadata, status }: Pod): string {
  const { qosClass = "BestEffort" } = status ?? {};
  return `/kubepods${qosClass === "Guaranteed" ? "" : `/${qosClass.toLowerCase()}`}/pod${metadata.uid ?? ""}`;
}

function labelsOf(id: string, labels: Labels = {}): Labels {
  return { container: "", id, image: "", name: "", namespace: "", pod: "", ...labels };
}

function machineMetrics({ machine, topology, sample, runtimeVersion }: CadvisorOptions): readonly MetricFamily[] {
  const labels = { boot_id: machine.bootId, machine_id: machine.machineId, system_uuid: machine.systemUuid };
  const figures = [
    ["machine_cpu_cores", "Logical processors.", machine.cpus],
    ["machine_cpu_physical_cores", "Cores of processors.", topology?.cores],
    ["machine_cpu_sockets", "Processors.", topology?.sockets],
    ["machine_memory_bytes", "Memory that is installed.", machine.memoryBytes],
    ["machine_swap_bytes", "Swap space.", sample.machine.swapTotalBytes],
  ] as const;
  return [
    ...figures.flatMap(([name, help, value]): readonly MetricFamily[] =>
      value === undefined ? [] : [{ name, type: "gauge", help, samples: [{ labels, value }] }],
    ),
    { name: "machine_scrape_error", type: "gauge", help: "1 when figures could not be read.", samples: [{ value: 0 }] },
    {
      name: "cadvisor_version_info",
      type: "gauge",
      help: "A constant 1, labelled with what the machine runs.",
      samples: [
        {
          labels: {
            cadvisorRevision: "",
            cadvisorVersion: "",
            dockerVersion: /^docker:\/\/(.*)$/.exec(runtimeVersion)?.[1] ?? "",
            kernelVersion: machine.kernelVersion,
            osVersion: machine.osImage,
          },
          value: 1,
        },
      ],
    },
  ];
}
