import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Client } from "../../core/client/client.ts";
import { createClient } from "../../core/client/create_client.ts";
import { httpTransport } from "../../core/client/http_transport.ts";
import { loadKubeconfig, resolveContext } from "../../core/client/kubeconfig.ts";
import { sharedMemoryOf } from "../../core/platform/shared_memory.ts";
import { patienceMs } from "../patience.ts";

/** What a finished command printed. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Everything printed so far, on both streams. */
  output(): string;
  /** Resolves once the output has what `pattern` says. Rejects when the command ends first, or after 30 s. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when it has ended. */
  readonly ended: Promise<Result>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Result>;
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const onDeno = "Deno" in globalThis;

const runProgram = onDeno
  ? [process.execPath, "run", "-A", "--config", join(root, "deno.npm.json")]
  : [process.execPath];

/** The built program, which starts twice as fast as the sources: for the verbs by which tests look at a cluster and change it. */
export const builtWherry: readonly string[] = [...runProgram, join(root, "bin", "wherry.cjs")];

/** How `wherry` is run here: the built program on Node, the sources on Deno. */
export const wherry: readonly string[] = onDeno ? [...runProgram, join(root, "cli.ts")] : builtWherry;

/** Where Deno keeps what it compiled: tests that have a home of their own would make it anew. */
const denoDir = process.env["DENO_DIR"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "deno");

/**
 * A folder of the test's own, removed at the end of the block. What daemons that were killed left of it is ended, too: what
 * runs, and what is in the machine's memory.
 */
export function temporaryFolder(): { readonly path: string; [Symbol.asyncDispose](): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), "wherry-e2e-"));
  return {
    path,
    async [Symbol.asyncDispose]() {
      const processes = processesOf(path);
      // A folder of which only they know may be mounted where nobody else sees it.
      const sandboxes = processes.flatMap((pid) => {
        const held = /(?:^|\0)WHERRY_SANDBOX=([^\0]+)/.exec(readQuietly(`/proc/${pid}/environ`))?.[1];
        return held === undefined ? [] : [dirname(held)];
      });
      for (const pid of processes) send({ pid }, "SIGKILL");
      for (const folder of [...sandboxes, ...foldersIn(path)])
        rmSync(sharedMemoryOf(folder), { recursive: true, force: true });
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** As deep as a node's folder lies in that of a cluster, and its sandboxes in it. */
const maxDepth = 5;

function foldersIn(path: string, depth = 0): readonly string[] {
  if (depth === maxDepth || !existsSync(path)) return [path];
  const inside = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [path, ...inside.flatMap(({ name }) => foldersIn(join(path, name), depth + 1))];
}

/** Runs a command to its end. */
export async function run(
  command: readonly string[],
  options: { readonly env?: Record<string, string>; readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<Result> {
  const running = launch(command, options.env);
  running.child.stdin?.end(options.input ?? "");
  const timer = setTimeout(() => running.child.kill("SIGKILL"), options.timeoutMs ?? 3 * patienceMs);
  try {
    return await running.ended;
  } finally {
    clearTimeout(timer);
  }
}

/** Starts a command that stays. Disposal ends it. */
export function start(command: readonly string[], options: { readonly env?: Record<string, string> } = {}): Running {
  const { child, ended, text, listeners } = launch(command, options.env);
  return {
    child,
    ended,
    output: () => text.all,
    printed(pattern) {
      return new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${why} before it printed ${pattern}:\n${text.all}`));
        const timer = setTimeout(() => fail(`${patienceMs} ms passed`), patienceMs);
        const look = () => {
          const match = pattern.exec(text.all);
          if (!match) return;
          clearTimeout(timer);
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then(() => {
          clearTimeout(timer);
          fail("It ended");
        });
      });
    },
    async stop(signal = "SIGTERM") {
      send(child, signal);
      return await ended;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) send(child, "SIGTERM");
      const timer = setTimeout(() => {
        console.warn(`Killed, as 15 s after SIGTERM it still ran: ${command.join(" ")}`);
        send(child, "SIGKILL");
      }, 15_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

function launch([program = "", ...args]: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...(onDeno ? { DENO_DIR: denoDir } : {}), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // It may end without having read all that it is sent: how it ended is what tells.
  child.stdin?.on("error", () => {});
  const text = { stdout: "", stderr: "", all: "" };
  const listeners = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (chunk: string) => {
      text[stream] += chunk;
      text.all += chunk;
      for (const listener of [...listeners]) listener();
    });
  }
  const ended = once(child, "close").then(
    ([code]): Result => ({ code: typeof code === "number" ? code : -1, stdout: text.stdout, stderr: text.stderr }),
  );
  return { child, ended, text, listeners };
}

/** A cluster that `wherry up` runs, and ways to use it. Disposal ends it with its pods. */
export interface TestCluster extends AsyncDisposable {
  readonly up: Running;
  /** The folder given; the cluster's data is in `data`, its kubeconfig is `config`. */
  readonly folder: string;
  readonly kubeconfig: string;
  /** Address on which node ports are served; the cluster's own. */
  readonly nodePortAddress: string;
  /** The API as any library sees it: over TLS, through the kubeconfig. */
  readonly client: Client;
  /** Runs a verb to its end. */
  wherry(...args: readonly string[]): Promise<Result>;
  /** Runs a verb that must end with 0. Resolves with what it printed on standard output. */
  ok(...args: readonly string[]): Promise<string>;
  /** Starts a verb that stays. */
  follow(...args: readonly string[]): Running;
  /** `wherry apply -f -` of objects, which must end with 0. Resolves with what it printed. */
  apply(...objects: readonly object[]): Promise<string>;
}

/** Starts `wherry up` with the process runtime in `folder`, and resolves when it is ready. */
export async function startUp(folder: string, ...flags: readonly string[]): Promise<TestCluster> {
  const kubeconfig = join(folder, "config");
  const nodePortAddress = ownAddress();
  const up = start([...wherry, "up", ...clusterFlags(folder, nodePortAddress), ...flags], { env: { HOME: folder } });
  await up.printed(/Ctrl-C stops the cluster/);
  const access = await useCluster(kubeconfig, folder);
  return {
    up,
    folder,
    nodePortAddress,
    ...access,
    async [Symbol.asyncDispose]() {
      await access.client[Symbol.asyncDispose]();
      await up[Symbol.asyncDispose]();
    },
  };
}

/** The flags that keep a test's cluster apart from every other on the machine. */
export function clusterFlags(folder: string, nodePortAddress: string): readonly string[] {
  return [
    "--data-dir",
    join(folder, "data"),
    "--kubeconfig",
    join(folder, "config"),
    "--secure-port",
    "0",
    "--container-runtime",
    "process",
    "--nodeport-addresses",
    nodePortAddress,
  ];
}

/** An address of this machine that nothing else uses: node ports of clusters side by side do not meet on it. */
export function ownAddress(): string {
  return `127.250.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}

/** What a kubeconfig leads to. */
export async function useCluster(
  kubeconfig: string,
  home: string,
): Promise<Pick<TestCluster, "kubeconfig" | "client" | "wherry" | "ok" | "follow" | "apply">> {
  const { transport } = await resolveContext(await loadKubeconfig({ path: kubeconfig }));
  const line = (args: readonly string[]) => [...builtWherry, "--kubeconfig", kubeconfig, ...args];
  const env = { HOME: home };
  const ok = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await run(line(args), { env, ...(input === undefined ? {} : { input }) });
    if (code !== 0) throw new Error(`wherry ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    kubeconfig,
    client: createClient(httpTransport(transport)),
    wherry: (...args) => run(line(args), { env }),
    ok: (...args) => ok(args),
    follow: (...args) => start(line(args), { env }),
    apply: (...objects) => ok(["apply", "-f", "-"], objects.map((object) => JSON.stringify(object)).join("\n---\n")),
  };
}

/** A client of a master that was started by itself, as the holder of a token. `ca` is the path of its authority's certificate. */
export async function adminOf(server: string, ca: string, token: string): Promise<Client> {
  return createClient(httpTransport({ server, ca: readFileSync(ca, "utf8"), token }));
}

/** Ids of the processes whose command line or environment mentions `text`, such as the folder of a cluster. */
export function processesOf(text: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ["cmdline", "environ"].some((file) => readQuietly(`/proc/${pid}/${file}`).includes(text)))
    .map(Number);
}

/** Whether a process has ended: it is gone, or waits to be reaped, with all its threads, so that its sockets are closed. */
export function hasEnded(pid: number): boolean {
  const status = readQuietly(`/proc/${pid}/status`);
  return status === "" || (/^State:\s+Z/m.test(status) && /^Threads:\s+[01]$/m.test(status));
}

/** Resolves with the first answer of `ask` that is not undefined. For what cannot be watched, only. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  timeoutMs: number = patienceMs,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${timeoutMs} ms passed before ${what}`);
    await sleep(20);
  }
}

/** Not `child.kill()`: after that Deno reports every end as that by the signal. */
function send({ pid }: { readonly pid?: number | undefined }, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch {
    // It has ended since.
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Whether file systems can be mounted here, out of everybody else's sight. */
export function canMount(): boolean {
  try {
    execFileSync("unshare", ["-m", "true"], { stdio: "ignore" });
    return process.geteuid?.() === 0;
  } catch {
    console.warn("Skipped: a file system of the test's own needs root and unshare");
    return false;
  }
}

/** Where kubectl is; undefined when it is not on the machine. */
export const kubectl: string | undefined = find("kubectl");

/**
 * What kubectl up to 1.33 says when it was sent output over a WebSocket before it was ready to read: it throws that away.
 *
 * @see https://github.com/kubernetes/kubernetes/pull/131203
 */
export const losesOutput: RegExp = /Unknown stream id \d+, discarding message/;

function find(program: string): string | undefined {
  try {
    return execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}
