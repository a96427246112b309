import { type ChildProcess, execFile, spawn } from "node:child_process";
import { type FSWatcher, watch } from "node:fs";
import { open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { currentGroups, currentUid, signalNumber, signalProcess } from "../../core/platform/processes.ts";
import type { Clock } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import {
  type ExitRecord,
  makeFolder,
  readExit,
  readStart,
  readText,
  type StartRecord,
  type StoredContainer,
  unlessFull,
  writeJson,
} from "./process_files.ts";
import { ContainerLog } from "./process_log.ts";
import { isMounted, mountProblem } from "./process_namespace.ts";
import { type ContainerLaunch, keepOddNames } from "./process_root.ts";
import { supervisorCommand } from "./process_shim.ts";
import {
  bootId,
  findContainerProcesses,
  isRunning,
  type ProcessEntry,
  type ProcessIdentity,
  signalIdentified,
} from "./process_table.ts";
import { terminalCommand } from "./process_terminal.ts";
import {
  type Container,
  type ContainerConfig,
  type ContainerLimits,
  type LogLimits,
  RuntimeFailure,
} from "./runtime.ts";
import { untilAborted } from "./until_aborted.ts";

/** While a container keeps writing, its folder is looked at this often rather than at every write. */
const busyMs = 20;
const orphanMs = 1000;
/** What a supervisor takes to write down the end of a program that was killed. */
const quickEndMs = 200;
const sweepPauseMs = 10;
const patientSweeps = 100;
const maxSweeps = 200;

/** Options of {@linkcode ProcessContainer}. */
export interface ProcessContainerOptions {
  readonly dir: string;
  readonly stored: StoredContainer;
  readonly podUid: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly logLimits: LogLimits | undefined;
  readonly onChange: () => void;
  /** Whether the kernel ended something of it for want of memory. */
  readonly ranOutOfMemory: () => Promise<boolean>;
}

/**
 * One container of the process runtime. What it knows is what its folder says: the supervisor writes there, whichever
 * daemon is alive, and this looks when the folder changes.
 */
export class ProcessContainer {
  readonly podUid: string;
  readonly dir: string;
  readonly output: ContainerLog;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #ranOutOfMemory: () => Promise<boolean>;
  #stored: StoredContainer;
  #start: StartRecord | undefined;
  #exit: ExitRecord | undefined;
  #exited: Deferred<void> = deferred();
  #started: Deferred<void> = deferred();
  #watcher: FSWatcher | undefined;
  #cancelTimer: (() => void) | undefined;
  #closed = false;
  #isSwept = false;
  #isOutOfMemory = false;
  #looking: Promise<void> = Promise.resolve();

  constructor({ dir, stored, podUid, clock, log, logLimits, onChange, ranOutOfMemory }: ProcessContainerOptions) {
    this.dir = dir;
    this.#stored = stored;
    this.podUid = podUid;
    this.#clock = clock;
    this.#log = log;
    this.#onChange = onChange;
    this.#ranOutOfMemory = ranOutOfMemory;
    this.output = new ContainerLog({ dir, clock, limits: logLimits });
  }

  /** What it was made from, with the limits that it has now. */
  get stored(): StoredContainer {
    return this.#stored;
  }

  /** Root folder of the container. */
  get root(): string {
    return join(this.dir, "root");
  }

  /**
   * What the program reads, when it reads at all. In a folder of its own: some watchers open every new file that they
   * see, and opening this one waits for a writer.
   */
  get fifo(): string | undefined {
    const { stdin, tty } = this.stored.config;
    return stdin || tty ? join(this.dir, "io", "stdin") : undefined;
  }

  /** Where the container's own terminal is noted. */
  get ttyFile(): string {
    return join(this.dir, "tty");
  }

  get running(): boolean {
    return this.#start !== undefined && this.#exit === undefined;
  }

  /** Who leads the container's session and process group, once it was started. */
  get supervisor(): ProcessIdentity | undefined {
    return this.#start?.supervisor;
  }

  /** Its program, once that was started. */
  get pid(): number | undefined {
    return this.#start?.program.pid;
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#exited.promise;
  }

  get exitCode(): number | undefined {
    return this.#exit?.code;
  }

  describe(): Container {
    const { id, sandboxId, createdAt, config } = this.stored;
    const { name, attempt, image, annotations, limits } = config;
    const { imageId = image } = this.stored;
    const user = userOf(config.user);
    const exit = this.#exit;
    const code = exit?.code;
    return {
      id,
      sandboxId,
      podUid: this.podUid,
      name,
      attempt,
      image,
      imageId: `process://${imageId}`,
      state: exit ? "exited" : this.#start ? "running" : "created",
      createdAt,
      startedAt: this.#start?.at ?? exit?.at,
      finishedAt: exit?.at,
      exitCode: code,
      // A shell reports the end by a signal as 128 + its number.
      signal: code !== undefined && code > 128 && code < 160 && !exit?.reason ? code - 128 : undefined,
      oomKilled: this.#isOutOfMemory,
      reason: exit?.reason ?? (this.#isOutOfMemory ? "OOMKilled" : undefined),
      message: exit?.message,
      annotations,
      limits,
      ...(user ? { user } : {}),
    };
  }

  /** Keeps the limits that it was given while it runs. */
  async noteLimits(limits: ContainerLimits): Promise<void> {
    const { config } = this.#stored;
    const given = { ...config.limits, ...compact<ContainerLimits>(limits) };
    const stored = { ...this.#stored, config: { ...config, limits: given } };
    await writeJson(join(this.dir, "config.json"), stored);
    this.#stored = stored;
  }

  /** Takes up what is in the folder, and what still runs. What has ended may have left something, which `sweep()` ends. */
  async adopt(): Promise<void> {
    await this.output.load();
    await this.look();
    const starting = (await readText(join(this.dir, "starting"))) !== undefined;
    if (starting && !this.#start && !this.#exit && (await this.#processes()).length === 0) {
      // The daemon died between its decision to start and the start.
      await rm(join(this.dir, "starting"));
    }
    if (!this.#exit) this.#watch();
  }

  /**
   * Starts the program and resolves when it runs. Does nothing when it was started before.
   *
   * @throws RuntimeFailure RunContainerError
   */
  async start(prepare: () => Promise<ContainerLaunch>, cgroups: readonly string[]): Promise<void> {
    await this.look();
    if (this.#start || this.#exit) return;
    // Exclusive: a start that another call, or a daemon before us, has begun is not begun twice.
    const claim = await open(join(this.dir, "starting"), "wx", 0o600).catch(() => undefined);
    if (claim) {
      await claim.close();
      await this.#spawn(await this.#prepared(prepare), cgroups);
    }
    await Promise.race([this.#started.promise, this.#exited.promise]);
    const problem = this.#start ? undefined : await mountProblem(this.dir);
    if (problem !== undefined) throw new RuntimeFailure("RunContainerError", `cannot mount volumes: ${problem}`);
  }

  /** SIGTERM to all, SIGKILL after the grace period. Resolves when nothing of the container runs. */
  async stop(gracePeriodSeconds: number, signal: AbortSignal): Promise<void> {
    await this.look();
    if (!this.#exit && !this.#start && (await this.#processes()).length === 0) return;
    if (this.running && this.#start) {
      if (gracePeriodSeconds > 0) {
        await this.#terminate();
        await this.#untilEnded(gracePeriodSeconds * 1000, signal);
      }
      // The supervisor sees the program's end, writes it down and kills the rest of its group.
      if (!this.#exit && (await signalIdentified(this.#start.program, "SIGKILL"))) {
        await this.#untilEnded(quickEndMs, signal);
      }
    }
    await this.sweep();
    if (this.#start && !this.#exit) await untilAborted(this.#exited.promise, signal);
    signal.throwIfAborted();
  }

  async #untilEnded(ms: number, signal: AbortSignal): Promise<void> {
    const cancelled = new AbortController();
    const time = this.#clock.sleep(ms, { signal: cancelled.signal });
    await untilAborted(Promise.race([this.#exited.promise, time.catch(() => {})]), signal);
    cancelled.abort();
    signal.throwIfAborted();
  }

  /** Kills every process of the container until there is none. */
  async sweep(): Promise<void> {
    if (this.#isSwept) return;
    for (let round = 0; round < maxSweeps; round++) {
      const left = await this.#processes();
      // The supervisor goes by itself, having written down the end, unless something holds it up; and what waits for it.
      const isPatient = this.#exit === undefined && round < patientSweeps;
      const supervisor = isPatient ? left.find(({ pid }) => pid === this.supervisor?.pid) : undefined;
      const others = left.filter(({ pid }) => pid !== supervisor?.pid && pid !== supervisor?.parent);
      if (others.length === 0) {
        await this.look();
        // What has ended, and left nothing, starts nothing any more.
        this.#isSwept = this.#exit !== undefined;
        if (this.#exit || !this.#start) return;
      }
      for (const entry of others) await signalIdentified(entry, "SIGKILL").catch(() => {});
      await this.#clock.sleep(sweepPauseMs);
    }
    this.#log.warn("processes of a container survive SIGKILL", { container: this.stored.id });
  }

  /** Reads the folder: started, ended, how much was written. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() =>
      this.#look().catch((error) => {
        if (!this.#closed) {
          this.#log.error("cannot read a container's folder", { dir: this.dir, error: errorMessage(error) });
        }
      }),
    );
    return this.#looking;
  }

  /** Ends the input of a program that reads from a FIFO. */
  async closeInput(): Promise<void> {
    const holder = Number(await readText(join(this.dir, "holder")));
    const entry = (await this.#processes()).find(({ pid }) => pid === holder);
    if (entry) await signalIdentified(entry, "SIGKILL");
  }

  /** Stops watching. What runs goes on. */
  close(): void {
    this.#closed = true;
    this.#unwatch();
  }

  async #look(): Promise<void> {
    if (this.#exit) return;
    const hadStarted = this.#start !== undefined;
    if (!this.#start && (await isMounted(this.dir))) this.#start = await readStart(this.dir);
    let exit = await readExit(this.dir);
    if (!exit && this.#start && !(await this.#alive(this.#start))) {
      // It may have ended, and been written down, since we looked.
      exit = (await readExit(this.dir)) ?? (await this.#recordUnknownEnd());
    }
    await this.output.refresh();
    if (this.#start && !hadStarted) {
      this.#started.resolve();
      this.#onChange();
    }
    if (exit) await this.#finish(exit);
  }

  async #finish(exit: ExitRecord): Promise<void> {
    await this.output.finish();
    this.#isOutOfMemory = exit.code !== 0 && (await this.#ranOutOfMemory());
    this.#exit = exit;
    this.#unwatch();
    this.#exited.resolve();
    this.#onChange();
  }

  /** Either of the two: a supervisor that lives is going to write the end, a program without one still runs. */
  async #alive({ program, supervisor, bootId: boot }: StartRecord): Promise<boolean> {
    if (boot !== (await bootId())) return false;
    return (await isRunning(supervisor)) || (await isRunning(program));
  }

  async #recordUnknownEnd(): Promise<ExitRecord> {
    const exit: ExitRecord = {
      code: 137,
      at: this.#clock.now(),
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when it was expected to run",
    };
    await unlessFull(() => writeJson(join(this.dir, "ended.json"), exit));
    return exit;
  }

  async #endWith(end: Omit<ExitRecord, "at">): Promise<void> {
    const exit: ExitRecord = { ...end, at: this.#clock.now() };
    await unlessFull(() => writeJson(join(this.dir, "ended.json"), exit));
    await this.#finish(exit);
  }

  async #prepared(prepare: () => Promise<ContainerLaunch>): Promise<ContainerLaunch> {
    try {
      return await prepare();
    } catch (error) {
      await this.#endWith({ code: 128, reason: "StartError", message: errorMessage(error) });
      throw error;
    }
  }

  async #spawn(launch: ContainerLaunch, cgroups: readonly string[]): Promise<void> {
    this.#watch();
    const { tty, oomScoreAdj } = this.stored.config;
    const argv = keepOddNames(launch.env, tty ? await terminalCommand(launch.argv, this.ttyFile) : launch.argv);
    if (this.fifo) await makeFifo(this.fifo);
    const { around } = launch;
    const stdin = this.fifo ?? "/dev/null";
    const options = { stateDir: this.dir, stdin, cgroups, oomScoreAdj, around, argv };
    const { file, args } = supervisorCommand(options);
    const output = await this.output.openForProgram();
    try {
      const child = spawn(file, args, {
        cwd: launch.cwd,
        env: tty ? { TERM: "xterm", ...launch.env } : launch.env,
        detached: true,
        stdio: ["ignore", output.fd, output.fd],
      });
      await this.#follow(child);
    } catch (error) {
      await this.#endWith({ code: 128, reason: "StartError", message: errorMessage(error) });
      throw new RuntimeFailure("RunContainerError", errorMessage(error), { cause: error });
    } finally {
      await output.close();
    }
  }

  async #follow(child: ChildProcess): Promise<void> {
    const spawned = deferred();
    child.once("spawn", () => spawned.resolve());
    child.once("error", (error) => spawned.reject(error));
    child.once("exit", () => void this.#onSupervisorExit());
    await spawned.promise;
    // Not before: on Deno a child that could not be started has nothing to let go of, and says so.
    child.unref();
  }

  async #onSupervisorExit(): Promise<void> {
    if (this.#closed) return;
    await this.look();
    if (this.#exit) return;
    if (!this.#start) {
      const message = "the supervisor ended before its program began";
      await this.#endWith({ code: 128, reason: "StartError", message });
      return;
    }
    // Somebody killed the supervisor; the end of what it left behind makes no sound.
    this.#clock.schedule(orphanMs, () => void this.#onSupervisorExit());
  }

  /** The supervisor's group; behind a terminal also the session that the terminal began. */
  async #terminate(): Promise<void> {
    if (!this.#start) return;
    const stopSignal = signalNumber(this.stored.config.stopSignal ?? "SIGTERM");
    if (stopSignal !== undefined && stopSignal !== signalNumber("SIGTERM")) {
      // As in a container, where the first process gets it: not all are such as the supervisor would outlive.
      await signalIdentified(this.#start.program, stopSignal);
      return;
    }
    await signalIdentified(this.#start.supervisor, "SIGTERM", { group: true });
    const leader = this.stored.config.tty ? Number((await readText(this.ttyFile))?.split(" ")[0]) : 0;
    const entry = leader ? (await this.#processes()).find(({ pid }) => pid === leader) : undefined;
    // An interactive shell ignores SIGTERM; that its terminal is gone it heeds.
    if (entry) signalProcess(-entry.pid, "SIGHUP");
  }

  #processes(): Promise<readonly ProcessEntry[]> {
    return findContainerProcesses({ containerId: this.stored.id, supervisor: this.supervisor });
  }

  #watch(): void {
    if (this.#closed || this.#watcher || this.#exit) return;
    this.#watcher = watch(this.dir, () => {
      // What happens until its program runs is little, and waited for.
      if (this.#start) {
        this.#unwatch();
        this.#cancelTimer = this.#clock.schedule(busyMs, () => {
          this.#watch();
          void this.look();
        });
      }
      void this.look();
    });
    this.#watcher.on("error", () => this.#unwatch());
    this.#watcher.unref();
  }

  #unwatch(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** Whom a program begins as that asks for this: as `setpriv` makes it so, or as the daemon itself. */
function userOf({ uid, gid, supplementalGids }: ContainerConfig["user"]): Container["user"] {
  const own = currentUid();
  if (own === undefined) return undefined;
  const asked = uid !== undefined || gid !== undefined || supplementalGids.length > 0;
  if (own === 0 && asked) return { uid: uid ?? 0, gid: gid ?? uid ?? 0, supplementalGids };
  const { gid: group = own, groups } = currentGroups();
  return { uid: own, gid: group, supplementalGids: groups };
}

async function makeFifo(path: string): Promise<void> {
  await rm(path, { force: true });
  await makeFolder(dirname(path));
  return new Promise((resolve, reject) => {
    execFile("mkfifo", ["-m", "600", path], (error) => (error ? reject(error) : resolve()));
  });
}
