import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { readPressures } from "../../core/platform/pressure.ts";
import { processIdentity } from "../../core/platform/process_identity.ts";
import { collectGroups, groupsName, removeGroup } from "./cgroup_leftovers.ts";
import { openCgroupsV1 } from "./process_cgroup_v1.ts";
import { type CgroupFiles, cgroupStats, type Usage } from "./process_stats.ts";
import type { ContainerLimits } from "./runtime.ts";

/**
 * cgroups of a daemon, one a container (of version 1: one for each controller). Their names are paths: a container's
 * may lie in a group of its pod. All lie in one that has the name of the daemon's folder.
 */
export interface ContainerCgroup extends AsyncDisposable {
  /** Makes a cgroup in which others are made, and sets what they may use together. */
  makeGroup(id: string, limits: ContainerLimits): Promise<void>;
  /** Makes a container's cgroup and sets its limits; returns the folders its program joins (none without limits). */
  make(id: string, limits: ContainerLimits): Promise<readonly string[]>;
  /** Sets the limits of a container that has a cgroup; those that are undefined stay as they are. */
  set(id: string, limits: ContainerLimits): Promise<void>;
  /** What a container uses; undefined without a cgroup. */
  stats(id: string): Promise<Usage | undefined>;
  /** Whether the kernel ended something of it for want of memory. */
  ranOutOfMemory(id: string): Promise<boolean>;
  /** Removes it. Nothing may run in it any more. */
  remove(id: string): Promise<void>;
  /** Sets the memory that all of them may use together, and what weight they have beside others. Swap stays as it is. */
  limitAll(limits: ContainerLimits): Promise<void>;
  /** Removes those that daemons left which were killed, and in which nothing runs; of this daemon's those that are not known. */
  collect(isKnown: (id: string) => boolean): Promise<void>;
}

const cpuPeriodMicroseconds = 100_000;
/** Processes and threads of one container, so that a fork bomb ends at its own wall. */
const maxTasks = 4096;

/** Where {@linkcode openCgroups} looks. */
export interface CgroupsOptions {
  /** Mount point of the hierarchy. */
  readonly root?: string;
  /** Whether they are made at the top, as engines do, rather than where this daemon was put. */
  readonly isTop?: boolean;
  /** Text of `/proc/self/cgroup`. Default: what the kernel says. */
  readonly own?: string;
  readonly pid?: number;
}

/**
 * The cgroups this daemon may make, of version 2, else of version 1; undefined where the hierarchy is not delegated to this
 * user, or has no memory and CPU controllers.
 *
 * @param owner folder of the daemon: as long as it is there, nobody else removes what it made
 */
export async function openCgroups(
  owner: string,
  { root = "/sys/fs/cgroup", isTop = false, own: given, pid = processIdentity().pid }: CgroupsOptions = {},
): Promise<ContainerCgroup | undefined> {
  const present = given ?? (await text("/proc/self/cgroup"));
  const own = isTop ? present.replaceAll(/:\/.*$/gm, ":/") : present;
  const processors = availableParallelism();
  return (
    (await openCgroupsV2({ root, own, owner, processors, pid })) ??
    (await openCgroupsV1({ root, own, owner, processors, maxTasks }))
  );
}

/** Options of {@linkcode openCgroupsV2}. */
interface CgroupV2Options {
  readonly root: string;
  readonly own: string;
  readonly owner: string;
  readonly processors: number;
  readonly pid: number;
}

/** Below the unit that systemd gave to this daemon, else at the top, as the kubelet has them, else below the daemon's own. */
async function openCgroupsV2({ own: all, ...options }: CgroupV2Options): Promise<ContainerCgroup | undefined> {
  const own = /^0::(\/.*)$/m.exec(all)?.[1];
  if (own === undefined) return undefined;
  for (const place of [delegatedUnit(own), "/", own]) {
    const opened = place && (await openCgroupsBelow(join(options.root, place), options));
    if (opened) return opened;
  }
  return undefined;
}

/** The unit in a subgroup of which the daemon is: systemd puts it there when the unit is its own to divide (`DelegateSubgroup=`). */
function delegatedUnit(own: string): string | undefined {
  const [, unit, subgroup = ""] = /^(\/.*\.(?:service|scope))\/([^/]+)$/.exec(own) ?? [];
  return /\.(?:service|scope|slice|mount|socket|swap)$/.test(subgroup) ? undefined : unit;
}

async function openCgroupsBelow(
  parent: string,
  { owner, processors, pid }: Omit<CgroupV2Options, "root" | "own">,
): Promise<ContainerCgroup | undefined> {
  const controllers = (await text(join(parent, "cgroup.controllers"))).trim().split(" ");
  if (!controllers.includes("memory") || !controllers.includes("cpu")) return undefined;
  const wanted = ["memory", "cpu", "pids", "io"].filter((name) => controllers.includes(name));
  const top = join(parent, "wherry");
  const folder = join(top, groupsName(owner));
  const divide = (group: string) => writeFile(join(group, "cgroup.subtree_control"), enabling(wanted));
  try {
    if (!(await vacate(parent, pid))) return undefined;
    await divide(parent);
    await mkdir(folder, { recursive: true });
    for (const one of [top, folder]) {
      await divide(one);
      // Else all containers together would weigh as much as one program beside them.
      await writeFile(join(one, "cpu.weight"), String(cpuWeight(1000 * processors)));
    }
  } catch {
    return undefined;
  }
  return new Cgroups(folder, { owner, controllers: wanted });
}

/**
 * Leaves a group for one below it: the kernel gives no controllers to what is below a group with processes of its own. False
 * where others are in it too, who are not this daemon's to move.
 *
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#no-internal-process-constraint
 */
async function vacate(group: string, pid: number): Promise<boolean> {
  // The top of the hierarchy may have processes, and alone has no type.
  if ((await text(join(group, "cgroup.type"))) === "") return true;
  const present = (await text(join(group, "cgroup.procs"))).split("\n").filter((line) => line !== "");
  if (present.length === 0) return true;
  if (present.some((other) => other !== String(pid))) return false;
  await mkdir(join(group, "daemon"), { recursive: true });
  await writeFile(join(group, "daemon", "cgroup.procs"), String(pid));
  return true;
}

function enabling(controllers: readonly string[]): string {
  return controllers.map((name) => `+${name}`).join(" ");
}

class Cgroups implements ContainerCgroup {
  readonly #folder: string;
  readonly #owner: string;
  readonly #controllers: readonly string[];

  constructor(folder: string, options: { readonly owner: string; readonly controllers: readonly string[] }) {
    this.#folder = folder;
    this.#owner = options.owner;
    this.#controllers = options.controllers;
  }

  async makeGroup(id: string, limits: ContainerLimits): Promise<void> {
    const folder = join(this.#folder, id);
    await mkdir(folder, { recursive: true });
    await this.set(id, limits);
    await writeFile(join(folder, "cgroup.subtree_control"), enabling(this.#controllers));
  }

  async make(id: string, limits: ContainerLimits): Promise<readonly string[]> {
    const folder = join(this.#folder, id);
    await mkdir(folder, { recursive: true });
    await this.set(id, limits);
    // What is left of a container of which the kernel ends a part may look alive and do nothing: all of it ends, and is restarted.
    await writeFile(join(folder, "memory.oom.group"), "1").catch(() => {});
    if (this.#controllers.includes("pids")) await writeFile(join(folder, "pids.max"), String(maxTasks));
    return [folder];
  }

  async set(id: string, { milliCpuLimit, milliCpuRequest, memoryBytesLimit }: ContainerLimits): Promise<void> {
    const folder = join(this.#folder, id);
    if (memoryBytesLimit !== undefined) {
      await writeFile(join(folder, "memory.max"), String(memoryBytesLimit));
      await writeFile(join(folder, "memory.swap.max"), "0").catch(() => {});
    }
    if (milliCpuLimit !== undefined) {
      const quota = Math.max(1000, Math.round((milliCpuLimit * cpuPeriodMicroseconds) / 1000));
      await writeFile(join(folder, "cpu.max"), `${quota} ${cpuPeriodMicroseconds}`);
    }
    if (milliCpuRequest !== undefined) await writeFile(join(folder, "cpu.weight"), String(cpuWeight(milliCpuRequest)));
  }

  async stats(id: string): Promise<Usage | undefined> {
    const read = (name: string) => text(join(this.#folder, id, name));
    const names: readonly (keyof CgroupFiles)[] = [
      ...(["cpu.stat", "memory.current", "memory.stat", "memory.events", "memory.peak"] as const),
      ...(["memory.swap.current", "memory.swap.max", "io.stat", "pids.current", "pids.max"] as const),
    ];
    const [texts, pressures] = await Promise.all([
      Promise.all(names.map(async (name) => [name, await read(name)] as const)),
      readPressures((resource) => join(this.#folder, id, `${resource}.pressure`)),
    ]);
    const usage = cgroupStats(Object.fromEntries(texts) as unknown as CgroupFiles);
    return usage && { ...usage, pressures };
  }

  async ranOutOfMemory(id: string): Promise<boolean> {
    return /^oom_kill [1-9]/m.test(await text(join(this.#folder, id, "memory.events")));
  }

  async remove(id: string): Promise<void> {
    await removeGroup(join(this.#folder, id));
  }

  async limitAll({ milliCpuRequest = 0, memoryBytesLimit }: ContainerLimits): Promise<void> {
    await writeFile(join(this.#folder, "cpu.weight"), String(cpuWeight(milliCpuRequest)));
    await writeFile(join(this.#folder, "memory.max"), String(memoryBytesLimit ?? "max"));
  }

  async collect(isKnown: (id: string) => boolean): Promise<void> {
    await collectGroups(dirname(this.#folder), { owner: this.#owner, isKnown });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not where something runs on.
    await rmdir(this.#folder).catch(() => {});
  }
}

/**
 * The weight (1 to 10000) that stands for a CPU request.
 *
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/2254-cgroup-v2
 */
export function cpuWeight(milliCpu: number): number {
  const shares = Math.min(262_144, Math.max(2, Math.floor((milliCpu * 1024) / 1000)));
  return Math.floor(1 + ((shares - 2) * 9999) / 262_142);
}

async function text(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
