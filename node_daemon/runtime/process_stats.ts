import { type ProcessEntry, residentMemory } from "./process_table.ts";
import type { ContainerStats, DeviceFigures, MemoryFigures } from "./runtime.ts";

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
    pids: own.map(({ pid }) => pid),
    processes: own.length,
    threads: sum((entry) => entry.threads),
  };
}

/** The files of a control group of version 2 that tell what is used; empty where there is none. */
export interface CgroupFiles {
  readonly "cpu.stat": string;
  readonly "memory.current": string;
  readonly "memory.stat": string;
  readonly "memory.events": string;
  readonly "memory.peak": string;
  readonly "memory.swap.current": string;
  readonly "memory.swap.max": string;
  readonly "io.stat": string;
  readonly "pids.current": string;
  readonly "pids.max": string;
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
    memory: { ...memoryFigures(memory), usageBytes: usage, ...limitsV2(files) },
    outOfMemoryKills: figuresOf(files["memory.events"]).get("oom_kill"),
    io: ioOfV2(files["io.stat"]),
    threads: numberOf(files["pids.current"]),
    maxThreads: numberOf(files["pids.max"]),
  };
}

/** What `memory.stat` of version 2 tells of memory, or an engine that read it. */
export function memoryFigures(figures: ReadonlyMap<string, number>): MemoryFigures {
  const of = (name: string) => figures.get(name);
  return {
    rssBytes: of("anon"),
    cacheBytes: of("file"),
    mappedBytes: of("file_mapped"),
    activeFileBytes: of("active_file"),
    inactiveFileBytes: of("inactive_file"),
    dirtyBytes: of("file_dirty"),
    writebackBytes: of("file_writeback"),
    kernelBytes: of("kernel"),
    pageFaults: of("pgfault"),
    majorPageFaults: of("pgmajfault"),
    pagesScanned: of("pgscan"),
    pagesReclaimed: of("pgsteal"),
    refaultsOfFiles: of("workingset_refault_file"),
    refaultsOfMemory: of("workingset_refault_anon"),
  };
}

/** What `memory.stat` of version 1 tells of memory with all groups below, or an engine that read it. */
export function memoryFiguresV1(figures: ReadonlyMap<string, number>): MemoryFigures {
  const of = (name: string) => figures.get(`total_${name}`) ?? figures.get(name);
  return {
    rssBytes: of("rss"),
    cacheBytes: of("cache"),
    mappedBytes: of("mapped_file"),
    activeFileBytes: of("active_file"),
    inactiveFileBytes: of("inactive_file"),
    dirtyBytes: of("dirty"),
    writebackBytes: of("writeback"),
    swapBytes: of("swap"),
    pageFaults: of("pgfault"),
    majorPageFaults: of("pgmajfault"),
    refaultsOfFiles: of("workingset_refault_file"),
    refaultsOfMemory: of("workingset_refault_anon"),
  };
}

/** What version 2 tells beside `memory.stat`. */
export function limitsV2(
  files: Pick<CgroupFiles, "memory.events" | "memory.peak" | "memory.swap.current" | "memory.swap.max">,
): MemoryFigures {
  const events = figuresOf(files["memory.events"]);
  const swapMax = files["memory.swap.max"].trim();
  return {
    maxUsageBytes: numberOf(files["memory.peak"]),
    swapBytes: numberOf(files["memory.swap.current"]),
    swapLimitBytes: swapMax === "max" ? Number.POSITIVE_INFINITY : numberOf(swapMax),
    limitHits: events.get("max"),
    highHits: events.get("high"),
  };
}

/** What `blkio.throttle.io_service_bytes_recursive` and `…io_serviced_recursive` of version 1 tell. */
export function ioOfV1(bytes: string, counts: string): readonly DeviceFigures[] | undefined {
  const counted = figuresByDevice(counts);
  const devices = [...figuresByDevice(bytes)];
  if (bytes === "") return undefined;
  return devices.map(([number, { Read: readBytes = 0, Write: writeBytes = 0 }]) => {
    const { Read: reads, Write: writes } = counted.get(number) ?? {};
    return { number, readBytes, writeBytes, reads, writes };
  });
}

/** Lines of `MAJOR:MINOR OPERATION NUMBER`. */
function figuresByDevice(text: string): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const found = new Map<string, Record<string, number>>();
  for (const [, device = "", operation = "", figure] of text.matchAll(/^(\d+:\d+) ([A-Z][a-z]+) (\d+)$/gm))
    found.set(device, { ...found.get(device), [operation]: Number(figure) });
  return found;
}

/** Lines of `NAME NUMBER`. */
export function figuresOf(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, name = "", figure]) => [name, Number(figure)]));
}

function ioOfV2(text: string): readonly DeviceFigures[] | undefined {
  if (text === "") return undefined;
  return [...text.matchAll(/^(\d+:\d+)((?: \w+=\d+)+)$/gm)].map(([, number = "", list = ""]) => {
    const of = (name: string) => Number(new RegExp(` ${name}=(\\d+)`).exec(list)?.[1] ?? 0);
    return { number, readBytes: of("rbytes"), writeBytes: of("wbytes"), reads: of("rios"), writes: of("wios") };
  });
}

/** The number that a file holds; undefined when it holds something else, such as `max`. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}
