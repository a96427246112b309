import type { Json, JsonObject } from "./meta.ts";
import { resolvePlain } from "./yaml_scalar.ts";

/**
 * An object as YAML, as `kubectl get -o yaml` prints it: members sorted, lists not indented, text quoted where a
 * YAML 1.1 reader would take it for something else. Ends with a line feed.
 */
export function formatYaml(value: Json): string {
  return `${block(value, 0, 0, false).replace(/^\n| /, "")}\n`;
}

/** A value behind `key:` (begins with a space or a line feed) or behind `-` (`inList`: its first line goes on there). */
function block(value: Json, indent: number, column: number, inList: boolean): string {
  if (Array.isArray(value)) {
    const list: readonly Json[] = value;
    if (list.length === 0) return " []";
    const items = list.map((item) => `-${block(item, indent + 2, indent + 2, true)}`);
    return joinLines(items, indent, inList);
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value as JsonObject).sort(([a], [b]) => compareNaturally(a, b));
    if (members.length === 0) return " {}";
    const lines = members.map(([key, member]) => {
      // A list stands as far left as the key that it belongs to.
      const inner = Array.isArray(member) ? indent : indent + 2;
      const name = formatKey(key, indent);
      // Behind the long form of a key, the value stands as behind the dash of a list.
      if (name.includes("\n")) return `${name}${block(member, indent + 2, indent + 2, true)}`;
      return `${name}${block(member, inner, indent + name.length + 1, false)}`;
    });
    return joinLines(lines, indent, inList);
  }
  if (typeof value === "string") return ` ${formatText(value, indent, column)}`;
  return ` ${typeof value === "number" ? formatNumber(value) : String(value)}`;
}

/** As Go prints a float64: the shortest digits, with an exponent outside of 10^-4 to 10^6; 64-bit integers in full. */
function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return String(value);
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  if (Number(exponent) >= -4 && Number(exponent) < 6) return String(value);
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

function joinLines(lines: readonly string[], indent: number, inList: boolean): string {
  const margin = " ".repeat(indent);
  return `${inList ? " " : `\n${margin}`}${lines.join(`\n${margin}`)}`;
}

/** YAML has a longer form for long keys. @see go-yaml emitter, simple keys */
function formatKey(key: string, indent: number): string {
  // As a key it would take another object's members over.
  const text = key === "<<" ? formatDoubleQuoted(key) : readsAsText(key) && plainAllowed(key) ? key : quoted(key);
  return new TextEncoder().encode(text).length > 128 ? `? ${text}\n${" ".repeat(indent)}:` : `${text}:`;
}

/** @param column where the text begins */
function formatText(text: string, indent: number, column: number): string {
  if (text.includes("\n") && blockAllowed(text)) return formatLiteral(text, indent);
  const escaped = quoted(text);
  if (readsAsText(text) && plainAllowed(text)) return fold(text, { indent, column, escapes: false });
  return fold(escaped, { indent, column, escapes: escaped.startsWith('"') });
}

/** In single quotes where that is enough, else in double quotes. */
function quoted(text: string): string {
  if (text.includes("\n") || !readsAsText(text) || unprintable.test(text)) return formatDoubleQuoted(text);
  return `'${text.replaceAll("'", "''")}'`;
}

const foldWidth = 80;

/** Breaks a long line at single spaces once it is wider than 80 columns; readers turn the break into a space again. */
function fold(
  text: string,
  { indent, column: start, escapes }: { readonly indent: number; readonly column: number; readonly escapes: boolean },
): string {
  if (start + text.length <= foldWidth) return text;
  const margin = " ".repeat(Math.max(indent, 2));
  let column = start;
  let result = "";
  let previous = "";
  // The quotes stay where they are: a break just inside of them would be lost.
  const last = text.length - 2;
  for (let index = 0; index < text.length; index++) {
    const char = text[index] ?? "";
    const single = char === " " && previous !== " " && (escapes || text[index + 1] !== " ");
    if (single && column > foldWidth && index > 1 && index < last) {
      // Spaces at the beginning of a line do not count, unless escaped.
      result += `\n${margin}${text[index + 1] === " " ? "\\" : ""}`;
      column = margin.length;
    } else {
      result += char;
      column++;
    }
    previous = char;
  }
  return result;
}

/** Whether a YAML 1.1 reader gets text back when it stands unquoted. */
function readsAsText(text: string): boolean {
  if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text)) return false;
  if (/^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t]|$)/.test(text)) return false;
  try {
    return typeof resolvePlain(text) === "string";
  } catch {
    return false;
  }
}

// Printable for go-yaml: line feed, visible ASCII, and the rest of the basic plane; not tab, carriage return or emoji.
const unprintable = /[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|[\x85\u2028\u2029]/u;

function plainAllowed(text: string): boolean {
  if (/^ | $|\n/.test(text) || unprintable.test(text)) return false;
  if (/^(?:---|\.\.\.)/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](?:[ \t]|$)/.test(text)) return false;
  return !/:(?:[ \t]|$)|[ \t]#/.test(text);
}

/** Whether `|` can show a text that has line feeds. */
function blockAllowed(text: string): boolean {
  return !unprintable.test(text) && !/ (?:\n|$)/.test(text);
}

function formatLiteral(text: string, indent: number): string {
  const margin = " ".repeat(Math.max(indent, 2));
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const chomping = !text.endsWith("\n") ? "-" : text.endsWith("\n\n") || text === "\n" ? "+" : "";
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  return `|${hint}${chomping}\n${lines.map((line) => (line ? margin + line : "")).join("\n")}`;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\\0"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\v", "\\v"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ["\x1b", "\\e"],
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x85", "\\N"],
  ["\u2028", "\\L"],
  ["\u2029", "\\P"],
]);

function formatDoubleQuoted(text: string): string {
  let result = "";
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const short = escapes.get(char);
    if (short) result += short;
    else if (!unprintable.test(char)) result += char;
    else if (code <= 0xff) result += `\\x${hex(code, 2)}`;
    else result += code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  }
  return `"${result}"`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, "0");
}

/**
 * The order of members in kubectl's YAML: numbers inside names count as numbers, letters come behind everything else.
 *
 * @see go-yaml keyList.Less
 */
function compareNaturally(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let index = 0; index < left.length && index < right.length; index++) {
    const x = left[index] ?? "";
    const y = right[index] ?? "";
    if (x === y) continue;
    const xIsLetter = letter.test(x);
    const yIsLetter = letter.test(y);
    if (xIsLetter && yIsLetter) return codePoint(x) - codePoint(y);
    if (xIsLetter || yIsLetter) return xIsLetter ? 1 : -1;
    return compareNumbers(left, right, index) || codePoint(x) - codePoint(y);
  }
  return left.length - right.length;
}

const digit = /^\p{Nd}$/u;
const letter = /^\p{L}$/u;

function codePoint(char: string): number {
  return char.codePointAt(0) ?? 0;
}

/** Compares the numbers that begin at `start`. A zero that differs counts only behind a digit that is none. */
function compareNumbers(left: readonly string[], right: readonly string[], start: number): number {
  let prefix = "";
  if (left[start] === "0" || right[start] === "0") {
    for (let at = start - 1; at >= 0 && digit.test(left[at] ?? ""); at--) {
      if (left[at] !== "0") {
        prefix = "1";
        break;
      }
    }
  }
  const x = prefix + digitsAt(left, start);
  const y = prefix + digitsAt(right, start);
  const difference = BigInt(x || "0") - BigInt(y || "0");
  return difference === 0n ? x.length - y.length : difference < 0n ? -1 : 1;
}

function digitsAt(chars: readonly string[], start: number): string {
  let end = start;
  while (end < chars.length && /^[0-9]$/.test(chars[end] ?? "")) end++;
  return chars.slice(start, end).join("");
}
