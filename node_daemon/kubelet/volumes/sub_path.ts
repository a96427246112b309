import { lstat, mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isCode } from "./files.ts";

/**
 * The path of the host that a `subPath` of a volume means. Missing folders are made. A container may have put links into
 * the volume: one that leads out of it is refused.
 *
 * @param root folder of the volume
 * @throws Error with the text of the container's CreateContainerConfigError
 * @see CVE-2017-1002101
 */
export async function resolveSubPath(root: string, subPath: string): Promise<string> {
  const base = await realpath(root);
  let at = base;
  for (const part of subPath.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") throw new Error(`failed to create subPath directory: subPath must not contain '..': ${subPath}`);
    at = await step(join(at, part));
    if (at !== base && !at.startsWith(`${base}/`))
      throw new Error(`subpath ${JSON.stringify(subPath)} is outside of the volume`);
  }
  return at;
}

/** The real path of one component; a folder when nothing is there. */
async function step(path: string): Promise<string> {
  try {
    await lstat(path);
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
    await mkdir(path, { mode: 0o755 });
  }
  return await realpath(path);
}
