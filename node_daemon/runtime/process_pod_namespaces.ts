import { spawn } from "node:child_process";
import { chmod, mkdir, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasSharedMemory, sharedMemoryOf } from "../../core/platform/shared_memory.ts";
import { listFolder, readJson, writeJson } from "./process_files.ts";
import { findTool } from "./process_root.ts";
import {
  bootId,
  findByVariable,
  identify,
  isRunning,
  type ProcessIdentity,
  signalIdentified,
} from "./process_table.ts";
import { type ProcessScope, RuntimeFailure } from "./runtime.ts";

/** Helper programs of the machine, as absolute paths. */
export interface NamespaceTools {
  readonly unshare: string;
  readonly nsenter: string;
  readonly setsid: string;
}

/** What a pod has apart from the machine's. */
export interface PodScope {
  /** The sandbox's folder, where it is noted who holds what the pod shares. */
  readonly dir: string;
  /** Id of the sandbox, and the last word of its folder. */
  readonly id: string;
  readonly hostIPC: boolean;
}

/** What a container is started in. */
export interface ContainerNamespaces {
  /** What goes before its supervisor. */
  readonly around: readonly string[];
  readonly hasOwnProcesses: boolean;
  readonly sharedMemory: string | undefined;
}

/** Who holds what a pod shares. */
interface Holder extends ProcessIdentity {
  readonly bootId: string;
}

/** Variable of a holder: the folder of its sandbox. What no folder tells of any more is found by it. */
const holderMarker = "WHERRY_SANDBOX";

/**
 * Says who it is on the machine, whose `/proc` it has, and waits for ever. What is left behind by processes that it is the
 * first of goes by itself, as it does not want to know of its children.
 */
const hold = `read -r pid rest </proc/self/stat
{ echo -998 >/proc/self/oom_score_adj; } 2>/dev/null
trap "" CHLD HUP INT TERM
echo "$pid"
exec "$1" 2147483647 >/dev/null`;

/**
 * What the processes of a pod see of others.
 *
 * - A container has its processes for itself (a process namespace, whose first process is its supervisor), or shares those of
 *   its pod, of another container, or of the node.
 * - The containers of a pod share its semaphores, queues and shared memory, also with those that come later: one process
 *   holds them, and with `shareProcessNamespace` is the first of the pod's processes. What that is the first of ends with it.
 */
export class PodNamespaces {
  readonly #tools: NamespaceTools;
  readonly #holding = new Map<string, Promise<Holder>>();

  constructor(tools: NamespaceTools) {
    this.#tools = tools;
  }

  /** What goes before a program to find out whether this machine allows all this. */
  get probe(): readonly string[] {
    return [this.#tools.unshare, "--ipc", ...this.#ownProcesses];
  }

  /**
   * What a container's supervisor is started in.
   *
   * @param targetPid a process of the container whose processes it is to see, for that scope
   * @throws RuntimeFailure RunContainerError
   */
  async enter(
    pod: PodScope,
    { scope, targetPid }: { readonly scope: ProcessScope; readonly targetPid: number | undefined },
  ): Promise<ContainerNamespaces> {
    const { nsenter, setsid, unshare } = this.#tools;
    const isOwn = scope === "own";
    const isHeld = !pod.hostIPC || scope === "pod";
    const holder = isHeld ? await this.#held(pod, { processes: scope === "pod" }) : undefined;
    const join = (pid: number, ...kinds: readonly string[]) => [nsenter, `--target=${pid}`, ...kinds, "--"];
    const shared = holder && join(holder.pid, "--ipc");
    const sharedMemory = pod.hostIPC ? undefined : await makeSharedMemory(pod.dir);
    if (isOwn) {
      const around = [...(shared ?? []), unshare, ...this.#ownProcesses];
      return { around, hasOwnProcesses: true, sharedMemory };
    }
    const of = scope === "pod" ? holder?.pid : targetPid;
    if (of === undefined) return { around: shared ?? [], hasOwnProcesses: false, sharedMemory };
    return { around: [...join(of, "--ipc", "--pid"), setsid], hasOwnProcesses: true, sharedMemory };
  }

  /** Ends what the pod shared. Nothing of it may run any more. */
  async release({ dir, id }: PodScope): Promise<void> {
    // One that is being made is not there to be found yet.
    await this.#holding.get(id)?.catch(() => {});
    const holder = await readHolder(dir);
    if (holder?.bootId === (await bootId())) await signalIdentified(holder, "SIGKILL");
    await removeSharedMemory(dir);
  }

  /**
   * Ends what pods shared whose sandboxes are not known any more: their folders went while a daemon was away.
   *
   * @param sandboxes folder of all sandboxes
   * @param isKnown whether there is a sandbox of that id
   */
  async collect(sandboxes: string, isKnown: (id: string) => boolean): Promise<void> {
    const held = await findByVariable(holderMarker);
    const isLost = (dir: string) => dirname(dir) === sandboxes && !isKnown(basename(dir));
    for (const { entry, value } of held) if (isLost(value)) await signalIdentified(entry, "SIGKILL");
    for (const id of await listFolder(sharedMemoryOf(sandboxes)))
      if (!isKnown(id)) await removeSharedMemory(join(sandboxes, id));
  }

  /** A session of its own: the supervisor leads it, not what waits for it outside. */
  get #ownProcesses(): readonly string[] {
    return ["--pid", "--fork", "--kill-child", "--", this.#tools.setsid];
  }

  /** Containers that start at the same time find the same holder. */
  #held(pod: PodScope, { processes }: { readonly processes: boolean }): Promise<Holder> {
    const present = this.#holding.get(pod.id);
    if (present) return present;
    const held = this.#findOrMake(pod, { processes }).finally(() => this.#holding.delete(pod.id));
    this.#holding.set(pod.id, held);
    return held;
  }

  async #findOrMake({ dir, hostIPC }: PodScope, { processes }: { readonly processes: boolean }): Promise<Holder> {
    const present = await readHolder(dir);
    const boot = await bootId();
    if (present?.bootId === boot && (await isRunning(present))) return present;
    const { unshare } = this.#tools;
    const kinds = [...(hostIPC ? [] : ["--ipc"]), ...(processes ? this.#ownProcesses : ["--"])];
    const sleep = (await findTool("sleep")) ?? "sleep";
    const identity = identify(await firstNumber([unshare, ...kinds, "/bin/sh", "-c", hold, "wherry", sleep], dir));
    if (!identity) throw new RuntimeFailure("RunContainerError", "cannot hold the namespaces of the pod");
    const holder: Holder = { ...identity, bootId: boot };
    await writeJson(holderFile(dir), holder);
    return holder;
  }
}

function holderFile(dir: string): string {
  return join(dir, "holder.json");
}

function readHolder(dir: string): Promise<Holder | undefined> {
  return readJson<Holder>(holderFile(dir));
}

/** The pod's own shared memory; undefined where the machine has none. */
async function makeSharedMemory(dir: string): Promise<string | undefined> {
  if (!(await hasSharedMemory())) return undefined;
  const folder = join(sharedMemoryOf(dirname(dir)), basename(dir));
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) await chmod(folder, 0o1777);
  return folder;
}

async function removeSharedMemory(dir: string): Promise<void> {
  const all = sharedMemoryOf(dirname(dir));
  await rm(join(all, basename(dir)), { recursive: true, force: true });
  // Other pods may have theirs in it.
  await rmdir(all).catch(() => {});
}

/** Starts a holder, which goes on by itself, and reads the number that it begins with; NaN when it ends without. */
function firstNumber([file = "", ...args]: readonly string[], dir: string): Promise<number> {
  const env = { [holderMarker]: dir };
  const child = spawn(file, args, { cwd: "/", env, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  // Not before: on Deno a child that could not be started has nothing to let go of, and says so.
  child.once("spawn", () => child.unref());
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("error", reject);
    child.stdout.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      if (!text.endsWith("\n")) return;
      resolve(Number(text));
      child.stdout.destroy();
    });
    child.stdout.once("close", () => resolve(Number.NaN));
  });
}
