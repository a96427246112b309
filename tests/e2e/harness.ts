import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

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
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Result>;
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const onDeno = "Deno" in globalThis;

/** How `wherry` is run here: the built program on Node, the sources on Deno. */
export const wherry: readonly string[] = onDeno
  ? [process.execPath, "run", "-A", "--config", join(root, "deno.npm.json"), join(root, "cli.ts")]
  : [process.execPath, join(root, "bin", "wherry.cjs")];

/** A folder of the test's own, removed at the end of the block. */
export function temporaryFolder(): { readonly path: string; [Symbol.asyncDispose](): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), "wherry-e2e-"));
  return {
    path,
    async [Symbol.asyncDispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Runs a command to its end. */
export async function run(
  command: readonly string[],
  options: { readonly env?: Record<string, string>; readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<Result> {
  const running = launch(command, options.env);
  running.child.stdin?.end(options.input ?? "");
  const timer = setTimeout(() => running.child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
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
    output: () => text.all,
    printed(pattern) {
      return new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${why} before it printed ${pattern}:\n${text.all}`));
        const timer = setTimeout(() => fail("30 s passed"), 30_000);
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
      child.kill(signal);
      return await ended;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

function launch([program = "", ...args]: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
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

/** Where kubectl is; undefined when it is not on the machine. */
export const kubectl: string | undefined = find("kubectl");

function find(program: string): string | undefined {
  try {
    return execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}
