import { compileSelect } from "./_access.ts";
import { compileCall } from "./_calls.ts";
import { compileList, compileMap, compileMessage } from "./_literals.ts";
import { compileLogic } from "./_logic.ts";
import { compileLoop } from "./_loops.ts";
import { costs, noOverload, nothing, type Typed, typeOfConstant } from "./_typed.ts";
import { CelError, type Issue } from "./errors.ts";
import type { Expr } from "./syntax.ts";
import {
  assignable,
  type CelType,
  dyn,
  isDynamic,
  type ObjectType,
  optionalOf,
  param,
  typeName,
  typeType,
} from "./types.ts";
import { Optional, TypeValue } from "./values.ts";

/** Tells the type of the messages of a name (`Name{field: value}`); undefined where there are none. */
export type MessageTypes = (name: string) => ObjectType | undefined;

interface Variable {
  readonly type: CelType;
  readonly slot: number;
}

const typeNames: ReadonlySet<string> = new Set([
  ..."bool int uint double string bytes list map null_type type optional_type".split(" "),
  ..."google.protobuf.Timestamp google.protobuf.Duration net.IP net.CIDR".split(" "),
  ..."kubernetes.Quantity kubernetes.URL kubernetes.Semver kubernetes.NamedFormat".split(" "),
]);

/** Turns an expression into a function, checking types on the way. Mistakes are gathered in `issues`. */
export class Compiler {
  readonly issues: Issue[] = [];
  readonly uses: Set<string> = new Set();
  readonly messages: MessageTypes;
  /** The types of all parts. */
  readonly types: Map<Expr, CelType> = new Map();
  readonly #variables = new Map<string, Variable>();
  #slots = 0;

  /** @param messages none by default */
  constructor(variables: ReadonlyMap<string, CelType>, messages: MessageTypes = () => undefined) {
    this.messages = messages;
    for (const [name, type] of variables) this.#variables.set(name, { type, slot: this.#slots++ });
  }

  compile(expr: Expr): Typed {
    const typed = this.#compile(expr);
    this.types.set(expr, typed.type);
    return typed;
  }

  #compile(expr: Expr): Typed {
    switch (expr.op) {
      case "const":
        return { type: typeOfConstant(expr.value), run: () => expr.value };
      case "ident":
        return this.named(expr.name) ?? this.undeclared(expr.name, expr.at);
      case "select":
        return compileSelect(this, expr);
      case "list":
        return compileList(this, expr);
      case "map":
        return compileMap(this, expr);
      case "message":
        return compileMessage(this, expr);
      case "and":
        return compileLogic(this, expr.terms, false, expr.at);
      case "or":
        return compileLogic(this, expr.terms, true, expr.at);
      case "loop":
        return compileLoop(this, expr);
      case "bind":
        return this.#bind(expr);
      case "optional":
        return this.#optional(expr);
      case "call":
        return compileCall(this, expr);
    }
  }

  /** Notes a mistake; what it is in has no type, so that nothing else is said of it. */
  mistake(message: string, at: number): Typed {
    this.issues.push({ message, at });
    return nothing;
  }

  /** Compiles with variables that are seen in a part of the expression only. Tells where their values are to be put. */
  within<T>(variables: readonly (readonly [name: string, type: CelType])[], body: (slots: readonly number[]) => T): T {
    const hidden = variables.map(([name]) => [name, this.#variables.get(name)] as const);
    const slots = variables.map(([name, type]) => {
      const slot = this.#slots++;
      this.#variables.set(name, { type, slot });
      return slot;
    });
    const result = body(slots);
    for (const [name, variable] of hidden) {
      if (variable) this.#variables.set(name, variable);
      else this.#variables.delete(name);
    }
    return result;
  }

  /** Compiles what must be of a type. */
  expect(expr: Expr, wanted: CelType): Typed {
    const typed = this.compile(expr);
    if (assignable(wanted, typed.type, new Map())) return typed;
    return this.mistake(`expected type '${typeName(wanted)}' but found '${typeName(typed.type)}'`, expr.at);
  }

  /** The variable or type of a name; undefined where there is none. */
  named(name: string): Typed | undefined {
    const variable = this.#variables.get(name);
    if (variable) {
      this.uses.add(name);
      const { type, slot } = variable;
      return {
        type,
        run({ slots, budget }) {
          budget.spend(costs.step);
          const value = slots[slot];
          if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
          return value;
        },
      };
    }
    if (!typeNames.has(name)) return undefined;
    const value = new TypeValue(name);
    return { type: typeType, run: () => value };
  }

  /** Notes that there is nothing of a name. */
  undeclared(name: string, at: number): Typed {
    return this.mistake(`undeclared reference to '${name}' (in container '')`, at);
  }

  isVariable(name: string): boolean {
    return this.#variables.has(name);
  }

  /** The dotted name that an expression is, where its first part is no variable: `math.x`, `google.protobuf.Duration`. */
  qualified(expr: Expr): string | undefined {
    if (expr.op === "ident") return expr.name;
    if (expr.op !== "select" || expr.mode !== "get") return undefined;
    const operand = this.qualified(expr.operand);
    return operand === undefined ? undefined : `${operand}.${expr.field}`;
  }

  #bind({ name, value, body }: Expr & { op: "bind" }): Typed {
    const bound = this.compile(value);
    return this.within([[name, bound.type]], ([slot = 0]) => {
      const { type, run } = this.compile(body);
      return {
        type,
        run(frame) {
          frame.slots[slot] = bound.run(frame);
          return run(frame);
        },
      };
    });
  }

  #optional({ operand, name, body, flat, at }: Expr & { op: "optional" }): Typed {
    const value = this.compile(operand);
    if (value.type.kind !== "optional" && !isDynamic(value.type))
      return this.mistake(noOverload(flat ? "optFlatMap" : "optMap", [value.type]), at);
    const element = value.type.kind === "optional" ? value.type.element : dyn;
    return this.within([[name, element]], ([slot = 0]) => {
      const { type, run } = flat ? this.expect(body, optionalOf(param("T"))) : this.compile(body);
      return {
        type: flat ? type : optionalOf(type),
        run(frame) {
          const optional = value.run(frame);
          if (!(optional instanceof Optional)) throw new CelError("no such overload");
          if (optional.value === undefined) return optional;
          frame.slots[slot] = optional.value;
          return flat ? run(frame) : new Optional(run(frame));
        },
      };
    });
  }
}
