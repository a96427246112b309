import type { Json } from "./meta.ts";

// JSON's integers reach to 2^63 in Kubernetes, JavaScript's numbers to 2^53: what lies between is a bigint, which
// `JSON.parse` never makes and `JSON.stringify` refuses. What has none is read and written by those two all the same.

const longNumber = 16;
const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/**
 * The value of a number as JSON spells it: a bigint when it is a 64-bit integer that a JavaScript number would not
 * print as it was written. Larger integers are rounded, as Kubernetes does.
 */
export function numberOf(literal: string): number | bigint {
  const value = Number(literal);
  if (literal.length < longNumber || literal.length > 20 || String(value) === literal || /[^-0-9]/.test(literal))
    return value;
  const integer = BigInt(literal);
  return integer >= minInt64 && integer <= maxInt64 ? integer : value;
}

/**
 * Reads JSON that was checked before or comes from a trusted side, with integers up to 64 bits.
 *
 * @throws SyntaxError as `JSON.parse`
 */
export function readJsonText(text: string): Json {
  const value = JSON.parse(text) as Json;
  return hasLongNumber(text) ? readExactly(text) : value;
}

/** The JSON text of a value, as `JSON.stringify` writes it, with integers up to 64 bits. `indent`: spaces for each level. */
export function jsonText(value: unknown, indent = 0): string {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    // It refuses bigints, which are rare: only with them is the slow way gone.
    if (!(error instanceof TypeError)) throw error;
    return writeExactly(value, " ".repeat(indent), "\n");
  }
}

/** Index of the quote that closes the string which begins at `start`; the end of an unfinished text. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/** Whether so many digits stand in a row. Of that many characters in a row every sixteenth is one of: only those are looked at. */
function hasLongNumber(text: string): boolean {
  for (let index = longNumber - 1; index < text.length; index += longNumber) {
    if (!isDigit(text, index)) continue;
    let start = index;
    while (isDigit(text, start - 1)) start--;
    let end = index + 1;
    while (isDigit(text, end)) end++;
    // Digits in the middle of a text, such as a hash, are no number.
    if (end - start >= longNumber && beforeInteger.test(text.charAt(start - 1))) return true;
    index = Math.max(index, end - 1);
  }
  return false;
}

/** What stands before the digits of an integer in JSON; nothing, where it is the whole text. */
const beforeInteger = /^[-:,[\s]?$/;

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0x30 && code <= 0x39;
}

/** Reads text that `JSON.parse` takes. Its nesting was bounded before. */
export function readExactly(text: string): Json {
  let at = 0;
  const next = (): string => {
    while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++;
    return text.charAt(at);
  };
  /** Reads up to the closing bracket, and what separates elements. */
  const each = (close: string, read: () => void): void => {
    at++;
    while (next() !== close) {
      read();
      if (next() === ",") at++;
    }
    at++;
  };
  const string = (): string => {
    const start = at;
    at = endOfString(text, start) + 1;
    return JSON.parse(text.slice(start, at)) as string;
  };
  const read = (): Json => {
    const first = next();
    if (first === '"') return string();
    if (first === "[") {
      const items: Json[] = [];
      each("]", () => items.push(read()));
      return items;
    }
    if (first === "{") {
      const members: [string, Json][] = [];
      each("}", () => {
        next();
        const name = string();
        next();
        at++;
        members.push([name, read()]);
      });
      // Makes own members of all names, `__proto__` too.
      return Object.fromEntries(members);
    }
    const start = at;
    while (at < text.length && !",]} \t\r\n".includes(text.charAt(at))) at++;
    const word = text.slice(start, at);
    return first === "t" || first === "f" || first === "n" ? (JSON.parse(word) as boolean | null) : numberOf(word);
  };
  return read();
}

function writeExactly(value: unknown, indent: string, margin: string): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const inner = margin + indent;
  const [start, separator, end] = indent === "" ? ["", ",", ""] : [inner, `,${inner}`, margin];
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((item) => writeExactly(item, indent, inner))
    : Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => {
          const text = writeExactly(member, indent, inner);
          return `${JSON.stringify(name)}:${indent === "" ? "" : " "}${text}`;
        });
  const [open, close] = isList ? "[]" : "{}";
  return parts.length === 0 ? `${open}${close}` : `${open}${start}${parts.join(separator)}${end}${close}`;
}
