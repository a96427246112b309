import { constants } from "node:os";
import process from "node:process";

/** Name of the operating system as Node spells it: `linux`, `darwin`, `win32`. */
export const platformName: string = process.platform;

/** Id of the user this process runs as; undefined where users have no numbers. */
export function currentUid(): number | undefined {
  return process.geteuid?.();
}

/** Id of the group this process runs as, and of those that it is in besides; none where groups have no numbers. */
export function currentGroups(): { readonly gid: number | undefined; readonly groups: readonly number[] } {
  return { gid: process.getegid?.(), groups: process.getgroups?.() ?? [] };
}

/** Id of this process. */
export function currentPid(): number {
  return process.pid;
}

/** First and last of the signals without a meaning of their own, as the C library of most systems counts them. */
const realTime = { MIN: 34, MAX: 64 } as const;

/** The number of a signal by its name, e.g. `SIGUSR1` or `SIGRTMIN+3`; undefined where the system has none of that name. */
export function signalNumber(name: string): number | undefined {
  const [, from, sign, by = "0"] = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (platformName === "linux" && (from === "MIN" || from === "MAX"))
    return realTime[from] + (sign === "-" ? -Number(by) : Number(by));
  return Object.hasOwn(constants.signals, name) ? constants.signals[name as NodeJS.Signals] : undefined;
}

/**
 * Sends a signal to a process, or to a whole process group when `pid` is negative. Returns false when there is nobody
 * to receive it.
 *
 * @throws Error with code EPERM when the process belongs to somebody else
 */
export function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL" | "SIGHUP" | number): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
