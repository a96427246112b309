import type { OptionalEntries } from "./syntax.ts";

/** An expression in the grammar of the library, and what that grammar has no place for. All places are as in the source. */
export interface Rewritten {
  readonly text: string;
  /** By the place of their opening brace or bracket. */
  readonly optional: ReadonlyMap<number, OptionalEntries>;
  /** By the place of their opening brace. */
  readonly messages: ReadonlyMap<number, Message>;
}

/** A message of which the grammar sees a map from numbers. */
export interface Message {
  readonly name: string;
  readonly at: number;
  /** The fields' names by entry; one is missing where something else stands. */
  readonly fields: readonly (string | undefined)[];
}

/** A brace, bracket or parenthesis that is open. */
interface Open {
  readonly at: number;
  readonly kind: "list" | "map" | "message" | "other";
  /** Entries that were begun before the present one. */
  index: number;
  readonly optional: Set<number>;
  readonly fields: (string | undefined)[];
}

const tokens =
  /\s+|\/\/[^\n]*|[rR]?[bB]?[rR]?(?:"""|'''|"|')|[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*|[0-9][0-9A-Za-z.]*|[\s\S]/gy;
/** What the grammar lacks: `name{`, and `?` before an entry. */
const mark = /\w\s*\{|[[{,]\s*\?/;

/**
 * Rewrites messages and optional entries into what the library's grammar knows: `Name{a: x, ?b: y}` becomes a map,
 * with blanks for the name and the marks and `0` for a field's name, so that every place stays what it was.
 */
export function rewrite(source: string): Rewritten {
  const optional = new Map<number, OptionalEntries>();
  const messages = new Map<number, Message>();
  if (!mark.test(source)) return { text: source, optional, messages };
  const text: string[] = [];
  const open: Open[] = [];
  let name: { readonly at: number; readonly piece: number; readonly text: string } | undefined;
  // Whether the last token ends an operand: a bracket after it is an index, a brace a message's.
  let isOperand = false;
  let begins = false;
  tokens.lastIndex = 0;
  for (let at = 0; at < source.length; at = tokens.lastIndex) {
    tokens.lastIndex = at;
    const [token = ""] = tokens.exec(source) ?? [];
    const top = open.at(-1);
    const starts = begins;
    if (/^(?:\s|\/\/)/.test(token)) {
      text.push(token);
      continue;
    }
    begins = false;
    if (/^[rRbB]*["']/.test(token)) {
      const end = endOfString(source, at, token);
      tokens.lastIndex = end;
      text.push(source.slice(at, end));
      [isOperand, name] = [true, undefined];
    } else if (token === "?" && starts && top && top.kind !== "other") {
      optional.set(top.at, top.optional.add(top.index));
      text.push(" ");
      begins = true;
    } else if (token === "[" || token === "{" || token === "(") {
      const kind = token === "(" || (token === "[" && isOperand) ? "other" : token === "[" ? "list" : "map";
      const made: Open = {
        at,
        kind: kind === "map" && name ? "message" : kind,
        index: 0,
        optional: new Set(),
        fields: [],
      };
      if (made.kind === "message" && name) {
        text[name.piece] = " ".repeat(name.text.length);
        messages.set(at, { name: name.text.replace(/\s+/g, ""), at: name.at, fields: made.fields });
      }
      open.push(made);
      text.push(token);
      [isOperand, begins, name] = [false, true, undefined];
    } else if (token === "]" || token === "}" || token === ")") {
      open.pop();
      text.push(token);
      [isOperand, name] = [true, undefined];
    } else if (token === ",") {
      if (top) top.index++;
      text.push(token);
      [isOperand, begins, name] = [false, true, undefined];
    } else if (/^[A-Za-z_]/.test(token)) {
      const isField = starts && top?.kind === "message" && /^\w+$/.test(token);
      if (isField) top.fields[top.index] = token;
      const isWord = token === "in" || token === "true" || token === "false" || token === "null";
      name = isWord || isField || isOperand ? undefined : { at, piece: text.length, text: token };
      text.push(isField ? "0".padEnd(token.length) : token);
      isOperand = token !== "in";
    } else {
      text.push(token);
      // What follows a dot is a member's name.
      [isOperand, name] = [/^[0-9.]/.test(token), undefined];
    }
  }
  return { text: text.join(""), optional, messages };
}

/** Where a string that begins with `opening` (prefix and quotes) ends. */
function endOfString(source: string, at: number, opening: string): number {
  const quotes = opening.replace(/^[rRbB]+/, "");
  // The library reads escapes alike in all strings, raw ones too.
  for (let index = at + opening.length; index < source.length; index++) {
    if (source[index] === "\\") index++;
    else if (source.startsWith(quotes, index)) return index + quotes.length;
  }
  return source.length;
}
