import { readFileSync } from "node:fs";
import process from "node:process";

/** Names one process for as long as the machine runs: process ids are used again, start times tell them apart. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot; empty where the system does not tell. */
  readonly startTime: string;
  /** Changes with every boot; empty where the system does not tell. */
  readonly bootId: string;
}

/** The identity of this process. */
export function processIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? "", bootId: bootId() };
}

/** Whether the process still runs. Without procfs any process of that id counts. */
export function isProcessAlive({ pid, startTime, bootId: boot }: ProcessIdentity): boolean {
  if (boot !== bootId()) return false;
  const actual = startTimeOf(pid);
  if (actual !== undefined) return startTime === "" || actual === startTime;
  if (startTimeOf(process.pid) !== undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold anything: count from the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const isZombie = fields[0] === "Z";
    return isZombie ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
