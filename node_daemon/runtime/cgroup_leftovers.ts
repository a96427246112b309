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

/** What the groups of daemons are called, and how one is removed. */
export interface GroupForm {
  /** The group around those of a daemon's containers. */
  nameOf(owner: string): string;
  /** The folder that such a group is named after, percent-encoded; anything for names that do not tell. */
  ownerOf(name: string): string;
  /** What a daemon knows a group within by; undefined for those that are not its own to remove. */
  idOf(name: string): string | undefined;
  remove(folder: string): Promise<void>;
}

const plain: GroupForm = { nameOf: groupsName, ownerOf: (name) => name, idOf: (name) => name, remove: removeGroup };

/** The folder that a group is named after; undefined for names that do not tell. */
function ownerOf(name: string, form: GroupForm): string | undefined {
  try {
    const owner = decodeURIComponent(form.ownerOf(name));
    return owner.startsWith("/") && form.nameOf(owner) === name ? owner : undefined;
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
 * @param options.form default: plain groups
 */
export async function collectGroups(
  top: string,
  {
    owner,
    isKnown,
    ownOnly = false,
    form = plain,
  }: {
    readonly owner: string;
    readonly isKnown: (id: string) => boolean;
    readonly ownOnly?: boolean;
    readonly form?: GroupForm;
  },
): Promise<void> {
  const own = form.nameOf(owner);
  const missing = new Map<string, string>();
  for (const name of await groupsIn(top)) {
    const folder = join(top, name);
    if (name === own) {
      for (const inside of await groupsIn(folder)) {
        const id = form.idOf(inside);
        if (id !== undefined && !isKnown(id)) await form.remove(join(folder, inside));
      }
      continue;
    }
    const other = ownOnly ? undefined : ownerOf(name, form);
    if (other !== undefined && (await isMissing(other))) missing.set(other, folder);
  }
  for (const other of await goneFolders([...missing.keys()])) await form.remove(missing.get(other) ?? "");
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

async function isMissing(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT" || error.code === "ENOTDIR",
  );
}

/** Processes come and go: so often one may have ended before it was known what it sees. */
const maxLooks = 10;

/** Those folders that no process of the machine sees, wherever its files are mounted. In doubt one does. */
async function goneFolders(folders: readonly string[]): Promise<readonly string[]> {
  let gone = folders;
  const asked = new Set<string>();
  for (let looks = 0; looks < maxLooks && gone.length > 0; looks++) {
    let isSure = true;
    for (const pid of await readdir("/proc").catch(() => [])) {
      if (!/^\d+$/.test(pid)) continue;
      const root = `/proc/${pid}/root`;
      // Others' are not to be seen by ordinary users, nor their groups to be removed.
      const [mounts, path] = await Promise.all([readlink(`/proc/${pid}/ns/mnt`), readlink(root)]).catch(() => []);
      const key = `${mounts} ${path}`;
      if (mounts === undefined || asked.has(key)) continue;
      const unseen = await Promise.all(gone.map((folder) => isMissing(join(root, folder))));
      gone = gone.filter((_folder, index) => unseen[index]);
      // One that has ended tells nothing: others may have the same root.
      if (await isMissing(root)) isSure = false;
      else asked.add(key);
    }
    if (isSure) return asked.size > 0 ? gone : [];
  }
  return [];
}
