import type { StringMap } from "../core/api/meta.ts";
import type { Taint } from "../core/kinds/node.ts";
import { scopeOf } from "./kubelet/sysctls.ts";
import type { Ulimit } from "./runtime/runtime.ts";

/**
 * Reads `key=value` words, several to a word with commas.
 *
 * @throws SyntaxError naming the word
 */
export function parseLabels(words: readonly string[]): StringMap {
  const labels = words.flatMap(splitCommas).map((word): [string, string] => {
    const [key = "", value = "", ...rest] = word.split("=");
    if (key === "" || rest.length > 0)
      throw new SyntaxError(`Cannot read a label: use key=value, not ${JSON.stringify(word)}`);
    return [key, value];
  });
  return Object.fromEntries(labels);
}

/**
 * Reads words like `memory.available<100Mi`, several to a word with commas. Of a name that stands twice the last counts.
 *
 * @throws SyntaxError naming the word
 */
export function parsePairs(words: readonly string[], separator: "<" | "="): Readonly<Record<string, string>> {
  const pairs = words.flatMap(splitCommas).map((word): [string, string] => {
    const at = word.indexOf(separator);
    const [name, value] = [word.slice(0, Math.max(0, at)).trim(), word.slice(at + 1).trim()];
    if (name === "" || value === "")
      throw new SyntaxError(`Cannot read ${JSON.stringify(word)}: use name${separator}value`);
    return [name, value];
  });
  return Object.fromEntries(pairs);
}

const effects: readonly Taint["effect"][] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/**
 * Reads `key=value:effect` words (the value may be left out), several to a word with commas.
 *
 * @throws SyntaxError naming the word
 */
export function parseTaints(words: readonly string[]): readonly Taint[] {
  return words.flatMap(splitCommas).map((word) => {
    const colon = word.lastIndexOf(":");
    const effect = effects.find((name) => name === word.slice(colon + 1));
    const [key = "", value, ...rest] = word.slice(0, Math.max(0, colon)).split("=");
    if (!effect || key === "" || rest.length > 0) {
      throw new SyntaxError(
        `Cannot read a taint: use key=value:effect with ${effects.join(", ")}, not ${JSON.stringify(word)}`,
      );
    }
    return value === undefined ? { key, effect } : { key, value, effect };
  });
}

const maxSysctlLength = 253;

/**
 * Reads names of kernel parameters, or what they begin with and a `*`, several to a word with commas.
 *
 * @throws SyntaxError for what is no such name, and for a parameter that is the whole machine's
 */
export function parseSysctls(words: readonly string[]): readonly string[] {
  return words.flatMap(splitCommas).map((word) => {
    const name = word.replaceAll("/", ".");
    const isName = word.length <= maxSysctlLength && /^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*(\.?\*)?$/.test(name);
    if (!isName) throw new SyntaxError(`Cannot read a kernel parameter: ${JSON.stringify(word)}`);
    if (scopeOf(name) === undefined)
      throw new SyntaxError(
        `Cannot let pods set a kernel parameter that no pod has for itself: ${JSON.stringify(word)}`,
      );
    return name;
  });
}

const ulimitNames: readonly string[] = [
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

/**
 * Reads `name=soft:hard` words (one number is both; `unlimited` or -1 is none), several to a word with commas, as Docker's
 * daemon takes them. Of a name that stands twice the last counts.
 *
 * @throws SyntaxError naming the word
 */
export function parseUlimits(words: readonly string[]): readonly Ulimit[] {
  const ulimits = new Map<string, Ulimit>();
  for (const word of words.flatMap(splitCommas)) {
    const match = /^([a-z]{1,16})=(-1|unlimited|\d{1,15})(?::(-1|unlimited|\d{1,15}))?$/.exec(word);
    const [, name = "", first = "", second = first] = match ?? [];
    if (!ulimitNames.includes(name)) {
      const known = ulimitNames.join(", ");
      throw new SyntaxError(`Cannot read a limit: use name=soft:hard with ${known}, not ${JSON.stringify(word)}`);
    }
    const [soft, hard] = [limitOf(first), limitOf(second)];
    if (hard !== -1 && (soft === -1 || soft > hard))
      throw new SyntaxError(`Cannot use a limit: the soft one is above the hard one in ${JSON.stringify(word)}`);
    ulimits.set(name, { name, soft, hard });
  }
  return [...ulimits.values()];
}

function limitOf(text: string): number {
  return text === "unlimited" ? -1 : Number(text);
}

function splitCommas(word: string): readonly string[] {
  return word.split(",").filter((part) => part !== "");
}
