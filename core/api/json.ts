import { duplicateFields } from "./duplicate_fields.ts";
import { maxJsonDepth } from "./json_object.ts";
import { endOfString, jsonText, numberOf, readExactly } from "./json_text.ts";
import type { Json } from "./meta.ts";
import { StatusError } from "./status.ts";

/** What {@linkcode parseJson} refuses to read, and tells. */
export interface JsonLimits {
  /** Most bytes (of text: UTF-16 units). Default 3 MiB, as Kubernetes' API server. */
  readonly maxBytes?: number;
  /** Deepest nesting. Default {@linkcode maxJsonDepth}. */
  readonly maxDepth?: number;
  /** Most values, each object, list, member and element counted. Default {@linkcode maxJsonValues}. */
  readonly maxValues?: number;
  /** Told the path of each member that stands twice in one object: the last one counts. */
  readonly onDuplicate?: ((path: string) => void) | undefined;
}

const defaultMaxBytes = 3 * 1024 * 1024;
/**
 * Most values in what comes from outside. Each costs time and memory in every step after this one, however few bytes
 * it has; real objects of the largest size have a tenth.
 */
export const maxJsonValues = 150_000;

/**
 * Reads JSON that comes from outside. Size, nesting, values and numbers are checked first, in one linear pass. Integers up
 * to 64 bits are kept, see {@linkcode numberOf}; a number that is too large for a double is refused. Every member becomes
 * an own member, `__proto__` too.
 *
 * @throws StatusError `RequestEntityTooLarge`, or `BadRequest` for broken UTF-8 or JSON
 */
export function parseJson(source: Uint8Array | string, limits: JsonLimits = {}): Json {
  const { maxBytes = defaultMaxBytes, maxDepth = maxJsonDepth, maxValues = maxJsonValues } = limits;
  if (source.length > maxBytes) throw StatusError.tooLarge(maxBytes);
  const text = typeof source === "string" ? source : decodeUtf8(source);
  const hasBigints = checkJson(text, { maxDepth, maxValues });
  try {
    const value = JSON.parse(text) as Json;
    if (limits.onDuplicate) duplicateFields(text).forEach(limits.onDuplicate);
    return hasBigints ? readExactly(text) : value;
  } catch (error) {
    // V8 quotes the text around the mistake, which may be a secret: only the place is told.
    const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    if (text.trim() === "") throw StatusError.badRequest("json parse error: unexpected end of JSON input");
    throw StatusError.badRequest(`json parse error: invalid JSON${position ? ` at position ${position}` : ""}`);
  }
}

/** The JSON text of a value; pretty, as the API server writes it for people. */
export function stringifyJson(value: Json, options: { readonly pretty?: boolean } = {}): string {
  return jsonText(value, options.pretty ? 2 : 0);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw StatusError.badRequest("json parse error: invalid UTF-8");
  }
}

const quote = 0x22;
const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;
const comma = 0x2c;

/** Returns whether some number is a bigint. */
function checkJson(
  text: string,
  { maxDepth, maxValues }: { readonly maxDepth: number; readonly maxValues: number },
): boolean {
  let depth = 0;
  let values = 1;
  let hasBigints = false;
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
      const literal = text.slice(index, end);
      const value = numberOf(literal);
      if (typeof value === "bigint") hasBigints = true;
      // What is no number at all is left to the parser.
      else if (Math.abs(value) === Number.POSITIVE_INFINITY) throw inexact(literal);
      index = end - 1;
    }
  }
  return hasBigints;
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

function inexact(literal: string): StatusError {
  const shown = literal.length > 40 ? `${literal.slice(0, 40)}...` : literal;
  return StatusError.badRequest(`json parse error: the number ${shown} cannot be represented exactly`);
}
