import type { Budget } from "./budget.ts";
import { CelError } from "./errors.ts";

/** A value of an expression. Integers are bigints, floating point numbers are numbers. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | TypeValue
  | Optional
  | CelMap
  | Opaque
  | readonly Value[];

/** An unsigned 64-bit integer. */
export class Uint {
  readonly value: bigint;
  /** @throws CelError outside the range */
  constructor(value: bigint) {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new CelError("unsigned integer overflow");
    this.value = value;
  }
}

/** A type as a value, what `type(x)` gives. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const firstSecond = -62_135_596_800n;
const lastSecond = 253_402_300_799n;
const billion = 1_000_000_000n;

/** A point in time between the years 1 and 9999, in nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint;
  /** @throws CelError outside the range */
  constructor(nanos: bigint) {
    if (nanos < firstSecond * billion || nanos >= (lastSecond + 1n) * billion) throw new CelError("timestamp overflow");
    this.nanos = nanos;
  }
}

const maxDuration = 0x7fff_ffff_ffff_ffffn;

/** A span of time in nanoseconds; up to 290 years, as Go's. */
export class Duration {
  readonly nanos: bigint;
  /** @throws CelError outside the range */
  constructor(nanos: bigint) {
    if (nanos > maxDuration || nanos < -maxDuration - 1n) throw new CelError("duration overflow");
    this.nanos = nanos;
  }
}

/** A value that may be missing. */
export class Optional {
  readonly value: Value | undefined;
  constructor(value?: Value) {
    this.value = value;
  }
}

/** A map, or an object with typed members. */
export abstract class CelMap {
  /** The name of the type: `map`, or an object's. */
  readonly typeName: string = "map";
  abstract get size(): number;
  abstract get(key: Value): Value | undefined;
  abstract keys(): readonly Value[];
}

/** A map, or message, that an expression made. Keys are strings, integers and booleans; `1`, `1u` and `1.0` are the same key. */
export class LiteralMap extends CelMap {
  override readonly typeName: string;
  readonly #entries = new Map<string | bigint | boolean, readonly [key: Value, value: Value]>();

  constructor(typeName = "map") {
    super();
    this.typeName = typeName;
  }

  get size(): number {
    return this.#entries.size;
  }
  get(key: Value): Value | undefined {
    const canonical = canonicalKey(key);
    return canonical === undefined ? undefined : this.#entries.get(canonical)?.[1];
  }
  keys(): readonly Value[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
  /** @throws CelError for a key that no map can have, or that is there already */
  add(key: Value, value: Value): void {
    const canonical = typeof key === "number" ? undefined : canonicalKey(key);
    if (canonical === undefined) throw new CelError("unsupported key type");
    if (this.#entries.has(canonical)) throw new CelError(`insert failed: key ${display(key)} already exists`);
    this.#entries.set(canonical, [key, value]);
  }
}

function canonicalKey(key: Value): string | bigint | boolean | undefined {
  if (typeof key === "string" || typeof key === "bigint" || typeof key === "boolean") return key;
  if (key instanceof Uint) return key.value;
  return typeof key === "number" && Number.isInteger(key) ? BigInt(key) : undefined;
}

/** A value that only functions read, such as a quantity. */
export abstract class Opaque {
  abstract readonly typeName: string;
  abstract equals(other: Opaque): boolean;
}

/** How a list that is a set or a map compares and joins; most lists have none. */
export interface ListSemantics {
  /** What makes an element the same as another. */
  keyOf(element: Value): string;
  /** Whether elements with the same key replace one another, and are compared. */
  readonly replaces: boolean;
}
/** The lists that have semantics of their own. */
export const listSemantics: WeakMap<readonly Value[], ListSemantics> = new WeakMap();

/** The name of a value's type, as `type(x)` shows it. */
export function typeNameOf(value: Value): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
  }
  if (isList(value)) return "list";
  if (value instanceof CelMap || value instanceof Opaque) return value.typeName;
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Uint) return "uint";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  return value instanceof Optional ? "optional_type" : "type";
}

/** Whether the value is a list. */
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Whether two values are the same: deeply, and `1 == 1u == 1.0`. Pays for what it looks at. */
export function equals(a: Value, b: Value, budget: Budget): boolean {
  budget.spend(0.2);
  if (a === b) return true;
  if (typeof a === "string" && typeof b === "string") {
    budget.traverse(Math.min(a.length, b.length));
    return false;
  }
  const order = compareNumbers(a, b);
  if (order !== undefined) return order === 0;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (isList(a)) return isList(b) && equalLists(a, b, budget);
  if (a instanceof CelMap) return b instanceof CelMap && equalMaps(a, b, budget);
  if (a instanceof Uint8Array) {
    if (!(b instanceof Uint8Array) || a.length !== b.length) return false;
    budget.traverse(a.length);
    return a.every((byte, index) => byte === b[index]);
  }
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Optional) {
    if (!(b instanceof Optional)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equals(a.value, b.value, budget);
  }
  return a instanceof Opaque && b instanceof Opaque && a.typeName === b.typeName && a.equals(b);
}

function equalLists(a: readonly Value[], b: readonly Value[], budget: Budget): boolean {
  if (a.length !== b.length) return false;
  const semantics = listSemantics.get(a) ?? listSemantics.get(b);
  if (semantics === undefined) return a.every((value, index) => equals(value, b[index] ?? null, budget));
  const others = new Map(b.map((value) => [semantics.keyOf(value), value]));
  budget.traverse(a.length + b.length, 10);
  return a.every((value) => {
    const other = others.get(semantics.keyOf(value));
    return other !== undefined && equals(value, other, budget);
  });
}

function equalMaps(a: CelMap, b: CelMap, budget: Budget): boolean {
  if (a.size !== b.size) return false;
  return a.keys().every((key) => {
    const left = a.get(key);
    const right = b.get(key);
    return left !== undefined && right !== undefined && equals(left, right, budget);
  });
}

/** Negative, 0 or positive for two numbers of any kinds; NaN where one is not a number; undefined when they are not numbers. */
function compareNumbers(a: Value, b: Value): number | undefined {
  const left = a instanceof Uint ? a.value : a;
  const right = b instanceof Uint ? b.value : b;
  if (typeof left !== "number" && typeof left !== "bigint") return undefined;
  if (typeof right !== "number" && typeof right !== "bigint") return undefined;
  return left < right ? -1 : left > right ? 1 : left <= right ? 0 : Number.NaN;
}

/** Negative, 0 or positive for two values that have an order, NaN included; undefined for others. */
export function compare(a: Value, b: Value, budget: Budget): number | undefined {
  const numbers = compareNumbers(a, b);
  if (numbers !== undefined) return numbers;
  if (typeof a === "string" && typeof b === "string") {
    budget.traverse(Math.min(a.length, b.length));
    return compareText(a, b);
  }
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return compareNumbers(a.nanos, b.nanos);
  if (a instanceof Duration && b instanceof Duration) return compareNumbers(a.nanos, b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    budget.traverse(Math.min(a.length, b.length));
    const at = a.findIndex((byte, index) => byte !== b[index]);
    return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
  }
  return undefined;
}

/** By code point, as Go compares UTF-8: UTF-16 units would put surrogates before U+E000. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    const isLeftSurrogate = (left & 0xf800) === 0xd800;
    const isRightSurrogate = (right & 0xf800) === 0xd800;
    return isLeftSurrogate === isRightSurrogate ? left - right : isLeftSurrogate ? 1 : -1;
  }
  return a.length - b.length;
}

/** A short text of a value for messages. */
function display(value: Value | undefined): string {
  if (value === undefined || value === null) return "null";
  if (value instanceof Uint) return String(value.value);
  return typeof value === "object" ? typeNameOf(value) : String(value);
}
