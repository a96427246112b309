import { constants } from "node:fs";
import { chmod, type FileHandle, lstat, mkdir, open, realpath, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { currentPid, platformName } from "../../../core/platform/processes.ts";
import { isCode } from "./files.ts";

/** Opens without reading: only to name what was found. Linux; Node does not list it. */
const O_PATH = 0o10000000;
/** As many as the kernel follows. */
const maxLinks = 40;

/** What a `subPath` means. Closed when it is no longer needed. */
export interface OpenedPath extends AsyncDisposable {
  /** Where it was when it was opened: by now a container may have put a link there. */
  readonly path: string;
  /** The very thing, whatever becomes of its path: good while this is open. Absent where the system has no such names. */
  readonly descriptor: string | undefined;
}

/**
 * Opens what a `subPath` of a volume means. Missing folders are made. A container may have put links into the volume, and
 * may exchange them meanwhile: each step is taken from the folder that was opened before it, and no link is followed by
 * the system. A link that leads out of the volume is refused.
 *
 * @param root folder of the volume
 * @param options.isMade false: nothing is made
 * @throws Error with the text of the container's CreateContainerConfigError
 * @see CVE-2017-1002101, CVE-2021-25741
 */
export async function openSubPath(
  root: string,
  subPath: string,
  { isMade = true }: { readonly isMade?: boolean } = {},
): Promise<OpenedPath> {
  const parts = subPath.split("/");
  if (parts[0] === "") throw new Error(`error SubPath \`${subPath}\` must not be an absolute path`);
  if (parts.includes("..")) throw new Error(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
  const volume = { base: await realpath(root), subPath, isMade };
  return platformName === "linux" ? await walkOpened(volume, parts) : await walkNamed(volume, parts);
}

interface VolumeRoot {
  readonly base: string;
  readonly subPath: string;
  readonly isMade: boolean;
}

/** The name of what is open, as any process of the machine may use it. */
function nameOf({ fd }: FileHandle): string {
  return `/proc/${currentPid()}/fd/${fd}`;
}

async function walkOpened({ base, subPath, isMade }: VolumeRoot, parts: readonly string[]): Promise<OpenedPath> {
  let at = await open(base, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    // Folders that are made are for whoever the volume is for.
    const mode = (await at.stat()).mode & 0o7777;
    const left = [...parts];
    for (let links = 0; left.length > 0; ) {
      const part = left.shift() ?? "";
      if (part === "" || part === ".") continue;
      const next = await openChild(at, part, isMade ? mode : undefined);
      if (!(await next.stat()).isSymbolicLink()) {
        await at.close();
        at = next;
        continue;
      }
      await next.close();
      if (++links > maxLinks) throw new Error(`subpath ${JSON.stringify(subPath)} has too many links`);
      // Only a hint: the way there is walked anew from the root, like any other.
      const target = await realpath(`${nameOf(at)}/${part}`);
      left.unshift(...insideOf({ base, subPath, isMade }, target).split("/"));
      await at.close();
      at = await open(base, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    }
    const opened = at;
    const path = await realpath(nameOf(opened));
    return { path, descriptor: nameOf(opened), [Symbol.asyncDispose]: () => opened.close() };
  } catch (error) {
    await at.close();
    throw error;
  }
}

/** What has a name in an open folder; a new folder when nothing has, and a mode is given for it. Links are opened themselves. */
async function openChild(folder: FileHandle, name: string, mode: number | undefined): Promise<FileHandle> {
  const path = `${nameOf(folder)}/${name}`;
  try {
    return await open(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (mode === undefined || !isCode(error, "ENOENT")) throw error;
  }
  await mkdir(path, { mode: mode & 0o777 });
  const made = await open(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  // Whatever the umask; through the descriptor, so that nothing is done to what a container may have put in its place.
  await chmod(nameOf(made), mode);
  return made;
}

/** @throws Error when a real path is not in the volume */
function insideOf({ base, subPath }: VolumeRoot, path: string): string {
  if (path !== base && !path.startsWith(base === "/" ? base : `${base}/`))
    throw new Error(`subpath ${JSON.stringify(subPath)} is outside of the volume`);
  return relative(base, path);
}

/** The same by names alone, where folders that are open have none. */
async function walkNamed({ base, subPath, isMade }: VolumeRoot, parts: readonly string[]): Promise<OpenedPath> {
  const mode = (await stat(base)).mode & 0o7777;
  let at = base;
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    const next = join(at, part);
    const isThere = await lstat(next).then(
      () => true,
      (error: unknown) => {
        if (isCode(error, "ENOENT")) return false;
        throw error;
      },
    );
    if (!isThere && isMade) {
      await mkdir(next, { mode: mode & 0o777 });
      await chmod(next, mode);
    }
    at = await realpath(next);
    insideOf({ base, subPath, isMade }, at);
  }
  return { path: at, descriptor: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
}
