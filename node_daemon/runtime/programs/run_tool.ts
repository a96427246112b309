import { spawn } from "node:child_process";
import { environmentVariables } from "../../../core/platform/process.ts";
import { signalProcess } from "../../../core/platform/processes.ts";

/** How a helper program ended, and the last of what it wrote. */
export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** More than any answer that is read here; what goes before it is dropped. */
const maxOutput = 1024 * 1024;

/**
 * Runs a program of the machine to its end, in the daemon's own environment, since that is where proxies, registries and
 * logins are set. It is ended with all it started when the signal is aborted.
 *
 * @throws Error when it cannot be started, or was aborted
 */
export function runTool(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<ToolResult> {
  const { cwd, env = {}, signal } = options;
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(file, args, {
      cwd,
      env: { ...environmentVariables(), ...env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] = (texts[name] + text).slice(-maxOutput);
      });
    }
    const kill = () => {
      if (child.pid !== undefined) signalProcess(-child.pid, "SIGKILL");
    };
    signal.addEventListener("abort", kill, { once: true });
    child.once("error", reject);
    child.once("close", (code) => {
      signal.removeEventListener("abort", kill);
      if (signal.aborted) reject(signal.reason);
      else resolve({ code: code ?? 1, ...texts });
    });
  });
}
