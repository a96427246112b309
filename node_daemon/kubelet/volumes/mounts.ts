import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { promisify } from "node:util";
import { mountPointOf, mountPoints } from "../../../core/platform/mount_table.ts";
import { currentUid, platformName } from "../../../core/platform/processes.ts";
import { unmountWithin } from "../../../core/platform/unmount.ts";
import { errorMessage } from "../../../core/util/log.ts";
import { isCode, removeTree } from "./files.ts";

const run = promisify(execFile);
const timeoutMs = 10_000;
// The messages are looked at.
const options = { timeout: timeoutMs, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" } };

/** Whether this daemon may mount, as far as its user tells: root on Linux, who may lack the right in a container. */
export function mayMount(): boolean {
  return platformName === "linux" && currentUid() === 0;
}

/** Why that is, where it may not. */
export const mayNotMount = "this node may not mount (it has to run as root, on Linux)";

/** Runs mount(8). False where this machine does not let the daemon mount. @throws Error for anything else that goes wrong */
async function mount(...args: readonly string[]): Promise<boolean> {
  if (!mayMount()) return false;
  try {
    await run("mount", args, options);
    return true;
  } catch (error) {
    // Neither where there is no such program.
    if (isCode(error, "ENOENT") || /permission denied|not permitted/i.test(errorMessage(error))) return false;
    throw error;
  }
}

/**
 * Mounts a file system in memory on a folder, unless one is there already. False where the daemon may not.
 *
 * @param sizeBytes what it holds at most
 */
export async function mountMemory(folder: string, sizeBytes: number): Promise<boolean> {
  const path = await realpath(folder);
  if ((await mountPoints()).some((point) => point.path === path)) return true;
  const mountWith = (options: string) => mount("-t", "tmpfs", "-o", options, "wherry", path);
  const common = `size=${Math.floor(sizeBytes)},mode=0777`;
  // What is kept in memory is not to reach a disk, where the kernel can see to that.
  return (await mountWith(`${common},noswap`).catch(() => false)) || (await mountWith(common));
}

/**
 * Mounts a folder on another, so that nobody may write there, run what is there, or get rights from it; unless that is done.
 *
 * @throws Error where the daemon may not
 */
export async function mountReadOnly(from: string, folder: string): Promise<void> {
  const path = await realpath(folder);
  if ((await mountPoints()).some((point) => point.path === path)) return;
  if (!(await mount("--bind", "-o", "ro,noexec,nosuid,nodev", from, path))) throw new Error(mayNotMount);
}

/** Makes mounts below a folder be seen wherever it is mounted by then. Where the daemon may not, nothing is done. */
export async function share(folder: string): Promise<void> {
  const path = await realpath(folder);
  const point = mountPointOf(path, await mountPoints());
  if (point?.isShared) return;
  if (point?.path === path || (await mount("--bind", path, path))) await mount("--make-shared", path);
}

/**
 * Removes a folder of volumes with everything in it. What is mounted there is unmounted before, so that nothing of it is removed.
 *
 * @throws Error when something stays mounted: then nothing was removed
 */
export async function removeVolumes(path: string): Promise<void> {
  await unmountWithin(path);
  await removeTree(path);
}
