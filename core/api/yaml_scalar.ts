import { numberOf } from "./json_text.ts";
import type { Json } from "./meta.ts";

const truths: ReadonlySet<string> = new Set("y Y yes Yes YES on On ON true True TRUE".split(" "));
const falsehoods: ReadonlySet<string> = new Set("n N no No NO off Off OFF false False FALSE".split(" "));
const nulls: ReadonlySet<string> = new Set(["", "~", "null", "Null", "NULL"]);
const integer = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const noNumber = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const maxNumberLength = 400;

/**
 * The value of an unquoted YAML scalar, as kubectl reads it: YAML 1.1 booleans, octal `0644` and `0o644`, underscores in
 * numbers; but timestamps and sexagesimal numbers stay text.
 *
 * @throws RangeError for a number that JSON cannot hold
 */
export function resolvePlain(text: string): Json {
  if (nulls.has(text)) return null;
  if (truths.has(text)) return true;
  if (falsehoods.has(text)) return false;
  if (!/^[-+.0-9]/.test(text) || text.length > maxNumberLength) return text;
  if (noNumber.test(text)) throw new RangeError(`json: unsupported value: ${text}`);
  const plain = text.replaceAll("_", "");
  return resolveInteger(plain) ?? resolveFloat(plain) ?? text;
}

function resolveInteger(text: string): number | bigint | undefined {
  const match = integer.exec(text);
  if (!match) return undefined;
  const [, sign = "", hex, binary, octal, decimal] = match;
  const digits = hex ? `0x${hex}` : binary ? `0b${binary}` : octal ? `0o${octal}` : (decimal ?? "0");
  const value = BigInt(digits);
  return value === 0n ? 0 : finite(numberOf(String(sign === "-" ? -value : value)));
}

function resolveFloat(text: string): number | undefined {
  if (!float.test(text)) return undefined;
  const value = Number(text);
  // Go's JSON has no negative zero either.
  return value === 0 ? 0 : finite(value);
}

function finite<T extends number | bigint>(value: T): T {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    throw new RangeError(`json: unsupported value: ${value > 0 ? "+Inf" : "-Inf"}`);
  return value;
}
