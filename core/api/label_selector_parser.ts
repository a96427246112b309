import { labelValueErrors, qualifiedNameErrors } from "./label_validation.ts";
import type { SelectorOperator, SelectorTerm } from "./labels.ts";
import { StatusError } from "./status.ts";

interface Token {
  readonly type: "identifier" | "end" | "(" | ")" | "," | "!" | SelectorOperator;
  readonly text: string;
}

const binaryOperators: readonly string[] = ["in", "notin", "=", "==", "!=", ">", "<"];
const token = /[ \t\r\n]*(?:(==|!=|[=!<>(),])|([^ \t\r\n=!<>(),]+))/y;

/**
 * The terms of a label selector's text, in the order written. One pass, linear time.
 *
 * @throws StatusError `BadRequest` with Kubernetes' text
 * @see k8s.io/apimachinery/pkg/labels Parse
 */
export function parseSelectorTerms(text: string): readonly SelectorTerm[] {
  const tokens = tokenize(text);
  const terms: SelectorTerm[] = [];
  const parser = new TermParser(tokens);
  let next = parser.peek();
  if (next.type === "end") return terms;
  if (!startsTerm(next))
    throw StatusError.badRequest(`found '${next.text}', expected: !, identifier, or 'end of string'`);
  for (;;) {
    terms.push(parser.term());
    const separator = parser.take();
    if (separator.type === "end") return terms;
    if (separator.type !== ",")
      throw StatusError.badRequest(`found '${separator.text}', expected: ',' or 'end of string'`);
    next = parser.peek();
    if (!startsTerm(next)) throw StatusError.badRequest(`found '${next.text}', expected: identifier after ','`);
  }
}

function startsTerm({ type }: Token): boolean {
  return type === "identifier" || type === "!";
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [, symbol, word = ""] = match;
    tokens.push(symbol ? { type: symbol as Token["type"], text: symbol } : { type: "identifier", text: word });
  }
  return tokens;
}

/** Reads one term after the other. `in` and `notin` are operators only where an operator may stand. */
class TermParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    return this.#tokens[this.#at] ?? { type: "end", text: "" };
  }

  take(): Token {
    const next = this.peek();
    this.#at++;
    return next;
  }

  term(): SelectorTerm {
    const negated = this.peek().type === "!";
    if (negated) this.take();
    const { type, text: key } = this.take();
    if (type !== "identifier") throw refuse(`found '${key}', expected: identifier`);
    const reasons = qualifiedNameErrors(key);
    if (reasons.length > 0) throw refuse(`<nil>: Invalid value: ${JSON.stringify(key)}: ${reasons.join("; ")}`);
    if (negated) return { key, operator: "!", values: [] };
    if (this.peek().type === "end" || this.peek().type === ",") return { key, operator: "exists", values: [] };
    const operator = this.#operator();
    const values = operator === "in" || operator === "notin" ? this.#set() : [this.#value()];
    checkValues(key, operator, values);
    return { key, operator, values };
  }

  #operator(): SelectorOperator {
    const { text } = this.take();
    if (!binaryOperators.includes(text)) throw refuse(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
    return text as SelectorOperator;
  }

  #value(): string {
    const next = this.peek();
    if (next.type === "end" || next.type === ",") return "";
    this.take();
    if (next.type !== "identifier") throw refuse(`found '${next.text}', expected: identifier`);
    return next.text;
  }

  /** `(a,b)`; an empty place, as in `(a,)` or `()`, is the empty value. */
  #set(): readonly string[] {
    const open = this.take();
    if (open.type !== "(") throw refuse(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      if (this.peek().type === "identifier") values.add(this.take().text);
      else values.add("");
      const next = this.take();
      if (next.type === ")") return [...values];
      if (next.type !== ",") throw refuse(`found '${next.text}', expected: ',' or ')'`);
    }
  }
}

function checkValues(key: string, operator: SelectorOperator, values: readonly string[]): void {
  const problems: string[] = [];
  for (const [index, value] of values.entries()) {
    const quoted = JSON.stringify(value);
    if ((operator === ">" || operator === "<") && !isInt64(value))
      problems.push(
        `values[${index}]: Invalid value: ${quoted}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    const reasons = labelValueErrors(value);
    if (reasons.length > 0) problems.push(`values[${index}][${key}]: Invalid value: ${quoted}: ${reasons.join("; ")}`);
  }
  if (problems.length > 0) throw refuse(problems.length === 1 ? `${problems[0]}` : `[${problems.join(", ")}]`);
}

function isInt64(text: string): boolean {
  // A sign is no part of a label's value, so digits are all there can be.
  return /^[0-9]{1,19}$/.test(text) && BigInt(text) <= 0x7fff_ffff_ffff_ffffn;
}

function refuse(reason: string): StatusError {
  const shown = reason.length > 2048 ? `${reason.slice(0, 2048)}...` : reason;
  return StatusError.badRequest(`unable to parse requirement: ${shown}`);
}
