import type { Clock } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { deferred } from "../../core/util/deferred.ts";
import { EventHub } from "./event_hub.ts";
import { logTimestamp } from "./log_reader.ts";
import {
  type Container,
  type ContainerConfig,
  type ContainerLimits,
  type ContainerRuntime,
  type ExecSession,
  type ImageService,
  type LogOptions,
  noSuchHandler,
  type RuntimeEvent,
  RuntimeFailure,
  type Sandbox,
  type SandboxConfig,
} from "./runtime.ts";

/** What a fake container does. Nothing given: it starts at once and runs until it is stopped. */
export interface FakeBehaviour {
  /** Milliseconds of the clock that its start takes. */
  readonly startDelayMs?: number;
  /** Milliseconds after its start at which it ends by itself. */
  readonly exitAfterMs?: number;
  /** Code of that end. Default 0. */
  readonly exitCode?: number;
  /** Milliseconds it needs to end once asked; past the grace period it is killed. Default 0. */
  readonly stopDelayMs?: number;
  /** Its start fails with this. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** Lines it writes as it starts. */
  readonly output?: readonly string[];
  /** What it uses while it runs. Default: nothing. */
  readonly usage?: { readonly milliCpu: number; readonly memoryBytes: number };
  /** Answer to `exec`: code and output. Default: code 0, no output. */
  readonly exec?: (command: readonly string[]) => { readonly exitCode: number; readonly stdout?: string };
}

/** Options of {@linkcode fakeRuntime}. */
export interface FakeRuntimeOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** What each container does, asked when it starts. */
  readonly behaviour?: (config: ContainerConfig, sandbox: Sandbox) => FakeBehaviour;
  /** Whether pods get the files that containers would see, for a test that reads them. Default false. */
  readonly readsFiles?: boolean;
}

/** A runtime without processes, with handles for the test that drives it. */
export interface FakeRuntime extends ContainerRuntime {
  /** Ends a running container as if its program had. */
  exit(id: string, exitCode: number, options?: { readonly oomKilled?: boolean }): void;
  /** While false, `ping` rejects as with an engine that is down. */
  setHealthy(healthy: boolean): void;
}

interface FakeContainer {
  container: Container;
  /** What it is made of, until it runs. */
  config: ContainerConfig | undefined;
  readonly ended: ReturnType<typeof deferred<void>>;
  readonly lines: { readonly time: number; readonly text: string }[];
  behaviour: FakeBehaviour;
  cancel: () => void;
}

/** Containers that start, run and end by a script, on the clock that is passed in: for simulation and tests. */
export function fakeRuntime(options: FakeRuntimeOptions): FakeRuntime {
  return new Fake(options);
}

class Fake implements FakeRuntime {
  readonly name = "fake";
  readonly version = "fake://1.0.0";
  readonly assignsPodIP = true;
  readonly listensOnPodIP = false;
  readonly publishesHostPorts = true;
  readonly hasOwnFiles = true;
  readonly readsFiles: boolean;
  readonly appArmor = true;
  readonly strictGroups = true;
  readonly recursiveReadOnly = true;
  readonly images: ImageService = {
    find: async (image) => `fake://${image}`,
    describe: async () => ({ user: "1000", sizeBytes: undefined }),
    pull: async (image) => `fake://${image}`,
    list: async () => [],
    folder: async () => undefined,
    remove: async () => {},
  };
  readonly #options: FakeRuntimeOptions;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #podLimits = new Map<string, ContainerLimits>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #hub = new EventHub({ limit: 100_000 });
  #healthy = true;

  constructor(options: FakeRuntimeOptions) {
    this.#options = options;
    this.readsFiles = options.readsFiles ?? false;
  }

  exit(id: string, exitCode: number, { oomKilled = false }: { readonly oomKilled?: boolean } = {}): void {
    const found = this.#containers.get(id);
    if (found?.container.state !== "running") return;
    found.cancel();
    const signal = exitCode > 128 ? exitCode - 128 : undefined;
    const finishedAt = this.#options.clock.now();
    found.container = { ...found.container, state: "exited", finishedAt, exitCode, signal, oomKilled };
    found.ended.resolve();
    this.#announce(found.container.podUid);
  }

  setHealthy(healthy: boolean): void {
    this.#healthy = healthy;
  }

  async ping(): Promise<void> {
    if (!this.#healthy) throw new RuntimeFailure("RuntimeNotReady", "the fake runtime is down");
  }

  async listSandboxes({ podUid }: { readonly podUid?: string }): Promise<readonly Sandbox[]> {
    const all = [...this.#sandboxes.values()];
    return podUid === undefined ? all : all.filter(({ uid }) => uid === podUid);
  }

  async runPodSandbox(config: SandboxConfig): Promise<Sandbox> {
    const { namespace, name, uid, attempt, podIP: ip } = config;
    const present = [...this.#sandboxes.values()].find((one) => one.uid === uid && one.attempt === attempt);
    if (present?.ready) return present;
    if (config.runtimeHandler !== undefined) throw noSuchHandler(config.runtimeHandler);
    const createdAt = this.#options.clock.now();
    const sandbox: Sandbox = present
      ? { ...present, ready: true }
      : { id: this.#newId(), namespace, name, uid, attempt, ready: true, ip, createdAt };
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#announce(uid);
    return sandbox;
  }

  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox?.ready) return;
    for (const { container } of this.#of(id)) this.exit(container.id, 137);
    this.#sandboxes.set(id, { ...sandbox, ready: false });
    this.#announce(sandbox.uid);
  }

  async removePodSandbox(id: string): Promise<void> {
    await this.stopPodSandbox(id);
    for (const { container } of this.#of(id)) await this.removeContainer(container.id);
    this.#sandboxes.delete(id);
    this.#podLimits.delete(id);
  }

  async listContainers({ podUid }: { readonly podUid?: string }): Promise<readonly Container[]> {
    const all = [...this.#containers.values()].map(({ container }) => container);
    return podUid === undefined ? all : all.filter((container) => container.podUid === podUid);
  }

  async createContainer(sandbox: Sandbox, config: ContainerConfig): Promise<string> {
    const { name, attempt, image, annotations } = config;
    const present = this.#of(sandbox.id).find(
      (one) => one.container.name === name && one.container.attempt === attempt,
    );
    if (present) return present.container.id;
    if (!this.#sandboxes.has(sandbox.id)) {
      throw new RuntimeFailure("CreateContainerError", `no such sandbox: ${sandbox.id}`);
    }
    if (config.podLimits && !this.#podLimits.has(sandbox.id)) this.#podLimits.set(sandbox.id, config.podLimits);
    const id = this.#newId();
    const container: Container = {
      id,
      sandboxId: sandbox.id,
      podUid: sandbox.uid,
      name,
      attempt,
      image,
      imageId: `fake://${image}`,
      state: "created",
      createdAt: this.#options.clock.now(),
      startedAt: undefined,
      finishedAt: undefined,
      exitCode: undefined,
      signal: undefined,
      oomKilled: false,
      reason: undefined,
      message: undefined,
      annotations,
      limits: config.limits,
    };
    this.#containers.set(id, { container, config, ended: deferred(), lines: [], behaviour: {}, cancel: () => {} });
    this.#announce(sandbox.uid);
    return id;
  }

  async startContainer(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const found = this.#get(id);
    const sandbox = this.#sandboxes.get(found.container.sandboxId);
    if (found.container.state !== "created" || !sandbox) return;
    const { clock, behaviour } = this.#options;
    found.behaviour = (found.config && behaviour?.(found.config, sandbox)) ?? {};
    const { startDelayMs = 0, exitAfterMs, exitCode = 0, failure, output = [] } = found.behaviour;
    if (startDelayMs > 0) await clock.sleep(startDelayMs, { signal });
    if (found.container.state !== "created" || !this.#containers.has(id)) return;
    const startedAt = clock.now();
    if (failure) {
      const end = { exitCode: 128, reason: "StartError", message: failure.message, finishedAt: startedAt } as const;
      found.container = { ...found.container, ...end, state: "exited", startedAt };
      found.ended.resolve();
      this.#announce(sandbox.uid);
      throw new RuntimeFailure(failure.reason, failure.message);
    }
    found.container = { ...found.container, state: "running", startedAt };
    found.config = undefined;
    found.lines.push(...output.map((text) => ({ time: startedAt, text })));
    if (exitAfterMs !== undefined) found.cancel = clock.schedule(exitAfterMs, () => this.exit(id, exitCode));
    this.#announce(sandbox.uid);
  }

  async stopContainer(
    id: string,
    { gracePeriodSeconds, signal }: { readonly gracePeriodSeconds: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const found = this.#containers.get(id);
    if (found?.container.state !== "running") return;
    const graceMs = gracePeriodSeconds * 1000;
    const { stopDelayMs = 0 } = found.behaviour;
    const waitMs = Math.min(stopDelayMs, graceMs);
    if (waitMs > 0) await this.#options.clock.sleep(waitMs, { signal });
    this.exit(id, graceMs === 0 || stopDelayMs > graceMs ? 137 : 143);
  }

  async updateResources(id: string, limits: ContainerLimits): Promise<void> {
    const found = this.#get(id);
    const updated = compact<ContainerLimits>(limits);
    found.container = { ...found.container, limits: { ...found.container.limits, ...updated } };
    this.#announce(found.container.podUid);
  }

  async podLimits(sandboxId: string): Promise<ContainerLimits | undefined> {
    return this.#podLimits.get(sandboxId);
  }

  async updatePodLimits(sandboxId: string, limits: ContainerLimits): Promise<void> {
    this.#podLimits.set(sandboxId, { ...this.#podLimits.get(sandboxId), ...compact<ContainerLimits>(limits) });
  }

  async removeContainer(id: string): Promise<void> {
    const found = this.#containers.get(id);
    if (!found) return;
    this.exit(id, 137);
    this.#containers.delete(id);
    this.#announce(found.container.podUid);
  }

  async *logs(id: string, options: LogOptions): AsyncGenerator<Uint8Array, void, void> {
    const { follow, timestamps, tailLines, sinceMs, limitBytes, signal } = options;
    const found = this.#get(id);
    const since = found.lines.filter(({ time }) => sinceMs === undefined || time >= sinceMs);
    const lines = tailLines === undefined ? since : since.slice(Math.max(0, since.length - tailLines));
    const text = lines.map((line) => `${timestamps ? `${logTimestamp(line.time)} ` : ""}${line.text}\n`).join("");
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > 0) yield limitBytes === undefined ? bytes : bytes.subarray(0, limitBytes);
    if (!follow || signal.aborted || found.container.state === "exited") return;
    const aborted = deferred();
    signal.addEventListener("abort", () => aborted.resolve(), { once: true });
    await Promise.race([found.ended.promise, aborted.promise]);
  }

  async exec(id: string, { command }: { readonly command: readonly string[] }): Promise<ExecSession> {
    const found = this.#get(id);
    if (found.container.state !== "running") {
      throw new RuntimeFailure("ContainerNotRunning", `container ${id} is not running`);
    }
    const { exitCode, stdout } = found.behaviour.exec?.(command) ?? { exitCode: 0 };
    return session(stdout === undefined ? [] : [stdout], Promise.resolve(exitCode), () => {});
  }

  async attach(id: string, { signal }: { readonly signal: AbortSignal }): Promise<ExecSession> {
    const found = this.#get(id);
    const killed = deferred();
    signal.addEventListener("abort", () => killed.resolve(), { once: true });
    const ended = Promise.race([found.ended.promise, killed.promise]);
    const exitCode = ended.then(() => found.container.exitCode ?? 0);
    return session([], exitCode, () => killed.resolve());
  }

  portAddress({ ip }: Sandbox, port: number): { readonly host: string; readonly port: number } {
    return { host: ip ?? "127.0.0.1", port };
  }

  async stats(): ReturnType<ContainerRuntime["stats"]> {
    const at = this.#options.clock.now();
    return this.#running().map(({ container: { id, podUid, name, startedAt = at }, behaviour }) => {
      const { milliCpu = 0, memoryBytes = 0 } = behaviour.usage ?? {};
      return { id, podUid, name, at, cpuNanoseconds: (at - startedAt) * milliCpu * 1000, memoryBytes };
    });
  }

  async networkStats(): ReturnType<ContainerRuntime["networkStats"]> {
    return [];
  }

  async diskStats(): ReturnType<ContainerRuntime["diskStats"]> {
    const unknown = { rootBytes: undefined, rootInodes: undefined, logBytes: undefined };
    const containers = this.#running().map(({ container: { id, podUid, name } }) => ({ id, podUid, name, ...unknown }));
    return { imageFolder: undefined, containers };
  }

  events(options: { readonly signal: AbortSignal }): AsyncGenerator<RuntimeEvent, void, void> {
    return this.#hub.events(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hub[Symbol.dispose]();
    for (const { cancel } of this.#containers.values()) cancel();
  }

  #get(id: string): FakeContainer {
    const found = this.#containers.get(id);
    if (!found) throw new RuntimeFailure("ContainerNotFound", `no such container: ${id}`);
    return found;
  }

  #running(): readonly FakeContainer[] {
    return [...this.#containers.values()].filter(({ container }) => container.state === "running");
  }

  #of(sandboxId: string): readonly FakeContainer[] {
    return [...this.#containers.values()].filter(({ container }) => container.sandboxId === sandboxId);
  }

  #announce(podUid: string): void {
    this.#hub.tell({ podUid });
  }

  #newId(): string {
    // Joined, not added up: of a text that was added up every step is kept.
    const id = Array.from({ length: 64 }, () => Math.floor(this.#options.random() * 16).toString(16)).join("");
    return this.#containers.has(id) || this.#sandboxes.has(id) ? this.#newId() : id;
  }
}

/** A session that gives its output at once and ends with `exitCode`. */
function session(stdout: readonly string[], exitCode: Promise<number>, kill: () => void): ExecSession {
  const output = async function* () {
    for (const text of stdout) yield { stream: "stdout" as const, data: new TextEncoder().encode(text) };
    await exitCode;
  };
  return { output: output(), write: async () => {}, closeInput() {}, resize: async () => {}, exitCode, kill };
}
