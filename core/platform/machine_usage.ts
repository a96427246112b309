import { readFile, statfs } from "node:fs/promises";
import os from "node:os";

/** What went through a network interface since it came up. */
export interface InterfaceUsage {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** What is in use on this machine. What the system does not tell is undefined. */
export interface MachineUsage {
  /** When the machine started, milliseconds since the epoch. */
  readonly bootedAt: number;
  /** Time that all processors were busy since then. */
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  /** Without what was read from files and may be dropped. */
  readonly workingSetBytes: number;
  readonly rssBytes: number | undefined;
  readonly cacheBytes: number | undefined;
  readonly pageFaults: number | undefined;
  readonly majorPageFaults: number | undefined;
  readonly swapTotalBytes: number;
  readonly swapFreeBytes: number;
  readonly processes: number | undefined;
  readonly maxProcesses: number | undefined;
  /** Name of the interface that leads out of the machine. */
  readonly defaultInterface: string | undefined;
  /** Without loopback and the ends of containers' own links. */
  readonly interfaces: readonly InterfaceUsage[];
}

/** Space and files of a file system. */
export interface FileSystemUsage {
  readonly totalBytes: number;
  /** For users without privileges. */
  readonly freeBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** USER_HZ: part of Linux's ABI. */
const nanosecondsPerTick = 10_000_000;

/** Reads what is in use now. */
export async function machineUsage(): Promise<MachineUsage> {
  const [stat, meminfo, vmstat, devices, routes, slots] = await Promise.all([
    text("/proc/stat"),
    text("/proc/meminfo"),
    text("/proc/vmstat"),
    text("/proc/net/dev"),
    text("/proc/net/route"),
    processSlots(),
  ]);
  return {
    bootedAt: bootTime(stat),
    cpuNanoseconds: parseCpu(stat) ?? busyNanoseconds(),
    ...parseMemory(meminfo),
    pageFaults: field(vmstat, "pgfault"),
    majorPageFaults: field(vmstat, "pgmajfault"),
    ...slots,
    defaultInterface: /^(\S+)\t00000000\t/m.exec(routes)?.[1],
    interfaces: parseInterfaces(devices),
  };
}

/** Processes (threads count as such) that run, and that the machine takes. */
export async function processSlots(): Promise<Pick<MachineUsage, "processes" | "maxProcesses">> {
  const [load, ...limits] = await Promise.all([
    text("/proc/loadavg"),
    text("/proc/sys/kernel/pid_max"),
    text("/proc/sys/kernel/threads-max"),
  ]);
  const known = limits.filter((limit) => limit !== "").map(Number);
  return {
    processes: numberOf(/^\S+ \S+ \S+ \d+\/(\d+) /.exec(load)?.[1]),
    maxProcesses: known.length > 0 ? Math.min(...known) : undefined,
  };
}

/** Empty when it cannot be read: not every system has every file. */
function text(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

/** Space and files of the file system that holds `path`. */
export async function fileSystemUsage(path: string): Promise<FileSystemUsage> {
  const { bsize, blocks, bavail, bfree, files, ffree } = await statfs(path);
  return {
    totalBytes: bsize * blocks,
    freeBytes: bsize * bavail,
    usedBytes: bsize * (blocks - bfree),
    inodes: files,
    inodesFree: ffree,
  };
}

/** @internal Busy time of the first line of `/proc/stat`: neither idle nor waiting for a disk; guests are counted in user time. */
export function parseCpu(text: string): number | undefined {
  const fields = /^cpu +(\d.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (!fields) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
  return (user + nice + system + irq + softirq + steal) * nanosecondsPerTick;
}

/** @internal Lines of `/proc/net/dev`. */
export function parseInterfaces(text: string): readonly InterfaceUsage[] {
  return text.split("\n").flatMap((line) => {
    const [, name, rest] = /^\s*(\S+?):\s*(\d.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined || /^(lo|veth|docker)/.test(name)) return [];
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0, ...more] = rest.trim().split(/\s+/).map(Number);
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = more.slice(4);
    return [{ name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }];
  });
}

type Memory = Pick<
  MachineUsage,
  "memoryBytes" | "workingSetBytes" | "rssBytes" | "cacheBytes" | "swapTotalBytes" | "swapFreeBytes"
>;

/** @internal `/proc/meminfo`; what the system tells elsewhere where there is none. */
export function parseMemory(text: string): Memory {
  const bytes = (name: string) => numberOf(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1], 1024);
  const total = bytes("MemTotal") ?? os.totalmem();
  const memoryBytes = total - (bytes("MemFree") ?? os.freemem());
  return {
    memoryBytes,
    workingSetBytes: Math.max(0, memoryBytes - (bytes("Inactive\\(file\\)") ?? 0)),
    rssBytes: bytes("AnonPages"),
    cacheBytes: bytes("Cached"),
    swapTotalBytes: bytes("SwapTotal") ?? 0,
    swapFreeBytes: bytes("SwapFree") ?? 0,
  };
}

function bootTime(stat: string): number {
  return numberOf(/^btime (\d+)$/m.exec(stat)?.[1], 1000) ?? Math.round(Date.now() - os.uptime() * 1000);
}

function busyNanoseconds(): number {
  return os.cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0) * 1e6;
}

function field(text: string, name: string): number | undefined {
  return numberOf(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

function numberOf(text: string | undefined, unit = 1): number | undefined {
  return text === undefined ? undefined : Number(text) * unit;
}
