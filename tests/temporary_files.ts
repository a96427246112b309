import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import process from "node:process";

/**
 * Gives a run of the tests a folder for temporary files of its own, which goes with all that tests, kubectl and editors left in it.
 * `TMPDIR` names it: to the workers, and to the programs that they start.
 *
 * @returns what vitest calls at the end of the run
 */
export async function setup(): Promise<() => Promise<void>> {
  // A short name: the paths of sockets have to fit into 108 bytes.
  const path = await mkdtemp(join(tmpdir(), "wt-"));
  // Containers of other users are given folders in it.
  await chmod(path, 0o711);
  process.env["TMPDIR"] = path;
  return async () => {
    // What is mounted there may be a folder of the machine: it is looked at, not emptied.
    if (!(await isMountedBelow(path))) await rm(path, { recursive: true, force: true, maxRetries: 5 });
    else console.error(`${path} was left: something is mounted in it`);
  };
}

async function isMountedBelow(path: string): Promise<boolean> {
  const mounts = await readFile("/proc/self/mounts", "utf8").catch(() => "");
  return mounts.split("\n").some((line) => line.split(" ")[1]?.startsWith(path + sep));
}
