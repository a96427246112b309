import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { currentPid, platformName, signalProcess } from "../../core/platform/processes.ts";
import { containerMarker } from "./process_root.ts";

/** A process, told apart from a later one with the same number by when it started. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot where there is `/proc`, else what `ps -o lstart=` prints. */
  readonly startedAt: string;
}

/** One line of the table of processes. */
export interface ProcessEntry extends ProcessIdentity {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Time on the CPU, with children that ended, in nanoseconds. */
  readonly cpuNanoseconds: number;
  /** The rest where there is `/proc`. */
  readonly cpuUserNanoseconds?: number;
  readonly threads?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
}

const hasProc = platformName === "linux";
/** Some milliseconds' worth. */
const processesPerTurn = 100;
/** USER_HZ: part of Linux's ABI. */
const nanosecondsPerTick = 10_000_000;

/** Whether exactly this process still runs (a zombie does not). */
export async function isRunning({ pid, startedAt }: ProcessIdentity): Promise<boolean> {
  if (hasProc) return readEntry(pid)?.startedAt === startedAt;
  return (await ps(["-o", "lstart=", "-p", String(pid)])).trim() === startedAt;
}

/** A process of a Linux machine as it is known to be the same later; undefined when it does not run. */
export function identify(pid: number): ProcessIdentity | undefined {
  const entry = readEntry(pid);
  return entry && { pid, startedAt: entry.startedAt };
}

/** Signals the process, or the group it leads, if it is still the same one. Returns whether it was. */
export async function signalIdentified(
  identity: ProcessIdentity,
  signal: "SIGTERM" | "SIGKILL" | number,
  { group = false }: { readonly group?: boolean } = {},
): Promise<boolean> {
  if (!(await isRunning(identity))) return false;
  return signalProcess(group ? -identity.pid : identity.pid, signal);
}

/** Every process of the machine that this user may see; zombies are left out. */
export async function listProcesses(): Promise<readonly ProcessEntry[]> {
  if (!hasProc) return parsePs(await ps(["-Ao", "pid=,ppid=,pgid=,time=,lstart="]));
  return (await everyProcess((pid) => readEntry(pid))).filter((entry) => entry !== undefined);
}

/** What carries the marker is looked for among all processes: whoever asks while that goes on shares the next search. */
const searchMarked = shared(async () => {
  if (!hasProc) return (await listProcesses()).map((entry) => ({ entry, containerId: undefined }));
  const found = await everyProcess((pid) => {
    const entry = readEntry(pid);
    return entry && { entry, containerId: variableOf(pid, containerMarker) };
  });
  return found.filter((one) => one !== undefined);
});

/**
 * The processes of a container: those of the group and session that its supervisor leads, those that carry the
 * container's marker in the environment they started with, and the descendants of all these.
 */
export async function findContainerProcesses(options: {
  readonly containerId: string;
  readonly supervisor: ProcessIdentity | undefined;
}): Promise<readonly ProcessEntry[]> {
  const { containerId, supervisor } = options;
  const processes = (await searchMarked()).filter(({ entry }) => entry.pid !== currentPid());
  const found = new Map<number, ProcessEntry>();
  // Once the supervisor is gone its number may lead somebody else's session.
  const led = processes.some(({ entry }) => entry.pid === supervisor?.pid && entry.startedAt === supervisor.startedAt);
  const session = led ? supervisor?.pid : undefined;
  for (const { entry, containerId: marked } of processes) {
    const inside = session !== undefined && (entry.session === session || entry.group === session);
    if (inside || marked === containerId) found.set(entry.pid, entry);
  }
  return closure(
    processes.map(({ entry }) => entry),
    found,
  );
}

/** Every process of a Linux machine that was started with a variable of that name, and the variable. */
export async function findByVariable(
  name: string,
): Promise<readonly { readonly entry: ProcessEntry; readonly value: string }[]> {
  const found = await everyProcess((pid) => {
    const value = variableOf(pid, name);
    const entry = value === undefined ? undefined : readEntry(pid);
    return value !== undefined && entry ? { entry, value } : undefined;
  });
  return found.filter((one) => one !== undefined);
}

/** What processes have of the machine's memory. */
export interface ResidentMemory {
  /** What is private to each process. */
  readonly anonymousBytes: number;
  /** What they have of files, counted once. */
  readonly fileBytes: number;
  readonly swapBytes: number;
}

/** Resident memory of the processes of a container. */
export async function residentMemory(pids: readonly number[]): Promise<ResidentMemory> {
  if (!hasProc) {
    const lines = await ps(["-o", "rss=", "-p", pids.join(",")]);
    const anonymousBytes = lines.split("\n").reduce((sum, line) => sum + Number(line) * 1024, 0);
    return { anonymousBytes, fileBytes: 0, swapBytes: 0 };
  }
  let [anonymous, files, swap] = [0, 0, 0];
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
    anonymous += kilobytes("RssAnon") + kilobytes("RssShmem");
    files = Math.max(files, kilobytes("RssFile"));
    swap += kilobytes("VmSwap");
  }
  return { anonymousBytes: anonymous * 1024, fileBytes: files * 1024, swapBytes: swap * 1024 };
}

/** The processes of `all` that are in the session or group that `leader` leads, and what they started. */
export function withDescendants(all: readonly ProcessEntry[], leader: number): readonly ProcessEntry[] {
  const inside = all.filter((entry) => entry.session === leader || entry.group === leader);
  return closure(all, new Map(inside.map((entry) => [entry.pid, entry])));
}

/** Adds the descendants, however deep. */
function closure(all: readonly ProcessEntry[], found: Map<number, ProcessEntry>): readonly ProcessEntry[] {
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const entry of all) if (found.has(entry.parent)) found.set(entry.pid, entry);
  }
  return [...found.values()];
}

let boot: Promise<string> | undefined;

/** The boot of this machine, so that start times of another boot are not mistaken; empty where it is not told. */
export function bootId(): Promise<string> {
  boot ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => "",
  );
  return boot;
}

/** A variable of the environment that a process started with. */
function variableOf(pid: number, name: string): string | undefined {
  const environment = readProcFile(pid, "environ");
  const prefix = `${name}=`;
  const start = environment.startsWith(prefix) ? 0 : environment.indexOf(`\0${prefix}`) + 1;
  if (start === 0 && !environment.startsWith(prefix)) return undefined;
  const end = environment.indexOf("\0", start);
  return environment.slice(start + prefix.length, end === -1 ? undefined : end);
}

/** What `read` finds of each process, some at a time, so that others get their turn. */
async function everyProcess<T>(read: (pid: number) => T): Promise<readonly T[]> {
  const results: T[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    results.push(read(Number(name)));
    if (results.length % processesPerTurn === 0) await setImmediate();
  }
  return results;
}

/** A file of `/proc`: made by the kernel as it is read, so that a thread that reads it costs more than it spares. */
function readProcFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

/** Runs `work` once for all who ask while it has not begun. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | undefined;
  return () => {
    waiting ??= running.then(() => {
      waiting = undefined;
      const result = work();
      running = result.catch(() => {});
      return result;
    });
    return waiting;
  };
}

function readEntry(pid: number): ProcessEntry | undefined {
  const line = readProcFile(pid, "stat");
  // The second field is the program's name in brackets, which may hold anything: count from its end.
  const fields = line.slice(line.lastIndexOf(") ") + 2).split(" ");
  const [state, parent, group, session] = fields;
  const startedAt = fields[19];
  if (startedAt === undefined || state === "Z" || state === "X") return undefined;
  // Its own, then those of its children that ended.
  const sum = (first: number, second: number) => Number(fields[first]) + Number(fields[second]);
  const userTicks = sum(11, 13);
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startedAt,
    cpuNanoseconds: (userTicks + sum(12, 14)) * nanosecondsPerTick,
    cpuUserNanoseconds: userTicks * nanosecondsPerTick,
    threads: Number(fields[17]),
    pageFaults: sum(7, 8),
    majorPageFaults: sum(9, 10),
  };
}

/** @internal Lines of `ps -Ao pid=,ppid=,pgid=,time=,lstart=`. */
function parsePs(text: string): readonly ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(?:(\d+)-)?([\d:.]+)\s+(\S.*\S)\s*$/.exec(line);
    if (!match) continue;
    const [, pid, parent, group, days = "0", time = "", startedAt = ""] = match;
    const seconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
    entries.push({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(group),
      startedAt,
      cpuNanoseconds: Math.round(seconds * 1e9),
    });
  }
  return entries;
}

function ps(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    // A process that is gone makes ps fail: an empty answer says the same.
    execFile("ps", args, { env: { LC_ALL: "C", PATH: "/bin:/usr/bin" }, maxBuffer: 16 * 1024 * 1024 }, (_, output) =>
      resolve(output),
    );
  });
}
