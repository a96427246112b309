import Docker from "dockerode";
import { readTextFile } from "../../core/platform/files.ts";
import type { Clock } from "../../core/util/clock.ts";
import { eachOf } from "../../core/util/each_of.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { call, engineMessage, orFailure, parallelCalls, statusCode } from "./docker_calls.ts";
import { DockerCgroups } from "./docker_cgroups.ts";
import { type ContainerDefaults, containerOptions, label, mountsRecursively, sandboxOptions } from "./docker_config.ts";
import { DockerContainers } from "./docker_containers.ts";
import { describeSandbox } from "./docker_describe.ts";
import { DockerEngine } from "./docker_engine.ts";
import { engineEvents } from "./docker_events.ts";
import { unpackImage } from "./docker_image_files.ts";
import { dockerImages } from "./docker_images.ts";
import { DockerLifecycle } from "./docker_lifecycle.ts";
import { engineLogs } from "./docker_logs.ts";
import { engineAttach, engineExec } from "./docker_sessions.ts";
import { DockerUsage } from "./docker_usage.ts";
import { DockerUsers } from "./docker_users.ts";
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
  readonly #cgroups: DockerCgroups;
  readonly #lifecycle: DockerLifecycle;
  readonly #usage: DockerUsage;
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
    this.#lifecycle = new DockerLifecycle(this.#engine, this.#containers);
    this.#usage = new DockerUsage(this.#engine, this.#containers, this.#cgroups);
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
    const id = await orFailure("CreatePodSandboxError", signal, async () => {
      // One that is there already has this name: then its id is given, and its start does nothing.
      const id = await this.#createSandbox(config, signal);
      const { namespace, name, uid, attempt, runtimeHandler } = config;
      const createdAt = this.#engine.clock.now();
      const made = { id, namespace, name, uid, attempt, runtimeHandler, ready: false, ip: undefined, createdAt };
      // Most of it is its network: meanwhile the engine can make what is to run in it.
      const started = this.#lifecycle.start(id, signal);
      this.#cgroups.starts(id, started);
      await Promise.all([started, whileStarting?.(made)]);
      return id;
    });
    const found = await this.#containers.list(signal, { id: [id] }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new SandboxStatusFailure(engineMessage(error), error);
    });
    const sandbox = found.map(describeSandbox)[0];
    if (!sandbox?.ready) throw new RuntimeFailure("CreatePodSandboxError", "the sandbox ended as soon as it began");
    return sandbox;
  }

  async stopPodSandbox(id: string, { signal }: Signalled): Promise<void> {
    const alive = (await this.#containers.inSandbox(id, signal)).filter((one) => !this.#lifecycle.hasEnded(one));
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
    const inspected = await eachOf(ids, parallelCalls, (id) => this.#lifecycle.inspect(id, signal));
    const containers = new Map(inspected.map((container) => [container.id, container]));
    if (podUid === undefined) this.#lifecycle.keepEnded(new Set(ids));
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
    return orFailure("CreateContainerError", signal, () => this.#lifecycle.create(options, signal));
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
    await orFailure("RunContainerError", signal, () => this.#lifecycle.startOnce(id, signal));
    await this.#endAsWhole(id, signal);
  }

  async stopContainer(
    id: string,
    { gracePeriodSeconds, signal }: { readonly gracePeriodSeconds: number } & Signalled,
  ): Promise<void> {
    await this.#lifecycle.stop(id, gracePeriodSeconds, signal);
  }

  async updateResources(id: string, limits: ContainerLimits, { signal }: Signalled): Promise<void> {
    await orFailure("UpdateContainerError", signal, () => this.#lifecycle.update(id, limits, signal));
    // The engine takes it back whenever it sets anything else.
    await this.#endAsWhole(id, signal);
  }

  async #endAsWhole(id: string, signal: AbortSignal): Promise<void> {
    await this.#cgroups.endAsWhole(id, (await this.#containers.sandboxOf(id, signal)) ?? "");
  }

  async removeContainer(id: string, { signal }: Signalled): Promise<void> {
    await this.#lifecycle.remove(id, signal);
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

  stats({ signal }: Signalled): Promise<readonly ContainerStats[]> {
    return this.#usage.ofContainers(signal);
  }

  networkStats({ signal }: Signalled): Promise<readonly PodNetworkStats[]> {
    return this.#usage.ofNetworks(signal);
  }

  async diskStats({ signal }: Signalled): Promise<DiskStats> {
    const containers = await this.#usage.ofDisks(signal);
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
    const create = () => this.#lifecycle.create(sandboxOptions(config, { ...this.#defaults, image }), signal);
    try {
      return await create();
    } catch (error) {
      if (statusCode(error) !== 404) throw error;
      await this.images.pull(image, { signal });
      return await create();
    }
  }
}
