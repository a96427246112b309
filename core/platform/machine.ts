import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import os from "node:os";
import { sharedLook } from "./shared_look.ts";

/** What a machine says about itself. Fixed while it runs. */
export interface MachineFacts {
  readonly hostname: string;
  /** Go's names, as Kubernetes labels nodes with: `linux`, `darwin`, `windows`. */
  readonly operatingSystem: string;
  /** Go's names: `amd64`, `arm64`, … */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Swap space; 0 where there is none, or the system does not tell. */
  readonly swapBytes: number;
  readonly kernelVersion: string;
  /** E.g. `Debian GNU/Linux 13 (trixie)`. */
  readonly osImage: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
}

/** Reads the facts of this machine. */
export function machineFacts(): MachineFacts {
  const machineId = firstLine("/etc/machine-id");
  return {
    hostname: os.hostname().toLowerCase(),
    operatingSystem: operatingSystem(),
    architecture: goNames.get(os.arch()) ?? os.arch(),
    cpus: Math.max(1, os.cpus().length),
    memoryBytes: os.totalmem(),
    swapBytes: memoryFigure("SwapTotal") ?? 0,
    kernelVersion: os.release(),
    osImage: osImage(),
    machineId,
    systemUuid: firstLine("/sys/class/dmi/id/product_uuid") || machineId,
    bootId: firstLine("/proc/sys/kernel/random/boot_id"),
  };
}

/** How many processors a machine has, and cores in them. */
export interface CpuTopology {
  readonly sockets: number;
  readonly cores: number;
}

/** Looks at this machine's processors; undefined where the system does not tell. */
export async function cpuTopology(): Promise<CpuTopology | undefined> {
  return parseCpuTopology(await readFile("/proc/cpuinfo", "utf8").catch(() => ""));
}

/** @internal Blocks of `/proc/cpuinfo`, one a logical processor. */
export function parseCpuTopology(text: string): CpuTopology | undefined {
  const sockets = new Set<string>();
  const cores = new Set<string>();
  for (const block of text.split("\n\n")) {
    const socket = /^physical id\s*: (\d+)$/m.exec(block)?.[1];
    const core = /^core id\s*: (\d+)$/m.exec(block)?.[1];
    if (socket === undefined || core === undefined) continue;
    sockets.add(socket);
    cores.add(`${socket}:${core}`);
  }
  return cores.size === 0 ? undefined : { sockets: sockets.size, cores: cores.size };
}

/** Go's name of this machine's operating system. */
export function operatingSystem(): string {
  return goNames.get(os.platform()) ?? os.platform();
}

/** Bytes of memory that a new process could get. */
export const availableMemoryBytes: () => number = sharedLook(
  // Without procfs, what the system calls free is the nearest figure.
  () => memoryFigure("MemAvailable") ?? os.freemem(),
);

function memoryFigure(name: "MemAvailable" | "SwapTotal"): number | undefined {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(contents("/proc/meminfo"))?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** The first IPv4 address by which other machines reach this one; loopback when there is none. */
export function primaryAddress(): string {
  for (const addresses of Object.values(os.networkInterfaces())) {
    for (const address of addresses ?? []) {
      if (address.family === "IPv4" && !address.internal) return address.address;
    }
  }
  return "127.0.0.1";
}

const goNames: ReadonlyMap<string, string> = new Map([
  ["win32", "windows"],
  ["x64", "amd64"],
  ["ia32", "386"],
]);

function osImage(): string {
  const release = contents("/etc/os-release");
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? `${os.type()} ${os.release()}`;
}

function firstLine(path: string): string {
  return contents(path).split("\n", 1)[0]?.trim() ?? "";
}

/** Empty when it cannot be read: not every system has every file. */
function contents(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
