import type { Json, JsonObject, KubeObject } from "./meta.ts";
import { StatusError } from "./status.ts";

/** Deepest nesting of arrays and objects that is read, merged or compared. Everything that recurses relies on it. */
export const maxJsonDepth = 1000;

/** Whether `value` is a JSON object: not null, no array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A value of a type of the API as the JSON that it is: those types name their members, and are no JsonObject to the
 * compiler. The same value, at no cost.
 */
export function asJson(value: readonly object[]): readonly Json[];
export function asJson(value: object): JsonObject;
export function asJson(value: object | undefined): JsonObject | undefined;
export function asJson(value: object | undefined): Json | undefined {
  return value as JsonObject | undefined;
}

/** JSON as the object of a kind that it is known to be: the other way of {@linkcode asJson}. Nothing is looked at. */
export function asObject<T extends KubeObject = KubeObject>(value: JsonObject): T {
  return value as unknown as T;
}

/** The own member `key`; undefined when there is none, whatever `Object.prototype` has under that name. */
export function getOwn(object: JsonObject | undefined, key: string): Json | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets an own member. Safe for `__proto__`, which plain assignment would take for the prototype. */
export function setOwn(object: { [key: string]: Json }, key: string, value: Json): void {
  if (key === "__proto__")
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  else object[key] = value;
}

/**
 * A copy of a value as writing it as JSON and reading it again would make it: members that are undefined are left out.
 *
 * @throws RangeError when it takes more than about so many bytes; StatusError `BadRequest` when it is nested too deep
 */
export function jsonCopy(
  value: unknown,
  { maxBytes = Number.POSITIVE_INFINITY }: { readonly maxBytes?: number } = {},
): Json {
  let left = maxBytes;
  const spend = (bytes: number) => {
    left -= bytes;
    if (left < 0) throw new RangeError(`Cannot copy the value: it takes more than ${maxBytes} bytes`);
  };
  const copy = (from: unknown, depth: number): Json => {
    if (typeof from === "string") {
      spend(from.length + 3);
      return from;
    }
    spend(2);
    if (typeof from === "number") return Number.isFinite(from) ? from || 0 : null;
    if (typeof from === "boolean" || typeof from === "bigint") return from;
    if (typeof from !== "object" || from === null) return null;
    checkDepth(depth);
    if (Array.isArray(from)) return from.map((item) => copy(item, depth + 1));
    const result: { [key: string]: Json } = {};
    for (const [key, member] of Object.entries(from)) {
      if (member === undefined) continue;
      spend(key.length + 3);
      setOwn(result, key, copy(member, depth + 1));
    }
    return result;
  };
  return copy(value, 0);
}

/** Whether two JSON values are the same; the order of members does not count. */
export function jsonEqual(a: Json | undefined, b: Json | undefined, depth = 0): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  checkDepth(depth);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    const other: readonly Json[] = b;
    return a.every((item: Json, index) => jsonEqual(item, other[index], depth + 1));
  }
  const left = a as JsonObject;
  const right = b as JsonObject;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && jsonEqual(left[key], right[key], depth + 1));
}

/** Whether two values are the same as JSON: members that are undefined do not count, nor does the order of members. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameJson(item, b[index]))
    );
  const [left, right] = [a as Members, b as Members];
  let members = 0;
  for (const name of Object.keys(left)) {
    if (left[name] === undefined) continue;
    if (!Object.hasOwn(right, name) || !sameJson(left[name], right[name])) return false;
    members++;
  }
  for (const name of Object.keys(right)) if (right[name] !== undefined) members--;
  return members === 0;
}

type Members = { readonly [name: string]: unknown };

/** Refuses to recurse deeper than {@linkcode maxJsonDepth}. @throws StatusError `BadRequest` */
export function checkDepth(depth: number): void {
  if (depth > maxJsonDepth) throw StatusError.badRequest(`the object is nested more than ${maxJsonDepth} levels deep`);
}
