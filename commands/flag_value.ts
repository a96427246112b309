import type { Flag } from "../core/flags/flag.ts";
import { parseDuration } from "../core/util/duration.ts";
import { goBoolean } from "../core/util/go_boolean.ts";
import { UsageError } from "./verb.ts";

/**
 * The value of a flag in the one form that is read on: `T` is `true`, `0x10` is `16`.
 *
 * @throws UsageError with pflag's words for what is none of the flag's type
 */
export function flagValue(name: string, flag: Flag, text: string): string {
  const read = readers[flag.type];
  const { value = text, wrong } = read?.(text) ?? {};
  if (wrong === undefined) return value;
  const named = `${flag.short ? `-${flag.short}, ` : ""}--${name}`;
  throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${named}" flag: ${wrong}`);
}

/** What a text is as a value, or what is wrong with it. */
type Reader = (text: string) => { readonly value?: string; readonly wrong?: string };

const readers: { readonly [type in Flag["type"]]?: Reader } = {
  boolean(text) {
    const value = goBoolean(text);
    return value === undefined ? { wrong: notParsed("ParseBool", text, "invalid syntax") } : { value: String(value) };
  },
  number(text) {
    const [, sign, digits = ""] = /^([+-]?)(0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|\d+)$/.exec(text) ?? [];
    if (digits === "") return { wrong: notParsed("ParseInt", text, "invalid syntax") };
    const size = Number(/^0[0-7]/.test(digits) ? `0o${digits}` : digits);
    if (!Number.isSafeInteger(size)) return { wrong: notParsed("ParseInt", text, "value out of range") };
    return { value: `${sign === "-" ? "-" : ""}${size}` };
  },
  duration(text) {
    const size = text.replace(/^[+-]/, "");
    if (size === "0") return {};
    try {
      parseDuration(size);
      return {};
    } catch {
      const quoted = JSON.stringify(text);
      const why = /^\d+(\.\d*)?(.*)$/s.exec(size);
      if (!why) return { wrong: `time: invalid duration ${quoted}` };
      const [, , unit = ""] = why;
      if (unit === "") return { wrong: `time: missing unit in duration ${quoted}` };
      return {
        wrong: `time: unknown unit ${JSON.stringify(/^[^\d.]*/.exec(unit)?.[0] ?? unit)} in duration ${quoted}`,
      };
    }
  },
};

function notParsed(parser: string, text: string, why: string): string {
  return `strconv.${parser}: parsing ${JSON.stringify(text)}: ${why}`;
}
