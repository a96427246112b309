import { Environment, ParseError } from "@marcbachmann/cel-js";
import { type Rewritten, rewrite } from "./_rewrite.ts";
import { CompileError, type Issue } from "./errors.ts";
import type { Expr, Loop, LoopKind, OptionalEntries } from "./syntax.ts";
import { Uint, type Value } from "./values.ts";

/** Longest expression. @see https://kubernetes.io/docs/reference/using-api/cel/#resource-constraints */
const maxLength = 100_000;
/** Deepest nesting, chains of operators included; the library and everything after it recurse. */
const maxDepth = 250;

/**
 * Only the library's grammar is used: lexer, literals and precedence. It knows macros, but expands them when it evaluates;
 * the expansion here is ours, as are types and evaluation.
 */
const grammar: Environment = new Environment({
  enableOptionalTypes: true,
  limits: { maxAstNodes: 20_000, maxDepth, maxListElements: 10_000, maxMapEntries: 10_000 },
});

/** A node of the library's tree. */
interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly pos: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads an expression.
 *
 * @throws CompileError
 */
export function parse(source: string): Expr {
  if (source.length > maxLength) {
    const message = `expression code point size exceeds limit: size: ${source.length}, limit ${maxLength}`;
    throw new CompileError("", [{ message, at: 0 }]);
  }
  const rewritten = rewrite(source);
  let node: Node;
  try {
    node = grammar.parse(rewritten.text).ast as unknown as Node;
  } catch (error) {
    if (error instanceof ParseError)
      throw new CompileError(source, [
        { message: `Syntax error: ${lowerFirst(error.summary)}`, at: error.range?.start ?? 0 },
      ]);
    throw error;
  }
  return new Expander(source, rewritten).expand(node, 0);
}

const tooDeep = (source: string, at: number) =>
  new CompileError(source, [{ message: `expression recursion limit exceeded: ${maxDepth}`, at }]);

/** Operators and the functions that they are, by cel-go's names. */
const operators: ReadonlyMap<string, string> = new Map(
  ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"].map((op): [string, string] => [op, `_${op}_`]),
)
  .set("in", "@in")
  .set("!_", "!_")
  .set("-_", "-_")
  .set("[]", "_[_]")
  .set("[?]", "_[?_]")
  .set("?:", "_?_:_");

/** Macros over a range: how many variables, and how many arguments after them. */
const loops: ReadonlyMap<
  string,
  { readonly loop: LoopKind; readonly variables: readonly number[]; readonly filter?: true }
> = new Map([
  ["all", { loop: "all", variables: [1, 2] }],
  ["exists", { loop: "exists", variables: [1, 2] }],
  ["exists_one", { loop: "existsOne", variables: [1, 2] }],
  ["existsOne", { loop: "existsOne", variables: [1, 2] }],
  ["map", { loop: "map", variables: [1], filter: true }],
  ["filter", { loop: "filter", variables: [1] }],
  ["sortBy", { loop: "sortBy", variables: [1] }],
  ["transformList", { loop: "transformList", variables: [2], filter: true }],
  ["transformMap", { loop: "transformMap", variables: [2], filter: true }],
  ["transformMapEntry", { loop: "transformMapEntry", variables: [2], filter: true }],
] as const);

const none: OptionalEntries = new Set();

class Expander {
  readonly #source: string;
  readonly #rewritten: Rewritten;
  constructor(source: string, rewritten: Rewritten) {
    this.#source = source;
    this.#rewritten = rewritten;
  }

  expand(node: Node, depth: number): Expr {
    if (depth > maxDepth * 2) throw tooDeep(this.#source, node.start);
    const below = (child: Node) => this.expand(child, depth + 1);
    const at = node.start;
    switch (node.op) {
      case "value":
        return { op: "const", at, value: this.#constant(node.args, at) };
      case "id":
        return { op: "ident", at, name: String(node.args) };
      case ".":
      case ".?": {
        const [operand, field] = node.args as [Node, string];
        const mode = node.op === "." ? "get" : "optional";
        return { op: "select", at: this.#after(operand, "."), operand: below(operand), field, mode };
      }
      case "list":
        return { op: "list", at, elements: (node.args as Node[]).map(below), optional: this.#optionalIn(node) };
      case "map":
        return this.#map(node.args as [Node, Node][], node, below);
      case "&&":
      case "||":
        return this.#chain(node, depth);
      case "call": {
        const [name, args] = node.args as [string, Node[]];
        return this.#call(name, args.map(below), this.#source.indexOf("(", at + name.length));
      }
      case "rcall": {
        const [name, target, args] = node.args as [string, Node, Node[]];
        const open = this.#source.indexOf("(", this.#after(target, ".") + 1);
        return this.#memberCall(name, below(target), args.map(below), open);
      }
      default:
        return this.#operator(node, depth);
    }
  }

  #optionalIn({ start }: Node): OptionalEntries {
    return this.#rewritten.optional.get(start) ?? none;
  }

  #map(entries: readonly [Node, Node][], node: Node, below: (child: Node) => Expr): Expr {
    const optional = this.#optionalIn(node);
    const message = this.#rewritten.messages.get(node.start);
    if (!message)
      return {
        op: "map",
        at: node.start,
        entries: entries.map(([key, value]) => [below(key), below(value)]),
        optional,
      };
    const fields = entries.map(([key, value], index) => {
      const name = message.fields[index];
      if (name === undefined) throw this.#error("Syntax error: expected a field's name", key.start);
      return { at: key.start, name, value: below(value), optional: optional.has(index) };
    });
    return { op: "message", at: message.at, name: message.name, fields };
  }

  #operator(node: Node, depth: number): Expr {
    const name = operators.get(node.op);
    if (name === undefined) throw this.#error(`unsupported syntax '${node.op}'`, node.start);
    const args = (Array.isArray(node.args) ? node.args : [node.args]) as Node[];
    // The smallest integer is a minus before a number that is too large by itself.
    if (node.op === "-_" && args[0]?.op === "value" && typeof args[0].args === "bigint")
      return { op: "const", at: node.start, value: this.#constant(-args[0].args, node.start) };
    const [first] = args;
    const symbol = node.op === "?:" ? "?" : node.op.startsWith("[") ? "[" : node.op;
    const at = args.length > 1 && first ? this.#after(first, symbol) : node.start;
    return { op: "call", at, name, args: args.map((arg) => this.expand(arg, depth + 1)) };
  }

  /** `a && b && c` is one node, so that its length is no depth. */
  #chain(node: Node, depth: number): Expr {
    const terms: Node[] = [];
    let rest = node;
    while (rest.op === node.op) {
      const [left, right] = rest.args as [Node, Node];
      terms.unshift(right);
      rest = left;
    }
    terms.unshift(rest);
    return {
      op: node.op === "&&" ? "and" : "or",
      at: this.#after(rest, node.op),
      terms: terms.map((term) => this.expand(term, depth + 1)),
    };
  }

  #call(name: string, args: readonly Expr[], at: number): Expr {
    if (name !== "has") return { op: "call", at, name, args };
    const [argument] = args;
    if (args.length !== 1 || argument?.op !== "select" || argument.mode !== "get")
      throw this.#error("invalid argument to has() macro", at);
    return { ...argument, mode: "test" };
  }

  #memberCall(name: string, target: Expr, args: readonly Expr[], at: number): Expr {
    const [first, second, third] = args;
    if (name === "bind" && target.op === "ident" && target.name === "cel" && first && second && third)
      return { op: "bind", at, name: this.#variable(first), value: second, body: third };
    if ((name === "optMap" || name === "optFlatMap") && first && second && args.length === 2)
      return {
        op: "optional",
        at,
        operand: target,
        name: this.#variable(first),
        body: second,
        flat: name === "optFlatMap",
      };
    return this.#loop(name, target, args, at) ?? { op: "call", at, name, target, args };
  }

  #loop(name: string, range: Expr, args: readonly Expr[], at: number): Loop | undefined {
    const macro = loops.get(name);
    if (macro === undefined) return undefined;
    const count = macro.variables.find(
      (wanted) => args.length === wanted + 1 || (macro.filter && args.length === wanted + 2),
    );
    const body = args.at(-1);
    if (count === undefined || body === undefined) return undefined;
    const variables = args.slice(0, count).map((arg) => this.#variable(arg));
    if (new Set(variables).size < variables.length) throw this.#error("duplicate variable name", at);
    const filter = args.length === count + 2 ? args[count] : undefined;
    return { op: "loop", at, loop: macro.loop, range, variables, body, ...(filter ? { filter } : {}) };
  }

  #variable(expr: Expr): string {
    if (expr.op !== "ident") throw this.#error("argument must be a simple name", expr.at);
    return expr.name;
  }

  #constant(value: unknown, at: number): Value {
    // The library's class for unsigned integers is not exported.
    if (typeof value === "object" && value !== null && typeof value.valueOf() === "bigint")
      return new Uint(value.valueOf() as unknown as bigint);
    if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) throw this.#error("invalid int literal", at);
    return value as Value;
  }

  /** Where `symbol` stands after a node; parentheses that close around the node lie between. */
  #after(node: Node, symbol: string): number {
    const found = this.#source.indexOf(symbol, node.end);
    return found < 0 ? node.end : found;
  }

  #error(message: string, at: number): CompileError {
    const issue: Issue = { message, at };
    return new CompileError(this.#source, [issue]);
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
