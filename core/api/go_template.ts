import { goFunctions, isTrue } from "./go_template_functions.ts";
import {
  type Block,
  type Command,
  type Operand,
  type ParsedTemplate,
  type Pipeline,
  type Position,
  parseTemplate,
  type TemplateNode,
} from "./go_template_parser.ts";
import { type GoValue, goKind, goMembers, goNumber, goText, goTypeName } from "./go_value.ts";
import { getOwn, isJsonObject } from "./json_object.ts";
import type { Json } from "./meta.ts";

/** A template in the language of Go's `text/template`, ready to be used. */
export interface GoTemplate {
  /** The text it makes of `data`. @throws TemplateError */
  print(data: Json): string;
}

/** What a template could not do; `partial` is what it had printed by then. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly partial: string;

  constructor(message: string, partial: string) {
    super(message);
    this.partial = partial;
  }
}

/** Options of {@linkcode parseGoTemplate}. */
export interface GoTemplateOptions {
  /** Members that are missing are printed as `<no value>`. False: they are errors. Default true. */
  readonly allowMissingKeys?: boolean;
}

/** How deep templates may call each other. */
const maxCalls = 500;
/** How much text a template may make. */
const maxText = 256 * 1024 * 1024;

/**
 * Reads a template of kubectl's `-o go-template`: Go's language with all of its functions, `exists` and `base64decode`.
 *
 * @throws SyntaxError with the words of Go's parser
 * @see https://pkg.go.dev/text/template
 */
export function parseGoTemplate(template: string, { allowMissingKeys = true }: GoTemplateOptions = {}): GoTemplate {
  const parsed = parseTemplate(template, new Set(Object.keys(goFunctions)));
  return {
    print(data) {
      const run = new Run(template, parsed, allowMissingKeys);
      try {
        run.execute(data);
      } catch (error) {
        if (error instanceof TemplateError) throw error;
        throw new TemplateError(error instanceof Error ? error.message : String(error), run.text());
      }
      return run.text();
    },
  };
}

class Interrupt {
  readonly type: "break" | "continue";
  constructor(type: "break" | "continue") {
    this.type = type;
  }
}

const breaks = new Interrupt("break");
const continues = new Interrupt("continue");

class Run {
  readonly #template: string;
  readonly #parsed: ParsedTemplate;
  readonly #allowMissingKeys: boolean;
  readonly #out: string[] = [];
  #size = 0;
  #name = "output";
  #calls = 0;
  #variables: { readonly name: string; value: GoValue }[] = [];
  #at: Position | undefined;

  constructor(template: string, parsed: ParsedTemplate, allowMissingKeys: boolean) {
    this.#template = template;
    this.#parsed = parsed;
    this.#allowMissingKeys = allowMissingKeys;
  }

  text(): string {
    return this.#out.join("");
  }

  execute(data: Json): void {
    this.#variables = [{ name: "$", value: data }];
    this.#walk(this.#parsed.main, data);
  }

  #fail(message: string): TemplateError {
    const { at = 0, text = "" } = this.#at ?? {};
    const before = this.#template.slice(0, at);
    const line = before.split("\n").length;
    const column = new TextEncoder().encode(before.slice(before.lastIndexOf("\n") + 1)).length;
    return new TemplateError(
      `template: output:${line}:${column}: executing ${JSON.stringify(this.#name)} at <${text}>: ${message}`,
      this.text(),
    );
  }

  #write(text: string): void {
    this.#size += text.length;
    if (this.#size > maxText) throw this.#fail("the template makes too much text");
    this.#out.push(text);
  }

  #walk(nodes: readonly TemplateNode[], dot: GoValue): Interrupt | undefined {
    for (const node of nodes) {
      const interrupt = this.#node(node, dot);
      if (interrupt) return interrupt;
    }
    return undefined;
  }

  #node(node: TemplateNode, dot: GoValue): Interrupt | undefined {
    switch (node.type) {
      case "text":
        this.#write(node.text);
        return undefined;
      case "action": {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length === 0) this.#write(printed(value));
        return undefined;
      }
      case "if":
      case "with":
        return this.#inScope(() => {
          const value = this.#pipeline(node.pipeline, dot);
          if (!isTrue(value)) return this.#walk(node.otherwise, dot);
          return this.#walk(node.body, node.type === "with" ? value : dot);
        });
      case "range":
        return this.#inScope(() => this.#range(node, dot));
      case "template":
        this.#call(node, dot);
        return undefined;
      default:
        return node.type === "break" ? breaks : continues;
    }
  }

  #inScope<T>(body: () => T): T {
    const known = this.#variables.length;
    const result = body();
    this.#variables.length = known;
    return result;
  }

  #range(node: Block, dot: GoValue): Interrupt | undefined {
    const value = this.#pipeline(node.pipeline, dot, { isRange: true });
    const { variables, declares } = node.pipeline;
    const items = this.#items(value);
    if (items.length === 0) return this.#walk(node.otherwise, dot);
    for (const [key, item] of items) {
      const outcome = this.#inScope(() => {
        const values = variables.length === 1 && goKind(value) !== "int" ? [item] : [key, item];
        variables.forEach((name, index) => {
          if (declares) this.#variables.push({ name, value: values[index] });
          else this.#assign(name, values[index]);
        });
        return this.#walk(node.body, item);
      });
      if (outcome === breaks) break;
    }
    return undefined;
  }

  #items(value: GoValue): readonly (readonly [GoValue, GoValue])[] {
    switch (goKind(value)) {
      case "invalid":
      case "nil":
        return [];
      case "slice":
        return (value as readonly Json[]).map((item, index) => [index, item]);
      case "map":
        return goMembers(value);
      case "int": {
        const count = Number(goNumber(value));
        if (count > 1_000_000) throw this.#fail("range over too many numbers");
        return Array.from({ length: Math.max(0, count) }, (_none, index) => [index, index]);
      }
      default:
        throw this.#fail(`range can't iterate over ${goText(value)}`);
    }
  }

  #call({ name, pipeline, at }: Extract<TemplateNode, { type: "template" }>, dot: GoValue): void {
    this.#at = at;
    const body = this.#parsed.defined.get(name);
    if (!body) throw this.#fail(`template ${JSON.stringify(name)} not defined`);
    if (this.#calls >= maxCalls) throw this.#fail(`exceeded maximum template depth (${maxCalls})`);
    const value = pipeline && this.#pipeline(pipeline, dot);
    const [outerName, outerVariables] = [this.#name, this.#variables];
    this.#name = name;
    this.#calls++;
    this.#variables = [{ name: "$", value }];
    this.#walk(body, value);
    this.#calls--;
    [this.#name, this.#variables] = [outerName, outerVariables];
  }

  #assign(name: string, value: GoValue): void {
    const variable = this.#variables.findLast((one) => one.name === name);
    if (!variable) throw this.#fail(`undefined variable: ${name}`);
    variable.value = value;
  }

  #pipeline(pipeline: Pipeline, dot: GoValue, { isRange = false } = {}): GoValue {
    this.#at = pipeline;
    let value: GoValue;
    pipeline.commands.forEach((command, index) => {
      value = this.#command(command, dot, index === 0 ? [] : [value]);
    });
    if (!isRange) {
      for (const name of pipeline.variables) {
        if (pipeline.declares) this.#variables.push({ name, value });
        else this.#assign(name, value);
      }
    }
    return value;
  }

  #command(command: Command, dot: GoValue, final: readonly GoValue[]): GoValue {
    const [first, ...rest] = command.operands;
    if (!first) return undefined;
    if (first.type === "function") return this.#function(first.name, command, rest, dot, final);
    const value = this.#operand(first, dot);
    if (rest.length > 0 || final.length > 0) {
      this.#at = first;
      const isField = first.type === "field" || first.type === "variable" || first.type === "pipeline";
      const name = isField && first.type !== "pipeline" ? first.names.at(-1) : undefined;
      throw this.#fail(
        name === undefined
          ? `can't give argument to non-function ${first.text}`
          : `${name} is not a method but has arguments`,
      );
    }
    if (first.type === "nil") throw this.#fail("nil is not a command");
    return value;
  }

  #function(
    name: string,
    at: Position,
    operands: readonly Operand[],
    dot: GoValue,
    final: readonly GoValue[],
  ): GoValue {
    if (name === "and" || name === "or") {
      // The rest is not looked at once the answer is plain.
      let value: GoValue;
      for (const one of operands) {
        value = this.#operand(one, dot);
        if (isTrue(value) === (name === "or")) return value;
      }
      if (final.length > 0) return final[0];
      if (operands.length === 0) throw this.#fail(`wrong number of args for ${name}: want at least 1 got 0`);
      return value;
    }
    const values = [...operands.map((one) => this.#operand(one, dot)), ...final];
    this.#at = at;
    const { minimum, maximum, call } = goFunctions[name] ?? { minimum: 0, maximum: 0, call: () => undefined };
    if (values.length < minimum || values.length > maximum) {
      const wanted = minimum === maximum ? String(minimum) : `at least ${minimum}`;
      throw this.#fail(`wrong number of args for ${name}: want ${wanted} got ${values.length}`);
    }
    try {
      return call(values);
    } catch (error) {
      throw this.#fail(`error calling ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #operand(operand: Operand, dot: GoValue): GoValue {
    switch (operand.type) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "constant":
        return operand.value;
      case "field":
        return this.#fields(dot, operand.names, operand);
      case "variable":
        return this.#fields(
          this.#variables.findLast(({ name }) => name === operand.name)?.value,
          operand.names,
          operand,
        );
      case "pipeline":
        return this.#fields(this.#pipeline(operand.pipeline, dot), operand.names, operand);
      default:
        return this.#function(operand.name, operand, [], dot, []);
    }
  }

  #fields(start: GoValue, names: readonly string[], position: Position): GoValue {
    let value = start;
    for (const name of names) {
      this.#at = position;
      if (value === undefined) {
        if (!this.#allowMissingKeys) throw this.#fail(`nil data; no entry for key ${JSON.stringify(name)}`);
      } else if (value === null) {
        throw this.#fail(`nil pointer evaluating interface {}.${name}`);
      } else if (isMap(value)) {
        const member = getOwn(value, name);
        if (member === undefined && !this.#allowMissingKeys)
          throw this.#fail(`map has no entry for key ${JSON.stringify(name)}`);
        value = member;
      } else {
        const type = value === start ? goTypeName(value) : "interface {}";
        throw this.#fail(`can't evaluate field ${name} in type ${type}`);
      }
    }
    return value;
  }
}

function isMap(value: GoValue): value is { readonly [name: string]: Json } {
  return goKind(value) === "map" && isJsonObject(value as Json);
}

function printed(value: GoValue): string {
  return value === undefined || value === null ? "<no value>" : goText(value);
}
