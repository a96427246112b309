import { constants } from "node:fs";
import { lstat, mkdir, open, realpath, stat } from "node:fs/promises";
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
  const parts = subPath.split("/");
  if (parts[0] === "") throw new Error(`error SubPath \`${subPath}\` must not be an absolute path`);
  if (parts.includes("..")) throw new Error(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
  const base = await realpath(root);
  // Folders that are made are for whoever the volume is for.
  const mode = (await stat(base)).mode & 0o7777;
  let at = base;
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    at = await step(join(at, part), mode);
    if (at !== base && !at.startsWith(base === "/" ? base : `${base}/`))
      throw new Error(`subpath ${JSON.stringify(subPath)} is outside of the volume`);
  }
  return at;
}

/** The real path of one component; a folder when nothing is there. */
async function step(path: string, mode: number): Promise<string> {
  try {
    await lstat(path);
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
    await makeFolder(path, mode);
  }
  return await realpath(path);
}

/** Makes a folder with this mode, whatever the umask; nothing is done to what a container may have put in its place. */
async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode: mode & 0o777 });
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await folder.chmod(mode);
  } finally {
    await folder.close();
  }
}
