import { stat } from "node:fs/promises";
import type Docker from "dockerode";
import { label } from "./docker_config.ts";
import type { ContainerStats, DiskStats, PodNetworkStats } from "./runtime.ts";

/** What of a container's description is looked at. */
export type DescribedContainer = Pick<Docker.ContainerInfo, "Id" | "Labels"> & { readonly SizeRw?: number };

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
  readonly memory_stats?: { readonly usage?: number; readonly stats?: { readonly [name: string]: number } };
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null;
  };
  readonly pids_stats?: { readonly current?: number };
  readonly networks?: { readonly [name: string]: { readonly [figure: string]: number } };
}

/** A container's use as the engine tells it, with the names of version 1 and 2 of control groups. */
export function containerStats(
  { Id, Labels }: DescribedContainer,
  { cpu_stats: cpu, memory_stats: memory, blkio_stats: io, pids_stats: tasks }: EngineStats,
  at: number,
): ContainerStats {
  const figures = memory?.stats ?? {};
  const usage = memory?.usage ?? 0;
  const { periods, throttled_periods, throttled_time } = cpu?.throttling_data ?? {};
  return {
    id: Id,
    podUid: Labels[label.podUid] ?? "",
    name: Labels[label.containerName] ?? "",
    at,
    cpuNanoseconds: cpu?.cpu_usage?.total_usage ?? 0,
    cpuUserNanoseconds: cpu?.cpu_usage?.usage_in_usermode,
    cpuSystemNanoseconds: cpu?.cpu_usage?.usage_in_kernelmode,
    throttling:
      periods === undefined
        ? undefined
        : { periods, throttledPeriods: throttled_periods ?? 0, throttledNanoseconds: throttled_time ?? 0 },
    memoryBytes: Math.max(0, usage - (figures["total_inactive_file"] ?? figures["inactive_file"] ?? 0)),
    memory: {
      usageBytes: usage,
      rssBytes: figures["total_rss"] ?? figures["rss"] ?? figures["anon"],
      cacheBytes: figures["total_cache"] ?? figures["cache"] ?? figures["file"],
      mappedBytes: figures["total_mapped_file"] ?? figures["mapped_file"] ?? figures["file_mapped"],
      swapBytes: figures["total_swap"] ?? figures["swap"],
      pageFaults: figures["total_pgfault"] ?? figures["pgfault"],
      majorPageFaults: figures["total_pgmajfault"] ?? figures["pgmajfault"],
    },
    io: ioOf(io?.io_service_bytes_recursive),
    threads: tasks?.current,
  };
}

function ioOf(
  entries: NonNullable<EngineStats["blkio_stats"]>["io_service_bytes_recursive"],
): ContainerStats["io"] | undefined {
  if (!entries) return undefined;
  const sum = (wanted: string) =>
    entries.filter(({ op }) => op.toLowerCase() === wanted).reduce((total, { value }) => total + value, 0);
  return { readBytes: sum("read"), writeBytes: sum("write") };
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
