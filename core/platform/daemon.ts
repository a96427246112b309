import process from "node:process";
import { errorMessage } from "../util/log.ts";

/**
 * Runs a daemon until the first SIGINT or SIGTERM, closes it, and ends the process with 0. The second signal ends it at
 * once with 130; a start that fails is told on standard error and ends it with 1.
 *
 * @param start opens everything; its signal is aborted by the first process signal, also while it still runs
 */
export async function runDaemon(start: (signal: AbortSignal) => Promise<AsyncDisposable>): Promise<never> {
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener("abort", () => resolve()));
  const onSignal = () => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new DOMException("The daemon was told to stop", "AbortError"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    const daemon = await start(stopping.signal);
    await stopped;
    await daemon[Symbol.asyncDispose]();
  } catch (error) {
    if (!stopping.signal.aborted || error !== stopping.signal.reason) {
      process.stderr.write(`error: ${errorMessage(error)}\n`);
      process.exit(1);
    }
  }
  process.exit(0);
}
