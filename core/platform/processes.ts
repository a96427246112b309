import process from "node:process";

/** Name of the operating system as Node spells it: `linux`, `darwin`, `win32`. */
export const platformName: string = process.platform;

/** Id of the user this process runs as; undefined where users have no numbers. */
export function currentUid(): number | undefined {
  return process.geteuid?.();
}

/** Id of this process. */
export function currentPid(): number {
  return process.pid;
}

/**
 * Sends a signal to a process, or to a whole process group when `pid` is negative. Returns false when there is nobody
 * to receive it.
 *
 * @throws Error with code EPERM when the process belongs to somebody else
 */
export function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL" | "SIGHUP" | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
