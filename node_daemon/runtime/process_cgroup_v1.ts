import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isThere } from "../../core/platform/files.ts";
import { collectGroups, groupsName, removeGroup } from "./cgroup_leftovers.ts";
import type { ContainerCgroup } from "./process_cgroup.ts";
import { figuresOf, ioOfV1, memoryFiguresV1, numberOf, type Usage } from "./process_stats.ts";
import type { ContainerLimits } from "./runtime.ts";

const cpuPeriodMicroseconds = 100_000;
const controllers = ["cpu", "cpuacct", "memory", "pids", "blkio"] as const;
type Controller = (typeof controllers)[number];

/** Options of {@linkcode openCgroupsV1}. */
export interface CgroupV1Options {
  /** Where the hierarchies are mounted, each in a folder named after its controllers. */
  readonly root: string;
  /** Text of `/proc/self/cgroup`. */
  readonly own: string;
  /** Folder of the daemon. */
  readonly owner: string;
  readonly processors: number;
  /** Processes and threads of one container. */
  readonly maxTasks: number;
}

/**
 * cgroups of version 1, one a container and controller, below the daemon's own; undefined where the daemon may not make
 * them for CPU and memory.
 */
export async function openCgroupsV1(options: CgroupV1Options): Promise<ContainerCgroup | undefined> {
  const { root, own, owner, processors, maxTasks } = options;
  const folders = new Map<Controller, string>();
  for (const line of own.split("\n")) {
    const [, hierarchy = "", path = ""] = /^\d+:([a-z_,]+):(\/.*)$/.exec(line) ?? [];
    for (const name of controllers.filter((one) => hierarchy.split(",").includes(one))) {
      // In a container, the path is often that of the machine outside, and what is mounted is the end of it.
      const parent = await firstThere([join(root, hierarchy, path), join(root, hierarchy)]);
      if (parent !== undefined) folders.set(name, join(parent, "wherry", groupsName(owner)));
    }
  }
  if (!folders.has("cpu") || !folders.has("memory")) return undefined;
  try {
    for (const folder of folders.values()) await mkdir(folder, { recursive: true });
    // Else all containers together would weigh as much as one program beside them.
    const folder = folders.get("cpu") ?? "";
    for (const one of [dirname(folder), folder]) await writeFile(join(one, "cpu.shares"), String(1024 * processors));
    return new CgroupsV1(folders, { owner, maxTasks });
  } catch {
    return undefined;
  }
}

class CgroupsV1 implements ContainerCgroup {
  readonly #folders: ReadonlyMap<Controller, string>;
  readonly #owner: string;
  readonly #maxTasks: number;

  constructor(
    folders: ReadonlyMap<Controller, string>,
    options: { readonly owner: string; readonly maxTasks: number },
  ) {
    this.#folders = folders;
    this.#owner = options.owner;
    this.#maxTasks = options.maxTasks;
  }

  /** Controllers may share a hierarchy. */
  get #places(): ReadonlySet<string> {
    return new Set(this.#folders.values());
  }

  async makeGroup(id: string, limits: ContainerLimits): Promise<void> {
    for (const parent of this.#places) await mkdir(join(parent, id), { recursive: true });
    await this.set(id, limits);
  }

  async make(id: string, limits: ContainerLimits): Promise<readonly string[]> {
    await this.makeGroup(id, limits);
    const made = [...this.#places].map((parent) => join(parent, id));
    await this.#write("pids", id, "pids.max", String(this.#maxTasks));
    return made;
  }

  async set(id: string, { milliCpuLimit, milliCpuRequest, memoryBytesLimit }: ContainerLimits): Promise<void> {
    if (memoryBytesLimit !== undefined) {
      // Never below the limit of memory alone: raised before that, lowered after it. Absent where the kernel does not count swap.
      const limitSwap = () =>
        this.#write("memory", id, "memory.memsw.limit_in_bytes", String(memoryBytesLimit)).catch(() => {});
      await limitSwap();
      await this.#write("memory", id, "memory.limit_in_bytes", String(memoryBytesLimit));
      await limitSwap();
    }
    if (milliCpuLimit !== undefined) {
      const quota = Math.max(1000, Math.round((milliCpuLimit * cpuPeriodMicroseconds) / 1000));
      await this.#write("cpu", id, "cpu.cfs_period_us", String(cpuPeriodMicroseconds));
      await this.#write("cpu", id, "cpu.cfs_quota_us", String(quota));
    }
    if (milliCpuRequest !== undefined) {
      await this.#write("cpu", id, "cpu.shares", sharesText(milliCpuRequest));
    }
  }

  async stats(id: string): Promise<Usage | undefined> {
    const read = (controller: Controller, name: string) => this.#read(controller, id, name);
    const [cpu, usage, details, ...more] = await Promise.all([
      read("cpuacct", "cpuacct.usage"),
      read("memory", "memory.usage_in_bytes"),
      read("memory", "memory.stat"),
      read("memory", "memory.max_usage_in_bytes"),
      read("memory", "memory.failcnt"),
      read("memory", "memory.kmem.usage_in_bytes"),
      read("memory", "memory.oom_control"),
      read("cpu", "cpu.stat"),
      read("pids", "pids.max"),
      read("blkio", "blkio.throttle.io_service_bytes_recursive"),
      read("blkio", "blkio.throttle.io_serviced_recursive"),
    ]);
    if (cpu === "" || usage === "") return undefined;
    const [maxUsage = "", hits = "", kernel = "", oom = "", periods = "", maxThreads = "", bytes = "", counts = ""] =
      more;
    const memory = memoryFiguresV1(figuresOf(details));
    const throttling = figuresOf(periods);
    return {
      cpuNanoseconds: Number(cpu),
      throttling: {
        periods: throttling.get("nr_periods") ?? 0,
        throttledPeriods: throttling.get("nr_throttled") ?? 0,
        throttledNanoseconds: throttling.get("throttled_time") ?? 0,
      },
      memoryBytes: Math.max(0, Number(usage) - (memory.inactiveFileBytes ?? 0)),
      memory: {
        ...memory,
        usageBytes: Number(usage),
        maxUsageBytes: numberOf(maxUsage),
        limitHits: numberOf(hits),
        kernelBytes: numberOf(kernel),
      },
      outOfMemoryKills: figuresOf(oom).get("oom_kill"),
      io: ioOfV1(bytes, counts),
      maxThreads: numberOf(maxThreads),
    };
  }

  async ranOutOfMemory(id: string): Promise<boolean> {
    return /^oom_kill [1-9]/m.test(await this.#read("memory", id, "memory.oom_control"));
  }

  async remove(id: string): Promise<void> {
    for (const parent of this.#places) await removeGroup(join(parent, id));
  }

  async limitAll({ milliCpuRequest = 0, memoryBytesLimit = -1 }: ContainerLimits): Promise<void> {
    await this.#write("cpu", "", "cpu.shares", sharesText(milliCpuRequest));
    await this.#write("memory", "", "memory.limit_in_bytes", String(memoryBytesLimit));
  }

  async collect(isKnown: (id: string) => boolean): Promise<void> {
    const owner = this.#owner;
    for (const folder of this.#places) await collectGroups(dirname(folder), { owner, isKnown });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not where something runs on.
    for (const folder of this.#places) await rmdir(folder).catch(() => {});
  }

  async #write(controller: Controller, id: string, name: string, text: string): Promise<void> {
    const parent = this.#folders.get(controller);
    if (parent !== undefined) await writeFile(join(parent, id, name), text);
  }

  async #read(controller: Controller, id: string, name: string): Promise<string> {
    const parent = this.#folders.get(controller);
    return parent === undefined ? "" : readFile(join(parent, id, name), "utf8").catch(() => "");
  }
}

function sharesText(milliCpu: number): string {
  return String(Math.max(2, Math.floor((milliCpu * 1024) / 1000)));
}

/** The first folder that there is. Whether groups can be made in it shows when they are: Deno goes by its mode, which binds no root. */
async function firstThere(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) if (await isThere(folder)) return folder;
  return undefined;
}
