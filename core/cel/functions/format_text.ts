import type { Budget } from "../budget.ts";
import { CelError } from "../errors.ts";
import { formatDuration, formatTimestamp } from "../time.ts";
import { CelMap, Duration, isList, Timestamp, TypeValue, typeNameOf, Uint, type Value } from "../values.ts";
import { formatDouble } from "./standard.ts";

/** Most decimals that `%.Nf` gives. */
const maxPrecision = 1000;

/**
 * `"%d of %s".format([1, "x"])`.
 *
 * @throws CelError for a clause that is unknown, or does not fit its value
 * @see https://pkg.go.dev/github.com/google/cel-go/ext#Strings
 */
export function formatText(template: string, values: readonly Value[], budget: Budget): string {
  budget.traverse(template.length);
  let result = "";
  let used = 0;
  for (let at = 0; at < template.length; at++) {
    const char = template.charAt(at);
    if (char !== "%") {
      result += char;
      continue;
    }
    const clause = /^%(?:\.([0-9]{1,5}))?(.)/su.exec(template.slice(at, at + 10));
    if (!clause) throw new CelError("unexpected end of string");
    const [written, precision, verb = ""] = clause;
    at += written.length - 1;
    if (verb === "%") {
      result += "%";
      continue;
    }
    if (used >= values.length) throw new CelError(`index ${used} out of range`);
    const text = formatValue(verb, values[used++] ?? null, precision === undefined ? 6 : Number(precision), budget);
    budget.traverse(text.length);
    result += text;
  }
  return result;
}

function formatValue(verb: string, value: Value, precision: number, budget: Budget): string {
  if (precision > maxPrecision) throw new CelError(`precision ${precision} is too large`);
  switch (verb) {
    case "s":
      return plain(value, budget);
    case "d":
      if (typeof value === "bigint" || value instanceof Uint) return String(integerOf(value));
      if (typeof value === "number" && !Number.isFinite(value)) return formatDouble(value);
      throw wrong("decimal clause can only be used on integers", value);
    case "f":
      return fixed(value, precision);
    case "e":
      if (typeof value !== "number") throw wrong("scientific clause can only be used on doubles", value);
      return value.toExponential(Math.min(precision, 100)).replace(/e([-+])(\d)$/, "e$10$2");
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      return radix(value, 2, "only integers and bools can be formatted as binary");
    case "o":
      return radix(value, 8, "octal clause can only be used on integers");
    case "x":
    case "X": {
      const text = hexadecimal(value);
      return verb === "X" ? text.toUpperCase() : text;
    }
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}

function wrong(message: string, value: Value): CelError {
  return new CelError(`error during formatting: ${message}, was given ${typeNameOf(value)}`);
}

function integerOf(value: bigint | Uint): bigint {
  return value instanceof Uint ? value.value : value;
}

function fixed(value: Value, precision: number): string {
  const number = typeof value === "bigint" || value instanceof Uint ? Number(integerOf(value)) : value;
  if (typeof number !== "number") throw wrong("fixed-point clause can only be used on doubles", value);
  return Number.isFinite(number) ? number.toFixed(Math.min(precision, 100)) : formatDouble(number);
}

function radix(value: Value, base: number, message: string): string {
  if (typeof value !== "bigint" && !(value instanceof Uint)) throw wrong(message, value);
  return integerOf(value).toString(base);
}

function hexadecimal(value: Value): string {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (bytes instanceof Uint8Array) return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return radix(value, 16, "only integers, byte buffers, and strings can be formatted as hex");
}

function plain(value: Value, budget: Budget): string {
  budget.spend(1);
  if (value === null) return "null";
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatDouble(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (isList(value)) return `[${value.map((element) => plain(element, budget)).join(", ")}]`;
  if (value instanceof CelMap) {
    const members = value.keys().map((key) => `${plain(key, budget)}: ${plain(value.get(key) ?? null, budget)}`);
    return `{${members.sort().join(", ")}}`;
  }
  throw wrong(
    "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
    value,
  );
}
