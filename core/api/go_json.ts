import { jsonText } from "./json_text.ts";

const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** JSON as Go's encoder writes it: members sorted, characters escaped that mean something in HTML. */
export function goJson(value: unknown): string {
  return write(value).replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] ?? character);
}

function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return jsonText(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  // Not by an object with sorted members: JavaScript puts those that look like numbers first.
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`).join(",")}}`;
}
