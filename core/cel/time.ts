import { CelError } from "./errors.ts";
import { Duration, Timestamp } from "./values.ts";

const nanosOf: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);
/** Longest text of a time that is read. */
const maxLength = 128;

/** Reads a Go duration: `1h30m`, `-1.5s`. @throws CelError */
export function parseDuration(text: string): Duration {
  const match = text.length > maxLength ? null : /^([-+]?)((?:[0-9]*\.?[0-9]*(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  const invalid = () => new CelError(`time: invalid duration ${JSON.stringify(text)}`);
  if (!match) throw invalid();
  let nanos = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of (match[2] ?? "").matchAll(
    /([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    if (whole === "" && fraction === "") throw invalid();
    const size = nanosOf.get(unit) ?? 0n;
    nanos += BigInt(whole || "0") * size + (BigInt(fraction || "0") * size) / 10n ** BigInt(fraction.length);
  }
  return new Duration(match[1] === "-" ? -nanos : nanos);
}

/** Reads a time as RFC 3339 writes it. @throws CelError */
export function parseTimestamp(text: string): Timestamp {
  const match =
    text.length > maxLength
      ? null
      : /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([-+])(\d\d):(\d\d))$/.exec(text);
  const invalid = () =>
    new CelError(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse`);
  if (!match) throw invalid();
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && month > 0;
  if (!isReal || hour > 23 || minute > 59 || second > 59) throw invalid();
  const offset = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * (match[8] === "-" ? -60 : 60);
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  return new Timestamp(BigInt(seconds) * 1_000_000_000n + BigInt((match[7] ?? "").padEnd(9, "0").slice(0, 9)));
}

/** Writes a time as RFC 3339, with as many decimals as it needs. */
export function formatTimestamp({ nanos }: Timestamp): string {
  const seconds = floorDivide(nanos, 1_000_000_000n);
  const fraction = String(nanos - seconds * 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const text = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, "");
  return `${text}${fraction ? `.${fraction}` : ""}Z`;
}

/** Writes a duration in seconds, as `string()` does. */
export function formatDuration({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = String(size % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / 1_000_000_000n}${fraction ? `.${fraction}` : ""}s`;
}

/** Division that rounds down, also below zero. */
export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
