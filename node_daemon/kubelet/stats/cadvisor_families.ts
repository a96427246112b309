import { bytesValue, milliCpu } from "../../../core/api/quantity.ts";
import type { InterfaceUsage } from "../../../core/platform/machine_usage.ts";
import type { MetricFamily, MetricSample } from "../../../core/util/prometheus.ts";
import type { ContainerStats } from "../../runtime/runtime.ts";
import type { ContainerUsage } from "./pod_usage.ts";

/** Labels by name. */
export type Labels = Readonly<Record<string, string>>;

/** What has figures of its own: the machine (`/`), a pod or a container, as its control group is called. */
export interface Group {
  readonly labels: Labels;
  readonly at: number;
  readonly cpu?: Pick<ContainerStats, "cpuNanoseconds" | "cpuUserNanoseconds" | "cpuSystemNanoseconds" | "throttling">;
  readonly memoryBytes?: number;
  readonly memory?: ContainerStats["memory"];
  readonly io?: ContainerStats["io"];
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
  readonly interfaces?: readonly InterfaceUsage[];
  readonly startedAt?: number | undefined;
  readonly fs?: { readonly usedBytes: number; readonly limitBytes: number; readonly inodesFree?: number };
  readonly spec?: ContainerUsage["spec"];
}

/** A figure of every group; several with labels of their own. */
type Figure = (group: Group) => number | undefined | readonly (readonly [Labels, number | undefined])[];

const cpuPeriodMicroseconds = 100_000;

/** The families by name. The help texts are ours; names and labels are those that dashboards ask for. */
const figures: readonly (readonly [string, MetricFamily["type"], string, Figure])[] = [
  [
    "container_cpu_usage_seconds_total",
    "counter",
    "CPU time in seconds.",
    ({ cpu }) => [[{ cpu: "total" }, seconds(cpu?.cpuNanoseconds)]],
  ],
  [
    "container_cpu_user_seconds_total",
    "counter",
    "CPU time of programs.",
    ({ cpu }) => seconds(cpu?.cpuUserNanoseconds),
  ],
  [
    "container_cpu_system_seconds_total",
    "counter",
    "CPU time of the kernel for programs.",
    ({ cpu }) => seconds(cpu?.cpuSystemNanoseconds),
  ],
  ["container_cpu_cfs_periods_total", "counter", "Periods of the CPU limit.", ({ cpu }) => cpu?.throttling?.periods],
  [
    "container_cpu_cfs_throttled_periods_total",
    "counter",
    "Periods in which the CPU limit was reached.",
    ({ cpu }) => cpu?.throttling?.throttledPeriods,
  ],
  [
    "container_cpu_cfs_throttled_seconds_total",
    "counter",
    "Time held up by the CPU limit.",
    ({ cpu }) => seconds(cpu?.throttling?.throttledNanoseconds),
  ],
  [
    "container_memory_usage_bytes",
    "gauge",
    "Memory in use, files that were read included.",
    ({ memory }) => memory?.usageBytes,
  ],
  [
    "container_memory_working_set_bytes",
    "gauge",
    "Memory that cannot be dropped at once.",
    ({ memoryBytes }) => memoryBytes,
  ],
  ["container_memory_rss", "gauge", "Anonymous memory.", ({ memory }) => memory?.rssBytes],
  ["container_memory_cache", "gauge", "Memory that holds files.", ({ memory }) => memory?.cacheBytes],
  ["container_memory_mapped_file", "gauge", "Memory that maps files.", ({ memory }) => memory?.mappedBytes],
  ["container_memory_swap", "gauge", "Swap space in use.", ({ memory }) => memory?.swapBytes],
  [
    "container_memory_failures_total",
    "counter",
    "Page faults.",
    ({ memory }) => [
      [{ failure_type: "pgfault", scope: "container" }, memory?.pageFaults],
      [{ failure_type: "pgmajfault", scope: "container" }, memory?.majorPageFaults],
    ],
  ],
  ["container_fs_reads_bytes_total", "counter", "Bytes read from disks.", ({ io }) => onDevice(io?.readBytes)],
  ["container_fs_writes_bytes_total", "counter", "Bytes written to disks.", ({ io }) => onDevice(io?.writeBytes)],
  ["container_fs_usage_bytes", "gauge", "Bytes in use on the file system.", ({ fs }) => onDevice(fs?.usedBytes)],
  ["container_fs_limit_bytes", "gauge", "Bytes of the file system.", ({ fs }) => onDevice(fs?.limitBytes)],
  [
    "container_fs_inodes_free",
    "gauge",
    "Files that the file system has room for.",
    ({ fs }) => onDevice(fs?.inodesFree),
  ],
  ["container_processes", "gauge", "Processes.", ({ processes }) => processes],
  ["container_threads", "gauge", "Threads.", ({ threads }) => threads],
  ...interfaceFamilies("receive", "rx"),
  ...interfaceFamilies("transmit", "tx"),
  ["container_start_time_seconds", "gauge", "When it started, since the epoch.", ({ startedAt }) => startedAt],
  ["container_last_seen", "gauge", "When it was last looked at, since the epoch.", ({ at }) => Math.floor(at / 1000)],
  [
    "container_spec_cpu_period",
    "gauge",
    "Period of the CPU limit, microseconds.",
    ({ spec }) => (limitOf(spec, "cpu") === undefined ? undefined : cpuPeriodMicroseconds),
  ],
  [
    "container_spec_cpu_quota",
    "gauge",
    "CPU limit, microseconds of each period.",
    ({ spec }) => scaled(milliCpu, limitOf(spec, "cpu"), cpuPeriodMicroseconds / 1000),
  ],
  [
    "container_spec_cpu_shares",
    "gauge",
    "Share of the CPU when it is short.",
    ({ spec }) => spec && Math.max(2, Math.floor((milliCpu(spec.resources?.requests?.["cpu"]) * 1024) / 1000)),
  ],
  [
    "container_spec_memory_limit_bytes",
    "gauge",
    "Memory limit; 0 when there is none.",
    ({ spec }) => spec && (scaled(bytesValue, limitOf(spec, "memory"), 1) ?? 0),
  ],
];

/** The families of cAdvisor with the figures of all groups. */
export function cadvisorFamilies(groups: readonly Group[]): readonly MetricFamily[] {
  return figures.map(([name, type, help, figure]) => ({
    name,
    type,
    help,
    samples: groups.flatMap((group) => samplesOf(group, figure, name)),
  }));
}

function samplesOf(group: Group, figure: Figure, name: string): readonly MetricSample[] {
  const found = figure(group);
  const list = Array.isArray(found)
    ? (found as readonly (readonly [Labels, number | undefined])[])
    : [[{}, found] as const];
  // Of when a thing was seen, or began, the time says itself.
  const at = name === "container_last_seen" || name.startsWith("container_spec") ? undefined : group.at;
  return list.flatMap(([labels, value]) =>
    typeof value === "number" ? [{ labels: { ...labels, ...group.labels }, value, at }] : [],
  );
}

function interfaceFamilies(way: "receive" | "transmit", prefix: "rx" | "tx"): typeof figures {
  const kinds = [
    ["bytes", "Bytes", `${prefix}Bytes`],
    ["errors", "Errors", `${prefix}Errors`],
    ["packets", "Packets", `${prefix}Packets`],
    ["packets_dropped", "Dropped packets", `${prefix}Dropped`],
  ] as const;
  const verb = way === "receive" ? "received" : "sent";
  return kinds.map(([unit, what, member]) => [
    `container_network_${way}_${unit}_total`,
    "counter",
    `${what}, ${verb}.`,
    ({ interfaces = [] }) => interfaces.map((one) => [{ interface: one.name }, one[member]] as const),
  ]);
}

function limitOf(spec: ContainerUsage["spec"], resource: string): string | number | undefined {
  return spec?.resources?.limits?.[resource];
}

function scaled(
  read: (text: string | number) => number,
  text: string | number | undefined,
  factor: number,
): number | undefined {
  return text === undefined ? undefined : read(text) * factor;
}

function onDevice(value: number | undefined): readonly (readonly [Labels, number | undefined])[] {
  return [[{ device: "" }, value]];
}

function seconds(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}
