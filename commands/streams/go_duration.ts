import { parseDuration } from "../../core/util/duration.ts";
import { UsageError } from "../verb.ts";

/**
 * Milliseconds of a flag's value as Go reads durations: `-5s`, `1m30s`, `0`.
 *
 * @throws UsageError with kubectl's words for anything else
 */
export function goDuration(flag: string, text: string, command: string): number {
  const [, sign, rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  try {
    return (sign === "-" ? -1 : 1) * parseDuration(rest);
  } catch {
    const why = /^[\d.]+$/.test(rest) ? "missing unit in" : "invalid";
    throw new UsageError(
      `invalid argument "${text}" for "--${flag}" flag: time: ${why} duration "${text}"\nSee 'wherry ${command} --help' for usage.`,
    );
  }
}
