import type Docker from "dockerode";
import { ignoreStatus, statusCode } from "./docker_calls.ts";
import { resourceOptions } from "./docker_config.ts";
import type { DockerContainers } from "./docker_containers.ts";
import { describeContainer } from "./docker_describe.ts";
import type { DockerEngine } from "./docker_engine.ts";
import type { Container, ContainerLimits } from "./runtime.ts";

const stopMarginMs = 10_000;
const removeMs = 120_000;

/**
 * A container of an engine from its creation to its removal, be it a pod's or the one that holds a pod's network. Every step may be
 * asked for again: what is so already is no failure.
 */
export class DockerLifecycle {
  readonly #engine: DockerEngine;
  readonly #containers: DockerContainers;
  /** How ended containers ended: that does not change any more. */
  readonly #ended = new Map<string, Container>();
  /** Containers that were made here, and nobody has started yet. */
  readonly #unstarted = new Set<string>();

  constructor(engine: DockerEngine, containers: DockerContainers) {
    this.#engine = engine;
    this.#containers = containers;
  }

  /** Creates a container, or gives the id of the one of ours that has its name. */
  async create(
    options: Docker.ContainerCreateOptions & { readonly name: string },
    signal: AbortSignal,
  ): Promise<string> {
    try {
      const { id } = await this.#engine.call(signal, (abortSignal) =>
        this.#engine.docker.createContainer({ ...options, abortSignal }),
      );
      this.#unstarted.add(id);
      this.#containers.made(id, options.Labels ?? {});
      return id;
    } catch (error) {
      if (statusCode(error) !== 409) throw error;
      const present = await this.#engine.call(signal, (abortSignal) =>
        this.#engine.docker.getContainer(options.name).inspect({ abortSignal }).catch(ignoreStatus(404)),
      );
      if (!present || !this.#containers.owns(present.Config.Labels)) throw error;
      return present.Id;
    }
  }

  /** Starts what does not run yet. */
  async start(id: string, signal: AbortSignal): Promise<void> {
    this.#unstarted.delete(id);
    await this.#engine.call(signal, (abortSignal) =>
      this.#engine.docker.getContainer(id).start({ abortSignal }).catch(ignoreStatus(304)),
    );
  }

  /** Starts what was never started: the engine would start an ended container again; one of a pod runs once. */
  async startOnce(id: string, signal: AbortSignal): Promise<void> {
    const isNew = this.#unstarted.delete(id);
    if (isNew || (await this.inspect(id, signal))?.state === "created") await this.start(id, signal);
  }

  async inspect(id: string, signal: AbortSignal): Promise<Container | undefined> {
    const known = this.#ended.get(id);
    if (known) return known;
    const found = await this.#engine.call(signal, (abortSignal) =>
      this.#engine.docker.getContainer(id).inspect({ abortSignal }).catch(ignoreStatus(404)),
    );
    if (!found) return undefined;
    const container = describeContainer(found);
    if (container.state === "exited") this.#ended.set(id, container);
    return container;
  }

  /** Whether a container is known to have ended. */
  hasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** Forgets how all but these containers ended. */
  keepEnded(ids: ReadonlySet<string>): void {
    for (const id of this.#ended.keys()) if (!ids.has(id)) this.#ended.delete(id);
  }

  async stop(id: string, gracePeriodSeconds: number, signal: AbortSignal): Promise<void> {
    const container = this.#engine.docker.getContainer(id);
    // 304: already stopped, 404: already gone. Both are what the caller asked for.
    await this.#engine.call(
      signal,
      (abortSignal) => container.stop({ t: Math.ceil(gracePeriodSeconds), abortSignal }).catch(ignoreStatus(304, 404)),
      gracePeriodSeconds * 1000 + stopMarginMs,
    );
  }

  async update(id: string, limits: ContainerLimits, signal: AbortSignal): Promise<void> {
    await this.#engine.call(signal, (abortSignal) =>
      this.#engine.docker.getContainer(id).update({ ...resourceOptions(limits), abortSignal }),
    );
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    const container = this.#engine.docker.getContainer(id);
    const isGone = await this.#engine.call(
      signal,
      (abortSignal) =>
        container.remove({ force: true, v: true, abortSignal }).then(
          () => true,
          (error: unknown) => {
            // 404: it is gone. 409: its removal is under way.
            if (statusCode(error) !== 404) ignoreStatus(409)(error);
            return statusCode(error) === 404;
          },
        ),
      removeMs,
    );
    this.#ended.delete(id);
    this.#unstarted.delete(id);
    if (isGone) this.#containers.removed(id);
  }
}
