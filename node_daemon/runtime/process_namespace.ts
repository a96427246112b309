import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { currentUid } from "../../core/platform/processes.ts";
import { findTool } from "./process_root.ts";
import type { Mount } from "./runtime.ts";

const run = promisify(execFile);

/** What shows a program files of its own at places of the machine's. */
export interface MountNamespaces {
  /** What goes before a program. */
  command(mounts: readonly Mount[]): readonly string[];
}

/** Mounts pairs of paths up to `--`, and becomes the program behind it. */
const script = `mount=$1; shift
while [ "$1" != -- ]; do "$mount" --bind "$1" "$2" || exit 125; shift 2; done
shift; exec "$@"`;

/** Files of the system's, by which programs find names: a link in the container's own folder would not be looked at. */
const systemFiles = ["/etc/hosts", "/etc/resolv.conf"];

/** Whether a mount is to stand in the place of the machine's file. */
export function isSystemFile({ containerPath }: Mount): boolean {
  return systemFiles.includes(containerPath);
}

/**
 * Finds out whether programs can be given mounts of their own: as root on Linux, unless the machine is a container that may
 * not. Undefined where they cannot.
 */
export async function openMountNamespaces(): Promise<MountNamespaces | undefined> {
  if (currentUid() !== 0) return undefined;
  const [unshare, mount] = await Promise.all([findTool("unshare"), findTool("mount")]);
  if (unshare === undefined || mount === undefined) return undefined;
  const start = [unshare, "--mount", "--propagation", "slave", "--", "/bin/sh", "-c", script, "wherry", mount];
  const command = (mounts: readonly { readonly hostPath: string; readonly containerPath: string }[]) =>
    mounts.length === 0 ? [] : [...start, ...mounts.flatMap((one) => [one.hostPath, one.containerPath]), "--"];
  const [file = "", ...args] = command(systemFiles.map((path) => ({ hostPath: path, containerPath: path })));
  try {
    await run(file, [...args, "/bin/true"], { timeout: 5000 });
    return { command };
  } catch {
    return undefined;
  }
}
