import { type Token, tokens } from "./go_template_lexer.ts";
import { GoFloat, GoInt, type GoValue } from "./go_value.ts";

/** Where in the template a node stands, and how it is spelled: what errors name. */
export interface Position {
  readonly at: number;
  readonly text: string;
}

/** One word of a command. */
export type Operand = Position &
  (
    | { readonly type: "dot" }
    | { readonly type: "nil" }
    | { readonly type: "constant"; readonly value: GoValue }
    | { readonly type: "field"; readonly names: readonly string[] }
    | { readonly type: "variable"; readonly name: string; readonly names: readonly string[] }
    | { readonly type: "function"; readonly name: string }
    | { readonly type: "pipeline"; readonly pipeline: Pipeline; readonly names: readonly string[] }
  );

/** A function or a value with its arguments. */
export interface Command extends Position {
  readonly operands: readonly Operand[];
}

/** Commands, each with the value of the one before as its last argument. */
export interface Pipeline extends Position {
  readonly variables: readonly string[];
  /** Whether the variables are new. */
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

/** A part that is used or not, or many times. */
export interface Block {
  readonly type: "if" | "with" | "range";
  readonly pipeline: Pipeline;
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
}

/** A part of a template. */
export type TemplateNode =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "action"; readonly pipeline: Pipeline }
  | Block
  | { readonly type: "template"; readonly name: string; readonly pipeline: Pipeline | undefined; readonly at: Position }
  | { readonly type: "break" | "continue" };

/** A template and those that it defines, by name. */
export interface ParsedTemplate {
  readonly main: readonly TemplateNode[];
  readonly defined: ReadonlyMap<string, readonly TemplateNode[]>;
}

const maxDepth = 100;

/** Reads a template. @throws SyntaxError with the words of Go's parser */
export function parseTemplate(text: string, functions: ReadonlySet<string>): ParsedTemplate {
  return new Parser(text, functions).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #functions: ReadonlySet<string>;
  readonly #defined = new Map<string, readonly TemplateNode[]>();
  #variables: string[] = ["$"];
  #loops = 0;
  #depth = 0;
  #next = 0;
  /** What kept the rest from being split into tokens: told when the parser comes there. */
  readonly #unread: unknown;

  constructor(text: string, functions: ReadonlySet<string>) {
    this.#text = text;
    this.#functions = functions;
    const found: Token[] = [];
    try {
      for (const token of tokens(text, (at, message) => this.#error(message, at))) found.push(token);
    } catch (error) {
      this.#unread = error;
    }
    this.#tokens = found;
  }

  parse(): ParsedTemplate {
    const { nodes, end } = this.#list();
    if (end !== undefined) throw this.#error(`unexpected {{${end}}}`);
    return { main: nodes, defined: this.#defined };
  }

  #error(message: string, at = this.#tokens?.[this.#next - 1]?.at ?? 0): SyntaxError {
    const line = this.#text.slice(0, at).split("\n").length;
    return new SyntaxError(`template: output:${line}: ${message}`);
  }

  #peek(): Token | undefined {
    if (this.#unread && this.#next >= this.#tokens.length) throw this.#unread;
    return this.#tokens[this.#next];
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    if (!token) throw this.#error("unexpected EOF", this.#text.length);
    return token;
  }

  #spaces(): void {
    while (this.#peek()?.type === "space") this.#next++;
  }

  #takeWord(): Token {
    this.#spaces();
    return this.#take();
  }

  /** Parts up to `{{end}}`, `{{else}}` or the end of the text. */
  #list(): { readonly nodes: readonly TemplateNode[]; readonly end: "end" | "else" | undefined } {
    if (++this.#depth > maxDepth) throw this.#error("exceeded max parse depth");
    const nodes: TemplateNode[] = [];
    for (let token = this.#peek(); token; token = this.#peek()) {
      this.#next++;
      if (token.type === "text") {
        nodes.push({ type: "text", text: token.text });
        continue;
      }
      this.#spaces();
      const word = this.#peek();
      if (word?.type === "word" && (word.text === "end" || word.text === "else")) {
        this.#next++;
        if (word.text === "end") this.#close("end");
        this.#depth--;
        return { nodes, end: word.text };
      }
      const node = this.#action(word);
      if (node) nodes.push(node);
    }
    this.#depth--;
    return { nodes, end: undefined };
  }

  #close(context: string): void {
    const token = this.#takeWord();
    if (token.type !== "close") throw this.#error(`unexpected ${described(token)} in ${context}`);
  }

  #action(word: Token | undefined): TemplateNode | undefined {
    if (word?.type === "word") {
      switch (word.text) {
        case "if":
        case "with":
        case "range":
          this.#next++;
          return this.#block(word.text);
        case "define":
          this.#next++;
          return this.#define();
        case "block":
          this.#next++;
          return this.#namedBlock();
        case "template":
          this.#next++;
          return this.#template();
        case "break":
        case "continue":
          if (this.#functions.has(word.text)) break;
          this.#next++;
          if (this.#loops === 0) throw this.#error(`{{${word.text}}} outside {{range}}`);
          this.#close(word.text);
          return { type: word.text };
      }
    }
    const pipeline = this.#pipeline("command", "close");
    return { type: "action", pipeline };
  }

  #block(type: "if" | "with" | "range"): TemplateNode {
    const known = this.#variables.length;
    const pipeline = this.#pipeline(type, "close");
    if (type === "range") this.#loops++;
    const { nodes: body, end } = this.#list();
    if (type === "range") this.#loops--;
    const otherwise = end === "else" ? this.#otherwise(type) : [];
    if (end === undefined) throw this.#error("unexpected EOF", this.#text.length);
    this.#variables.length = known;
    return { type, pipeline, body, otherwise };
  }

  #otherwise(type: "if" | "with" | "range"): readonly TemplateNode[] {
    this.#spaces();
    const word = this.#peek();
    // `{{else if x}}` is an if inside of the else, and shares its end.
    if (word?.type === "word" && word.text === type && type !== "range") {
      this.#next++;
      return [this.#block(type)];
    }
    this.#close("else");
    const { nodes, end } = this.#list();
    if (end === undefined) throw this.#error("unexpected EOF", this.#text.length);
    if (end === "else") throw this.#error("expected end; found {{else}}");
    return nodes;
  }

  #name(context: string): string {
    const token = this.#takeWord();
    if (token.type !== "string") throw this.#error(`unexpected ${described(token)} in ${context}`);
    return String(token.value);
  }

  #define(): undefined {
    const name = this.#name("define clause");
    this.#close("define clause");
    this.#defined.set(name, this.#ownBody("define clause"));
  }

  #ownBody(context: string): readonly TemplateNode[] {
    const [outer, loops] = [this.#variables, this.#loops];
    [this.#variables, this.#loops] = [["$"], 0];
    const { nodes, end } = this.#list();
    if (end === undefined) throw this.#error("unexpected EOF", this.#text.length);
    if (end === "else") throw this.#error(`unexpected {{else}} in ${context}`);
    [this.#variables, this.#loops] = [outer, loops];
    return nodes;
  }

  #namedBlock(): TemplateNode {
    const at = { at: this.#peek()?.at ?? 0, text: "" };
    const name = this.#name("block clause");
    const pipeline = this.#pipeline("block clause", "close");
    this.#defined.set(name, this.#ownBody("block clause"));
    return { type: "template", name, pipeline, at };
  }

  #template(): TemplateNode {
    this.#spaces();
    const at = this.#peek()?.at ?? 0;
    const name = this.#name("template clause");
    this.#spaces();
    const spelled = { at, text: `{{template ${JSON.stringify(name)}}}` };
    if (this.#peek()?.type !== "close") {
      return { type: "template", name, pipeline: this.#pipeline("template clause", "close"), at: spelled };
    }
    this.#next++;
    return { type: "template", name, pipeline: undefined, at: spelled };
  }

  #pipeline(context: string, end: "close" | ")"): Pipeline {
    if (++this.#depth > maxDepth) throw this.#error("exceeded max parse depth");
    this.#spaces();
    const start = this.#next;
    const { variables, declares } = this.#declaration(context);
    const commands: Command[] = [];
    for (;;) {
      this.#spaces();
      const token = this.#peek();
      if (token?.type === end) {
        this.#next++;
        break;
      }
      if (!token || (token.type === "close" && end === ")")) throw this.#error("unclosed left paren");
      commands.push(this.#command(context));
      this.#spaces();
      if (this.#peek()?.type === "|") {
        this.#next++;
        this.#spaces();
        if (this.#peek()?.type === end) throw this.#error(`missing value for ${context}`);
      }
    }
    if (commands.length === 0) throw this.#error(`missing value for ${context}`);
    commands.slice(1).forEach(({ operands: [first] }, index) => {
      if (first && ["constant", "dot", "nil"].includes(first.type))
        throw this.#error(`non executable command in pipeline stage ${index + 2}`);
    });
    if (declares) this.#variables.push(...variables);
    this.#depth--;
    return { variables, declares, commands, ...this.#position(start, this.#next - 1) };
  }

  /** `$x :=`, `$x =`, and in a range `$i, $x :=`. */
  #declaration(context: string): { readonly variables: readonly string[]; readonly declares: boolean } {
    const names: string[] = [];
    const start = this.#next;
    for (;;) {
      this.#spaces();
      const token = this.#peek();
      if (token?.type !== "variable") break;
      this.#next++;
      this.#spaces();
      const after = this.#peek();
      if (after?.type === ":=" || after?.type === "=") {
        this.#next++;
        names.push(token.text);
        return { variables: names, declares: after.type === ":=" };
      }
      if (after?.type !== "," || context !== "range") break;
      this.#next++;
      names.push(token.text);
      if (names.length > 1) throw this.#error("too many declarations in range");
    }
    this.#next = start;
    return { variables: [], declares: false };
  }

  #command(context: string): Command {
    const operands: Operand[] = [];
    const start = this.#next;
    for (;;) {
      this.#spaces();
      const token = this.#peek();
      if (!token || token.type === "|" || token.type === ")" || token.type === "close") break;
      operands.push(this.#operand(context));
      const after = this.#peek();
      if (after && !["space", "|", ")", "close"].includes(after.type))
        throw this.#error(`unexpected ${described(after)} in operand`, after.at);
    }
    if (operands.length === 0) {
      const token = this.#peek();
      throw this.#error(token?.type === ")" ? `unexpected ${described(token)} in ${context}` : "empty command");
    }
    return { operands, ...this.#position(start, this.#next) };
  }

  #operand(context: string): Operand {
    const start = this.#next;
    const token = this.#take();
    const position = () => this.#position(start, this.#next);
    switch (token.type) {
      case ".":
        return { type: "dot", ...position() };
      case "field":
        return { type: "field", names: [token.text.slice(1), ...this.#fields()], ...position() };
      case "variable": {
        if (!this.#variables.includes(token.text)) throw this.#error(`undefined variable "${token.text}"`);
        return { type: "variable", name: token.text, names: this.#fields(), ...position() };
      }
      case "(": {
        const pipeline = this.#pipeline("parenthesized pipeline", ")");
        return { type: "pipeline", pipeline, names: this.#fields(), ...position() };
      }
      case "string":
        return { type: "constant", value: token.value ?? "", ...position() };
      case "number": {
        const value = Number(token.value);
        const constant = token.isFloat ? new GoFloat(value) : new GoInt(value);
        return { type: "constant", value: constant, ...position() };
      }
      case "word":
        if (token.text === "nil") return { type: "nil", ...position() };
        if (token.text === "true" || token.text === "false")
          return { type: "constant", value: token.text === "true", ...position() };
        if (!this.#functions.has(token.text)) throw this.#error(`function "${token.text}" not defined`);
        return { type: "function", name: token.text, ...position() };
      default:
        throw this.#error(`unexpected ${described(token)} in ${context}`);
    }
  }

  #fields(): readonly string[] {
    const names: string[] = [];
    for (let token = this.#peek(); token?.type === "field"; token = this.#peek()) {
      names.push(token.text.slice(1));
      this.#next++;
    }
    return names;
  }

  #position(start: number, end: number): Position {
    const first = this.#tokens[start];
    const last = this.#tokens[end - 1] ?? first;
    if (!first || !last) return { at: 0, text: "" };
    // Go names a chain of fields by the place of its second part.
    const second = this.#tokens[start + 1];
    const at = end > start + 1 && second?.type === "field" ? second.at : first.at;
    return { at, text: this.#text.slice(first.at, last.at + last.text.length).trim() };
  }
}

function described({ type, text }: Token): string {
  return type === "close" ? '"}}"' : type === "word" ? `<${text}>` : JSON.stringify(text);
}
