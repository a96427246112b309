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

/** Schedules with a name. */
const descriptors: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const every = "@every ";
const duration = /^[-+]?(0|(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/;

/** The numbers that a field stands for, and whether it is a star, so that it asks for nothing. */
export interface CronField {
  readonly values: ReadonlySet<number>;
  readonly isStar: boolean;
}

/** When something is to be done: at certain minutes, or again and again after so many seconds. */
export type CronSchedule =
  | {
      readonly type: "fields";
      /** The zone that the schedule itself names (`TZ=…`). */
      readonly zone: string | undefined;
      readonly minute: CronField;
      readonly hour: CronField;
      readonly dayOfMonth: CronField;
      readonly month: CronField;
      readonly dayOfWeek: CronField;
    }
  | { readonly type: "every"; readonly seconds: number };

/** Longer schedules are refused before they are read. */
const maxLength = 4096;

/**
 * Why `text` is no schedule, in the words of the library that Kubernetes reads them with; undefined when it is one.
 */
export function scheduleError(text: string): string | undefined {
  const schedule = parseSchedule(text);
  return typeof schedule === "string" ? schedule : undefined;
}

/**
 * Reads a schedule: five fields, or a descriptor (`@daily`, `@every 1h30m`).
 *
 * @returns why the text is none, where it is none
 * @see https://github.com/robfig/cron ParseStandard
 */
export function parseSchedule(text: string): CronSchedule | string {
  if (text.length > maxLength) return `schedule is longer than ${maxLength} characters`;
  const zone = /^(?:CRON_)?TZ=(\S*) /.exec(text);
  const spec = zone ? text.slice(zone[0].length).trim() : text;
  if (spec.startsWith(every)) return parseEvery(spec);
  if (spec.startsWith("@") && !Object.hasOwn(descriptors, spec)) return `unrecognized descriptor: ${spec}`;
  const parts = (spec.startsWith("@") ? (descriptors[spec] ?? "") : spec).split(/\s+/).filter((part) => part !== "");
  if (parts.length !== fields.length)
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(" ")}]`;
  const read: CronField[] = [];
  for (const [index, part] of parts.entries()) {
    const field = parseField(part, fields[index] ?? { min: 0, max: 0 });
    if (typeof field === "string") return field;
    read.push(field);
  }
  const none: CronField = { values: new Set(), isStar: false };
  const [minute = none, hour = none, dayOfMonth = none, month = none, dayOfWeek = none] = read;
  return { type: "fields", zone: zone?.[1], minute, hour, dayOfMonth, month, dayOfWeek };
}

const unitSeconds: Readonly<Record<string, number>> = {
  h: 3600,
  m: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ns: 1e-9,
};

function parseEvery(spec: string): CronSchedule | string {
  const text = spec.slice(every.length);
  if (!duration.test(text)) return `failed to parse duration ${spec}: time: invalid duration ${JSON.stringify(text)}`;
  let seconds = 0;
  for (const [, amount = "0", unit = "s"] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    seconds += Number(amount) * (unitSeconds[unit] ?? 0);
  return { type: "every", seconds: text.startsWith("-") ? 1 : Math.max(1, Math.floor(seconds)) };
}

function parseField(text: string, bounds: FieldBounds): CronField | string {
  const values = new Set<number>();
  let isStar = false;
  for (const part of text.split(",").filter((each) => each !== "")) {
    const range = parseRange(part, bounds);
    if (typeof range === "string") return range;
    isStar ||= range.isStar;
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
  }
  return { values, isStar };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly isStar: boolean;
}

function parseRange(text: string, { min, max, names }: FieldBounds): Range | string {
  const [range = "", ...steps] = text.split("/");
  const limits = range.split("-");
  const [low = "", high = low] = limits;
  const isAll = low === "*" || low === "?";
  let [start, end] = [min, max];
  if (!isAll) {
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
  if (step === 0) return `step of range should be a positive number: ${text}`;
  return { start, end, step, isStar: isAll && step === 1 };
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
