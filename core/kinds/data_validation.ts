/** What ConfigMaps and Secrets have in common. */
import type { StringMap } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { check, dataKeyError, type FieldErrors } from "./validators.ts";

/** Most that one object may carry. */
const maxBytes = 1024 * 1024;

const encoder = new TextEncoder();

/** Keys are file names and names of environment variables. */
export function checkDataKeys(field: string, keys: readonly string[]): FieldErrors {
  return keys.flatMap((key) => check(`${field}[${key}]`, key, dataKeyError(key)));
}

/** No more than 1 MiB. */
export function checkDataSize(field: string, bytes: number): FieldErrors {
  return bytes > maxBytes ? [fieldError.tooLong(field, maxBytes)] : [];
}

/** Bytes of all values as UTF-8. */
export function textBytes(data: StringMap = {}): number {
  return Object.values(data).reduce((sum, text) => sum + encoder.encode(text).length, 0);
}

/** Bytes that all base64 values stand for. */
export function base64Bytes(data: StringMap = {}): number {
  return Object.values(data).reduce((sum, text) => {
    const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
    return sum + Math.max(0, Math.floor((text.length * 3) / 4) - padding);
  }, 0);
}

/** Once `immutable`, always, and then nothing in `members` may change. */
export function checkImmutableData<T extends { readonly immutable?: boolean }>(
  next: T,
  previous: T,
  members: readonly (keyof T & string)[],
): FieldErrors {
  if (previous.immutable !== true) return [];
  const detail = "field is immutable when `immutable` is set";
  const errors: FieldError[] = next.immutable === true ? [] : [fieldError.forbidden("immutable", detail)];
  for (const member of members) {
    if (!semanticEqual(next[member], previous[member])) errors.push(fieldError.forbidden(member, detail));
  }
  return errors;
}
