import { parseDuration } from "../durations.ts";
import { type Flag, UsageError } from "../verb.ts";

/** The flag of verbs that may have to wait for a pod. */
export function podRunningTimeoutFlag<const Default extends string>(
  preset: Default,
): { readonly "pod-running-timeout": Flag & { readonly type: "duration"; readonly default: Default } } {
  return {
    "pod-running-timeout": {
      type: "duration",
      default: preset,
      placeholder: "duration",
      description: "How long to wait until a pod runs.",
    },
  };
}

/** Milliseconds of that flag. @throws UsageError unless it is more than nothing */
export function podRunningTimeoutMs(flags: { readonly "pod-running-timeout": string }, command: string): number {
  const ms = parseDuration(flags["pod-running-timeout"]);
  if (ms <= 0)
    throw new UsageError(
      `--pod-running-timeout must be higher than zero\nSee 'wherry ${command} -h' for help and examples`,
    );
  return ms;
}
