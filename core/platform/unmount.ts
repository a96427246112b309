import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { mountPointsWithin } from "./mount_table.ts";

const run = promisify(execFile);
const options = { timeout: 10_000, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } };

/**
 * Unmounts what is mounted at a path and below it, whoever mounted it.
 *
 * @throws Error when something stays mounted
 */
export async function unmountWithin(path: string): Promise<void> {
  const points = await mountPointsWithin(path);
  if (points.length === 0) return;
  for (const point of points) await run("umount", ["-l", point], options).catch(() => {});
  const [left] = await mountPointsWithin(path);
  if (left !== undefined) throw new Error(`Cannot unmount ${left}`);
}
