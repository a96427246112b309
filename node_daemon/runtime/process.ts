import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { environmentVariable } from "../../core/platform/process.ts";
import { currentGroups, currentUid, platformName, signalNumber } from "../../core/platform/processes.ts";
import type { Clock } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { eachOf } from "../../core/util/each_of.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { EventHub } from "./event_hub.ts";
import { startAttach } from "./process_attach.ts";
import { type ContainerCgroup, openCgroups } from "./process_cgroup.ts";
import { ProcessContainer } from "./process_container.ts";
import { startExec } from "./process_exec.ts";
import {
  listFolder,
  makeFolder,
  readJson,
  type StoredContainer,
  type StoredSandbox,
  writeJson,
} from "./process_files.ts";
import { type MountPrefix, type Namespaces, openNamespaces } from "./process_namespace.ts";
import type { PodScope } from "./process_pod_namespaces.ts";
import { refusalOf, shortcomingsOf } from "./process_refusals.ts";
import {
  type ContainerLaunch,
  type LaunchOptions,
  makeRoot,
  pathsOf,
  prepareLaunch,
  ulimitPrefix,
} from "./process_root.ts";
import { describeSandbox, ProcessSandboxes } from "./process_sandboxes.ts";
import { containerDisks, containerUsage } from "./process_usage.ts";
import { ProgramImages } from "./programs/program_images.ts";
import { randomId } from "./random_id.ts";
import {
  type Container,
  type ContainerConfig,
  type ContainerLimits,
  type ContainerRuntime,
  type ContainerStats,
  type DiskStats,
  type ExecOptions,
  type ExecSession,
  type LogLimits,
  type LogOptions,
  PodGroupFailure,
  type PodNetworkStats,
  type RuntimeEvent,
  RuntimeFailure,
  type Sandbox,
  type SandboxConfig,
  type Ulimit,
} from "./runtime.ts";

/** Options of {@linkcode openProcessRuntime}. */
export interface ProcessRuntimeOptions {
  /** Where sandboxes live. One daemon at a time. */
  readonly rootDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Default: `defaultLogLimits`. */
  readonly logLimits?: LogLimits | undefined;
  /** Limits of each program. Default: the daemon's own. */
  readonly defaultUlimits?: readonly Ulimit[];
}

/** Containers that an earlier daemon left, read at one time. */
const parallelAdoptions = 64;
const maxQueuedEvents = 10_000;
const safeName = /^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$/;

/**
 * Opens the runtime that runs containers as ordinary processes: no root, no engine, no images but programs. Containers that an earlier
 * daemon started are taken up as they are.
 *
 * - Each container is a session of its own under a small supervisor that outlives the daemon; see `process_shim.ts`.
 * - It sees the machine's files. Its own folder is `$WHERRY_ROOT`, and its working directory unless `workingDir` names one
 *   that exists.
 * - Its volumes are mounted at their paths where the daemon may make mount namespaces, as root on Linux; elsewhere they are
 *   links: by their names in `$WHERRY_VOLUMES`, by their paths in `$WHERRY_ROOT`. What only a mount can give is refused.
 * - Limits of CPU and memory hold where the daemon may make cgroups (of version 2, delegated, or of version 1); elsewhere
 *   there are none, which is told: `ulimit -v` would break programs that reserve more than they use, as Node and Go do.
 * - As root it gives containers other users, fewer capabilities, and their pod's host name; and processes and shared memory
 *   apart from the machine's, where it may. What it cannot give is refused.
 */
export async function openProcessRuntime(options: ProcessRuntimeOptions): Promise<ContainerRuntime> {
  const runtime = new ProcessRuntime(options);
  await runtime.open();
  return runtime;
}

class ProcessRuntime implements ContainerRuntime {
  readonly name = "process";
  readonly version = "process://1.0.0";
  readonly assignsPodIP = true;
  readonly listensOnPodIP = true;
  readonly publishesHostPorts = false;
  readonly images: ProgramImages;
  readonly #options: ProcessRuntimeOptions;
  readonly #sandboxes: ProcessSandboxes;
  readonly #containers = new Map<string, ProcessContainer>();
  readonly #hub = new EventHub({ limit: maxQueuedEvents });
  #cgroups: ContainerCgroup | undefined;
  #collecting: Promise<void> | undefined;
  #namespaces: Namespaces | undefined;
  #execs = 0;

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    this.#sandboxes = new ProcessSandboxes({ ...options, onChange: (podUid) => this.#announce(podUid) });
    this.images = new ProgramImages({
      folder: join(options.rootDir, "images"),
      isInUse: (id) => [...this.#containers.values()].some(({ stored }) => stored.imageId === id),
    });
  }

  readonly appArmor = false;
  readonly strictGroups = true;
  readonly recursiveReadOnly = false;

  readonly readsFiles = true;
  get hasOwnFiles(): boolean {
    return this.#namespaces !== undefined;
  }

  /** Takes up what is in the folder. */
  async open(): Promise<void> {
    if (platformName === "win32")
      throw new RuntimeFailure("RuntimeNotReady", "the process runtime needs a POSIX system");
    await this.#checkUlimits();
    await this.#sandboxes.open();
    // Before any program is run: where this daemon is alone in its cgroup it may divide it.
    this.#cgroups = await openCgroups(this.#options.rootDir);
    [this.#namespaces] = await Promise.all([openNamespaces(), this.images.open()]);
    const found: { readonly sandbox: StoredSandbox; readonly name: string }[] = [];
    for (const sandbox of this.#sandboxes.list())
      for (const name of await listFolder(this.#sandboxes.containerDir(sandbox.id, ""))) found.push({ sandbox, name });
    await eachOf(found, parallelAdoptions, ({ sandbox, name }) => this.#adopt(sandbox, name));
    const ended = [...this.#containers.values()].filter((container) => container.describe().state === "exited");
    // All at one time, so that they share a look at the machine's processes.
    await Promise.all(ended.map((container) => container.sweep()));
    await this.#namespaces?.pods?.collect(this.#sandboxes.dir(""), (id) => this.#sandboxes.has(id));
    // Thousands may be left, and nobody waits for them to go.
    this.#collecting = this.#cgroups?.collect((id) => this.#sandboxes.has(id) || this.#containers.has(id));
  }

  /** @throws Error when this user may not give such limits: better now than at each container */
  async #checkUlimits(): Promise<void> {
    const [file, ...args] = await ulimitPrefix(this.#options.defaultUlimits ?? []);
    if (file === undefined) return;
    await promisify(execFile)(file, [...args, "/bin/sh", "-c", ":"], { timeout: 5000 }).catch((error) => {
      throw new Error(`Cannot set --default-ulimit: ${errorMessage(error)}`, { cause: error });
    });
  }

  async #adopt(sandbox: StoredSandbox, name: string): Promise<void> {
    const dir = this.#sandboxes.containerDir(sandbox.id, name);
    const stored = await readJson<StoredContainer>(join(dir, "config.json")).catch(() => undefined);
    if (!stored) {
      await rm(dir, { recursive: true, force: true });
      return;
    }
    const container = this.#hold(sandbox, dir, stored);
    await container.adopt();
  }

  async ping(): Promise<void> {}

  async listSandboxes({ podUid }: { readonly podUid?: string }): Promise<readonly Sandbox[]> {
    const all = this.#sandboxes.list().map(describeSandbox);
    return podUid === undefined ? all : all.filter(({ uid }) => uid === podUid);
  }

  async runPodSandbox(config: SandboxConfig): Promise<Sandbox> {
    return describeSandbox(await this.#sandboxes.run(config));
  }

  async stopPodSandbox(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    await Promise.all(this.#containersOf(id).map((container) => container.stop(0, signal)));
    await this.#namespaces?.pods?.release(this.#scopeOf(sandbox));
    await this.#sandboxes.end(sandbox);
  }

  async removePodSandbox(id: string, options: { readonly signal: AbortSignal }): Promise<void> {
    if (!this.#sandboxes.has(id)) return;
    await this.stopPodSandbox(id, options);
    for (const container of this.#containersOf(id)) await this.removeContainer(container.stored.id, options);
    await this.#cgroups?.remove(id);
    await this.#sandboxes.remove(id);
  }

  async listContainers({ podUid }: { readonly podUid?: string }): Promise<readonly Container[]> {
    const containers = [...this.#containers.values()].filter((one) => podUid === undefined || one.podUid === podUid);
    await Promise.all(containers.map((container) => container.look()));
    return containers.map((container) => container.describe());
  }

  async createContainer({ id: sandboxId }: Sandbox, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (!sandbox) throw new RuntimeFailure("CreateContainerError", `no such sandbox: ${sandboxId}`);
    const { name, attempt } = config;
    const present = this.#containersOf(sandboxId).find(
      ({ stored }) => stored.config.name === name && stored.config.attempt === attempt,
    );
    if (present) return present.stored.id;
    const imageId = await this.images.find(config.image);
    if (imageId === undefined) throw new RuntimeFailure("CreateContainerError", `no such image: ${config.image}`);
    this.images.checkCommand(config);
    const refusal = refusalOf(config, { uid: currentUid(), ...currentGroups() });
    if (refusal !== undefined) throw new RuntimeFailure("CreateContainerError", refusal);
    if (config.stopSignal !== undefined && signalNumber(config.stopSignal) === undefined)
      throw new RuntimeFailure("CreateContainerError", `this system has no signal ${config.stopSignal}`);
    if (!safeName.test(name)) throw new RuntimeFailure("CreateContainerError", `invalid container name: ${name}`);
    const dir = this.#sandboxes.containerDir(sandboxId, `${name}_${attempt}`);
    const { clock, random } = this.#options;
    const createdAt = clock.now();
    const stored = { id: randomId(64, { random, taken: this.#containers }), sandboxId, createdAt, imageId, config };
    await rm(dir, { recursive: true, force: true });
    await makeFolder(dir);
    await makeRoot(join(dir, "root"), config, { isMounted: this.#namespaces !== undefined });
    await writeJson(join(dir, "config.json"), stored);
    this.#hold(sandbox, dir, stored);
    this.#announce(sandbox.config.uid);
    return stored.id;
  }

  shortcomings(config: ContainerConfig): readonly string[] {
    return shortcomingsOf(config, { limits: this.#cgroups !== undefined });
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#get(id);
    const { limits, podLimits } = container.stored.config;
    if (podLimits) await this.#limitPod(this.#sandboxOf(container), podLimits);
    const cgroups = (await this.#cgroups?.make(cgroupOf(container.stored), limits)) ?? [];
    await container.start(() => this.#prepare(container), cgroups);
  }

  async #prepare(container: ProcessContainer): Promise<ContainerLaunch> {
    const { dir, stored } = container;
    const sandbox = this.#sandboxOf(container);
    const { mounts, processes: scope = "own" } = stored.config;
    const target = typeof scope === "object" ? this.#running(scope.containerId) : undefined;
    const entered = await this.#namespaces?.pods?.enter(this.#scopeOf(sandbox), { scope, targetPid: target?.pid });
    const { around = [], hasOwnProcesses = false, sharedMemory } = entered ?? {};
    const { hostname } = sandbox.config;
    const mounting = await this.#namespaces?.start(dir, { mounts, hostname, hasOwnProcesses, sharedMemory });
    return { ...(await this.#launch(container, { mounting })), around };
  }

  async stopContainer(
    id: string,
    options: { readonly gracePeriodSeconds: number; readonly signal: AbortSignal },
  ): Promise<void> {
    await this.#containers.get(id)?.stop(options.gracePeriodSeconds, options.signal);
  }

  async updateResources(id: string, limits: ContainerLimits): Promise<void> {
    const container = this.#running(id);
    await this.#cgroups?.set(cgroupOf(container.stored), limits);
    await container.noteLimits(limits);
    this.#announce(container.podUid);
  }

  async podLimits(sandboxId: string): Promise<ContainerLimits | undefined> {
    return this.#cgroups && this.#sandboxes.get(sandboxId)?.podLimits;
  }

  async updatePodLimits(sandboxId: string, limits: ContainerLimits): Promise<void> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (!sandbox) return;
    await this.#cgroups?.set(sandboxId, limits);
    await this.#sandboxes.save({
      ...sandbox,
      podLimits: { ...sandbox.podLimits, ...compact<ContainerLimits>(limits) },
    });
  }

  /** Makes the group of a pod. It may have been given other limits since the container was made. */
  async #limitPod(sandbox: StoredSandbox, first: ContainerLimits): Promise<void> {
    const podLimits = sandbox.podLimits ?? first;
    await this.#cgroups?.makeGroup(sandbox.id, podLimits).catch((error: unknown) => {
      throw new PodGroupFailure(error);
    });
    if (!sandbox.podLimits) await this.#sandboxes.save({ ...sandbox, podLimits });
  }

  async limitPods(limits: ContainerLimits): Promise<string | undefined> {
    if (!this.#cgroups) return "this daemon may not make cgroups with cpu and memory";
    await this.#cgroups.limitAll(limits);
    return undefined;
  }

  async removeContainer(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) return;
    await container.stop(0, signal);
    container.close();
    await this.#cgroups?.remove(cgroupOf(container.stored));
    await this.#namespaces?.remove(container.dir);
    await rm(container.dir, { recursive: true, force: true });
    this.#containers.delete(id);
    this.#announce(container.podUid);
  }

  logs(id: string, options: LogOptions): AsyncIterable<Uint8Array> {
    return this.#get(id).output.read(options);
  }

  async exec(id: string, { command, stdin, tty, signal }: ExecOptions): Promise<ExecSession> {
    const container = this.#running(id);
    const { oomScoreAdj } = container.stored.config;
    const launch = await this.#launch(container, {
      command,
      mounting: await this.#namespaces?.enter(container.dir, { oomScoreAdj, tty }),
    });
    return startExec({ launch, stdin, tty, ttyFile: join(container.dir, `exec_${this.#execs++}`), signal });
  }

  async attach(id: string, options: Omit<ExecOptions, "command">): Promise<ExecSession> {
    return startAttach(this.#running(id), options);
  }

  portAddress({ ip }: Sandbox, port: number): { readonly host: string; readonly port: number } {
    return { host: ip ?? "127.0.0.1", port };
  }

  async stats(): Promise<readonly ContainerStats[]> {
    const running = [...this.#containers.values()].filter((container) => container.running);
    const { clock } = this.#options;
    return containerUsage(running, { clock, cgroup: async (one) => this.#cgroups?.stats(cgroupOf(one.stored)) });
  }

  /** Processes are on the host's network. */
  async networkStats(): Promise<readonly PodNetworkStats[]> {
    return [];
  }

  async diskStats(): Promise<DiskStats> {
    const running = [...this.#containers.values()].filter((container) => container.running);
    return { imageFolder: undefined, containers: await containerDisks(running) };
  }

  events(options: { readonly signal: AbortSignal }): AsyncGenerator<RuntimeEvent, void, void> {
    return this.#hub.events(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hub[Symbol.dispose]();
    for (const container of this.#containers.values()) container.close();
    await this.#collecting;
    await this.#cgroups?.[Symbol.asyncDispose]();
  }

  /** @param command what is run beside the container's own program; undefined for that */
  #launch(
    container: ProcessContainer,
    { command, mounting }: { readonly command?: readonly string[]; readonly mounting: MountPrefix | undefined },
  ): ReturnType<typeof prepareLaunch> {
    const { id, imageId, config } = container.stored;
    const sandbox = this.#sandboxOf(container);
    const path = environmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
    const { root } = container;
    const podIP = sandbox.config.podIP ?? "127.0.0.1";
    const paths = config.mounts.flatMap((mount) => pathsOf(mount, { root, isMounted: mounting !== undefined }));
    const entrypoint: LaunchOptions["entrypoint"] = (variables) =>
      this.images.entrypoint(imageId ?? config.image, { config, podIP, paths, variables });
    const ulimits = this.#options.defaultUlimits ?? [];
    return prepareLaunch({ id, root, sandbox: sandbox.config, config, command, entrypoint, path, ulimits, mounting });
  }

  #hold(sandbox: StoredSandbox, dir: string, stored: StoredContainer): ProcessContainer {
    const podUid = sandbox.config.uid;
    const { clock, log, logLimits } = this.#options;
    const container = new ProcessContainer({
      dir,
      stored,
      podUid,
      clock,
      log,
      logLimits,
      onChange: () => this.#announce(podUid),
      ranOutOfMemory: async () => (await this.#cgroups?.ranOutOfMemory(cgroupOf(stored))) ?? false,
    });
    this.#containers.set(stored.id, container);
    return container;
  }

  #get(id: string): ProcessContainer {
    const container = this.#containers.get(id);
    if (!container) throw new RuntimeFailure("ContainerNotFound", `no such container: ${id}`);
    return container;
  }

  #running(id: string): ProcessContainer {
    const container = this.#get(id);
    if (!container.running) throw new RuntimeFailure("ContainerNotRunning", `container ${id} is not running`);
    return container;
  }

  #sandboxOf({ stored: { sandboxId } }: ProcessContainer): StoredSandbox {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (!sandbox) throw new RuntimeFailure("RunContainerError", `no such sandbox: ${sandboxId}`);
    return sandbox;
  }

  #scopeOf({ id, config }: StoredSandbox): PodScope {
    return { id, dir: this.#sandboxes.dir(id), hostIPC: config.hostIPC ?? false };
  }

  #containersOf(sandboxId: string): readonly ProcessContainer[] {
    return [...this.#containers.values()].filter(({ stored }) => stored.sandboxId === sandboxId);
  }

  #announce(podUid: string): void {
    this.#hub.tell({ podUid });
  }
}

/** Name of a container's cgroup: in that of its pod where there is one. */
function cgroupOf({ id, sandboxId, config }: StoredContainer): string {
  return config.podLimits ? `${sandboxId}/${id}` : id;
}
