import { readFile, writeFile } from "node:fs/promises";
import { readPressures } from "../../core/platform/pressure.ts";
import { compact } from "../../core/util/compact.ts";
import { figuresOf, limitsV2, numberOf } from "./process_stats.ts";
import type { ContainerStats } from "./runtime.ts";

/** What control groups tell of a container beside what the engine passes on. */
export type EngineCgroupFigures = Pick<ContainerStats, "memory" | "outOfMemoryKills" | "pressures" | "pids">;

/** Where engines have the control group of a container, below the place of a hierarchy: by systemd, and by themselves. */
const placesOf = (id: string) => [`system.slice/docker-${id}.scope`, `docker/${id}`];

/** Reads the control groups of containers on this machine, and remembers where each was found: they are read with every scrape. */
export class EngineCgroups {
  readonly #root: string;
  readonly #found = new Map<string, () => Promise<EngineCgroupFigures | undefined>>();

  /** @param root mount point of the hierarchies */
  constructor(root = "/sys/fs/cgroup") {
    this.#root = root;
  }

  /**
   * What a container's control group tells; undefined where there is none, as when the engine is on another machine, or was told
   * to have them elsewhere.
   *
   * @param options.places where it may be instead if the engine was told of a place
   */
  async read(
    id: string,
    { places = [] }: { readonly places?: readonly string[] } = {},
  ): Promise<EngineCgroupFigures | undefined> {
    const known = await this.#found.get(id)?.();
    if (known) return known;
    for (const place of [...places, ...placesOf(id)]) {
      const ways = [() => readV2(`${this.#root}/${place}`), () => readV1(`${this.#root}/memory/${place}`)];
      for (const way of ways) {
        const figures = await way();
        if (!figures) continue;
        this.#found.set(id, way);
        return figures;
      }
    }
    return undefined;
  }

  /**
   * Has all of a container end when it runs out of memory, not only the process that the kernel chooses, where its group is of
   * version 2 and this daemon's to set. Returns whether it is.
   *
   * @param options.places where it may be instead if the engine was told of a place
   */
  async endAsWhole(id: string, { places = [] }: { readonly places?: readonly string[] } = {}): Promise<boolean> {
    for (const place of [...places, ...placesOf(id)]) {
      const isSet = await writeFile(`${this.#root}/${place}/memory.oom.group`, "1", { flag: "r+" }).then(
        () => true,
        () => false,
      );
      if (isSet) return true;
    }
    return false;
  }

  /** Forgets all but these containers. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#found.keys()) if (!ids.has(id)) this.#found.delete(id);
  }
}

/** Adds what a control group told to what the engine did. */
export function withCgroup(stats: ContainerStats, cgroup: EngineCgroupFigures | undefined): ContainerStats {
  if (!cgroup) return stats;
  const { memory = {}, pids, ...rest } = cgroup;
  return { ...stats, ...rest, pids, processes: pids?.length, memory: { ...stats.memory, ...compact(memory) } };
}

async function readV2(folder: string): Promise<EngineCgroupFigures | undefined> {
  const read = (name: string) => text(`${folder}/${name}`);
  const procs = await read("cgroup.procs");
  if (procs === undefined) return undefined;
  const [events = "", peak = "", swap = "", swapMax = "", pressures] = await Promise.all([
    read("memory.events"),
    read("memory.peak"),
    read("memory.swap.current"),
    read("memory.swap.max"),
    readPressures((resource) => `${folder}/${resource}.pressure`),
  ]);
  const files = {
    "memory.events": events,
    "memory.peak": peak,
    "memory.swap.current": swap,
    "memory.swap.max": swapMax,
  };
  const outOfMemoryKills = figuresOf(events).get("oom_kill");
  return { memory: limitsV2(files), outOfMemoryKills, pressures, pids: pidsOf(procs) };
}

async function readV1(folder: string): Promise<EngineCgroupFigures | undefined> {
  const read = (name: string) => text(`${folder}/${name}`);
  const procs = await read("cgroup.procs");
  if (procs === undefined) return undefined;
  const [oom = "", kernel = ""] = await Promise.all([read("memory.oom_control"), read("memory.kmem.usage_in_bytes")]);
  return {
    memory: { kernelBytes: numberOf(kernel) },
    outOfMemoryKills: figuresOf(oom).get("oom_kill"),
    pids: pidsOf(procs),
  };
}

/** Those of another namespace of processes are told as 0. */
function pidsOf(procs: string): readonly number[] {
  return procs
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
}

function text(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
