import { access, readdir, readlink, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../core/platform/hash.ts";

/** The kernel takes no longer names. */
const maxName = 255;

/**
 * Name of the cgroup in which a daemon has those of its containers: the path of its folder, so that others can tell whether
 * that is still there.
 */
export function groupsName(owner: string): string {
  const name = encodeURIComponent(owner);
  return name.length <= maxName ? name : sha256(owner);
}

/** The folder that a group is named after; undefined for names that do not tell. */
function ownerOf(name: string): string | undefined {
  try {
    const owner = decodeURIComponent(name);
    return owner.startsWith("/") && encodeURIComponent(owner) === name ? owner : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Removes groups in which nothing runs: of this daemon's those that it does not know, and all of daemons whose folder is gone.
 * The kernel keeps those in which something runs.
 *
 * @param top where daemons have their groups
 * @param options.owner folder of this daemon
 * @param options.ownOnly whether those of other daemons are left alone
 */
export async function collectGroups(
  top: string,
  {
    owner,
    isKnown,
    ownOnly = false,
  }: { readonly owner: string; readonly isKnown: (id: string) => boolean; readonly ownOnly?: boolean },
): Promise<void> {
  const own = groupsName(owner);
  let roots: readonly string[] | undefined;
  for (const name of await groupsIn(top)) {
    const folder = join(top, name);
    if (name === own) {
      for (const id of await groupsIn(folder)) if (!isKnown(id)) await removeGroup(join(folder, id));
      continue;
    }
    const other = ownOnly ? undefined : ownerOf(name);
    if (other === undefined || !(await isMissing(other))) continue;
    roots ??= await machineRoots();
    if (await isGone(other, roots)) await removeGroup(folder);
  }
}

/** Removes a group with those in it, as far as nothing runs in them. */
export async function removeGroup(folder: string): Promise<void> {
  const isRemoved = await rmdir(folder).then(
    () => true,
    () => false,
  );
  if (isRemoved) return;
  const inside = await groupsIn(folder);
  for (const name of inside) await removeGroup(join(folder, name));
  if (inside.length > 0) await rmdir(folder).catch(() => {});
}

async function groupsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Whether no process of the machine sees the folder, wherever its files are mounted. In doubt it is there. */
async function isGone(folder: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    // One that ended meanwhile tells nothing.
    if (!(await isMissing(join(root, folder))) || (await isMissing(root))) return false;
  }
  return roots.length > 0;
}

async function isMissing(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT" || error.code === "ENOTDIR",
  );
}

/** The root folders that processes of this machine have, each by one of them. */
async function machineRoots(): Promise<readonly string[]> {
  const roots = new Map<string, string>();
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const root = `/proc/${pid}/root`;
    // Others' are not to be seen by ordinary users, nor their groups to be removed.
    const [mounts, path] = await Promise.all([readlink(`/proc/${pid}/ns/mnt`), readlink(root)]).catch(() => []);
    if (mounts !== undefined) roots.set(`${mounts} ${path}`, root);
  }
  return [...roots.values()];
}
