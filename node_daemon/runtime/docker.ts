import Docker from "dockerode";
import { readTextFile } from "../../core/platform/files.ts";
import type { Clock } from "../../core/util/clock.ts";
import { eachOf } from "../../core/util/each_of.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { call, engineMessage, ignoreStatus, statusCode } from "./docker_calls.ts";
import { DockerCgroups } from "./docker_cgroups.ts";
import {
  type ContainerDefaults,
  containerOptions,
  label,
  mountsRecursively,
  resourceOptions,
  sandboxOptions,
} from "./docker_config.ts";
import { DockerContainers } from "./docker_containers.ts";
import { describeContainer, describeSandbox } from "./docker_describe.ts";
import { DockerEngine } from "./docker_engine.ts";
import { engineEvents } from "./docker_events.ts";
import { unpackImage } from "./docker_image_files.ts";
import { dockerImages } from "./docker_images.ts";
import { engineLogs } from "./docker_logs.ts";
import { engineAttach, engineExec } from "./docker_sessions.ts";
import { containerDisk, containerStats, type EngineStats, networkStats } from "./docker_stats.ts";
import { DockerUsers } from "./docker_users.ts";
import { withCgroup } from "./engine_cgroup.ts";
import { addressText, dockerAddress, tellingOfWait } from "./find_docker.ts";
import { lowestOomScoreAdj } from "./lowest_oom_score.ts";
import {
  type Container,
  type ContainerConfig,
  type ContainerLimits,
  type ContainerRuntime,
  type ContainerStats,
  type DiskStats,
  defaultLogLimits,
  type ExecOptions,
  type ExecSession,
  type ImageService,
  type LogLimits,
  type LogOptions,
  type PodNetworkStats,
  type RuntimeEvent,
  RuntimeFailure,
  type Sandbox,
  type SandboxConfig,
  SandboxStatusFailure,
  type Ulimit,
} from "./runtime.ts";

/** Options of {@linkcode openDockerRuntime}. */
export interface DockerRuntimeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Folder of the node: with its name, what tells its containers from those of other clusters on the engine. */
  readonly rootDir: string;
  /** Node whose containers these are. Default `node`. */
  readonly nodeName?: string;
  /** Image that holds a pod's network. Default `registry.k8s.io/pause:3.10`. */
  readonly podInfraImage?: string;
  readonly dockerHost?: string;
  /** Default: `defaultLogLimits`. */
  readonly logLimits?: LogLimits | undefined;
  /** Aborts the opening. */
  readonly signal?: AbortSignal | undefined;
  /** Limits of each process of a pod. Default: the engine's own. */
  readonly defaultUlimits?: readonly Ulimit[];
}

/** Where the kernel says whether it has AppArmor. */
const appArmorPath = "/sys/module/apparmor/parameters/enabled";
const pingMs = 2_000;
const stopMarginMs = 10_000;
const removeMs = 120_000;
/** A node has many containers, and an engine other callers. */
const parallelCalls = 8;
/** The engine walks through what containers wrote. */
const diskMs = 60_000;

/**
 * Opens the runtime over a Docker engine. Translates names and errors; decides nothing.
 *
 * - A pod is a container of the pause image, which holds the network, and containers that join it.
 * - Containers are found by their labels. What does not carry those of this node and its folder is never listed nor touched.
 *
 * @throws Error when the engine does not answer within half a minute; nobody listening is found out at once
 */
export async function openDockerRuntime(options: DockerRuntimeOptions): Promise<ContainerRuntime> {
  const { clock, signal = new AbortController().signal } = options;
  const address = dockerAddress(options.dockerHost);
  const docker = new Docker(address);
  const { Version: version, ...told } = await tellingOfWait(address, options, () =>
    call({ clock, signal }, () => docker.version()),
  ).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Error(`Cannot reach the container engine at ${addressText(address)}: ${errorMessage(error)}`, {
      cause: error,
    });
  });
  const appArmor = (await readTextFile(appArmorPath).catch(() => undefined))?.startsWith("Y") ?? false;
  const recursiveReadOnly = mountsRecursively(told);
  const minOomScoreAdj = await lowestOomScoreAdj();
  const runtime = new DockerRuntime(docker, { ...options, version, appArmor, recursiveReadOnly, minOomScoreAdj });
  runtime.collectCgroups();
  return runtime;
}

type Signalled = { readonly signal: AbortSignal };

class DockerRuntime implements ContainerRuntime {
  readonly name = "docker";
  readonly version: string;
  readonly assignsPodIP = false;
  readonly listensOnPodIP = false;
  readonly publishesHostPorts = true;
  readonly hasOwnFiles = true;
  readonly readsFiles = true;
  readonly appArmor: boolean;
  readonly strictGroups = false;
  readonly recursiveReadOnly: boolean;
  readonly images: ImageService;
  readonly #engine: DockerEngine;
  readonly #containers: DockerContainers;
  readonly #users: DockerUsers;
  readonly #defaults: ContainerDefaults;
  readonly #pauseImage: string;
  /** How ended containers ended: that does not change any more. */
  readonly #ended = new Map<string, Container>();
  /** Containers that were made here, and nobody has started yet. */
  readonly #unstarted = new Set<string>();
  readonly #cgroups: DockerCgroups;
  readonly #closing = new AbortController();

  constructor(
    docker: Docker,
    options: DockerRuntimeOptions & {
      readonly version: string;
      readonly appArmor: boolean;
      readonly recursiveReadOnly: boolean;
      readonly minOomScoreAdj: number;
    },
  ) {
    const { clock, log, rootDir, nodeName = "node", podInfraImage = "registry.k8s.io/pause:3.10" } = options;
    this.version = `docker://${options.version}`;
    this.appArmor = options.appArmor;
    this.recursiveReadOnly = options.recursiveReadOnly;
    this.#engine = new DockerEngine(docker, { clock, log });
    this.#containers = new DockerContainers(this.#engine, { nodeName, rootDir });
    this.#users = new DockerUsers(this.#engine, { nodeName, rootDir });
    this.#cgroups = new DockerCgroups(this.#engine, {
      owner: rootDir,
      sandboxes: (options) => this.listSandboxes(options),
    });
    this.#defaults = {
      owner: { nodeName, rootDir },
      logLimits: options.logLimits ?? defaultLogLimits,
      ulimits: options.defaultUlimits ?? [],
      minOomScoreAdj: options.minOomScoreAdj,
    };
    this.#pauseImage = podInfraImage;
    this.images = {
      ...dockerImages(docker, clock),
      unpack: (imageId, folder, { signal }) =>
        unpackImage(this.#engine, { owner: this.#defaults.owner, imageId, purpose: "volume", signal }, folder),
    };
  }

  /** Begins to remove the cgroups that daemons left which were killed. */
  collectCgroups(): void {
    this.#cgroups.collect(this.#closing.signal);
  }

  async ping({ signal }: Signalled): Promise<void> {
    await this.#engine.call(signal, () => this.#engine.docker.ping(), pingMs);
  }

  async listSandboxes({ podUid, signal }: { readonly podUid?: string } & Signalled): Promise<readonly Sandbox[]> {
    const ids = podUid === undefined ? [] : await this.#containers.ofPod(podUid, "sandbox", signal);
    if (podUid !== undefined && ids.length === 0) return [];
    return (await this.#containers.list(signal, { label: [`${label.kind}=sandbox`], id: ids })).map(describeSandbox);
  }

  async runPodSandbox(
    config: SandboxConfig,
    { signal, whileStarting }: Signalled & { readonly whileStarting?: (sandbox: Sandbox) => Promise<void> },
  ): Promise<Sandbox> {
    let id: string;
    try {
      // One that is there already has this name: then its id is given, and its start does nothing.
      id = await this.#createSandbox(config, signal);
      const { namespace, name, uid, attempt } = config;
      const createdAt = this.#engine.clock.now();
      const made = { id, namespace, name, uid, attempt, ready: false, ip: undefined, createdAt };
      // Most of it is its network: meanwhile the engine can make what is to run in it.
      const started = this.#start(id, signal);
      this.#cgroups.starts(id, started);
      await Promise.all([started, whileStarting?.(made)]);
    } catch (error) {
      signal.throwIfAborted();
      throw new RuntimeFailure("CreatePodSandboxError", engineMessage(error), { cause: error });
    }
    const found = await this.#containers.list(signal, { id: [id] }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new SandboxStatusFailure(engineMessage(error), error);
    });
    const sandbox = found.map(describeSandbox)[0];
    if (!sandbox?.ready) throw new RuntimeFailure("CreatePodSandboxError", "the sandbox ended as soon as it began");
    return sandbox;
  }

  async stopPodSandbox(id: string, { signal }: Signalled): Promise<void> {
    const alive = (await this.#containers.inSandbox(id, signal)).filter((one) => !this.#ended.has(one));
    await eachOf(alive, parallelCalls, (one) => this.stopContainer(one, { gracePeriodSeconds: 0, signal }));
    await this.stopContainer(id, { gracePeriodSeconds: 0, signal });
  }

  async removePodSandbox(id: string, { signal }: Signalled): Promise<void> {
    const containers = await this.#containers.inSandbox(id, signal);
    await eachOf(containers, parallelCalls, (one) => this.removeContainer(one, { signal }));
    await this.removeContainer(id, { signal });
    await this.#cgroups.remove(id);
  }

  async listContainers({ podUid, signal }: { readonly podUid?: string } & Signalled): Promise<readonly Container[]> {
    const ids =
      podUid === undefined
        ? (await this.#containers.list(signal, { label: [`${label.kind}=container`] })).map(({ Id }) => Id)
        : await this.#containers.ofPod(podUid, "container", signal);
    const inspected = await eachOf(ids, parallelCalls, (id) => this.#inspect(id, signal));
    const containers = new Map(inspected.map((container) => [container.id, container]));
    if (podUid === undefined) {
      const present = new Set(ids);
      for (const id of this.#ended.keys()) if (!present.has(id)) this.#ended.delete(id);
    }
    return ids.flatMap((id) => containers.get(id) ?? []);
  }

  async createContainer(sandbox: Sandbox, config: ContainerConfig, { signal }: Signalled): Promise<string> {
    const mount = config.mounts.find(({ readOnly, recursiveReadOnly }) => readOnly && recursiveReadOnly === "required");
    // An engine that does not know the word would ignore it.
    if (mount && !this.recursiveReadOnly)
      throw new RuntimeFailure(
        "CreateContainerError",
        `the container engine cannot give mount "${mount.containerPath}" recursiveReadOnly: that takes Docker 25 and Linux 5.12`,
      );
    // Worth knowing, but no reason not to run it.
    const beginsAs = await this.#users.of(config, { signal }).catch((error: unknown) => {
      this.#engine.log.debug("Cannot tell whom a container begins as", {
        image: config.image,
        error: errorMessage(error),
      });
      return undefined;
    });
    const cgroupParent = await this.#cgroups.parentOf(sandbox.id, config.podLimits, { signal });
    const options = containerOptions(sandbox, config, { ...this.#defaults, beginsAs, cgroupParent });
    try {
      return await this.#create(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new RuntimeFailure("CreateContainerError", engineMessage(error), { cause: error });
    }
  }

  shortcomings({ podLimits }: ContainerConfig): readonly string[] {
    return podLimits && !this.#cgroups.limitsPods
      ? [
          "limits of the pod as a whole hold for each of its containers only: the engine's cgroups are not this daemon's to set",
        ]
      : [];
  }

  podLimits(sandboxId: string, options: Signalled): Promise<ContainerLimits | undefined> {
    return this.#cgroups.limits(sandboxId, options);
  }

  updatePodLimits(sandboxId: string, limits: ContainerLimits, options: Signalled): Promise<void> {
    return this.#cgroups.set(sandboxId, limits, options);
  }

  limitPods(limits: ContainerLimits, options: Signalled): Promise<string | undefined> {
    return this.#cgroups.limitAll(limits, options);
  }

  async startContainer(id: string, { signal }: Signalled): Promise<void> {
    // The engine would start an ended container again; a container of ours runs once.
    const isNew = this.#unstarted.delete(id);
    if (!isNew && (await this.#inspect(id, signal))?.state !== "created") return;
    try {
      await this.#start(id, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new RuntimeFailure("RunContainerError", engineMessage(error), { cause: error });
    }
  }

  async stopContainer(
    id: string,
    { gracePeriodSeconds, signal }: { readonly gracePeriodSeconds: number } & Signalled,
  ): Promise<void> {
    const timeoutMs = gracePeriodSeconds * 1000 + stopMarginMs;
    const container = this.#engine.docker.getContainer(id);
    // 304: already stopped, 404: already gone. Both are what the caller asked for.
    await this.#engine.call(
      signal,
      (abortSignal) => container.stop({ t: Math.ceil(gracePeriodSeconds), abortSignal }).catch(ignoreStatus(304, 404)),
      timeoutMs,
    );
  }

  async updateResources(id: string, limits: ContainerLimits, { signal }: Signalled): Promise<void> {
    try {
      await this.#engine.call(signal, (abortSignal) =>
        this.#engine.docker.getContainer(id).update({ ...resourceOptions(limits), abortSignal }),
      );
    } catch (error) {
      signal.throwIfAborted();
      throw new RuntimeFailure("UpdateContainerError", engineMessage(error), { cause: error });
    }
  }

  async removeContainer(id: string, { signal }: Signalled): Promise<void> {
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

  logs(id: string, options: LogOptions): AsyncGenerator<Uint8Array, void, void> {
    return engineLogs(this.#engine, id, { ...options, fileBytes: this.#defaults.logLimits.fileBytes });
  }

  exec(id: string, options: ExecOptions): Promise<ExecSession> {
    return engineExec(this.#engine, id, { ...options, closing: this.#closing.signal });
  }

  attach(id: string, options: Omit<ExecOptions, "command">): Promise<ExecSession> {
    return engineAttach(this.#engine, id, { ...options, closing: this.#closing.signal });
  }

  portAddress({ ip }: Sandbox, port: number): { readonly host: string; readonly port: number } {
    return { host: ip ?? "127.0.0.1", port };
  }

  async stats({ signal }: Signalled): Promise<readonly ContainerStats[]> {
    const all = await this.#ofRunning("container", signal, async (found) => {
      const [stats, cgroup] = await Promise.all([this.#statsOf(found, signal), this.#cgroups.figuresOf(found)]);
      return stats && withCgroup(containerStats(found, stats, this.#engine.clock.now()), cgroup);
    });
    this.#cgroups.keepFigures(new Set(all.map(({ id }) => id)));
    return all;
  }

  async networkStats({ signal }: Signalled): Promise<readonly PodNetworkStats[]> {
    return this.#ofRunning("sandbox", signal, async (found) => {
      const stats = await this.#statsOf(found, signal);
      return stats && networkStats(found, stats, this.#engine.clock.now());
    });
  }

  async diskStats({ signal }: Signalled): Promise<DiskStats> {
    const filters = { label: [...this.#containers.ownerFilter, `${label.kind}=container`], status: ["running"] };
    const found = await this.#engine.call(
      signal,
      (abortSignal) => this.#engine.docker.listContainers({ size: true, filters, abortSignal }),
      diskMs,
    );
    const containers = await eachOf(found, parallelCalls, async (one) => {
      const inspected = await this.#engine.call(signal, (abortSignal) =>
        this.#engine.docker.getContainer(one.Id).inspect({ abortSignal }).catch(ignoreStatus(404)),
      );
      return inspected && containerDisk(one, inspected.LogPath);
    });
    return { imageFolder: await this.images.folder({ signal }), containers };
  }

  events({ signal }: Signalled): AsyncGenerator<RuntimeEvent, void, void> {
    return engineEvents(this.#engine, this.#containers, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the runtime was closed"));
    await this.#cgroups[Symbol.asyncDispose]();
  }

  async #createSandbox(config: SandboxConfig, signal: AbortSignal): Promise<string> {
    const image = this.#pauseImage;
    const create = () => this.#create(sandboxOptions(config, { ...this.#defaults, image }), signal);
    try {
      return await create();
    } catch (error) {
      if (statusCode(error) !== 404) throw error;
      await this.images.pull(image, { signal });
      return await create();
    }
  }

  /** Creates a container, or gives the id of the one of ours that has its name. */
  async #create(
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
  async #start(id: string, signal: AbortSignal): Promise<void> {
    this.#unstarted.delete(id);
    await this.#engine.call(signal, (abortSignal) =>
      this.#engine.docker.getContainer(id).start({ abortSignal }).catch(ignoreStatus(304)),
    );
  }

  async #inspect(id: string, signal: AbortSignal): Promise<Container | undefined> {
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
