import { isJsonObject } from "./json_object.ts";
import type { Json } from "./meta.ts";

/** A float whose value is whole: JavaScript would take it for an integer. */
export class GoFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Go's integer of a constant: `int`, where those of objects are `int64`. */
export class GoInt {
  readonly value: number | bigint;

  constructor(value: number | bigint) {
    this.value = value;
  }
}

/** A value as Go's `text/template` and `fmt` see JSON. Undefined: no value at all, such as a missing member. */
export type GoValue = Json | bigint | GoFloat | GoInt | undefined;

/** What kind of value it is, as far as Go's formatting and comparing tell them apart. */
export type GoKind = "invalid" | "nil" | "bool" | "int" | "float" | "string" | "slice" | "map";

/** The kind of a value. */
export function goKind(value: GoValue): GoKind {
  if (value === undefined) return "invalid";
  if (value === null) return "nil";
  if (value instanceof GoFloat) return "float";
  if (value instanceof GoInt || typeof value === "bigint") return "int";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  return Array.isArray(value) ? "slice" : "map";
}

/** The number of an int or a float. */
export function goNumber(value: GoValue): number | bigint {
  if (value instanceof GoFloat || value instanceof GoInt) return value.value;
  return typeof value === "number" || typeof value === "bigint" ? value : Number.NaN;
}

const typeNames: Readonly<Record<GoKind, string>> = {
  invalid: "<nil>",
  nil: "<nil>",
  bool: "bool",
  int: "int64",
  float: "float64",
  string: "string",
  slice: "[]interface {}",
  map: "map[string]interface {}",
};

/** The name of its type, as `%T` prints it. */
export function goTypeName(value: GoValue): string {
  return value instanceof GoInt ? "int" : typeNames[goKind(value)];
}

/** Members by name, sorted as Go prints maps. */
export function goMembers(value: GoValue): readonly (readonly [string, Json])[] {
  if (value === null || value === undefined || !isJsonObject(value as Json)) return [];
  return Object.entries(value as Readonly<Record<string, Json>>).sort(([a], [b]) => compareText(a, b));
}

/** Order of two texts by their bytes, as Go compares strings. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left === right) continue;
    // UTF-16 puts surrogates before the last characters of the first plane, UTF-8 behind them.
    const [leftHigh, rightHigh] = [left >= 0xd800 && left < 0xe000, right >= 0xd800 && right < 0xe000];
    return leftHigh === rightHigh ? left - right : leftHigh ? 1 : -1;
  }
  return a.length - b.length;
}

/** A value as Go's `%v` prints it: `map[a:1 b:[x y]]`, `<nil>`. */
export function goText(value: GoValue): string {
  switch (goKind(value)) {
    case "invalid":
    case "nil":
      return "<nil>";
    case "float":
      return goFloatText(Number(goNumber(value)));
    case "int":
      return String(goNumber(value));
    case "slice":
      return `[${(value as readonly Json[]).map(goText).join(" ")}]`;
    case "map":
      return `map[${goMembers(value)
        .map(([name, member]) => `${name}:${goText(member)}`)
        .join(" ")}]`;
    default:
      return String(value);
  }
}

/** A value as Go's `%#v` prints it: `map[string]interface {}{"a":1}`. */
export function goSyntax(value: GoValue): string {
  switch (goKind(value)) {
    case "invalid":
    case "nil":
      return "interface {}(nil)";
    case "string":
      return goQuote(value as string);
    case "slice":
      return `[]interface {}{${(value as readonly Json[]).map(goSyntax).join(", ")}}`;
    case "map":
      return `map[string]interface {}{${goMembers(value)
        .map(([name, member]) => `${goQuote(name)}:${goSyntax(member)}`)
        .join(", ")}}`;
    default:
      return goText(value);
  }
}

/** A float in the shortest form that reads back the same: `0.5`, `1e+06`. */
export function goFloatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

const quoted: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

/** A text in double quotes, as Go's `%q` writes it. */
export function goQuote(text: string): string {
  const inner = text.replace(/[\\"]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (char) => {
    const known = quoted.get(char);
    if (known) return known;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `"${inner}"`;
}
