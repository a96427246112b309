import { readFile, statfs } from "node:fs/promises";
import os from "node:os";
import { type Pressures, readPressures } from "./pressure.ts";
import { sharedLook } from "./shared_look.ts";

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
  /** How much of that was spent for programs. */
  readonly cpuUserNanoseconds: number;
  readonly memoryBytes: number;
  /** Without what was read from files and may be dropped. */
  readonly workingSetBytes: number;
  readonly rssBytes: number | undefined;
  readonly cacheBytes: number | undefined;
  /** Of files that were read: what was used lately, and what was not; what is to be written to disks, and is being written. */
  readonly activeFileBytes: number | undefined;
  readonly inactiveFileBytes: number | undefined;
  readonly dirtyBytes: number | undefined;
  readonly writebackBytes: number | undefined;
  readonly pageFaults: number | undefined;
  readonly majorPageFaults: number | undefined;
  /** How often a process was ended for want of memory. */
  readonly outOfMemoryKills: number | undefined;
  /** What work had to wait for; undefined where the kernel does not tell. */
  readonly pressures: Pressures | undefined;
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
  const [stat, meminfo, vmstat, devices, routes, slots, pressures] = await Promise.all([
    text("/proc/stat"),
    text("/proc/meminfo"),
    text("/proc/vmstat"),
    text("/proc/net/dev"),
    text("/proc/net/route"),
    processSlots(),
    readPressures((resource) => `/proc/pressure/${resource}`),
  ]);
  return {
    bootedAt: bootTime(stat),
    ...(parseCpu(stat) ?? busyTime()),
    ...parseMemory(meminfo),
    pageFaults: field(vmstat, "pgfault"),
    majorPageFaults: field(vmstat, "pgmajfault"),
    outOfMemoryKills: field(vmstat, "oom_kill"),
    pressures,
    ...slots,
    defaultInterface: /^(\S+)\t00000000\t/m.exec(routes)?.[1],
    interfaces: parseInterfaces(devices),
  };
}

/** How many processes the kernel has ended for want of memory since the machine started; undefined where it does not tell. */
export async function outOfMemoryKills(): Promise<number | undefined> {
  return field(await text("/proc/vmstat"), "oom_kill");
}

type ProcessSlots = Pick<MachineUsage, "processes" | "maxProcesses">;

/** Processes (threads count as such) that run, and that the machine takes. */
export const processSlots: () => Promise<ProcessSlots> = sharedLook(async () => {
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
});

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

type CpuTime = Pick<MachineUsage, "cpuNanoseconds" | "cpuUserNanoseconds">;

/** @internal Busy time of the first line of `/proc/stat`: neither idle nor waiting for a disk; guests are counted in user time. */
export function parseCpu(text: string): CpuTime | undefined {
  const fields = /^cpu +(\d.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (!fields) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
  return {
    cpuNanoseconds: (user + nice + system + irq + softirq + steal) * nanosecondsPerTick,
    cpuUserNanoseconds: (user + nice) * nanosecondsPerTick,
  };
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
  | "memoryBytes"
  | "workingSetBytes"
  | "rssBytes"
  | "cacheBytes"
  | "activeFileBytes"
  | "inactiveFileBytes"
  | "dirtyBytes"
  | "writebackBytes"
  | "swapTotalBytes"
  | "swapFreeBytes"
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
    activeFileBytes: bytes("Active\\(file\\)"),
    inactiveFileBytes: bytes("Inactive\\(file\\)"),
    dirtyBytes: bytes("Dirty"),
    writebackBytes: bytes("Writeback"),
    swapTotalBytes: bytes("SwapTotal") ?? 0,
    swapFreeBytes: bytes("SwapFree") ?? 0,
  };
}

function bootTime(stat: string): number {
  return numberOf(/^btime (\d+)$/m.exec(stat)?.[1], 1000) ?? Math.round(Date.now() - os.uptime() * 1000);
}

function busyTime(): CpuTime {
  const times = os.cpus().map(({ times: { user, nice, sys, irq } }) => ({ user: user + nice, kernel: sys + irq }));
  const userMs = times.reduce((sum, { user }) => sum + user, 0);
  const kernelMs = times.reduce((sum, { kernel }) => sum + kernel, 0);
  return { cpuNanoseconds: (userMs + kernelMs) * 1e6, cpuUserNanoseconds: userMs * 1e6 };
}

function field(text: string, name: string): number | undefined {
  return numberOf(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

function numberOf(text: string | undefined, unit = 1): number | undefined {
  return text === undefined ? undefined : Number(text) * unit;
}
