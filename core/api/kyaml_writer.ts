import { type MemberOrder, mapOrder } from "./go_json.ts";
import { jsonText } from "./json_text.ts";
import type { Json } from "./meta.ts";

/** Options of {@linkcode formatKyaml}. */
export interface KyamlOptions {
  /** Members stand as they are in the object, instead of sorted. Default: sorted. */
  readonly asGiven?: boolean;
  /** The order of the members. */
  readonly order?: MemberOrder | undefined;
}

/**
 * A value as a document of KYAML, the YAML without meaning in its spaces that `kubectl get -o kyaml` prints: braces
 * around objects, brackets around lists, all text in double quotes. Ends with a line feed.
 *
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/5295-kyaml
 */
export function formatKyaml(value: Json, { asGiven = false, order = mapOrder() }: KyamlOptions = {}): string {
  return `---\n${write(value, 0, asGiven ? givenOrder : order)}\n`;
}

const givenOrder: MemberOrder = (object) =>
  Object.entries(object).map(([name, value]) => ({ name, value, order: givenOrder }));

function write(value: Json, level: number, order: MemberOrder): string {
  const margin = marginOf(level);
  if (Array.isArray(value)) {
    const list: readonly Json[] = value;
    if (list.length === 0) return "[]";
    if (list.every((item) => typeof item === "object" && item !== null))
      return `[${list.map((item) => write(item, level, order)).join(", ")}]`;
    const items = list.map((item) => `${margin}  ${write(item, level + 1, order)},\n`);
    return `[\n${items.join("")}${margin}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = order(value);
    if (members.length === 0) return "{}";
    const lines = members.map(
      ({ name, value, order }) => `${margin}  ${formatName(name)}: ${write(value as Json, level + 1, order)},\n`,
    );
    return `{\n${lines.join("")}${margin}}`;
  }
  return typeof value === "string" ? formatText(value, level + 1) : jsonText(value);
}

function marginOf(level: number): string {
  return "  ".repeat(level);
}

function formatName(name: string): string {
  return needsQuotes(name) ? `"${escaped(name)}"` : name;
}

/** Text of several lines goes over as many: the folds between them are no part of it. */
function formatText(text: string, level: number): string {
  if (!text.includes("\n")) return `"${escaped(text)}"`;
  const margin = marginOf(level);
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  const folded = [...lines.map((line) => `${line}\n`), ...(last ? [last] : [])].map((line) => {
    // Readers drop the spaces at the beginning of a line, but for those that are escaped.
    const lead = /^(?!\n)\p{White_Space}/u.test(line) ? "\\" : " ";
    return `${margin}${lead}${escaped(line)}\\\n`;
  });
  return `"\\\n${folded.join("")}${margin}"`;
}

const named: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\v", "\\v"],
  ["\0", "\\0"],
  ["\u001b", "\\e"],
  ["\u0085", "\\N"],
  ["\u00a0", "\\_"],
  ["\u2028", "\\L"],
  ["\u2029", "\\P"],
]);

function escaped(text: string): string {
  return text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} \t]/gu, (character) => {
    const name = named.get(character);
    if (name !== undefined) return name;
    // Half of a pair is no character: Go has the replacement character there.
    const code = /[\ud800-\udfff]/.test(character) && character.length === 1 ? 0xfffd : (character.codePointAt(0) ?? 0);
    if (code === 0xfffd) return "\ufffd";
    if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

/** Whether a name is more than letters, digits and marks within, or something that a reader takes for no text. */
function needsQuotes(name: string): boolean {
  if (!/^[\p{L}\p{N}_](?:[\p{L}\p{N}_./-]*[\p{L}\p{N}_])?$/u.test(name)) return true;
  return (
    /^(?:null|true|false|y|yes|on|n|no|off|t|f)$/i.test(name) || isNumber(name.replaceAll("_", "")) || isDate(name)
  );
}

function isNumber(text: string): boolean {
  if (/^(?:inf|infinity|nan)$/i.test(text)) return true;
  if (/^0x[0-9a-f]+$|^0b[01]+$|^0o[0-7]+$/i.test(text)) return inRange(text);
  if (/^0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)p[+-]?\d+$/i.test(text)) return true;
  return /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
}

/** Whether Go can hold the integer in 64 bits. */
function inRange(text: string): boolean {
  return BigInt(text.toLowerCase()) < 2n ** 63n;
}

function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  if (year === undefined) return false;
  const [wantedMonth, wantedDay] = [Number(month), Number(day)];
  const date = new Date(Date.UTC(2000, wantedMonth - 1, wantedDay));
  date.setUTCFullYear(Number(year), wantedMonth - 1, wantedDay);
  return date.getUTCMonth() === wantedMonth - 1 && date.getUTCDate() === wantedDay;
}
