import { checkDepth, getOwn, isJsonObject } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";

/**
 * Applies a JSON merge patch: members are merged, null removes, everything else (lists too) replaces. Returns a new
 * value that may share parts with its arguments.
 *
 * @throws StatusError `BadRequest` when the patch is nested too deep
 * @see https://www.rfc-editor.org/rfc/rfc7396
 */
export function applyMergePatch(target: JsonObject, patch: JsonObject): JsonObject;
export function applyMergePatch(target: Json | undefined, patch: Json): Json;
export function applyMergePatch(target: Json | undefined, patch: Json): Json {
  return merge(target, patch, 0);
}

function merge(target: Json | undefined, patch: Json, depth: number): Json {
  if (!isJsonObject(patch)) return patch;
  checkDepth(depth);
  const current = isJsonObject(target) ? target : {};
  const result = new Map<string, Json>(Object.entries(current));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merge(getOwn(current, key), value, depth + 1));
  }
  return Object.fromEntries(result);
}
