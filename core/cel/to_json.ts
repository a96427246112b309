import { numberOf } from "../api/json_text.ts";
import type { Json } from "../api/meta.ts";
import { toBase64 } from "../util/base64.ts";
import { CelError } from "./errors.ts";
import { formatDuration, formatTimestamp } from "./time.ts";
import { CelMap, Duration, isList, Timestamp, typeNameOf, Uint, type Value } from "./values.ts";

/** Most characters of what one expression makes: the same part may stand in it many times. A value counts for some. */
const maxSize = 3 * 1024 * 1024;
const perValue = 20;

/**
 * The JSON of a value that an expression made.
 *
 * @throws CelError when it has none: keys that are no text, types, optionals; or is too large
 */
export function toJson(value: Value): Json {
  return convert(value, { left: maxSize });
}

function convert(value: Value, size: { left: number }): Json {
  size.left -= perValue + (typeof value === "string" ? value.length : 0);
  if (size.left < 0) throw new CelError("the value is too large");
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value;
  if (typeof value === "bigint") return numberOf(String(value));
  if (value instanceof Uint) return numberOf(String(value.value));
  if (isList(value)) return value.map((item) => convert(item, size));
  if (value instanceof CelMap)
    return Object.fromEntries(
      value.keys().map((key) => {
        if (typeof key !== "string")
          throw new CelError(`map key ${String(key)} is of type ${typeNameOf(key)}, not string`);
        return [key, convert(value.get(key) ?? null, size)];
      }),
    );
  if (value instanceof Uint8Array) return toBase64(value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  throw new CelError(`a value of type ${typeNameOf(value)} has no JSON`);
}
