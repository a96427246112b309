import type Docker from "dockerode";
import { eachOf } from "../../core/util/each_of.ts";
import { ignoreStatus, parallelCalls } from "./docker_calls.ts";
import type { DockerCgroups } from "./docker_cgroups.ts";
import { label } from "./docker_config.ts";
import type { DockerContainers } from "./docker_containers.ts";
import type { DockerEngine } from "./docker_engine.ts";
import { containerDisk, containerStats, type EngineStats, networkStats } from "./docker_stats.ts";
import { withCgroup } from "./engine_cgroup.ts";
import type { ContainerStats, DiskStats, PodNetworkStats } from "./runtime.ts";

/** The engine walks through what containers wrote. */
const diskMs = 60_000;

/** What the containers that run use of the machine. */
export class DockerUsage {
  readonly #engine: DockerEngine;
  readonly #containers: DockerContainers;
  readonly #cgroups: DockerCgroups;

  constructor(engine: DockerEngine, containers: DockerContainers, cgroups: DockerCgroups) {
    this.#engine = engine;
    this.#containers = containers;
    this.#cgroups = cgroups;
  }

  async ofContainers(signal: AbortSignal): Promise<readonly ContainerStats[]> {
    const all = await this.#ofRunning("container", signal, async (found) => {
      const [stats, cgroup] = await Promise.all([this.#statsOf(found, signal), this.#cgroups.figuresOf(found)]);
      return stats && withCgroup(containerStats(found, stats, this.#engine.clock.now()), cgroup);
    });
    this.#cgroups.keepFigures(new Set(all.map(({ id }) => id)));
    return all;
  }

  async ofNetworks(signal: AbortSignal): Promise<readonly PodNetworkStats[]> {
    return this.#ofRunning("sandbox", signal, async (found) => {
      const stats = await this.#statsOf(found, signal);
      return stats && networkStats(found, stats, this.#engine.clock.now());
    });
  }

  async ofDisks(signal: AbortSignal): Promise<DiskStats["containers"]> {
    const filters = { label: [...this.#containers.ownerFilter, `${label.kind}=container`], status: ["running"] };
    const found = await this.#engine.call(
      signal,
      (abortSignal) => this.#engine.docker.listContainers({ size: true, filters, abortSignal }),
      diskMs,
    );
    return eachOf(found, parallelCalls, async (one) => {
      const inspected = await this.#engine.call(signal, (abortSignal) =>
        this.#engine.docker.getContainer(one.Id).inspect({ abortSignal }).catch(ignoreStatus(404)),
      );
      return inspected && containerDisk(one, inspected.LogPath);
    });
  }

  /** Something of each container or sandbox that runs. */
  async #ofRunning<T>(
    kind: "container" | "sandbox",
    signal: AbortSignal,
    work: (found: Docker.ContainerInfo) => Promise<T | undefined>,
  ): Promise<readonly T[]> {
    const running = await this.#containers.list(signal, { label: [`${label.kind}=${kind}`], running: true });
    return eachOf(running, parallelCalls, work);
  }

  async #statsOf({ Id }: Docker.ContainerInfo, signal: AbortSignal): Promise<EngineStats | undefined> {
    const stats = await this.#engine.call(signal, (abortSignal) => {
      const options = { stream: false as const, "one-shot": true, abortSignal };
      return this.#engine.docker.getContainer(Id).stats(options).catch(ignoreStatus(404, 409));
    });
    return stats as EngineStats | undefined;
  }
}
