import { CelError } from "../errors.ts";
import { type FunctionSet, type Overload, overload } from "../overload.ts";
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from "../time.ts";
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  param,
  string,
  timestamp,
  typeType,
  uint,
} from "../types.ts";
import { type CelMap, Duration, listSemantics, Timestamp, TypeValue, typeNameOf, Uint, type Value } from "../values.ts";

const T = param("T");
const K = param("K");
const V = param("V");
const minInt = -(2n ** 63n);

function checked(value: bigint): bigint {
  if (value > 0x7fff_ffff_ffff_ffffn || value < minInt) throw new CelError("integer overflow");
  return value;
}

type Arithmetic = {
  readonly int: (a: bigint, b: bigint) => bigint;
  readonly double?: (a: number, b: number) => number;
};

/** The overloads of an operator on two numbers of the same kind. */
function arithmetic({ int: onInts, double: onDoubles }: Arithmetic): readonly Overload[] {
  return [
    overload([int, int], int, ([a, b]) => checked(onInts(a as bigint, b as bigint))),
    overload([uint, uint], uint, ([a, b]) => new Uint(onInts((a as Uint).value, (b as Uint).value))),
    ...(onDoubles ? [overload([double, double], double, ([a, b]) => onDoubles(a as number, b as number))] : []),
  ];
}

function notZero(divisor: bigint, message: string): bigint {
  if (divisor === 0n) throw new CelError(message);
  return divisor;
}

const addNanos = (a: Timestamp | Duration, b: Timestamp | Duration) => a.nanos + b.nanos;

const addition: readonly Overload[] = [
  ...arithmetic({ int: (a, b) => a + b, double: (a, b) => a + b }),
  overload([string, string], string, ([a, b], budget) => {
    budget.traverse((a as string).length + (b as string).length);
    return (a as string) + (b as string);
  }),
  overload([bytes, bytes], bytes, ([a, b], budget) => {
    const [left, right] = [a as Uint8Array, b as Uint8Array];
    budget.traverse(left.length + right.length);
    return Uint8Array.from([...left, ...right]);
  }),
  overload([listOf(T), listOf(T)], listOf(T), ([a, b], budget) => {
    const [left, right] = [a as readonly Value[], b as readonly Value[]];
    budget.traverse(left.length + right.length);
    return joinLists(left, right);
  }),
  overload([timestamp, duration], timestamp, ([a, b]) => new Timestamp(addNanos(a as Timestamp, b as Duration))),
  overload([duration, timestamp], timestamp, ([a, b]) => new Timestamp(addNanos(a as Duration, b as Timestamp))),
  overload([duration, duration], duration, ([a, b]) => new Duration(addNanos(a as Duration, b as Duration))),
];

/** Joins two lists; sets keep one of each, and elements of a map list replace those with their key. */
function joinLists(left: readonly Value[], right: readonly Value[]): readonly Value[] {
  const semantics = listSemantics.get(left);
  if (semantics === undefined) return [...left, ...right];
  const joined = new Map(left.map((value) => [semantics.keyOf(value), value]));
  for (const value of right) {
    const key = semantics.keyOf(value);
    if (semantics.replaces || !joined.has(key)) joined.set(key, value);
  }
  const list = [...joined.values()];
  listSemantics.set(list, semantics);
  return list;
}

const subtraction: readonly Overload[] = [
  ...arithmetic({ int: (a, b) => a - b, double: (a, b) => a - b }),
  overload([timestamp, timestamp], duration, ([a, b]) => new Duration((a as Timestamp).nanos - (b as Timestamp).nanos)),
  overload([timestamp, duration], timestamp, ([a, b]) => new Timestamp((a as Timestamp).nanos - (b as Duration).nanos)),
  overload([duration, duration], duration, ([a, b]) => new Duration((a as Duration).nanos - (b as Duration).nanos)),
];

const sizeOf: readonly Overload[] = [
  overload([string], int, ([text], budget) => {
    budget.traverse((text as string).length);
    return BigInt(codePoints(text as string));
  }),
  overload([bytes], int, ([value]) => BigInt((value as Uint8Array).length)),
  overload([listOf(T)], int, ([list]) => BigInt((list as readonly Value[]).length)),
  overload([mapOf(K, V)], int, ([map]) => BigInt((map as CelMap).size)),
];

/** How many characters a text has, as Unicode counts. */
function codePoints(text: string): number {
  let count = text.length;
  for (let index = 1; index < text.length; index++) {
    const isPair = (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
    if (isPair) count--;
  }
  return count;
}

function toInt(value: number, message: string): bigint {
  // The next double below 2^63 and above -2^63 are the last that fit, as cel-go has it.
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw new CelError(message);
  return BigInt(Math.trunc(value));
}

function parseInteger(text: string, signed: boolean): bigint {
  if (!(signed ? /^[-+]?[0-9]{1,20}$/ : /^[0-9]{1,20}$/).test(text))
    throw new CelError(
      `strconv.Parse${signed ? "Int" : "Uint"}: parsing ${JSON.stringify(text.slice(0, 64))}: invalid syntax`,
    );
  return BigInt(text);
}

function parseDouble(text: string): number {
  const isNumber = text.length <= 512 && /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/.test(text);
  if (isNumber) return Number(text);
  const special = /^[-+]?(inf|infinity|nan)$/i.exec(text);
  if (!special) throw new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(text.slice(0, 64))}: invalid syntax`);
  return /nan/i.test(text) ? Number.NaN : text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function parseBool(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new CelError(`type conversion error from 'string' to 'bool'`);
}

function decodeText(value: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch (cause) {
    throw new CelError("invalid UTF-8 in bytes, cannot convert to string", { cause });
  }
}

/** A number as Go's %g writes it. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value).replace(/e([-+])(\d)$/, "e$10$2");
}

const same = (type: CelType): Overload => overload([type], type, ([value]) => value ?? null);

/** Conversions: `int("1")`, `string(1)`. */
const conversions: readonly FunctionSet[] = [
  {
    name: "int",
    global: [
      same(int),
      overload([uint], int, ([value]) => checked((value as Uint).value)),
      overload([double], int, ([value]) => toInt(value as number, "integer overflow")),
      overload([string], int, ([text]) => checked(parseInteger(text as string, true))),
      overload([timestamp], int, ([time]) => (time as Timestamp).nanos / 1_000_000_000n),
      overload([duration], int, ([span]) => (span as Duration).nanos),
    ],
  },
  {
    name: "uint",
    global: [
      same(uint),
      overload([int], uint, ([value]) => new Uint(value as bigint)),
      overload([double], uint, ([value]) => {
        if (!((value as number) >= 0 && (value as number) < 2 ** 64)) throw new CelError("unsigned integer overflow");
        return new Uint(BigInt(Math.trunc(value as number)));
      }),
      overload([string], uint, ([text]) => new Uint(parseInteger(text as string, false))),
    ],
  },
  {
    name: "double",
    global: [
      same(double),
      overload([int], double, ([value]) => Number(value)),
      overload([uint], double, ([value]) => Number((value as Uint).value)),
      overload([string], double, ([text]) => parseDouble(text as string)),
    ],
  },
  {
    name: "string",
    global: [
      same(string),
      overload([bool], string, ([value]) => String(value)),
      overload([int], string, ([value]) => String(value)),
      overload([uint], string, ([value]) => String((value as Uint).value)),
      overload([double], string, ([value]) => formatDouble(value as number)),
      overload([bytes], string, ([value], budget) => {
        budget.traverse((value as Uint8Array).length);
        return decodeText(value as Uint8Array);
      }),
      overload([timestamp], string, ([time]) => formatTimestamp(time as Timestamp)),
      overload([duration], string, ([span]) => formatDuration(span as Duration)),
    ],
  },
  {
    name: "bytes",
    global: [
      same(bytes),
      overload([string], bytes, ([text], budget) => {
        budget.traverse((text as string).length);
        return new TextEncoder().encode(text as string);
      }),
    ],
  },
  { name: "bool", global: [same(bool), overload([string], bool, ([text]) => parseBool(text as string))] },
  {
    name: "duration",
    global: [
      same(duration),
      overload([string], duration, ([text]) => parseDuration(text as string)),
      overload([int], duration, ([nanos]) => new Duration(nanos as bigint)),
    ],
  },
  {
    name: "timestamp",
    global: [
      same(timestamp),
      overload([string], timestamp, ([text]) => parseTimestamp(text as string)),
      overload([int], timestamp, ([seconds]) => new Timestamp((seconds as bigint) * 1_000_000_000n)),
    ],
  },
  { name: "dyn", global: [overload([T], dyn, ([value]) => value ?? null)] },
  { name: "type", global: [overload([T], typeType, ([value]) => new TypeValue(typeNameOf(value ?? null)))] },
];

/** Operators on values, and conversions. */
export const standardFunctions: readonly FunctionSet[] = [
  { name: "_+_", global: addition },
  { name: "_-_", global: subtraction },
  { name: "_*_", global: arithmetic({ int: (a, b) => a * b, double: (a, b) => a * b }) },
  {
    name: "_/_",
    global: arithmetic({ int: (a, b) => a / notZero(b, "division by zero"), double: (a, b) => a / b }),
  },
  { name: "_%_", global: arithmetic({ int: (a, b) => a % notZero(b, "modulus by zero") }) },
  {
    name: "-_",
    global: [
      overload([int], int, ([value]) => checked(-(value as bigint))),
      overload([double], double, ([value]) => -(value as number)),
    ],
  },
  { name: "!_", global: [overload([bool], bool, ([value]) => !value)] },
  { name: "size", global: sizeOf, member: sizeOf },
  ...conversions,
];
