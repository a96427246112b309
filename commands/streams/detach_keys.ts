import type { FlagWithDefault } from "../../core/flags/flag.ts";
import { errorMessage } from "../../core/util/log.ts";
import { UsageError } from "../verb.ts";

/** `--detach-keys`. */
export const detachKeysFlag: { readonly "detach-keys": FlagWithDefault<"string", "ctrl-p,ctrl-q"> } = {
  "detach-keys": {
    type: "string",
    default: "ctrl-p,ctrl-q",
    placeholder: "keys",
    description: "Keys that leave the container running and come back, one after another, with -t.",
  },
};

/** The user typed the keys that end a session; what runs in the container goes on. */
export class DetachedError extends Error {
  override readonly name = "DetachedError";
}

/**
 * The bytes of keys such as `ctrl-p,ctrl-q,x`; none for an empty text.
 *
 * @throws UsageError with kubectl's words for a key that there is not
 */
export function detachKeysOf({ "detach-keys": text }: { readonly "detach-keys": string }): Uint8Array {
  if (text === "") return new Uint8Array();
  try {
    return Uint8Array.from(text.split(","), byteOf);
  } catch (error) {
    throw new UsageError(`could not bind detach keys: ${errorMessage(error)}`);
  }
}

function byteOf(key: string): number {
  if (/^[\0-\x7f]$/.test(key)) return key.charCodeAt(0);
  // Control with a key is that key without its upper bits.
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (control === undefined) throw new RangeError(`Unknown character: '${key}'`);
  return control.charCodeAt(0) & 0x1f;
}

/**
 * What is typed, up to those keys: keys that may begin them are kept back until the next one is typed.
 *
 * @throws DetachedError when all of them were typed one after another. It does not end as input does, for a container whose
 * input ends may end itself
 */
export async function* untilDetached(
  input: AsyncIterable<Uint8Array>,
  keys: Uint8Array,
): AsyncGenerator<Uint8Array, void, void> {
  if (keys.length === 0) return yield* input;
  let matched = 0;
  for await (const chunk of input) {
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte !== keys[matched]) {
        // What was kept back was meant for the container.
        passed.push(...keys.subarray(0, matched));
        matched = 0;
      }
      if (byte !== keys[matched]) passed.push(byte);
      else if (++matched === keys.length) {
        if (passed.length > 0) yield Uint8Array.from(passed);
        throw new DetachedError("The session was left");
      }
    }
    if (passed.length > 0) yield Uint8Array.from(passed);
  }
  if (matched > 0) yield keys.slice(0, matched);
}
