import { stat } from "node:fs/promises";
import type Docker from "dockerode";
import { label } from "./docker_config.ts";
import { memoryFigures, memoryFiguresV1 } from "./process_stats.ts";
import type { ContainerStats, DiskStats, PodNetworkStats } from "./runtime.ts";

/** What of a container's description is looked at. */
export type DescribedContainer = Pick<Docker.ContainerInfo, "Id" | "Labels"> & {
  readonly SizeRw?: number;
  /** Seconds since the epoch. */
  readonly Created?: number;
};

interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

/** What the engine tells; it leaves out what the machine's control groups do not have. */
export interface EngineStats {
  readonly cpu_stats?: {
    readonly cpu_usage?: {
      readonly total_usage?: number;
      readonly usage_in_kernelmode?: number;
      readonly usage_in_usermode?: number;
    };
    readonly throttling_data?: {
      readonly periods?: number;
      readonly throttled_periods?: number;
      readonly throttled_time?: number;
    };
  };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly max_usage?: number;
    readonly failcnt?: number;
    readonly stats?: { readonly [name: string]: number };
  };
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly BlockEntry[] | null;
    readonly io_serviced_recursive?: readonly BlockEntry[] | null;
  };
  readonly pids_stats?: { readonly current?: number; readonly limit?: number };
  readonly networks?: { readonly [name: string]: { readonly [figure: string]: number } };
}

/** A container's use as the engine tells it, with the names of version 1 and 2 of control groups. */
export function containerStats(
  { Id, Labels, Created }: DescribedContainer,
  { cpu_stats: cpu, memory_stats: memory, blkio_stats: io, pids_stats: tasks }: EngineStats,
  at: number,
): ContainerStats {
  const figures = new Map(Object.entries(memory?.stats ?? {}));
  const told = figures.has("total_cache") || figures.has("cache") ? memoryFiguresV1(figures) : memoryFigures(figures);
  const usage = memory?.usage ?? 0;
  const { periods, throttled_periods, throttled_time } = cpu?.throttling_data ?? {};
  return {
    id: Id,
    podUid: Labels[label.podUid] ?? "",
    name: Labels[label.containerName] ?? "",
    at,
    createdAt: Created === undefined ? undefined : Created * 1000,
    cpuNanoseconds: cpu?.cpu_usage?.total_usage ?? 0,
    cpuUserNanoseconds: cpu?.cpu_usage?.usage_in_usermode,
    cpuSystemNanoseconds: cpu?.cpu_usage?.usage_in_kernelmode,
    throttling:
      periods === undefined
        ? undefined
        : { periods, throttledPeriods: throttled_periods ?? 0, throttledNanoseconds: throttled_time ?? 0 },
    memoryBytes: Math.max(0, usage - (told.inactiveFileBytes ?? 0)),
    memory: { ...told, usageBytes: usage, maxUsageBytes: memory?.max_usage, limitHits: memory?.failcnt },
    io: ioOf(io?.io_service_bytes_recursive, io?.io_serviced_recursive),
    threads: tasks?.current,
    // Without a limit, engines tell the largest number that there is.
    maxThreads: Number.isSafeInteger(tasks?.limit) ? tasks?.limit : undefined,
  };
}

function ioOf(
  bytes: readonly BlockEntry[] | null | undefined,
  counts: readonly BlockEntry[] | null | undefined,
): ContainerStats["io"] {
  if (!bytes) return undefined;
  const sum = (entries: readonly BlockEntry[], number: string, wanted: string) =>
    entries
      .filter((entry) => numberOfDevice(entry) === number && entry.op.toLowerCase() === wanted)
      .reduce((total, { value }) => total + value, 0);
  return [...new Set(bytes.map(numberOfDevice))].map((number) => ({
    number,
    readBytes: sum(bytes, number, "read"),
    writeBytes: sum(bytes, number, "write"),
    reads: counts ? sum(counts, number, "read") : undefined,
    writes: counts ? sum(counts, number, "write") : undefined,
  }));
}

function numberOfDevice({ major, minor }: BlockEntry): string {
  return `${major}:${minor}`;
}

/** What went through the network of a sandbox; undefined when it has none of its own. */
export function networkStats(
  { Labels }: DescribedContainer,
  { networks }: EngineStats,
  at: number,
): PodNetworkStats | undefined {
  if (!networks || Labels[label.hostNetwork] === "true") return undefined;
  const interfaces = Object.entries(networks).map(([name, figures]) => {
    const figure = (key: string) => figures[key] ?? 0;
    return {
      name,
      rxBytes: figure("rx_bytes"),
      rxPackets: figure("rx_packets"),
      rxErrors: figure("rx_errors"),
      rxDropped: figure("rx_dropped"),
      txBytes: figure("tx_bytes"),
      txPackets: figure("tx_packets"),
      txErrors: figure("tx_errors"),
      txDropped: figure("tx_dropped"),
    };
  });
  return { podUid: Labels[label.podUid] ?? "", at, interfaces };
}

/** What a container wrote over its image, and its log, where this machine has it and this user may see it. */
export async function containerDisk(
  { Id, Labels, SizeRw }: DescribedContainer,
  logPath: string,
): Promise<DiskStats["containers"][number]> {
  const log = logPath === "" ? undefined : await stat(logPath).catch(() => undefined);
  return {
    id: Id,
    podUid: Labels[label.podUid] ?? "",
    name: Labels[label.containerName] ?? "",
    // Left out when it is nothing.
    rootBytes: SizeRw ?? 0,
    rootInodes: undefined,
    logBytes: log?.size,
  };
}
