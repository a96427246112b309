import { execFileSync, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { eventually } from "../e2e/harness.ts";

const script = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "tools", "dockerd.sh");

/** Whether an engine of the test's own can run here: it needs root and dockerd. */
export function canRunEngine(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v dockerd && command -v unshare"], { stdio: "ignore" });
    return process.geteuid?.() === 0;
  } catch {
    return false;
  }
}

/** An engine of the test's own. Disposal ends it, and the containers with it. */
export interface OwnEngine extends AsyncDisposable {
  readonly engine: Docker;
  readonly pid: number;
  /** For `DOCKER_HOST`. */
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Starts an engine whose data, state and socket are in `folder`.
 *
 * @param options.diskMiB what it keeps is on a file system of that size, which only those in its namespace of mounts see
 */
export async function startEngine(folder: string, { diskMiB }: { readonly diskMiB?: number } = {}): Promise<OwnEngine> {
  const mount = `mkdir -p "$1/data" && mount -t tmpfs -o size=${diskMiB}m none "$1/data" && exec sh "$0" "$1"`;
  const child =
    diskMiB === undefined
      ? spawn("sh", [script, folder], { stdio: "ignore" })
      : spawn("unshare", ["-m", "sh", "-c", mount, script, folder], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const socketPath = join(folder, "docker.sock");
  const engine = new Docker({ socketPath });
  await eventually("the engine answers", () =>
    engine
      .ping()
      .then(() => true)
      .catch(() => undefined),
  );
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, "SIGTERM");
    await ended;
  };
  return { engine, pid: child.pid ?? 0, address: `unix://${socketPath}`, stop, [Symbol.asyncDispose]: stop };
}
