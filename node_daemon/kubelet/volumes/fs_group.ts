import type { Stats } from "node:fs";
import { chmod, lchown, lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../../../core/kinds/pod.ts";
import { currentUid } from "../../../core/platform/processes.ts";

const setGid = 0o2000;
const groupReads = 0o440;
const groupWrites = 0o660;
const groupEnters = 0o110;

/** The group that a pod's files are to belong to; undefined: whichever they have. */
export function fsGroupOf({ spec }: Pod): number | undefined {
  return spec.securityContext?.fsGroup;
}

/** The user that all containers of a pod run as, where files can be given to him; undefined where they differ, or none is named. */
export function fsUserOf({ spec }: Pod): number | undefined {
  if (currentUid() !== 0) return undefined;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const users = new Set(
    containers.map(({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser),
  );
  return users.size === 1 ? [...users][0] : undefined;
}

/** Mode of a file or folder that a group is to use. */
export function groupMode(
  mode: number,
  { isFolder, readOnly }: { readonly isFolder: boolean; readonly readOnly: boolean },
): number {
  return mode | (readOnly ? groupReads : groupWrites) | (isFolder ? groupEnters | setGid : 0);
}

/**
 * Gives everything in a volume to a group, which may read and write it. Links are given, never followed.
 *
 * @param options.policy `OnRootMismatch`: nothing is done when the volume's own folder is as it should be
 * @throws Error with the text of the FailedMount event
 * @see k8s.io/kubernetes/pkg/volume/volume_linux.go, SetVolumeOwnership
 */
export async function applyFsGroup(
  path: string,
  { gid, policy = "Always" }: { readonly gid: number; readonly policy?: string | undefined },
): Promise<void> {
  const root = await lstat(path);
  const wanted = groupMode(root.mode, { isFolder: root.isDirectory(), readOnly: false });
  if (policy === "OnRootMismatch" && root.gid === gid && root.mode === wanted) return;
  try {
    await give(path, root, gid);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`applyFSGroup failed for vol ${path}: ${message}`, { cause: error });
  }
}

async function give(path: string, found: Stats, gid: number): Promise<void> {
  const isFolder = found.isDirectory();
  if (isFolder) {
    for await (const { name } of await opendir(path)) {
      const inner = join(path, name);
      await give(inner, await lstat(inner), gid);
    }
  }
  if (found.gid !== gid) await lchown(path, found.uid, gid);
  if (found.isSymbolicLink()) return;
  const mode = groupMode(found.mode, { isFolder, readOnly: false });
  // A change of group takes the bits away that give rights away.
  if (mode !== found.mode || found.gid !== gid) await chmod(path, mode & 0o7777);
}
