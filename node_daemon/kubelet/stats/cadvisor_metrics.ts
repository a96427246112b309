import type { Pod } from "../../../core/kinds/pod.ts";
import type { MachineFacts } from "../../../core/platform/machine.ts";
import type { MachineUsage } from "../../../core/platform/machine_usage.ts";
import type { MetricFamily } from "../../../core/util/prometheus.ts";
import type { ContainerStats } from "../../runtime/runtime.ts";
import { cadvisorFamilies, type Group, type Labels } from "./cadvisor_families.ts";
import type { ContainerUsage, PodUsage } from "./pod_usage.ts";
import type { DiskSample, Sample } from "./usage_reader.ts";

/** Options of {@linkcode cadvisorMetrics}. */
export interface CadvisorOptions {
  readonly machine: MachineFacts;
  readonly runtimeVersion: string;
  readonly sample: Sample;
  readonly disk: DiskSample;
  readonly pods: readonly PodUsage[];
}

/**
 * What `/metrics/cadvisor` tells of the machine, of pods and of containers.
 *
 * @see https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
 */
export function cadvisorMetrics(options: CadvisorOptions): readonly MetricFamily[] {
  const groups = [machineGroup(options), ...options.pods.flatMap((pod) => podGroups(pod, options.disk))];
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

function machineGroup({ sample: { machine, at }, disk }: CadvisorOptions): Group {
  return {
    labels: labelsOf("/"),
    at,
    cpu: { cpuNanoseconds: machine.cpuNanoseconds },
    memoryBytes: machine.workingSetBytes,
    memory: memoryOf(machine),
    processes: machine.processes,
    interfaces: machine.interfaces,
    startedAt: Math.floor(machine.bootedAt / 1000),
    fs: {
      usedBytes: disk.node.usedBytes,
      limitBytes: disk.node.totalBytes,
      inodesFree: disk.node.inodesFree,
    },
  };
}

function memoryOf(machine: MachineUsage): NonNullable<ContainerStats["memory"]> {
  return {
    usageBytes: machine.memoryBytes,
    rssBytes: machine.rssBytes,
    cacheBytes: machine.cacheBytes,
    swapBytes: machine.swapTotalBytes - machine.swapFreeBytes,
    pageFaults: machine.pageFaults,
    majorPageFaults: machine.majorPageFaults,
  };
}

/** A pod that runs, with the sums of its containers, and they themselves. */
function podGroups({ pod, containers, network }: PodUsage, disk: DiskSample): readonly Group[] {
  const [first] = containers;
  if (!first) return [];
  const { name = "", namespace = "" } = pod.metadata;
  const id = cgroupOf(pod);
  const sum = (figure: (stats: ContainerStats) => number | undefined) =>
    containers.reduce<number | undefined>((total, { stats }) => {
      const value = figure(stats);
      return total === undefined || value === undefined ? undefined : total + value;
    }, 0);
  const group: Group = {
    labels: labelsOf(id, { namespace, pod: name }),
    at: first.stats.at,
    cpu: {
      cpuNanoseconds: sum((stats) => stats.cpuNanoseconds) ?? 0,
      cpuUserNanoseconds: sum((stats) => stats.cpuUserNanoseconds),
      cpuSystemNanoseconds: sum((stats) => stats.cpuSystemNanoseconds),
    },
    memoryBytes: sum((stats) => stats.memoryBytes) ?? 0,
    memory: {
      usageBytes: sum(({ memory }) => memory?.usageBytes),
      rssBytes: sum(({ memory }) => memory?.rssBytes),
      cacheBytes: sum(({ memory }) => memory?.cacheBytes),
    },
    processes: sum(({ processes }) => processes),
    threads: sum(({ threads }) => threads),
    ...(network ? { interfaces: network.interfaces } : {}),
  };
  return [group, ...containers.map((container) => containerGroup(container, { id, namespace, pod: name, disk }))];
}

function containerGroup(
  { stats, image, spec, startedAt }: ContainerUsage,
  {
    id,
    namespace,
    pod,
    disk,
  }: { readonly id: string; readonly namespace: string; readonly pod: string; readonly disk: DiskSample },
): Group {
  const usedBytes = disk.containers.find((one) => one.id === stats.id)?.rootBytes;
  return {
    labels: labelsOf(`${id}/${stats.id}`, { container: stats.name, image, name: stats.id, namespace, pod }),
    at: stats.at,
    cpu: stats,
    memoryBytes: stats.memoryBytes,
    memory: stats.memory,
    io: stats.io,
    processes: stats.processes,
    threads: stats.threads,
    startedAt: startedAt === undefined ? undefined : Date.parse(startedAt) / 1000,
    ...(usedBytes === undefined ? {} : { fs: { usedBytes, limitBytes: disk.node.totalBytes } }),
    spec,
  };
}

/** Where the kubelet of Kubernetes has the control group of a pod. */
function cgroupOf({ metadata, status }: Pod): string {
  const { qosClass = "BestEffort" } = status ?? {};
  return `/kubepods${qosClass === "Guaranteed" ? "" : `/${qosClass.toLowerCase()}`}/pod${metadata.uid ?? ""}`;
}

function labelsOf(id: string, labels: Labels = {}): Labels {
  return { container: "", id, image: "", name: "", namespace: "", pod: "", ...labels };
}

function machineMetrics({ machine, sample, runtimeVersion }: CadvisorOptions): readonly MetricFamily[] {
  const labels = { boot_id: machine.bootId, machine_id: machine.machineId, system_uuid: machine.systemUuid };
  const figures = [
    ["machine_cpu_cores", "Logical processors.", machine.cpus],
    ["machine_memory_bytes", "Memory that is installed.", machine.memoryBytes],
    ["machine_swap_bytes", "Swap space.", sample.machine.swapTotalBytes],
  ] as const;
  return [
    ...figures.map(
      ([name, help, value]): MetricFamily => ({ name, type: "gauge", help, samples: [{ labels, value }] }),
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
