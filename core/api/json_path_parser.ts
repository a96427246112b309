import type { JsonPathNode } from "./json_path_evaluator.ts";

const maxDepth = 50;
const maxUnended = 5;

/** Reads a template of JSONPath expressions in braces. @throws SyntaxError */
export function parseJsonPathTemplate(template: string): readonly JsonPathNode[] {
  const parser = new Parser(template);
  return parser.template(false).nodes;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Text and expressions, up to the end of the text or, inside of a range, to `{end}`; and whether there was one. */
  template(inRange: boolean): { readonly nodes: readonly JsonPathNode[]; readonly ended: boolean } {
    const nodes: JsonPathNode[] = [];
    let ended = false;
    for (;;) {
      const open = this.#text.indexOf("{", this.#at);
      const text = this.#text.slice(this.#at, open < 0 ? undefined : open);
      if (text !== "") nodes.push({ type: "text", text });
      if (open < 0) {
        this.#at = this.#text.length;
        return { nodes, ended };
      }
      this.#at = open + 1;
      if (this.#word("end")) {
        if (!inRange) throw new SyntaxError("not in range, nothing to end");
        this.#close();
        return { nodes, ended: true };
      }
      if (this.#word("range")) {
        const range = this.#range();
        ended ||= range.ended;
        nodes.push(...range.nodes);
      } else nodes.push(this.#expression());
    }
  }

  /** A range without an end goes on to the end of the text, which then is read once more, as kubectl does. */
  #range(): { readonly nodes: readonly JsonPathNode[]; readonly ended: boolean } {
    const over = this.#steps("}");
    this.#close();
    this.#enter();
    const { nodes: body, ended } = this.template(true);
    // Each level doubles the work.
    if (!ended && this.#depth > maxUnended) throw new SyntaxError("unexpected end of range");
    this.#depth--;
    return { nodes: [{ type: "range", over, body }, ...(ended ? [] : body)], ended };
  }

  #expression(): JsonPathNode {
    const steps = this.#steps("}");
    this.#close();
    return { type: "expression", steps };
  }

  #close(): void {
    this.#spaces();
    if (this.#text[this.#at] !== "}") throw new SyntaxError("unclosed action");
    this.#at++;
  }

  #enter(): void {
    if (++this.#depth > maxDepth) throw new SyntaxError(`the path is nested more than ${maxDepth} levels deep`);
  }

  #spaces(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #word(word: string): boolean {
    this.#spaces();
    if (!this.#text.startsWith(word, this.#at) || /[\w-]/.test(this.#text[this.#at + word.length] ?? "")) return false;
    this.#at += word.length;
    return true;
  }

  /** Steps of a path, up to one of the characters that end it. */
  #steps(ends: string): readonly JsonPathNode[] {
    const steps: JsonPathNode[] = [];
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new SyntaxError("unclosed action");
      if (ends.includes(char)) return steps;
      const step = this.#step(char);
      if (step) steps.push(step);
    }
  }

  #step(char: string): JsonPathNode | undefined {
    if (/\s/.test(char) || char === "@" || char === "$") {
      this.#at++;
      return undefined;
    }
    if (char === ".") return this.#dot();
    if (char === "[") return this.#brackets();
    if (char === "'" || char === '"') return { type: "literal", value: this.#quoted() };
    if (/[-+0-9]/.test(char)) return { type: "literal", value: this.#number() };
    if (/[A-Za-z_]/.test(char)) return this.#bareWord();
    const code = (this.#text.codePointAt(this.#at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw new SyntaxError(`unrecognized character in action: U+${code} '${char}'`);
  }

  #dot(): JsonPathNode | undefined {
    this.#at++;
    if (this.#text[this.#at] === ".") {
      this.#at++;
      const next = this.#text[this.#at] ?? "";
      if (/[\w\\*-]/.test(next)) this.#at--;
      return { type: "recursive" };
    }
    if (this.#text[this.#at] === "*") {
      this.#at++;
      return { type: "wildcard" };
    }
    const name = this.#name();
    return name === "" ? undefined : { type: "field", name };
  }

  /** A member's name; a backslash keeps the character after it from ending the name. */
  #name(): string {
    let name = "";
    for (let char = this.#text[this.#at]; char !== undefined; char = this.#text[this.#at]) {
      if (char === "\\") {
        name += this.#text[this.#at + 1] ?? "";
        this.#at += 2;
      } else if (/[\s.[\]{}()@$|=!<>,'"]/.test(char)) break;
      else {
        name += char;
        this.#at++;
      }
    }
    return name;
  }

  #bareWord(): JsonPathNode {
    const start = this.#at;
    while (/[\w-]/.test(this.#text[this.#at] ?? "")) this.#at++;
    const word = this.#text.slice(start, this.#at);
    if (word === "true" || word === "false") return { type: "literal", value: word === "true" };
    throw new SyntaxError(`unrecognized identifier ${word}`);
  }

  #quoted(): string {
    const quote = this.#text[this.#at] ?? "";
    let text = "";
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const char = this.#text[at];
      if (char === quote) {
        this.#at = at + 1;
        return text;
      }
      if (char === "\\") text += escaped(this.#text[++at] ?? "");
      else text += char;
    }
    throw new SyntaxError("unterminated quoted string");
  }

  #number(): number {
    const [literal = ""] = /^[-+]?\d*\.?\d*/.exec(this.#text.slice(this.#at, this.#at + 40)) ?? [];
    const value = Number(literal);
    if (!/\d/.test(literal) || Number.isNaN(value)) throw new SyntaxError(`cannot parse number ${literal}`);
    this.#at += literal.length;
    return value;
  }

  #brackets(): JsonPathNode {
    this.#at++;
    this.#enter();
    this.#spaces();
    const node = this.#text[this.#at] === "?" ? this.#filter() : this.#selectors();
    this.#spaces();
    if (this.#text[this.#at] !== "]") throw new SyntaxError("unterminated array");
    this.#at++;
    this.#depth--;
    return node;
  }

  #selectors(): JsonPathNode {
    const selectors: JsonPathNode[] = [];
    for (;;) {
      this.#spaces();
      selectors.push(this.#selector());
      this.#spaces();
      if (this.#text[this.#at] !== ",") break;
      this.#at++;
    }
    const [only] = selectors;
    if (only && selectors.length === 1) return only;
    return { type: "union", paths: selectors.map((selector) => [selector]) };
  }

  #selector(): JsonPathNode {
    const char = this.#text[this.#at] ?? "";
    if (char === "*") {
      this.#at++;
      return { type: "wildcard" };
    }
    if (char === "'" || char === '"') return this.#key();
    const rest = this.#text.slice(this.#at, this.#at + 80);
    const [matched, start, colon, end, step] = /^(-?\d+)?\s*(:)?\s*(-?\d+)?\s*(?::\s*(-?\d+))?/.exec(rest) ?? [];
    if (matched && (start !== undefined || colon)) {
      this.#at += matched.length;
      if (!colon) return { type: "index", index: Number(start) };
      if (step !== undefined && Number(step) <= 0) throw new SyntaxError("step must be > 0");
      return {
        type: "slice",
        ...(start === undefined ? {} : { start: Number(start) }),
        ...(end === undefined ? {} : { end: Number(end) }),
        ...(step === undefined ? {} : { step: Number(step) }),
      };
    }
    if (!this.#text.includes("]", this.#at)) throw new SyntaxError("unterminated array");
    throw new SyntaxError(`invalid array index ${rest.split("]", 1)[0] ?? ""}`);
  }

  /** What stands quoted in brackets is a path of its own: its dots need a backslash. */
  #key(): JsonPathNode {
    const quote = this.#text[this.#at] ?? "";
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== quote) end += this.#text[end] === "\\" ? 2 : 1;
    if (end >= this.#text.length) throw new SyntaxError("unterminated quoted string");
    const steps = new Parser(`.${this.#text.slice(this.#at + 1, end)}}`).#steps("}");
    this.#at = end + 1;
    return { type: "expression", steps };
  }

  #filterSteps(ends: string): readonly JsonPathNode[] {
    if (!this.#text.includes(")", this.#at)) throw new SyntaxError("unterminated filter");
    return this.#steps(ends);
  }

  #filter(): JsonPathNode {
    this.#at++;
    this.#spaces();
    if (this.#text[this.#at] !== "(") throw new SyntaxError("unterminated filter");
    this.#at++;
    const left = this.#filterSteps(")=!<>");
    const [operator] = /^(==|!=|<=|>=|<|>)/.exec(this.#text.slice(this.#at, this.#at + 2)) ?? [];
    this.#at += operator?.length ?? 0;
    const right = this.#filterSteps(")");
    this.#at++;
    if (operator === undefined && right.length > 0) throw new SyntaxError("unrecognized filter");
    return { type: "filter", left, operator: (operator as "==" | undefined) ?? "exists", right };
  }
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", a: "\x07" };

function escaped(char: string): string {
  return Object.hasOwn(escapes, char) ? (escapes[char] ?? char) : char;
}
