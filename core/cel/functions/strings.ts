import type { Budget } from "../budget.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, type Overload, overload } from "../overload.ts";
import { bool, dyn, int, listOf, string } from "../types.ts";
import type { Value } from "../values.ts";
import { formatText } from "./format_text.ts";

/** Characters as Unicode counts them; the text itself where every character is one unit. */
function charactersOf(text: string): string | readonly string[] {
  return /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
}

function slice(text: string, start: bigint, end: bigint | undefined): string {
  const characters = charactersOf(text);
  const length = BigInt(characters.length);
  const last = end ?? length;
  if (start < 0n || start > length) throw new CelError(`index out of range: ${start}`);
  if (last < 0n || last > length) throw new CelError(`index out of range: ${last}`);
  if (start > last) throw new CelError(`invalid substring range. start: ${start}, end: ${last}`);
  const part = characters.slice(Number(start), Number(last));
  return typeof part === "string" ? part : part.join("");
}

/** Where `part` is, in characters; searching forwards from `from`, or backwards. */
function find(text: string, part: string, from: bigint | undefined, backwards: boolean): bigint {
  const characters = charactersOf(text);
  if (from !== undefined && (from < 0n || from > BigInt(characters.length)))
    throw new CelError(`index out of range: ${from}`);
  if (part === "") return from ?? (backwards ? BigInt(characters.length) : 0n);
  const prefix = (count: bigint) =>
    typeof characters === "string" ? Number(count) : characters.slice(0, Number(count)).join("").length;
  const at = backwards
    ? text.lastIndexOf(part, from === undefined ? undefined : prefix(from))
    : text.indexOf(part, from === undefined ? 0 : prefix(from));
  if (at < 0 || typeof characters === "string") return BigInt(at);
  return BigInt(Array.from(text.slice(0, at)).length);
}

function replace(text: string, from: string, to: string, limit: bigint | undefined, budget: Budget): string {
  budget.traverse(text.length, 2);
  const pieces = from === "" ? ["", ...charactersOf(text), ""] : text.split(from);
  const most = limit === undefined || limit < 0n ? pieces.length - 1 : Math.min(Number(limit), pieces.length - 1);
  budget.traverse(most * to.length);
  return (
    pieces
      .slice(0, most)
      .map((piece) => piece + to)
      .join("") + pieces.slice(most).join(from)
  );
}

function split(text: string, by: string, limit: bigint | undefined, budget: Budget): readonly string[] {
  budget.traverse(text.length, 2);
  const pieces = by === "" ? Array.from(text) : text.split(by);
  if (limit === undefined || limit < 0n || limit >= BigInt(pieces.length)) return pieces;
  const count = Number(limit);
  return count === 0 ? [] : [...pieces.slice(0, count - 1), pieces.slice(count - 1).join(by)];
}

function joinTexts(list: readonly Value[], by: string, budget: Budget): string {
  let size = by.length * list.length;
  for (const element of list) {
    if (typeof element !== "string") throw new CelError("no such overload");
    size += element.length;
  }
  budget.traverse(size, 2);
  return list.join(by);
}

/** A text as a CEL literal. */
function quote(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    "\u0007": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
  };
  return `"${text.replace(/[\u0007\b\f\n\r\t\v\\"]/g, (char) => escapes[char] ?? char)}"`;
}

const paying =
  (times: number, run: (text: string) => Value): Overload["run"] =>
  ([text], budget) => {
    budget.traverse((text as string).length, times);
    return run(text as string);
  };

const searching = (holds: (text: string, part: string) => boolean, times: (text: string, part: string) => number) =>
  overload([string, string], bool, ([text, part], budget) => {
    budget.spend(Math.ceil(times(text as string, part as string)));
    return holds(text as string, part as string);
  });

const indexOverloads = (backwards: boolean): readonly Overload[] => [
  overload([string, string], int, ([text, part], budget) => {
    budget.traverse((text as string).length);
    return find(text as string, part as string, undefined, backwards);
  }),
  overload([string, string, int], int, ([text, part, from], budget) => {
    budget.traverse((text as string).length);
    return find(text as string, part as string, from as bigint, backwards);
  }),
];

// What the characters of white space are, as Go's unicode.IsSpace has it.
const space = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && space.test(text.charAt(start))) start++;
  while (end > start && space.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Functions of text. @see https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries */
export const stringFunctions: readonly FunctionSet[] = [
  {
    name: "contains",
    member: [
      searching(
        (a, b) => a.includes(b),
        (a, b) => a.length * 0.1 * Math.max(1, b.length * 0.1),
      ),
    ],
  },
  {
    name: "startsWith",
    member: [
      searching(
        (a, b) => a.startsWith(b),
        (_, b) => b.length * 0.1,
      ),
    ],
  },
  {
    name: "endsWith",
    member: [
      searching(
        (a, b) => a.endsWith(b),
        (_, b) => b.length * 0.1,
      ),
    ],
  },
  {
    name: "charAt",
    member: [
      overload([string, int], string, ([text, at], budget) => {
        budget.traverse((text as string).length);
        const characters = charactersOf(text as string);
        const index = at as bigint;
        if (index < 0n || index > BigInt(characters.length)) throw new CelError(`index out of range: ${index}`);
        return characters[Number(index)] ?? "";
      }),
    ],
  },
  { name: "indexOf", member: indexOverloads(false) },
  { name: "lastIndexOf", member: indexOverloads(true) },
  {
    name: "join",
    member: [
      overload([listOf(string)], string, ([list], budget) => joinTexts(list as readonly Value[], "", budget)),
      overload([listOf(string), string], string, ([list, by], budget) =>
        joinTexts(list as readonly Value[], by as string, budget),
      ),
    ],
  },
  {
    name: "lowerAscii",
    member: [
      overload(
        [string],
        string,
        paying(1, (text) => text.replace(/[A-Z]/g, (c) => c.toLowerCase())),
      ),
    ],
  },
  {
    name: "upperAscii",
    member: [
      overload(
        [string],
        string,
        paying(1, (text) => text.replace(/[a-z]/g, (c) => c.toUpperCase())),
      ),
    ],
  },
  { name: "trim", member: [overload([string], string, paying(1, trim))] },
  {
    name: "replace",
    member: [
      overload([string, string, string], string, ([text, from, to], budget) =>
        replace(text as string, from as string, to as string, undefined, budget),
      ),
      overload([string, string, string, int], string, ([text, from, to, limit], budget) =>
        replace(text as string, from as string, to as string, limit as bigint, budget),
      ),
    ],
  },
  {
    name: "split",
    member: [
      overload([string, string], listOf(string), ([text, by], budget) =>
        split(text as string, by as string, undefined, budget),
      ),
      overload([string, string, int], listOf(string), ([text, by, limit], budget) =>
        split(text as string, by as string, limit as bigint, budget),
      ),
    ],
  },
  {
    name: "substring",
    member: [
      overload([string, int], string, ([text, start], budget) => {
        budget.traverse((text as string).length);
        return slice(text as string, start as bigint, undefined);
      }),
      overload([string, int, int], string, ([text, start, end], budget) => {
        budget.traverse((text as string).length);
        return slice(text as string, start as bigint, end as bigint);
      }),
    ],
  },
  {
    name: "format",
    member: [
      overload([string, listOf(dyn)], string, ([text, values], budget) =>
        formatText(text as string, values as readonly Value[], budget),
      ),
    ],
  },
  { name: "strings.quote", global: [overload([string], string, paying(2, quote))] },
  {
    name: "jsonpatch.escapeKey",
    global: [
      overload(
        [string],
        string,
        paying(1, (text) => text.replaceAll("~", "~0").replaceAll("/", "~1")),
      ),
    ],
  },
];
