/** Bounds of one field of a schedule, and the names that its numbers have. */
interface FieldBounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const fields: readonly FieldBounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];

const descriptors = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const every = "@every ";
const duration = /^[-+]?(0|(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/;

/** Longer schedules are refused before they are read. */
const maxLength = 4096;

/**
 * Why `text` is no schedule, in the words of the library that Kubernetes reads them with; undefined when it is one.
 * Five fields, or a descriptor (`@daily`, `@every 1h30m`).
 *
 * @see https://github.com/robfig/cron ParseStandard
 */
export function scheduleError(text: string): string | undefined {
  if (text.length > maxLength) return `schedule is longer than ${maxLength} characters`;
  const zone = /^(?:CRON_)?TZ=(\S*) /.exec(text);
  const spec = zone ? text.slice(zone[0].length).trim() : text;
  if (spec.startsWith("@")) return descriptorError(spec);
  const parts = spec.split(/\s+/).filter((part) => part !== "");
  if (parts.length !== fields.length)
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(" ")}]`;
  for (const [index, part] of parts.entries()) {
    const reason = fieldReason(part, fields[index] ?? { min: 0, max: 0 });
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function descriptorError(spec: string): string | undefined {
  if (descriptors.includes(spec)) return undefined;
  if (!spec.startsWith(every)) return `unrecognized descriptor: ${spec}`;
  const text = spec.slice(every.length);
  return duration.test(text)
    ? undefined
    : `failed to parse duration ${spec}: time: invalid duration ${JSON.stringify(text)}`;
}

function fieldReason(text: string, bounds: FieldBounds): string | undefined {
  for (const range of text.split(",").filter((part) => part !== "")) {
    const reason = rangeReason(range, bounds);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function rangeReason(text: string, { min, max, names }: FieldBounds): string | undefined {
  const [range = "", ...steps] = text.split("/");
  const limits = range.split("-");
  const [low = "", high = low] = limits;
  let [start, end] = [min, max];
  if (low !== "*" && low !== "?") {
    const first = readNumber(low, names);
    if (typeof first === "string") return first;
    if (limits.length > 2) return `too many hyphens: ${text}`;
    const last = readNumber(high, names);
    if (typeof last === "string") return last;
    [start, end] = [first, last];
  }
  if (steps.length > 1) return `too many slashes: ${text}`;
  let step = 1;
  if (steps[0] !== undefined) {
    const read = readNumber(steps[0], undefined);
    if (typeof read === "string") return read;
    step = read;
    if (limits.length === 1) end = max;
  }
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${text}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  return step === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** The number that a text or a name stands for; why there is none, where there is none. */
function readNumber(text: string, names: readonly string[] | undefined): number | string {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return names === months ? named + 1 : named;
  if (!/^[-+]?\d+$/.test(text))
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  const number = Number(text);
  if (!Number.isSafeInteger(number))
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`;
  return number < 0 ? `negative number (${number}) not allowed: ${text}` : number;
}
