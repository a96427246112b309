import { bytesValue, milliCpu } from "../../../core/api/quantity.ts";
import type { DiskActivity } from "../../../core/platform/disks.ts";
import type { InterfaceUsage } from "../../../core/platform/machine_usage.ts";
import type { OpenFiles } from "../../../core/platform/open_files.ts";
import type { Pressures } from "../../../core/platform/pressure.ts";
import type { MetricFamily, MetricSample } from "../../../core/util/prometheus.ts";
import type { ContainerStats, DeviceFigures, MemoryFigures } from "../../runtime/runtime.ts";
import { diskFigures } from "./cadvisor_disk_families.ts";
import type { ContainerUsage } from "./pod_usage.ts";

/** Labels by name. */
export type Labels = Readonly<Record<string, string>>;

/** What has figures of its own: the machine (`/`), a pod or a container, as its control group is called. */
export interface Group {
  readonly labels: Labels;
  readonly at: number;
  readonly cpu?: Pick<ContainerStats, "cpuNanoseconds" | "cpuUserNanoseconds" | "cpuSystemNanoseconds" | "throttling">;
  readonly memoryBytes?: number;
  readonly memory?: MemoryFigures | undefined;
  readonly outOfMemoryKills?: number | undefined;
  readonly pressures?: Pressures | undefined;
  /** What went through disks, by their names. */
  readonly io?: readonly (DeviceFigures & { readonly device: string })[] | undefined;
  /** What the disks did themselves. */
  readonly disks?: readonly DiskActivity[];
  readonly fileSystems?: readonly {
    readonly device: string;
    readonly usedBytes: number;
    readonly limitBytes: number;
    readonly inodes: number;
    readonly inodesFree: number;
  }[];
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
  readonly maxThreads?: number | undefined;
  readonly files?: OpenFiles | undefined;
  readonly interfaces?: readonly InterfaceUsage[];
  readonly createdAt?: number | undefined;
  readonly startedAt?: number | undefined;
  readonly spec?: ContainerUsage["spec"];
}

/** What a group has of a figure; several with labels of their own. Undefined: what is not known is left out. */
export type Figure = (group: Group) => number | undefined | readonly (readonly [Labels, number | undefined])[];

/** A family: its name, type, help text, and how it is read from a group. */
export type FigureRow = readonly [string, MetricFamily["type"], string, Figure];

const cpuPeriodMicroseconds = 100_000;

/** The families by name. The help texts are ours; names and labels are those that dashboards ask for. */
const figures: readonly FigureRow[] = [
  counter("container_cpu_usage_seconds_total", "CPU time in seconds.", ({ cpu }) => [
    [{ cpu: "total" }, seconds(cpu?.cpuNanoseconds)],
  ]),
  counter("container_cpu_user_seconds_total", "CPU time of programs.", ({ cpu }) => seconds(cpu?.cpuUserNanoseconds)),
  counter("container_cpu_system_seconds_total", "CPU time of the kernel for programs.", ({ cpu }) =>
    seconds(cpu?.cpuSystemNanoseconds),
  ),
  counter("container_cpu_cfs_periods_total", "Periods of the CPU limit.", (group) => limited(group)?.periods),
  counter(
    "container_cpu_cfs_throttled_periods_total",
    "Periods in which the CPU limit was reached.",
    (group) => limited(group)?.throttledPeriods,
  ),
  counter("container_cpu_cfs_throttled_seconds_total", "Time held up by the CPU limit.", (group) =>
    seconds(limited(group)?.throttledNanoseconds),
  ),
  ofMemory("usage_bytes", "Memory in use, files that were read included.", "usageBytes"),
  ofMemory("max_usage_bytes", "The most memory that was in use.", "maxUsageBytes"),
  gauge(
    "container_memory_working_set_bytes",
    "Memory that cannot be dropped at once.",
    ({ memoryBytes }) => memoryBytes,
  ),
  ofMemory("rss", "Anonymous memory.", "rssBytes"),
  ofMemory("cache", "Memory that holds files.", "cacheBytes"),
  ofMemory("mapped_file", "Memory that maps files.", "mappedBytes"),
  ofMemory("total_active_file_bytes", "Memory that holds files which were used lately.", "activeFileBytes"),
  ofMemory("total_inactive_file_bytes", "Memory that holds files which may be dropped.", "inactiveFileBytes"),
  ofMemory("file_dirty_bytes", "Memory that is to be written to files.", "dirtyBytes"),
  ofMemory("file_writeback_bytes", "Memory that is being written to files.", "writebackBytes"),
  ofMemory("kernel_usage", "Memory of the kernel.", "kernelBytes"),
  ofMemory("swap", "Swap space in use.", "swapBytes"),
  ofMemory("failcnt", "How often the memory limit was reached.", "limitHits", "counter"),
  ofMemory("events_max_total", "How often the memory limit was reached.", "limitHits", "counter"),
  ofMemory("events_high_total", "How often work was held up for its use of memory.", "highHits", "counter"),
  ofMemory("pgscan_total", "Pages that were looked at for what could be dropped.", "pagesScanned", "counter"),
  ofMemory("pgsteal_total", "Pages that were dropped.", "pagesReclaimed", "counter"),
  ofMemory("workingset_refault_file_total", "Pages of files that were needed again.", "refaultsOfFiles", "counter"),
  ofMemory("workingset_refault_anon_total", "Swapped pages that were needed again.", "refaultsOfMemory", "counter"),
  counter("container_memory_failures_total", "Page faults.", ({ memory }) =>
    // A container's group has no groups of its own below it, so that both scopes say the same.
    ["container", "hierarchy"].flatMap((scope) => [
      [{ failure_type: "pgfault", scope }, memory?.pageFaults] as const,
      [{ failure_type: "pgmajfault", scope }, memory?.majorPageFaults] as const,
    ]),
  ),
  counter(
    "container_oom_events_total",
    "How often something was ended for want of memory.",
    ({ outOfMemoryKills }) => outOfMemoryKills,
  ),
  ...pressureFamilies("cpu"),
  ...pressureFamilies("memory"),
  ...pressureFamilies("io"),
  ...diskFigures,
  gauge("container_processes", "Processes.", ({ processes }) => processes),
  gauge("container_threads", "Threads.", ({ threads }) => threads),
  gauge("container_threads_max", "Threads that there may be; 0 without a limit.", ({ threads, maxThreads }) =>
    threads === undefined ? undefined : (maxThreads ?? 0),
  ),
  gauge("container_file_descriptors", "Open file descriptors.", ({ files }) => files?.descriptors),
  gauge("container_sockets", "Open sockets.", ({ files }) => files?.sockets),
  gauge("container_ulimits_soft", "Soft limits of the first process; -1 without one.", ({ files }) => [
    [{ ulimit: "max_open_files" }, files?.softLimit],
  ]),
  ...interfaceFamilies("receive", "rx"),
  ...interfaceFamilies("transmit", "tx"),
  gauge("container_creation_time_seconds", "When it was made, since the epoch.", ({ createdAt }) => createdAt),
  gauge("container_start_time_seconds", "When it started, since the epoch.", ({ startedAt }) => startedAt),
  gauge("container_last_seen", "When it was last looked at, since the epoch.", ({ at }) => Math.floor(at / 1000)),
  // What an image calls its health is not asked for: pods have probes.
  gauge("container_health_state", "Health of the image's own check; -1 without one.", ({ spec }) => spec && -1),
  gauge("container_spec_cpu_period", "Period of the CPU limit, microseconds.", ({ spec }) =>
    limitOf(spec, "cpu") === undefined ? undefined : cpuPeriodMicroseconds,
  ),
  gauge("container_spec_cpu_quota", "CPU limit, microseconds of each period.", ({ spec }) =>
    scaled(milliCpu, limitOf(spec, "cpu"), cpuPeriodMicroseconds / 1000),
  ),
  gauge(
    "container_spec_cpu_shares",
    "Share of the CPU when it is short.",
    ({ spec }) => spec && Math.max(2, Math.floor((milliCpu(spec.resources?.requests?.["cpu"]) * 1024) / 1000)),
  ),
  gauge(
    "container_spec_memory_limit_bytes",
    "Memory limit; 0 when there is none.",
    ({ spec }) => spec && (scaled(bytesValue, limitOf(spec, "memory"), 1) ?? 0),
  ),
  gauge("container_spec_memory_reservation_limit_bytes", "Memory that is kept for it.", ({ spec }) => spec && 0),
  gauge(
    "container_spec_memory_swap_limit_bytes",
    "Swap space that it may have; 0 without a limit.",
    ({ spec, memory }) => (Number.isFinite(memory?.swapLimitBytes) ? memory?.swapLimitBytes : spec && 0),
  ),
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

function counter(name: string, help: string, figure: Figure): FigureRow {
  return [name, "counter", help, figure];
}

function gauge(name: string, help: string, figure: Figure): FigureRow {
  return [name, "gauge", help, figure];
}

function ofMemory(
  name: string,
  help: string,
  member: keyof MemoryFigures,
  type: MetricFamily["type"] = "gauge",
): FigureRow {
  return [`container_memory_${name}`, type, help, ({ memory }) => memory?.[member]];
}

/** How a CPU limit held work up: of those that have one. */
function limited({ cpu, spec }: Group): ContainerStats["throttling"] {
  return limitOf(spec, "cpu") === undefined ? undefined : cpu?.throttling;
}

function pressureFamilies(resource: keyof Pressures): readonly FigureRow[] {
  const total = (kind: "some" | "full") => (group: Group) => {
    const microseconds = group.pressures?.[resource]?.[kind].totalMicroseconds;
    return microseconds === undefined ? undefined : microseconds / 1e6;
  };
  const name = `container_pressure_${resource}`;
  return [
    counter(`${name}_stalled_seconds_total`, `Time in which all work waited for ${resource}.`, total("full")),
    counter(`${name}_waiting_seconds_total`, `Time in which some work waited for ${resource}.`, total("some")),
  ];
}

function interfaceFamilies(way: "receive" | "transmit", prefix: "rx" | "tx"): readonly FigureRow[] {
  const kinds = [
    ["bytes", "Bytes", `${prefix}Bytes`],
    ["errors", "Errors", `${prefix}Errors`],
    ["packets", "Packets", `${prefix}Packets`],
    ["packets_dropped", "Dropped packets", `${prefix}Dropped`],
  ] as const;
  const verb = way === "receive" ? "received" : "sent";
  return kinds.map(([unit, what, member]) =>
    counter(`container_network_${way}_${unit}_total`, `${what}, ${verb}.`, ({ interfaces = [] }) =>
      interfaces.map((one) => [{ interface: one.name }, one[member]] as const),
    ),
  );
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

function seconds(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}
