import { parseDuration as parse } from "../core/util/duration.ts";
import { UsageError } from "./verb.ts";

/** Milliseconds of a duration: `90s`, `1m30s`, `-500ms`; a bare number is seconds. @throws UsageError for anything else */
export function parseDuration(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  try {
    return text.startsWith("-") ? -parse(text.slice(1)) : parse(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
