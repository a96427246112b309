import type Docker from "dockerode";
import { compact } from "../../core/util/compact.ts";
import { deferred } from "../../core/util/deferred.ts";
import { errorMessage } from "../../core/util/log.ts";
import { ignoreStatus } from "./docker_calls.ts";
import { label } from "./docker_config.ts";
import type { DockerEngine } from "./docker_engine.ts";
import {
  collectPodGroups,
  openPodGroups,
  type PodGroups,
  placesOf,
  removePodGroup,
  removeTopGroup,
} from "./docker_pod_groups.ts";
import { type EngineCgroupFigures, EngineCgroups } from "./engine_cgroup.ts";
import { type ContainerLimits, PodGroupFailure, type Sandbox } from "./runtime.ts";
import { untilAborted } from "./until_aborted.ts";

const unknown: ContainerLimits = { milliCpuRequest: undefined, milliCpuLimit: undefined, memoryBytesLimit: undefined };

type Signalled = { readonly signal: AbortSignal };

/** Options of {@linkcode DockerCgroups}. */
export interface DockerCgroupsOptions {
  /** Folder of the daemon. */
  readonly owner: string;
  readonly sandboxes: (options: Signalled) => Promise<readonly Sandbox[]>;
}

/**
 * The cgroups around the containers of a node: one for all of them, and one for each pod that is limited as a whole.
 *
 * - Whether the engine makes its cgroups where the daemon may set them is known when a first sandbox runs: nothing else shows it.
 * - Sandboxes are not in them: they only wait.
 */
export class DockerCgroups implements AsyncDisposable {
  readonly #engine: DockerEngine;
  readonly #owner: string;
  readonly #sandboxes: DockerCgroupsOptions["sandboxes"];
  readonly #figures = new EngineCgroups();
  /** Sandboxes that do not run yet. */
  readonly #starting = new Map<string, Promise<void>>();
  /** The groups, or why there are none; undefined as long as that is not known. */
  #groups: PodGroups | string | undefined;
  readonly #found = deferred();
  /** What was set, by sandbox. */
  readonly #given = new Map<string, ContainerLimits>();
  #collecting: Promise<void> | undefined;

  constructor(engine: DockerEngine, { owner, sandboxes }: DockerCgroupsOptions) {
    this.#engine = engine;
    this.#owner = owner;
    this.#sandboxes = sandboxes;
  }

  /** Begins to remove what daemons left that were killed: thousands may be, and nobody waits for them to go. */
  collect(signal: AbortSignal): void {
    const collect = async () => {
      const known = new Set((await this.#sandboxes({ signal })).map(({ id }) => id));
      await collectPodGroups(this.#owner, (id) => known.has(id));
    };
    this.#collecting = collect().catch((error: unknown) => {
      if (!signal.aborted)
        this.#engine.log.debug("Cannot look for cgroups of earlier pods", { error: errorMessage(error) });
    });
  }

  /** Hears of a sandbox that is being started: containers may be made in it before it runs. */
  starts(sandboxId: string, started: Promise<void>): void {
    const forget = () => void this.#starting.delete(sandboxId);
    this.#starting.set(sandboxId, started.then(forget, forget));
  }

  /** The group that a container is to be made in, as the engine is told of it; undefined: where the engine likes. */
  async parentOf(
    sandboxId: string,
    podLimits: ContainerLimits | undefined,
    { signal }: Signalled,
  ): Promise<string | undefined> {
    const groups = await this.#open(sandboxId, signal);
    if (!groups) return undefined;
    if (!podLimits) return groups.parent;
    const group = await groups.make(sandboxId, podLimits).catch((error: unknown) => {
      throw new PodGroupFailure(error);
    });
    this.#note(sandboxId, podLimits);
    return group;
  }

  /** Whether pods can be kept to limits as a whole, as far as is known. */
  get limitsPods(): boolean {
    return typeof this.#groups === "object";
  }

  /** What was set since the daemon started; undefined where the pod has no group. */
  async limits(sandboxId: string, { signal }: Signalled): Promise<ContainerLimits | undefined> {
    const groups = await this.#open(sandboxId, signal);
    if (!groups) return undefined;
    return this.#given.get(sandboxId) ?? ((await groups.isMade(sandboxId)) ? unknown : undefined);
  }

  async set(sandboxId: string, limits: ContainerLimits, { signal }: Signalled): Promise<void> {
    const groups = await this.#open(sandboxId, signal);
    if (!groups) return;
    await groups.set(sandboxId, limits);
    this.#note(sandboxId, limits);
  }

  /** Limits all containers together, as soon as it is known whether that can be; returns why it cannot. */
  async limitAll(limits: ContainerLimits, { signal }: Signalled): Promise<string | undefined> {
    const running = (await this.#sandboxes({ signal })).find(({ ready }) => ready);
    if (running) await this.#open(running.id, signal);
    await untilAborted(this.#found.promise, signal);
    signal.throwIfAborted();
    if (typeof this.#groups !== "object") return this.#groups;
    await this.#groups.limitAll(limits);
    return undefined;
  }

  /** Has all of a container that runs end when it runs out of memory, where that can be: engines have no word for it. */
  async endAsWhole(id: string, sandboxId: string): Promise<void> {
    await this.#figures.endAsWhole(id, { places: placesOf(this.#owner, sandboxId, id) });
  }

  /** What the kernel tells of a container's group, where it can be seen. */
  figuresOf({ Id, Labels }: Docker.ContainerInfo): Promise<EngineCgroupFigures | undefined> {
    return this.#figures.read(Id, { places: placesOf(this.#owner, Labels[label.sandboxId] ?? "", Id) });
  }

  /** Forgets where the groups of all but these containers are. */
  keepFigures(ids: ReadonlySet<string>): void {
    this.#figures.keep(ids);
  }

  /** Removes the group of a pod of which nothing runs. */
  async remove(sandboxId: string): Promise<void> {
    await removePodGroup(this.#owner, sandboxId);
    this.#given.delete(sandboxId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#collecting;
    await removeTopGroup(this.#owner);
  }

  #note(sandboxId: string, limits: ContainerLimits): void {
    this.#given.set(sandboxId, { ...unknown, ...this.#given.get(sandboxId), ...compact<ContainerLimits>(limits) });
  }

  async #open(sandboxId: string, signal: AbortSignal): Promise<PodGroups | undefined> {
    if (this.#groups === undefined) {
      // What is made while it looks around would seem to be nobody's.
      await this.#collecting;
      await this.#starting.get(sandboxId);
      const { docker } = this.#engine;
      const [{ CgroupDriver: driver }, sandbox] = await this.#engine.call(signal, (abortSignal) =>
        Promise.all([
          docker.info() as Promise<{ readonly CgroupDriver?: string }>,
          docker.getContainer(sandboxId).inspect({ abortSignal }).catch(ignoreStatus(404)),
        ]),
      );
      // One that does not run shows nothing.
      if (!sandbox?.State.Running) return undefined;
      this.#groups ??= await openPodGroups(this.#owner, { driver, runningId: sandboxId });
      this.#found.resolve();
    }
    return typeof this.#groups === "object" ? this.#groups : undefined;
  }
}
