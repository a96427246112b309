import { createLogger, type Logger, type LogLevel } from "../core/util/log.ts";
import type { CommandEnv } from "./env.ts";
import { type Flag, UsageError } from "./verb.ts";

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** The flag of verbs that are daemons. */
export const loggingFlags: { readonly "log-level": Flag & { readonly type: "string"; readonly default: "info" } } = {
  "log-level": {
    type: "string",
    default: "info",
    placeholder: "level",
    description: "Least severe lines to log: debug, info, warn or error.",
  },
};

/** A logger to standard error. @throws UsageError for a level that there is not */
export function daemonLogger(flags: { readonly "log-level": string }, env: CommandEnv): Logger {
  const level = levels.find((name) => name === flags["log-level"]);
  if (!level) throw new UsageError(`invalid --log-level "${flags["log-level"]}": use ${levels.join(", ")}`);
  return createLogger({ write: (line) => env.terminal.warn(line), level, clock: env.clock });
}

/** Resolves when the user asks to stop. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
