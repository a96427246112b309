import { type KernelRecord, kernelLog } from "../../core/platform/kernel_log.ts";
import { outOfMemoryKills } from "../../core/platform/machine_usage.ts";

/** What tells of programs that the kernel ended. */
export interface KillSources {
  /** How many it has ended for want of memory since it started; undefined where it does not tell. */
  readonly count: () => Promise<number | undefined>;
  readonly log: () => Promise<readonly KernelRecord[]>;
}

/** A program that was ended because the machine's memory had run out. */
export interface Victim {
  readonly name: string;
  readonly pid: number;
}

/** What the kernel says once for each program that it ends; older ones say `Kill`. A group's begins with other words than the machine's. */
const killed = /ut of memory[^:]{0,64}: Kill(?:ed)? process \d/;
const killedForSystem = /^Out of memory[^:]{0,64}: Kill(?:ed)? process (\d+) \((.*)\)(?:,| total-vm:| score )/;

const machine: KillSources = { count: outOfMemoryKills, log: () => kernelLog() };

/**
 * Looks whether the machine itself ran out of memory, not only what a container may use. The kernel counts what it ends, so
 * that its log is read only when there is something in it.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/oom
 */
export class SystemOomWatcher {
  readonly #sources: KillSources;
  #seen: number | undefined;
  #sequence = -1;

  constructor(sources: KillSources = machine) {
    this.#sources = sources;
  }

  /** Programs that were ended since the last look; none at the first. */
  async look(): Promise<readonly Victim[]> {
    const count = await this.#sources.count();
    const before = this.#seen;
    this.#seen = count;
    if (count === undefined || before === undefined || count <= before) return [];
    const kills = (await this.#sources.log()).filter(
      ({ sequence, text }) => sequence > this.#sequence && killed.test(text),
    );
    // What the log tells beyond those that were counted is older than the first look.
    const fresh = this.#sequence < 0 ? kills.slice(-(count - before)) : kills;
    this.#sequence = kills.at(-1)?.sequence ?? this.#sequence;
    return fresh.flatMap(({ text }) => systemVictim(text) ?? []);
  }
}

/** Whom a line of the kernel's says to have been ended; undefined where only a group had used up what it may. */
function systemVictim(text: string): Victim | undefined {
  const [, pid, name] = killedForSystem.exec(text) ?? [];
  return pid === undefined || name === undefined ? undefined : { pid: Number(pid), name };
}

/** The kubelet's words. */
export function systemOomMessage({ name, pid }: Victim): string {
  return `System OOM encountered, victim process: ${name}, pid: ${pid}`;
}
