import { type ProcessEntry, residentMemory } from "./process_table.ts";
import type { ContainerStats } from "./runtime.ts";

/** What a container uses, as far as it can be counted. */
export type Usage = Omit<ContainerStats, "id" | "podUid" | "name" | "at">;

/** Use of a container, counted process by process: where there is no control group to do it. */
export async function processStats(own: readonly ProcessEntry[]): Promise<Usage> {
  const { anonymousBytes, fileBytes, swapBytes } = await residentMemory(own.map(({ pid }) => pid));
  const memoryBytes = anonymousBytes + fileBytes;
  const sum = (figure: (entry: ProcessEntry) => number | undefined) =>
    own.reduce<number | undefined>((total, entry) => {
      const value = figure(entry);
      return total === undefined || value === undefined ? undefined : total + value;
    }, 0);
  const cpuNanoseconds = sum((entry) => entry.cpuNanoseconds) ?? 0;
  const cpuUserNanoseconds = sum((entry) => entry.cpuUserNanoseconds);
  return {
    cpuNanoseconds,
    cpuUserNanoseconds,
    cpuSystemNanoseconds: cpuUserNanoseconds === undefined ? undefined : cpuNanoseconds - cpuUserNanoseconds,
    memoryBytes,
    memory: {
      usageBytes: memoryBytes,
      rssBytes: anonymousBytes,
      mappedBytes: fileBytes,
      swapBytes,
      pageFaults: sum((entry) => entry.pageFaults),
      majorPageFaults: sum((entry) => entry.majorPageFaults),
    },
    processes: own.length,
    threads: sum((entry) => entry.threads),
  };
}

/** The files of a control group of version 2 that tell what is used; empty where there is none. */
export interface CgroupFiles {
  readonly "cpu.stat": string;
  readonly "memory.current": string;
  readonly "memory.stat": string;
  readonly "memory.swap.current": string;
  readonly "io.stat": string;
  readonly "pids.current": string;
}

/** Use of a container as its control group counted it; undefined when the files do not tell CPU and memory. */
export function cgroupStats(files: CgroupFiles): Usage | undefined {
  const cpu = figuresOf(files["cpu.stat"]);
  const memory = figuresOf(files["memory.stat"]);
  const usage = numberOf(files["memory.current"]);
  const total = cpu.get("usage_usec");
  if (total === undefined || usage === undefined) return undefined;
  const nanoseconds = (name: string) => {
    const microseconds = cpu.get(name);
    return microseconds === undefined ? undefined : microseconds * 1000;
  };
  const periods = cpu.get("nr_periods");
  return {
    cpuNanoseconds: total * 1000,
    cpuUserNanoseconds: nanoseconds("user_usec"),
    cpuSystemNanoseconds: nanoseconds("system_usec"),
    throttling:
      periods === undefined
        ? undefined
        : {
            periods,
            throttledPeriods: cpu.get("nr_throttled") ?? 0,
            throttledNanoseconds: nanoseconds("throttled_usec") ?? 0,
          },
    memoryBytes: Math.max(0, usage - (memory.get("inactive_file") ?? 0)),
    memory: {
      usageBytes: usage,
      rssBytes: memory.get("anon"),
      cacheBytes: memory.get("file"),
      mappedBytes: memory.get("file_mapped"),
      swapBytes: numberOf(files["memory.swap.current"]),
      pageFaults: memory.get("pgfault"),
      majorPageFaults: memory.get("pgmajfault"),
    },
    io: ioOf(files["io.stat"]),
    threads: numberOf(files["pids.current"]),
  };
}

/** Lines of `NAME NUMBER`. */
function figuresOf(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, name = "", figure]) => [name, Number(figure)]));
}

function ioOf(text: string): Usage["io"] {
  if (text === "") return undefined;
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`\\b${name}=(\\d+)`, "g"))].reduce((total, [, bytes]) => total + Number(bytes), 0);
  return { readBytes: sum("rbytes"), writeBytes: sum("wbytes") };
}

function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}
