/** A piece of a template. */
export interface Token {
  readonly type:
    | "text"
    | "open"
    | "close"
    | "space"
    | "word"
    | "field"
    | "variable"
    | "string"
    | "number"
    | "."
    | "|"
    | "("
    | ")"
    | ":="
    | "="
    | ",";
  readonly text: string;
  /** Index in the template. */
  readonly at: number;
  /** What a constant means. */
  readonly value?: string | number;
  readonly isFloat?: boolean;
}

const patterns: readonly (readonly [Token["type"], RegExp])[] = [
  ["space", /[ \t\r\n]+/y],
  ["field", /\.[\p{L}\p{Nd}_]*[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["number", /[-+]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/y],
  ["word", /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  [".", /\./y],
  ["|", /\|/y],
  ["(", /\(/y],
  [")", /\)/y],
  [":=", /:=/y],
  ["=", /=/y],
  [",", /,/y],
];

/** Splits a template into text and what stands in `{{ }}`, comments left out. `fail` makes the error for a place. */
export function* tokens(text: string, fail: (at: number, message: string) => Error): Generator<Token, void, void> {
  let at = 0;
  let trimNext = false;
  while (at < text.length) {
    const open = text.indexOf("{{", at);
    const end = open < 0 ? text.length : open;
    const trims = open >= 0 && text[open + 2] === "-" && isSpace(text[open + 3]);
    let part = text.slice(at, end);
    if (trimNext) part = part.trimStart();
    if (trims) part = part.trimEnd();
    if (part !== "") yield { type: "text", text: part, at };
    if (open < 0) return;
    at = open + (trims ? 3 : 2);
    const comment = afterComment(text, at, fail, open);
    if (comment) {
      ({ at, trimNext } = comment);
      continue;
    }
    yield { type: "open", text: "{{", at: open };
    for (;;) {
      const closing = /(?:[ \t\r\n]+-)?\}\}/y;
      closing.lastIndex = at;
      const closes = closing.exec(text);
      if (closes) {
        trimNext = closes[0].length > 2;
        yield { type: "close", text: closes[0], at };
        at += closes[0].length;
        break;
      }
      const token = tokenAt(text, at, fail);
      yield token;
      at += token.text.length;
    }
  }
}

function isSpace(char: string | undefined): boolean {
  return char !== undefined && /[ \t\r\n]/.test(char);
}

function afterComment(
  text: string,
  start: number,
  fail: (at: number, message: string) => Error,
  open: number,
): { readonly at: number; readonly trimNext: boolean } | undefined {
  let at = start;
  while (isSpace(text[at])) at++;
  if (!text.startsWith("/*", at)) return undefined;
  const end = text.indexOf("*/", at);
  if (end < 0) throw fail(open, "unclosed comment");
  const closing = /([ \t\r\n]+-)?\}\}/y;
  closing.lastIndex = end + 2;
  const closes = closing.exec(text);
  if (!closes) throw fail(open, "comment ends before closing delimiter");
  return { at: end + 2 + closes[0].length, trimNext: closes[1] !== undefined };
}

function tokenAt(text: string, at: number, fail: (at: number, message: string) => Error): Token {
  const char = text[at];
  if (char === undefined) throw fail(at, "unclosed action");
  if (char === '"' || char === "'") return quotedAt(text, at, char, fail);
  if (char === "`") {
    const end = text.indexOf("`", at + 1);
    if (end < 0) throw fail(at, "unterminated raw quoted string");
    return { type: "string", text: text.slice(at, end + 1), at, value: text.slice(at + 1, end).replaceAll("\r", "") };
  }
  for (const [type, pattern] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) continue;
    if (type !== "number") return { type, text: found, at };
    const literal = found.replaceAll("_", "");
    const isFloat = /^[-+]?\d*(\.|\d[eE])/.test(literal) || literal.includes(".");
    const [sign, digits] = /^[-+]/.test(literal) ? [literal[0], literal.slice(1)] : ["", literal];
    const value = Number(digits) * (sign === "-" ? -1 : 1);
    if (Number.isNaN(value)) throw fail(at, `bad number syntax: ${JSON.stringify(found)}`);
    return { type, text: found, at, value, isFloat };
  }
  throw fail(at, `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))} in command`);
}

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

const codeEscape = /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3}))/;

function quotedAt(text: string, at: number, quote: string, fail: (at: number, message: string) => Error): Token {
  const what = quote === '"' ? "quoted string" : "character constant";
  let value = "";
  let end = at + 1;
  for (;;) {
    const char = text[end];
    if (char === undefined || char === "\n") throw fail(at, `unterminated ${what}`);
    if (char === quote) break;
    if (char !== "\\") {
      value += char;
      end++;
      continue;
    }
    const code = codeEscape.exec(text.slice(end, end + 10));
    if (code) {
      const [all, two, four, eight, octal] = code;
      const point = octal === undefined ? Number.parseInt(two ?? four ?? eight ?? "", 16) : Number.parseInt(octal, 8);
      if (point > 0x10ffff) throw fail(at, "invalid syntax");
      value += String.fromCodePoint(point);
      end += all.length;
      continue;
    }
    const escaped = text[end + 1] ?? "";
    if (!Object.hasOwn(escapes, escaped)) throw fail(at, "invalid syntax");
    value += escapes[escaped] ?? "";
    end += 2;
  }
  const whole = text.slice(at, end + 1);
  if (quote === "'") {
    return { type: "number", text: whole, at, value: value.codePointAt(0) ?? 0, isFloat: false };
  }
  return { type: "string", text: whole, at, value };
}
