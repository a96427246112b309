import { readdir, readFile } from "node:fs/promises";
import os from "node:os";
import process from "node:process";
import type { MetricFamily } from "../util/prometheus.ts";

/**
 * What this process uses, under the names of Prometheus' client libraries. Descriptors and virtual memory are told where
 * there is a `/proc`.
 *
 * @see https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 */
export async function processMetrics(): Promise<readonly MetricFamily[]> {
  const { user, system } = process.cpuUsage();
  const [stat, limits, descriptors] = await Promise.all([
    text("/proc/self/stat"),
    text("/proc/self/limits"),
    readdir("/proc/self/fd").catch(() => undefined),
  ]);
  const virtualBytes = Number(stat.slice(stat.lastIndexOf(") ") + 2).split(" ")[20] ?? Number.NaN);
  const maxDescriptors = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
  const figures: readonly (readonly [string, MetricFamily["type"], string, number])[] = [
    ["process_cpu_seconds_total", "counter", "User and system CPU time of the process.", (user + system) / 1e6],
    ["process_max_fds", "gauge", "File descriptors that the process may have open.", maxDescriptors],
    // The folder itself is open while it is read.
    ["process_open_fds", "gauge", "Open file descriptors.", descriptors ? descriptors.length - 1 : Number.NaN],
    ["process_resident_memory_bytes", "gauge", "Resident memory.", process.memoryUsage.rss()],
    ["process_start_time_seconds", "gauge", "When the process started, since the epoch.", startedAtSeconds],
    ["process_virtual_memory_bytes", "gauge", "Virtual memory.", virtualBytes],
  ];
  return figures
    .filter(([, , , value]) => Number.isFinite(value))
    .map(([name, type, help, value]) => ({ name, type, help, samples: [{ value }] }));
}

/** What this process used: CPU time since it started, and the memory that it has now. */
export interface OwnUsage {
  /** When it started, milliseconds since the epoch. */
  readonly startedAt: number;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

/** Looks at this process. */
export function ownUsage(): OwnUsage {
  const { user, system } = process.cpuUsage();
  return {
    startedAt: startedAtSeconds * 1000,
    cpuNanoseconds: (user + system) * 1000,
    memoryBytes: process.memoryUsage.rss(),
  };
}

/** What this program was built as, in Kubernetes' form. */
export function buildMetrics(version: {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}): MetricFamily {
  return {
    name: "kubernetes_build_info",
    type: "gauge",
    help: "A constant 1, labelled with the version of the program.",
    samples: [{ labels: { ...version, platform: `${os.platform()}/${os.arch()}` }, value: 1 }],
  };
}

const startedAtSeconds = Math.round(Date.now() - process.uptime() * 1000) / 1000;

function text(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
