import { readFile, writeFile } from "node:fs/promises";

const path = "/proc/self/oom_score_adj";
const lowest = -1000;

/**
 * The lowest `oom_score_adj` that programs of this machine may be given: -1000, or 0 where this process may not go below what it
 * was given, as in most containers. The engine is taken to be allowed no more than the daemon beside it: a container that it may not
 * give its score does not start.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html
 */
export async function lowestOomScoreAdj(): Promise<number> {
  try {
    const own = await readFile(path, "utf8");
    await writeFile(path, String(lowest));
    await writeFile(path, own.trim());
    return lowest;
  } catch {
    return 0;
  }
}
