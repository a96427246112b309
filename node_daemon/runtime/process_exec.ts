import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { signalProcess } from "../../core/platform/processes.ts";
import { deferred } from "../../core/util/deferred.ts";
import { readText } from "./process_files.ts";
import { keepOddNames, type Launch } from "./process_root.ts";
import { forgetTerminal, resizeTerminal, terminalCommand } from "./process_terminal.ts";
import type { ExecSession } from "./runtime.ts";
import { mergeOutput, writeTo } from "./session_output.ts";

/** Options of {@linkcode startExec}. */
export interface StartExecOptions {
  readonly launch: Launch;
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Where the terminal of the session is noted; a path of its own for each session. */
  readonly ttyFile: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a program beside a container's own, in a process group that ends with the session.
 *
 * @throws RuntimeFailure when a terminal is asked for and nothing on the machine makes one
 */
export async function startExec({ launch, stdin, tty, ttyFile, signal }: StartExecOptions): Promise<ExecSession> {
  const argv = tty ? await terminalCommand(launch.argv, ttyFile) : keepOddNames(launch.env, launch.argv);
  const [file = "", ...args] = argv;
  const env = tty ? { TERM: "xterm", ...launch.env } : launch.env;
  const child = spawn(file, args, {
    cwd: launch.cwd,
    env,
    detached: true,
    stdio: [stdin || tty ? "pipe" : "ignore", "pipe", "pipe"],
  });
  const spawned = deferred();
  const exited = deferred<number>();
  child.once("spawn", () => spawned.resolve());
  child.once("error", (error) => spawned.reject(error));
  child.once("exit", (code, killedBy) => exited.resolve(code ?? 128 + signalNumber(killedBy)));
  child.stdin?.on("error", () => {});
  await spawned.promise;
  const kill = () => {
    void killSession(child, tty ? ttyFile : undefined);
  };
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  void exited.promise.then(async () => {
    signal.removeEventListener("abort", kill);
    if (tty) await forgetTerminal(ttyFile);
  });
  return {
    output: mergeOutput({ stdout: child.stdout as Readable, stderr: (tty ? undefined : child.stderr) ?? undefined }),
    write: (data) => (child.stdin ? writeTo(child.stdin, data) : Promise.resolve()),
    closeInput: () => void child.stdin?.end(),
    resize: (size) => (tty ? resizeTerminal(ttyFile, size) : Promise.resolve()),
    exitCode: exited.promise,
    kill,
  };
}

async function killSession(child: ChildProcess, ttyFile: string | undefined): Promise<void> {
  child.stdout?.destroy();
  child.stderr?.destroy();
  // Behind a terminal the program leads a session of its own.
  const leader = ttyFile === undefined ? undefined : (await readText(ttyFile))?.split(" ")[0];
  if (leader) signalProcess(-Number(leader), "SIGKILL");
  if (child.pid !== undefined) signalProcess(-child.pid, "SIGKILL");
}

function signalNumber(name: string | null): number {
  return name === null ? 0 : (constants.signals[name as keyof typeof constants.signals] ?? 0);
}
