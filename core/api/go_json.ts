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

/** A member of an object as it is written, and how the objects in it are. */
export interface Member {
  readonly name: string;
  readonly value: unknown;
  readonly order: MemberOrder;
}

/** The members of an object in the order in which they are written. What is undefined is not written. */
export type MemberOrder = (object: object) => readonly Member[];

/** As Go writes maps. Not by an object with sorted members: JavaScript puts those that look like numbers first. */
export function mapOrder(ofValues?: MemberOrder): MemberOrder {
  const order: MemberOrder = (object) =>
    Object.entries(object)
      .sort(([a], [b]) => compareText(a, b))
      .map(([name, value]) => ({ name, value, order: ofValues ?? order }));
  return order;
}

/**
 * JSON as Go's encoder writes it: characters escaped that mean something in HTML.
 *
 * @param indent spaces for each level; 0, the default, puts all on one line
 * @param order of the members; sorted by default
 */
export function goJson(value: unknown, indent = 0, order: MemberOrder = mapOrder()): string {
  return escapeForHtml(indent === 0 ? write(value, order) : writeIndented(value, { order, indent }, "\n"));
}

/** The same with members in the order that they have, as Go writes structures. */
export function goJsonAsGiven(value: Json): string {
  return escapeForHtml(jsonText(value));
}

function escapeForHtml(text: string): string {
  return text.replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] ?? character);
}

function write(value: unknown, order: MemberOrder): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null, order)).join(",")}]`;
  if (typeof value !== "object" || value === null) return jsonText(value);
  return `{${membersOf(value, order)
    .map((member) => `${JSON.stringify(member.name)}:${write(member.value, member.order)}`)
    .join(",")}}`;
}

interface Style {
  readonly order: MemberOrder;
  readonly indent: number;
}

function writeIndented(value: unknown, style: Style, margin: string): string {
  if (typeof value !== "object" || value === null) return jsonText(value);
  const inner = margin + " ".repeat(style.indent);
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((item) => writeIndented(item ?? null, style, inner))
    : membersOf(value, style.order).map(
        ({ name, value, order }) => `${JSON.stringify(name)}: ${writeIndented(value, { ...style, order }, inner)}`,
      );
  const [open, close] = isList ? "[]" : "{}";
  return parts.length === 0 ? `${open}${close}` : `${open}${inner}${parts.join(`,${inner}`)}${margin}${close}`;
}

function membersOf(object: object, order: MemberOrder): readonly Member[] {
  return order(object).filter(({ value }) => value !== undefined);
}
