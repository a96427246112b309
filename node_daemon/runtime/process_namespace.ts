import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { currentUid } from "../../core/platform/processes.ts";
import { unmountWithin } from "../../core/platform/unmount.ts";
import { readText } from "./process_files.ts";
import { makeSystemRoot, mountTable, withSharedMemory } from "./process_mounts.ts";
import { PodNamespaces } from "./process_pod_namespaces.ts";
import { findTool } from "./process_root.ts";
import { type Mount, RuntimeFailure } from "./runtime.ts";

const run = promisify(execFile);
const mountMs = 10_000;

/** What a container's root is made of. */
export interface RootOptions {
  readonly mounts: readonly Mount[];
  readonly hostname: string;
  /** Whether its `/proc` is to show the processes that it sees, rather than the machine's. */
  readonly hasOwnProcesses: boolean;
  /** What it has for the machine's shared memory; undefined: that. */
  readonly sharedMemory: string | undefined;
}

/** How a program joins what runs in a container. */
export interface EnterOptions {
  readonly oomScoreAdj: number | undefined;
  /** Whether it is started at a terminal. */
  readonly tty: boolean;
}

/** What gives programs a root of their own, with their volumes in it. */
export interface Namespaces {
  /** What pods have apart from the machine's; undefined where all processes of the machine see each other. */
  readonly pods: PodNamespaces | undefined;
  /** Makes the root of a container in its folder; gives back what goes before its program. */
  start(dir: string, options: RootOptions): Promise<MountPrefix>;
  /**
   * What goes before a program that is to see what the container's own sees, and to end as soon as that for want of memory;
   * nothing for a container without a root of its own.
   *
   * @throws RuntimeFailure ContainerNotRunning
   */
  enter(dir: string, options: EnterOptions): Promise<MountPrefix | undefined>;
  /** Removes the root of a container that does not run. */
  remove(dir: string): Promise<void>;
}

/** What goes before a program and its arguments, given its working directory. */
export type MountPrefix = (cwd: string) => readonly string[];

/** Names in the folder of a container: its root, what is mounted there, whose root it is by now, and what went wrong. */
const names = { root: "system", table: "mounts", mounted: "mounted", problem: "mount_problem" } as const;

/** Becomes a program in a working directory that only its root has. */
const change = `cd -- "$1" || exit 126; unset OLDPWD; shift; exec "$@"`;
/** The same, once it has said how soon the kernel is to end it. */
const rated = `{ echo "$1" >/proc/self/oom_score_adj; } 2>/dev/null; shift; ${change}`;

/**
 * Takes its host name where the machine lets it, mounts what the table says, notes that it has, and changes its root for the
 * container's. Its number is another in the container than on the machine, whose `/proc` it still has.
 */
const script = `{ echo "$4" >/proc/sys/kernel/hostname; } 2>/dev/null
"$1" --all --fstab "$3/${names.table}" 2>"$3/${names.problem}" || exit 125
read -r __wherry_pid __wherry_rest </proc/self/stat
echo "$__wherry_pid" >"$3/${names.mounted}" || exit 125
chroot=$2 root=$3/${names.root}; shift 4
exec "$chroot" "$root" /bin/sh -c '${change}' wherry "$@"`;

/**
 * Finds out whether programs can be given mounts and processes of their own: as root on Linux, unless the machine is a
 * container that may not. Undefined where they cannot.
 */
export async function openNamespaces(): Promise<Namespaces | undefined> {
  if (currentUid() !== 0) return undefined;
  const tools = await Promise.all(["unshare", "mount", "chroot", "nsenter", "setsid"].map(findTool));
  const [unshare, mount, chroot, nsenter, setsid] = tools;
  if (!unshare || !mount || !chroot || !nsenter) return undefined;
  const make = (pods: PodNamespaces | undefined): Namespaces => ({
    pods,
    async start(dir, { mounts, hostname, hasOwnProcesses, sharedMemory }) {
      // Of a daemon that ended on the way.
      await removeRoot(dir);
      const root = join(dir, names.root);
      const isShared = mounts.some(({ propagation }) => propagation === "shared");
      if (isShared) await makeApart(mount, root);
      // What is mounted in a volume that is shared goes back to the machine only from a mount of the machine's own kind.
      const own = ["--mount", "--uts", "--propagation", isShared ? "unchanged" : "slave", "--"];
      const binds = await makeSystemRoot(root, withSharedMemory(mounts, sharedMemory), { hasOwnProcesses });
      await writeFile(join(dir, names.table), mountTable(binds), { mode: 0o600 });
      return (cwd) => [unshare, ...own, "/bin/sh", "-c", script, "wherry", mount, chroot, dir, hostname, cwd];
    },
    async enter(dir, { oomScoreAdj, tty }) {
      if ((await readText(join(dir, names.table))) === undefined) return undefined;
      const pid = Number(await readText(join(dir, names.mounted)));
      if (!pid) throw new RuntimeFailure("ContainerNotRunning", "the container has no root of its own yet");
      const entered = ["--mount", "--uts", ...(pods ? ["--ipc", "--pid"] : [])];
      // Who led the terminal so far has no number among the container's processes: a shell could not give the terminal back.
      const leading = pods && setsid && tty ? [setsid, "--ctty"] : [];
      // Not what the process has for its root: it may be about to change it.
      const inside = [nsenter, `--target=${pid}`, ...entered, "--", ...leading, chroot, join(dir, names.root)];
      if (oomScoreAdj === undefined) return (cwd) => [...inside, "/bin/sh", "-c", change, "wherry", cwd];
      return (cwd) => [...inside, "/bin/sh", "-c", rated, "wherry", String(oomScoreAdj), cwd];
    },
    remove: removeRoot,
  });
  const candidates = [...(setsid ? [make(new PodNamespaces({ unshare, nsenter, setsid }))] : []), make(undefined)];
  for (const candidate of candidates) if (await canStart(candidate)) return candidate;
  return undefined;
}

/** Whether it works: there are machines on which root may mount some things, and not others. */
async function canStart(namespaces: Namespaces): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), "wherry-probe-"));
  const { pods } = namespaces;
  try {
    const options = { mounts: [], hostname: "probe", hasOwnProcesses: pods !== undefined, sharedMemory: undefined };
    const prefix = (await namespaces.start(dir, options))("/");
    const [file = "", ...args] = [...(pods?.probe ?? []), ...prefix, "/bin/true"];
    await run(file, args, { timeout: 5000 });
    return true;
  } catch {
    return false;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Makes the root of a container whose mounts the machine may see: what is mounted to make it up is nobody else's business. */
async function makeApart(mount: string, root: string): Promise<void> {
  await mkdir(root);
  await run(mount, ["-t", "tmpfs", "-o", "mode=0755", "wherry", root], { timeout: mountMs });
  await run(mount, ["--make-private", root], { timeout: mountMs });
}

/** Removes the root of a container that does not run. What was mounted in it was only so in the container's sight. */
async function removeRoot(dir: string): Promise<void> {
  const root = join(dir, names.root);
  await unmountWithin(root);
  await rm(root, { recursive: true, force: true });
}

/** Whether a container's program has what it is to find mounted; also where nothing is to be. */
export async function isMounted(dir: string): Promise<boolean> {
  const table = await readText(join(dir, names.table));
  return table === undefined || (await readText(join(dir, names.mounted)))?.endsWith("\n") === true;
}

/** Why a container's volumes could not be mounted; undefined when they could. */
export async function mountProblem(dir: string): Promise<string | undefined> {
  return (await readText(join(dir, names.problem)))?.trim() || undefined;
}
