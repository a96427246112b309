import { UsageError } from "./verb.ts";

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration as Go writes it: `90s`, `1m30s`, `500ms`; a bare number is seconds. @throws UsageError for anything else */
export function parseDuration(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const parts =
    text.length <= 64 && /^(\d{1,9}(\.\d{1,9})?(ms|s|m|h))+$/.test(text)
      ? text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)
      : undefined;
  if (!parts) throw new UsageError(`invalid duration "${text}": use e.g. 90s, 1m30s or 500ms`);
  let ms = 0;
  for (const [, amount, unit = ""] of parts) ms += Number(amount) * (units[unit] ?? 0);
  return ms;
}
