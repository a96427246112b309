import { maxJsonDepth } from "./json_object.ts";
import type { Json } from "./meta.ts";
import { StatusError } from "./status.ts";

/** What {@linkcode parseJson} refuses to read. */
export interface JsonLimits {
  /** Most bytes (of text: UTF-16 units). Default 3 MiB, as Kubernetes' API server. */
  readonly maxBytes?: number;
  /** Deepest nesting. Default {@linkcode maxJsonDepth}. */
  readonly maxDepth?: number;
  /** Most values, each object, list, member and element counted. Default {@linkcode maxJsonValues}. */
  readonly maxValues?: number;
}

const defaultMaxBytes = 3 * 1024 * 1024;
/**
 * Most values in what comes from outside. Each costs time and memory in every step after this one, however few bytes
 * it has; real objects of the largest size have a tenth.
 */
export const maxJsonValues = 150_000;

/**
 * Reads JSON that comes from outside. Size, nesting, values and numbers are checked first, in one linear pass: a number that
 * JavaScript cannot hold exactly is refused, never rounded. Every member becomes an own member, `__proto__` too.
 *
 * @throws StatusError `RequestEntityTooLarge`, or `BadRequest` for broken UTF-8 or JSON
 */
export function parseJson(source: Uint8Array | string, limits: JsonLimits = {}): Json {
  const { maxBytes = defaultMaxBytes, maxDepth = maxJsonDepth, maxValues = maxJsonValues } = limits;
  if (source.length > maxBytes) throw StatusError.tooLarge(maxBytes);
  const text = typeof source === "string" ? source : decodeUtf8(source);
  checkJson(text, { maxDepth, maxValues });
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    // V8 quotes the text around the mistake, which may be a secret: only the place is told.
    const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    if (text.trim() === "") throw StatusError.badRequest("json parse error: unexpected end of JSON input");
    throw StatusError.badRequest(`json parse error: invalid JSON${position ? ` at position ${position}` : ""}`);
  }
}

/** The JSON text of a value; pretty, as the API server writes it for people. */
export function stringifyJson(value: Json, options: { readonly pretty?: boolean } = {}): string {
  return JSON.stringify(value, undefined, options.pretty ? 2 : undefined);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw StatusError.badRequest("json parse error: invalid UTF-8");
  }
}

const quote = 0x22;
const backslash = 0x5c;
const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;
const comma = 0x2c;

function checkJson(
  text: string,
  { maxDepth, maxValues }: { readonly maxDepth: number; readonly maxValues: number },
): void {
  let depth = 0;
  let values = 1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) index = endOfString(text, index);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) throw StatusError.badRequest(`json parse error: exceeded max depth of ${maxDepth}`);
      if (++values > maxValues) throw StatusError.tooManyValues(maxValues);
    } else if (code === comma) {
      if (++values > maxValues) throw StatusError.tooManyValues(maxValues);
    } else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === minus || (code >= zero && code <= nine)) {
      const end = endOfNumber(text, index);
      checkNumber(text.slice(index, end));
      index = end - 1;
    }
  }
}

/** Index of the quote that closes the string which begins at `start`; the end of an unfinished text. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && isNumberPart(text.charCodeAt(index))) index++;
  return index;
}

function isNumberPart(code: number): boolean {
  // Digits, + - . E e
  return (
    (code >= zero && code <= nine) || code === 0x2b || code === minus || code === 0x2e || code === 0x45 || code === 0x65
  );
}

/**
 * Refuses a number that would not come back as it was written: integers beyond 2^53 and what overflows a double.
 *
 * @throws StatusError `BadRequest`
 */
export function checkNumber(literal: string): void {
  if (!/^-?[0-9]+$/.test(literal)) {
    if (!Number.isFinite(Number(literal)) && /^-?[0-9]/.test(literal)) throw inexact(literal);
  } else if (literal.length > 15 && (literal.length > 32 || String(Number(literal)) !== literal))
    throw inexact(literal);
}

function inexact(literal: string): StatusError {
  const shown = literal.length > 40 ? `${literal.slice(0, 40)}...` : literal;
  return StatusError.badRequest(`json parse error: the number ${shown} cannot be represented exactly`);
}
