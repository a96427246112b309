const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration of a second or more as Go writes it: `1m30.5s`. */
export function formatDuration(ms: number): string {
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  return `${hours > 0 ? `${hours}h` : ""}${hours + minutes > 0 ? `${minutes}m` : ""}${(ms % 60_000) / 1000}s`;
}

/**
 * Milliseconds of a duration as Go writes it: `90s`, `1m30s`, `500ms`.
 *
 * @throws SyntaxError for anything else
 */
export function parseDuration(text: string): number {
  if (text.length > 64 || !/^(\d{1,9}(\.\d{1,9})?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    throw new SyntaxError(`invalid duration ${JSON.stringify(text.slice(0, 64))}: use e.g. 90s, 1m30s or 500ms`);
  }
  let ms = 0;
  for (const [, amount, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(amount) * (units[unit] ?? 0);
  return ms;
}
