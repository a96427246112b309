import type { Stats } from "node:fs";
import { chmod, lchown, lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../../../core/kinds/pod.ts";
import { currentUid } from "../../../core/platform/processes.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage } from "../../../core/util/log.ts";

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

/** When it is first told that it takes its time, and how often then how far it is. */
const slowMs = 30_000;
const progressMs = 60_000;
const advice =
  "is taking longer than expected, consider using OnRootMismatch - https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods";

/** How {@linkcode applyFsGroup} is to work. */
export interface FsGroupOptions {
  readonly gid: number;
  /** `OnRootMismatch`: nothing is done when the volume's own folder is as it should be. Default `Always`. */
  readonly policy?: string | undefined;
  /** What the volume is called where it is told of. */
  readonly name: string;
  readonly clock: Clock;
  /** Hears of a volume that takes its time, in the words of its event. */
  onSlow(message: string): void;
}

/**
 * Gives everything in a volume to a group, which may read and write it. Links are given, never followed.
 *
 * @throws Error with the text of the FailedMount event
 * @see k8s.io/kubernetes/pkg/volume/volume_linux.go, SetVolumeOwnership
 */
export async function applyFsGroup(path: string, options: FsGroupOptions): Promise<void> {
  const { gid, policy = "Always" } = options;
  const progress = { files: 0 };
  const stopTelling = tellWhenSlow(progress, options);
  try {
    const root = await lstat(path);
    const wanted = groupMode(root.mode, { isFolder: root.isDirectory(), readOnly: false });
    if (policy === "OnRootMismatch" && root.gid === gid && root.mode === wanted) return;
    await give(path, root, { gid, progress }).catch((error: unknown) => {
      throw new Error(`applyFSGroup failed for vol ${path}: ${errorMessage(error)}`, { cause: error });
    });
  } finally {
    stopTelling();
  }
}

/** What to say of a volume that another pod has, if it belongs to another group than it is to; undefined when it does not. */
export async function groupMismatch(
  path: string,
  { gid, name }: { readonly gid: number; readonly name: string },
): Promise<string | undefined> {
  const { gid: has } = await lstat(path);
  if (has === gid) return undefined;
  return `The requested fsGroup is ${gid}, but the volume ${name} has GID ${has}. The volume may not be shareable.`;
}

/** Tells of a volume that takes its time, until the function that it returns is called. */
function tellWhenSlow(
  progress: { readonly files: number },
  { name, clock, onSlow }: Pick<FsGroupOptions, "name" | "clock" | "onSlow">,
): () => void {
  const setting = `Setting volume ownership for ${name}`;
  const tellHowFar = () => {
    onSlow(`${setting}, processed ${progress.files} files.`);
    cancel = clock.schedule(progressMs, tellHowFar);
  };
  let cancel = clock.schedule(slowMs, () => {
    onSlow(`${setting} ${advice}`);
    cancel = clock.schedule(progressMs, tellHowFar);
  });
  return () => cancel();
}

async function give(
  path: string,
  found: Stats,
  options: { readonly gid: number; readonly progress: { files: number } },
): Promise<void> {
  const { gid, progress } = options;
  const isFolder = found.isDirectory();
  if (isFolder) {
    for await (const { name } of await opendir(path)) {
      const inner = join(path, name);
      await give(inner, await lstat(inner), options);
    }
  }
  progress.files++;
  if (found.gid !== gid) await lchown(path, found.uid, gid);
  if (found.isSymbolicLink()) return;
  const mode = groupMode(found.mode, { isFolder, readOnly: false });
  // A change of group takes the bits away that give rights away.
  if (mode !== found.mode || found.gid !== gid) await chmod(path, mode & 0o7777);
}
