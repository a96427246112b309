import { readFile } from "node:fs/promises";
import type { Duplex, Readable } from "node:stream";
import Docker from "dockerode";
import { signalProcess } from "../../core/platform/processes.ts";
import { Backoff } from "../../core/util/backoff.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { call, callMs, engineMessage, ignoreStatus, statusCode } from "./docker_calls.ts";
import {
  containerOptions,
  label,
  limitsOf,
  type Owner,
  ownerLabels,
  resourceOptions,
  sandboxOptions,
} from "./docker_config.ts";
import { dockerImages } from "./docker_images.ts";
import { containerDisk, containerStats, type EngineStats, networkStats } from "./docker_stats.ts";
import { demux, jsonLines, untilCut, wholeLines } from "./docker_streams.ts";
import { dockerAddress } from "./find_docker.ts";
import {
  type Container,
  type ContainerConfig,
  type ContainerLimits,
  type ContainerRuntime,
  type ContainerStats,
  type DiskStats,
  type ExecOptions,
  type ExecSession,
  type ImageService,
  type LogOptions,
  type PodNetworkStats,
  type RuntimeEvent,
  RuntimeFailure,
  type Sandbox,
  type SandboxConfig,
} from "./runtime.ts";
import { writeTo } from "./session_output.ts";

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
}

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
 * @throws Error when the engine does not answer
 */
export async function openDockerRuntime(options: DockerRuntimeOptions): Promise<ContainerRuntime> {
  const docker = new Docker(dockerAddress(options.dockerHost));
  const never = new AbortController().signal;
  const { Version: version } = await call({ clock: options.clock, signal: never, timeoutMs: pingMs }, () =>
    docker.version(),
  );
  return new DockerRuntime(docker, version, options);
}

type Signalled = { readonly signal: AbortSignal };

class DockerRuntime implements ContainerRuntime {
  readonly name = "docker";
  readonly version: string;
  readonly assignsPodIP = false;
  readonly hasOwnFiles = true;
  readonly images: ImageService;
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #owner: Owner;
  readonly #pauseImage: string;
  /** How ended containers ended: that does not change any more. */
  readonly #ended = new Map<string, Container>();
  readonly #closing = new AbortController();

  constructor(docker: Docker, version: string, options: DockerRuntimeOptions) {
    const { clock, log, rootDir, nodeName = "node", podInfraImage = "registry.k8s.io/pause:3.10" } = options;
    this.version = `docker://${version}`;
    this.#docker = docker;
    this.#clock = clock;
    this.#log = log;
    this.#owner = { nodeName, rootDir };
    this.#pauseImage = podInfraImage;
    this.images = dockerImages(docker, clock);
  }

  async ping({ signal }: Signalled): Promise<void> {
    await this.#call(signal, () => this.#docker.ping(), pingMs);
  }

  async listSandboxes({ signal }: Signalled): Promise<readonly Sandbox[]> {
    return (await this.#find(signal, `${label.kind}=sandbox`)).map(describeSandbox);
  }

  async runPodSandbox(config: SandboxConfig, { signal }: Signalled): Promise<Sandbox> {
    const present = await this.#findSandbox(config, signal);
    if (present?.ready) return present;
    try {
      const id = present?.id ?? (await this.#createSandbox(config, signal));
      await this.#call(signal, (abortSignal) =>
        this.#docker.getContainer(id).start({ abortSignal }).catch(ignoreStatus(304)),
      );
    } catch (error) {
      signal.throwIfAborted();
      throw new RuntimeFailure("CreatePodSandboxError", engineMessage(error), { cause: error });
    }
    const sandbox = await this.#findSandbox(config, signal);
    if (!sandbox?.ready) throw new RuntimeFailure("CreatePodSandboxError", "the sandbox ended as soon as it began");
    return sandbox;
  }

  async stopPodSandbox(id: string, { signal }: Signalled): Promise<void> {
    const containers = await this.#find(signal, `${label.sandboxId}=${id}`);
    const running = containers.filter(({ State }) => State === "running");
    await eachOf(running, parallelCalls, ({ Id }) => this.stopContainer(Id, { gracePeriodSeconds: 0, signal }));
    await this.stopContainer(id, { gracePeriodSeconds: 0, signal });
  }

  async removePodSandbox(id: string, { signal }: Signalled): Promise<void> {
    const containers = await this.#find(signal, `${label.sandboxId}=${id}`);
    await eachOf(containers, parallelCalls, ({ Id }) => this.removeContainer(Id, { signal }));
    await this.removeContainer(id, { signal });
  }

  async listContainers({ podUid, signal }: { readonly podUid?: string } & Signalled): Promise<readonly Container[]> {
    const filters = podUid === undefined ? [] : [`${label.podUid}=${podUid}`];
    const found = await this.#find(signal, `${label.kind}=container`, ...filters);
    const inspected = await eachOf(found, parallelCalls, ({ Id }) => this.#inspect(Id, signal));
    const containers = new Map(inspected.map((container) => [container.id, container]));
    if (podUid === undefined) {
      const ids = new Set(found.map(({ Id }) => Id));
      for (const id of this.#ended.keys()) if (!ids.has(id)) this.#ended.delete(id);
    }
    return found.flatMap(({ Id }) => containers.get(Id) ?? []);
  }

  async createContainer(sandbox: Sandbox, config: ContainerConfig, { signal }: Signalled): Promise<string> {
    const options = containerOptions(sandbox, config, { owner: this.#owner });
    try {
      return await this.#create(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new RuntimeFailure("CreateContainerError", engineMessage(error), { cause: error });
    }
  }

  async startContainer(id: string, { signal }: Signalled): Promise<void> {
    // The engine would start an ended container again; a container of ours runs once.
    const present = await this.#inspect(id, signal);
    if (present?.state !== "created") return;
    try {
      await this.#call(signal, (abortSignal) =>
        this.#docker.getContainer(id).start({ abortSignal }).catch(ignoreStatus(304)),
      );
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
    const container = this.#docker.getContainer(id);
    // 304: already stopped, 404: already gone. Both are what the caller asked for.
    await this.#call(
      signal,
      (abortSignal) => container.stop({ t: Math.ceil(gracePeriodSeconds), abortSignal }).catch(ignoreStatus(304, 404)),
      timeoutMs,
    );
  }

  async updateResources(id: string, limits: ContainerLimits, { signal }: Signalled): Promise<void> {
    try {
      await this.#call(signal, (abortSignal) =>
        this.#docker.getContainer(id).update({ ...resourceOptions(limits), abortSignal }),
      );
    } catch (error) {
      signal.throwIfAborted();
      throw new RuntimeFailure("UpdateContainerError", engineMessage(error), { cause: error });
    }
  }

  async removeContainer(id: string, { signal }: Signalled): Promise<void> {
    const container = this.#docker.getContainer(id);
    // 409: its removal is under way.
    await this.#call(
      signal,
      (abortSignal) => container.remove({ force: true, v: true, abortSignal }).catch(ignoreStatus(404, 409)),
      removeMs,
    );
    this.#ended.delete(id);
  }

  async *logs(id: string, options: LogOptions): AsyncGenerator<Uint8Array, void, void> {
    let silent = true;
    for await (const lines of this.#readLog(id, options)) {
      silent = false;
      yield lines;
    }
    // Asked to follow just as the container ends, the engine may leave everything out.
    if (silent && options.follow && !options.signal.aborted) yield* this.#readLog(id, { ...options, follow: false });
  }

  async *#readLog(id: string, options: LogOptions): AsyncGenerator<Uint8Array, void, void> {
    const { follow, timestamps, tailLines, sinceMs, limitBytes, signal } = options;
    const query = {
      stdout: true,
      stderr: true,
      follow,
      timestamps,
      ...(tailLines === undefined ? {} : { tail: tailLines }),
      ...(sinceMs === undefined ? {} : { since: (sinceMs / 1000).toFixed(9) }),
    };
    let stream: Readable | undefined;
    const stop = () => stream?.destroy();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const container = this.#docker.getContainer(id);
      const { Config } = await this.#call(signal, (abortSignal) => container.inspect({ abortSignal }));
      stream = await this.#stream(`/containers/${id}/logs?`, query, signal);
      yield* untilCut(wholeLines(demux(stream, { tty: Config.Tty }), limitBytes), stream);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async exec(id: string, { command, stdin, tty, signal }: ExecOptions): Promise<ExecSession> {
    const exec = await this.#call(signal, (abortSignal) =>
      this.#docker.getContainer(id).exec({
        Cmd: [...command],
        AttachStdin: stdin,
        AttachStdout: true,
        AttachStderr: !tty,
        Tty: tty,
        abortSignal,
      }),
    );
    const stream = await exec.start({ hijack: true, stdin, Tty: tty });
    const inspect = () => this.#call(this.#closing.signal, (abortSignal) => exec.inspect({ abortSignal }));
    return this.#session({
      stream,
      tty,
      signal,
      exitCode: async () => (await inspect()).ExitCode ?? 137,
      // Closing the stream does not end what runs behind it.
      end: async () => {
        const { Running, Pid } = await inspect();
        if (Running && Pid > 0) await this.#killExec(id, Pid);
      },
      resize: async ({ width, height }) => {
        await this.#call(signal, (abortSignal) => exec.resize({ w: width, h: height, abortSignal })).catch(
          ignoreStatus(404, 409, 500),
        );
      },
    });
  }

  async attach(id: string, { stdin, signal }: Omit<ExecOptions, "command">): Promise<ExecSession> {
    const container = this.#docker.getContainer(id);
    const { Config } = await this.#call(signal, (abortSignal) => container.inspect({ abortSignal }));
    const options = { stream: true, stdin, stdout: true, stderr: true, hijack: true };
    const stream = (await container.attach(options)) as unknown as Duplex;
    return this.#session({
      stream,
      tty: Config.Tty,
      signal,
      exitCode: async () => (await this.#inspect(id, this.#closing.signal))?.exitCode ?? 0,
      end: async () => {},
      resize: async ({ width, height }) => {
        await this.#call(signal, (abortSignal) => container.resize({ w: width, h: height, abortSignal })).catch(
          ignoreStatus(404, 409, 500),
        );
      },
    });
  }

  portAddress({ ip }: Sandbox, port: number): { readonly host: string; readonly port: number } {
    return { host: ip ?? "127.0.0.1", port };
  }

  async stats({ signal }: Signalled): Promise<readonly ContainerStats[]> {
    return this.#ofRunning("container", signal, async (found) => {
      const stats = await this.#statsOf(found, signal);
      return stats && containerStats(found, stats, this.#clock.now());
    });
  }

  async networkStats({ signal }: Signalled): Promise<readonly PodNetworkStats[]> {
    return this.#ofRunning("sandbox", signal, async (found) => {
      const stats = await this.#statsOf(found, signal);
      return stats && networkStats(found, stats, this.#clock.now());
    });
  }

  async diskStats({ signal }: Signalled): Promise<DiskStats> {
    const filters = { label: [...this.#ownerFilter, `${label.kind}=container`], status: ["running"] };
    const found = await this.#call(
      signal,
      (abortSignal) => this.#docker.listContainers({ size: true, filters, abortSignal }),
      diskMs,
    );
    const containers = await eachOf(found, parallelCalls, async (one) => {
      const inspected = await this.#call(signal, (abortSignal) =>
        this.#docker.getContainer(one.Id).inspect({ abortSignal }).catch(ignoreStatus(404)),
      );
      return inspected && containerDisk(one, inspected.LogPath);
    });
    return { imageFolder: await this.images.folder({ signal }), containers };
  }

  async *events({ signal }: Signalled): AsyncGenerator<RuntimeEvent, void, void> {
    const backoff = new Backoff({ baseMs: 500, maxMs: 10_000, clock: this.#clock });
    const filters = JSON.stringify({
      type: ["container"],
      label: this.#ownerFilter,
      event: ["create", "start", "die", "oom", "destroy"],
    });
    for (let first = true; !signal.aborted; first = false) {
      try {
        const stream = await this.#stream("/events?", { filters }, signal);
        const stop = () => stream.destroy();
        signal.addEventListener("abort", stop, { once: true });
        try {
          backoff.reset("events");
          // Whatever happened while nobody listened.
          if (!first) for (const { podUid } of await this.listContainers({ signal })) yield { podUid };
          for await (const line of untilCut(jsonLines(stream), stream)) {
            const { Actor } = line as { readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> } };
            const podUid = Actor?.Attributes?.[label.podUid];
            if (podUid !== undefined) yield { podUid };
          }
        } finally {
          signal.removeEventListener("abort", stop);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn("lost the container engine's events", { error: errorMessage(error) });
      }
      await this.#clock.sleep(backoff.next("events"), { signal }).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the runtime was closed"));
  }

  #call<T>(signal: AbortSignal, work: (abortSignal: AbortSignal) => Promise<T>, timeoutMs = callMs): Promise<T> {
    return call({ clock: this.#clock, signal, timeoutMs }, work);
  }

  /** An answer as a stream: dockerode itself would gather a log that is not followed in memory. */
  #stream(path: string, options: object, signal: AbortSignal): Promise<Readable> {
    return this.#call(
      signal,
      () =>
        new Promise<Readable>((resolve, reject) => {
          const statusCodes = { 200: true, 101: true, 404: "no such container", 500: "server error" };
          const dial = { path, method: "GET", isStream: true, statusCodes, options: { ...options } };
          this.#docker.modem.dial(dial, (error, result) => (error ? reject(error) : resolve(result as Readable)));
        }),
    );
  }

  get #ownerFilter(): string[] {
    return Object.entries(ownerLabels(this.#owner)).map(([name, value]) => `${name}=${value}`);
  }

  #find(signal: AbortSignal, ...labels: readonly string[]): Promise<Docker.ContainerInfo[]> {
    const filters = { label: [...this.#ownerFilter, ...labels] };
    return this.#call(signal, (abortSignal) => this.#docker.listContainers({ all: true, filters, abortSignal }));
  }

  async #findSandbox({ uid, attempt }: SandboxConfig, signal: AbortSignal): Promise<Sandbox | undefined> {
    const labels = [`${label.kind}=sandbox`, `${label.podUid}=${uid}`, `${label.attempt}=${attempt}`];
    return (await this.#find(signal, ...labels)).map(describeSandbox)[0];
  }

  async #createSandbox(config: SandboxConfig, signal: AbortSignal): Promise<string> {
    const image = this.#pauseImage;
    if ((await this.images.find(image, { signal })) === undefined) await this.images.pull(image, { signal });
    return this.#create(sandboxOptions(config, { owner: this.#owner, image }), signal);
  }

  /** Creates a container, or gives the id of the one of ours that has its name. */
  async #create(
    options: Docker.ContainerCreateOptions & { readonly name: string },
    signal: AbortSignal,
  ): Promise<string> {
    try {
      const { id } = await this.#call(signal, (abortSignal) =>
        this.#docker.createContainer({ ...options, abortSignal }),
      );
      return id;
    } catch (error) {
      if (statusCode(error) !== 409) throw error;
      const ours = await this.#find(signal);
      const present = ours.find(({ Names }) => Names.includes(`/${options.name}`));
      if (!present) throw error;
      return present.Id;
    }
  }

  async #inspect(id: string, signal: AbortSignal): Promise<Container | undefined> {
    const known = this.#ended.get(id);
    if (known) return known;
    const found = await this.#call(signal, (abortSignal) =>
      this.#docker.getContainer(id).inspect({ abortSignal }).catch(ignoreStatus(404)),
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
    const found = await this.#find(signal, `${label.kind}=${kind}`);
    const running = found.filter(({ State }) => State === "running");
    return eachOf(running, parallelCalls, work);
  }

  async #statsOf({ Id }: Docker.ContainerInfo, signal: AbortSignal): Promise<EngineStats | undefined> {
    const stats = await this.#call(signal, (abortSignal) => {
      const options = { stream: false as const, "one-shot": true, abortSignal };
      return this.#docker.getContainer(Id).stats(options).catch(ignoreStatus(404, 409));
    });
    return stats as EngineStats | undefined;
  }

  #session(options: {
    readonly stream: Duplex;
    readonly tty: boolean;
    readonly signal: AbortSignal;
    exitCode(): Promise<number>;
    end(): Promise<void>;
    resize(size: { readonly width: number; readonly height: number }): Promise<void>;
  }): ExecSession {
    const { stream, tty, signal, exitCode, end, resize } = options;
    stream.on("error", () => stream.destroy());
    let killed = false;
    const ended = new Promise<void>((resolve) => stream.once("end", resolve).once("close", resolve));
    const kill = () => {
      if (killed) return;
      killed = true;
      killing = end().catch((error) => this.#log.debug("cannot end an exec", { error: errorMessage(error) }));
      stream.destroy();
    };
    let killing: Promise<void> = Promise.resolve();
    if (signal.aborted) kill();
    signal.addEventListener("abort", kill, { once: true });
    const code = ended.then(async () => {
      signal.removeEventListener("abort", kill);
      await killing;
      return exitCode();
    });
    // Whoever does not ask how it ended need not handle that nobody knows.
    code.catch(() => {});
    return {
      output: untilCut(demux(stream, { tty }), stream),
      write: (data) => writeTo(stream, data),
      closeInput: () => void stream.end(),
      resize,
      exitCode: code,
      kill,
    };
  }

  /** Kills an exec'd process by its number on this machine, or by that inside the container where we may not. */
  async #killExec(container: string, pid: number): Promise<void> {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const inside = /^NSpid:.*\t(\d+)$/m.exec(status)?.[1];
    const cgroup = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
    // The engine may be on another machine, where the number means nothing here.
    if (!cgroup.includes(container)) return;
    try {
      signalProcess(pid, "SIGKILL");
    } catch {
      if (inside === undefined) return;
      const exec = await this.#docker.getContainer(container).exec({ Cmd: ["kill", "-KILL", inside] });
      await exec.start({ Detach: true });
    }
  }
}

function describeSandbox({ Id, Labels, State, Created, NetworkSettings }: Docker.ContainerInfo): Sandbox {
  const [network] = Object.values(NetworkSettings?.Networks ?? {});
  return {
    id: Id,
    namespace: Labels[label.podNamespace] ?? "",
    name: Labels[label.podName] ?? "",
    uid: Labels[label.podUid] ?? "",
    attempt: Number(Labels[label.attempt]),
    ready: State === "running",
    ip: Labels[label.hostNetwork] === "true" ? undefined : network?.IPAddress || undefined,
    createdAt: Created * 1000,
  };
}

function describeContainer({ Id, Image, Created, State, Config, HostConfig }: Docker.ContainerInspectInfo): Container {
  const labels = Config.Labels;
  const { Status, ExitCode, Error: problem, OOMKilled, StartedAt, FinishedAt } = State;
  // A start that failed leaves the engine's state at "created", with a code and its reason.
  const failed = Status === "created" && ExitCode !== 0;
  const ended = failed || Status === "exited" || Status === "dead" || Status === "removing";
  const startedAt = failed ? Date.parse(Created) : timeOf(StartedAt);
  const code = failed ? 128 : ExitCode;
  return {
    id: Id,
    sandboxId: labels[label.sandboxId] ?? "",
    podUid: labels[label.podUid] ?? "",
    name: labels[label.containerName] ?? "",
    attempt: Number(labels[label.attempt]),
    image: labels[label.image] ?? Config.Image,
    imageId: `docker://${Image}`,
    state: ended ? "exited" : Status === "created" ? "created" : "running",
    createdAt: Date.parse(Created),
    startedAt,
    // The engine notes a start after it happened: a short program may have ended before.
    finishedAt: ended ? Math.max(timeOf(FinishedAt) ?? 0, startedAt ?? 0) : undefined,
    exitCode: ended ? code : undefined,
    signal: ended && !failed && code > 128 && code < 160 ? code - 128 : undefined,
    oomKilled: OOMKilled,
    reason: failed ? "StartError" : OOMKilled ? "OOMKilled" : undefined,
    message: problem || undefined,
    annotations: JSON.parse(labels[label.annotations] ?? "{}"),
    limits: limitsOf(HostConfig),
  };
}

/** A time of the engine, which says year 1 for never. */
function timeOf(text: string): number | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) || time <= 0 ? undefined : time;
}

/** What `work` finds for each of `all`, some at a time; in no order. */
async function eachOf<T, R>(
  all: readonly T[],
  parallel: number,
  work: (one: T) => Promise<R | undefined>,
): Promise<readonly R[]> {
  const left = [...all];
  const results: R[] = [];
  const workers = Array.from({ length: Math.min(parallel, left.length) }, async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const result = await work(next);
      if (result !== undefined) results.push(result);
    }
  });
  await Promise.all(workers);
  return results;
}
