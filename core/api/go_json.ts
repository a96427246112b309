import { compareText } from "./go_value.ts";
import { jsonText } from "./json_text.ts";
import type { Json } from "./meta.ts";

const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/**
 * JSON as Go's encoder writes it: members sorted, characters escaped that mean something in HTML.
 *
 * @param indent spaces for each level; 0, the default, puts all on one line
 */
export function goJson(value: unknown, indent = 0): string {
  return escapeForHtml(indent === 0 ? write(value) : writeIndented(value, " ".repeat(indent), "\n"));
}

/** The same with members in the order that they have, as Go writes structures. */
export function goJsonAsGiven(value: Json): string {
  return escapeForHtml(jsonText(value));
}

function escapeForHtml(text: string): string {
  return text.replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] ?? character);
}

function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return jsonText(value);
  return `{${membersOf(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`)
    .join(",")}}`;
}

function writeIndented(value: unknown, indent: string, margin: string): string {
  if (typeof value !== "object" || value === null) return jsonText(value);
  const inner = margin + indent;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((item) => writeIndented(item ?? null, indent, inner))
    : membersOf(value).map(([name, member]) => `${JSON.stringify(name)}: ${writeIndented(member, indent, inner)}`);
  const [open, close] = isList ? "[]" : "{}";
  return parts.length === 0 ? `${open}${close}` : `${open}${inner}${parts.join(`,${inner}`)}${margin}${close}`;
}

/** Not by an object with sorted members: JavaScript puts those that look like numbers first. */
function membersOf(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => compareText(a, b));
}
