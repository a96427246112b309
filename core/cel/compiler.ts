import { compileLoop } from "./_loops.ts";
import type { Budget } from "./budget.ts";
import { CelError, type Issue } from "./errors.ts";
import { functions } from "./functions/mod.ts";
import { compilePattern } from "./functions/regex.ts";
import { fits, type Overload } from "./overload.ts";
import type { Expr } from "./syntax.ts";
import { parseDuration, parseTimestamp } from "./time.ts";
import {
  assignable,
  type Bindings,
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  errorType,
  int,
  isDynamic,
  join,
  listOf,
  mapOf,
  nullType,
  optionalOf,
  param,
  string,
  substitute,
  typeName,
  typeType,
  uint,
} from "./types.ts";
import { CelMap, isList, LiteralMap, Optional, TypeValue, Uint, type Value } from "./values.ts";

/** What an evaluation has at hand: its variables, and what it may cost. */
export interface Frame {
  readonly slots: (Value | undefined)[];
  readonly budget: Budget;
}
/** Evaluates a piece of an expression. */
export type Run = (frame: Frame) => Value;
/** A piece of an expression: its type, and how it is evaluated. */
export interface Typed {
  readonly type: CelType;
  readonly run: Run;
}
interface Variable {
  readonly type: CelType;
  readonly slot: number;
}

const typeNames: ReadonlySet<string> = new Set([
  ..."bool int uint double string bytes list map null_type type optional_type".split(" "),
  ..."google.protobuf.Timestamp google.protobuf.Duration net.IP net.CIDR".split(" "),
  ..."kubernetes.Quantity kubernetes.URL kubernetes.Semver kubernetes.NamedFormat".split(" "),
]);

const nothing: Typed = { type: errorType, run: () => null };
/** Costs of a step, a new list and a new map. @see github.com/google/cel-go/common cost.go */
const stepCost = 1;
const listCost = 10;
const mapCost = 30;

/** Turns an expression into a function, checking types on the way. Mistakes are gathered in `issues`. */
export class Compiler {
  readonly issues: Issue[] = [];
  readonly uses: Set<string> = new Set();
  readonly #variables = new Map<string, Variable>();
  #slots = 0;

  constructor(variables: ReadonlyMap<string, CelType>) {
    for (const [name, type] of variables) this.#variables.set(name, { type, slot: this.#slots++ });
  }

  compile(expr: Expr): Typed {
    switch (expr.op) {
      case "const":
        return { type: typeOfConstant(expr.value), run: () => expr.value };
      case "ident":
        return this.#named(expr.name) ?? this.#undeclared(expr.name, expr.at);
      case "select":
        return this.#select(expr);
      case "list":
        return this.#list(expr);
      case "map":
        return this.#map(expr);
      case "and":
        return this.#logic(expr.terms, false, expr.at);
      case "or":
        return this.#logic(expr.terms, true, expr.at);
      case "loop":
        return compileLoop(this, expr);
      case "bind":
        return this.#bind(expr);
      case "optional":
        return this.#optional(expr);
      case "call":
        return this.#call(expr);
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

  #named(name: string): Typed | undefined {
    const variable = this.#variables.get(name);
    if (variable) {
      this.uses.add(name);
      const { type, slot } = variable;
      return {
        type,
        run({ slots, budget }) {
          budget.spend(stepCost);
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

  #undeclared(name: string, at: number): Typed {
    return this.mistake(`undeclared reference to '${name}' (in container '')`, at);
  }

  /** The dotted name that an expression is, where its first part is no variable: `math.x`, `google.protobuf.Duration`. */
  #qualified(expr: Expr): string | undefined {
    if (expr.op === "ident") return expr.name;
    if (expr.op !== "select" || expr.mode !== "get") return undefined;
    const operand = this.#qualified(expr.operand);
    return operand === undefined ? undefined : `${operand}.${expr.field}`;
  }

  #select(expr: Expr & { op: "select" }): Typed {
    const name = this.#qualified(expr);
    const known = name === undefined ? undefined : this.#named(name);
    if (known) return known;
    const operand = this.compile(expr.operand);
    const member = this.#memberType(operand.type, expr);
    if (member === undefined) return nothing;
    const { field, mode } = expr;
    const isOptional = mode === "optional" || operand.type.kind === "optional";
    const find = (frame: Frame): Value | undefined => {
      const value = operand.run(frame);
      if (mode !== "test") frame.budget.spend(stepCost);
      const inner = value instanceof Optional ? value.value : value;
      if (inner === undefined) return undefined;
      if (!(inner instanceof CelMap)) throw new CelError("no such overload");
      return inner.get(field);
    };
    if (mode === "test") return { type: bool, run: (frame) => find(frame) !== undefined };
    if (isOptional) return { type: optionalOf(member), run: (frame) => new Optional(find(frame)) };
    return {
      type: member,
      run(frame) {
        const value = find(frame);
        if (value === undefined) throw new CelError(`no such key: ${field}`);
        return value;
      },
    };
  }

  #memberType(type: CelType, { field, at }: { readonly field: string; readonly at: number }): CelType | undefined {
    if (isDynamic(type)) return type.kind === "error" ? undefined : dyn;
    if (type.kind === "optional") return this.#memberType(type.element, { field, at });
    if (type.kind === "map") return type.value;
    if (type.kind !== "object") {
      this.mistake(`type '${typeName(type)}' does not support field selection`, at);
      return undefined;
    }
    const member = type.fields.get(field)?.type;
    if (member === undefined) this.mistake(`undefined field '${field}'`, at);
    return member;
  }

  /** @param mixed whether the elements may differ: what `format` takes may */
  #list({ elements }: Expr & { op: "list" }, mixed = false): Typed {
    const typed = elements.map((element) => this.compile(element));
    const type = mixed ? dyn : (this.#common(typed, elements) ?? param("T"));
    const runs = typed.map(({ run }) => run);
    return {
      type: listOf(type),
      run(frame) {
        frame.budget.spend(listCost);
        return runs.map((run) => run(frame));
      },
    };
  }

  /** The one type of all the parts of a literal. */
  #common(typed: readonly Typed[], exprs: readonly Expr[]): CelType | undefined {
    let common: CelType | undefined;
    for (const [index, { type }] of typed.entries()) {
      const joined = common === undefined ? type : join(common, type);
      if (joined === undefined && common)
        this.mistake(`expected type '${typeName(common)}' but found '${typeName(type)}'`, exprs[index]?.at ?? 0);
      common = joined ?? common;
    }
    return common;
  }

  #map({ entries }: Expr & { op: "map" }): Typed {
    const keys = entries.map(([key]) => this.compile(key));
    const values = entries.map(([, value]) => this.compile(value));
    const key =
      this.#common(
        keys,
        entries.map(([expr]) => expr),
      ) ?? param("K");
    const value =
      this.#common(
        values,
        entries.map(([, expr]) => expr),
      ) ?? param("V");
    const allowed = [bool, int, uint, string].some((type) => assignable(type, key, new Map()));
    if (!allowed) return this.mistake(`unsupported map key type: ${typeName(key)}`, entries[0]?.[0].at ?? 0);
    return {
      type: mapOf(key, value),
      run(frame) {
        frame.budget.spend(mapCost);
        const map = new LiteralMap();
        for (const [index, entry] of keys.entries()) map.add(entry.run(frame), values[index]?.run(frame) ?? null);
        return map;
      },
    };
  }

  /** `&&` and `||`: a term that decides does so, also after one that failed. */
  #logic(terms: readonly Expr[], decisive: boolean, at: number): Typed {
    const typed = terms.map((term) => this.compile(term));
    const wrong = typed.find(({ type }) => !assignable(bool, type, new Map()));
    if (wrong) {
      const index = typed.indexOf(wrong);
      const pair = index === 0 ? [wrong, typed[1] ?? wrong] : [{ type: bool }, wrong];
      return this.mistake(
        noOverload(
          decisive ? "_||_" : "_&&_",
          pair.map(({ type }) => type),
        ),
        at,
      );
    }
    const runs = typed.map(({ run }) => run);
    return {
      type: bool,
      run(frame) {
        frame.budget.spend(stepCost);
        let failure: CelError | undefined;
        for (const run of runs) {
          try {
            const value = run(frame);
            if (value === decisive) return decisive;
            if (typeof value !== "boolean") failure ??= new CelError("no such overload");
          } catch (error) {
            if (!(error instanceof CelError)) throw error;
            failure ??= error;
          }
        }
        if (failure) throw failure;
        return !decisive;
      },
    };
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

  #call(expr: Expr & { op: "call" }): Typed {
    const { name, target, args, at } = expr;
    if (name === "_?_:_") return this.#conditional(args, at);
    if (name === "_[_]" || name === "_[?_]") return this.#index(args, name === "_[?_]", at);
    this.#checkLiterals(expr);
    const qualifier = target ? this.#qualified(target) : undefined;
    const full = qualifier === undefined ? name : `${qualifier}.${name}`;
    // A namespace's function, unless its first part is a variable.
    const isVariable = target !== undefined && this.#variables.has(full.split(".", 1)[0] ?? "");
    const plain = !target || !isVariable ? functions.global.get(full) : undefined;
    if (plain && (!target || full !== name))
      return this.#resolve(
        full,
        plain,
        args.map((arg) => this.compile(arg)),
        at,
        false,
      );
    const overloads = target ? functions.member.get(name) : undefined;
    if (!target || !overloads) return this.#undeclared(name, at);
    const typed = [target, ...args].map((arg) =>
      name === "format" && arg.op === "list" ? this.#list(arg, true) : this.compile(arg),
    );
    return this.#resolve(name, overloads, typed, at, true);
  }

  /** Chooses the overloads that fit the types; where a type is dynamic, the values decide among them. */
  #resolve(name: string, overloads: readonly Overload[], args: readonly Typed[], at: number, member: boolean): Typed {
    const types = args.map(({ type }) => type);
    if (types.some(({ kind }) => kind === "error")) return nothing;
    const results: CelType[] = [];
    const candidates = overloads.filter(({ params, result }) => {
      const bindings: Bindings = new Map();
      const matches =
        params.length === types.length && params.every((to, index) => assignable(to, types[index] ?? dyn, bindings));
      if (matches) results.push(substitute(result, bindings));
      return matches;
    });
    const [first] = candidates;
    if (first === undefined) return this.mistake(noOverload(name, types, member), at);
    const type = results.reduce((a, b) => (typeName(a) === typeName(b) ? a : dyn));
    const runs = args.map(({ run }) => run);
    if (candidates.length === 1 && !types.some(hasDynamicPart)) return { type, run: callOf(first, runs) };
    return { type, run: dispatchOf(candidates, runs) };
  }

  #conditional([condition, yes, no]: readonly Expr[], at: number): Typed {
    if (!condition || !yes || !no) return nothing;
    const typed = [condition, yes, no].map((part) => this.compile(part));
    const [test = nothing, first = nothing, second = nothing] = typed;
    const type = join(first.type, second.type);
    if (!type || !assignable(bool, test.type, new Map()))
      return this.mistake(
        noOverload(
          "_?_:_",
          typed.map((part) => part.type),
        ),
        at,
      );
    return {
      type,
      run(frame) {
        frame.budget.spend(stepCost);
        const value = test.run(frame);
        if (typeof value !== "boolean") throw new CelError("no such overload");
        return value ? first.run(frame) : second.run(frame);
      },
    };
  }

  #index([operand, index]: readonly Expr[], wantsOptional: boolean, at: number): Typed {
    if (!operand || !index) return nothing;
    const [from, key] = [this.compile(operand), this.compile(index)];
    const inner = from.type.kind === "optional" ? from.type.element : from.type;
    const wanted = inner.kind === "list" ? int : inner.kind === "map" ? inner.key : dyn;
    const isIndexable = inner.kind === "list" || inner.kind === "map" || isDynamic(inner);
    if (!isIndexable || !(assignable(wanted, key.type, new Map()) || (inner.kind === "list" && key.type === double)))
      return this.mistake(noOverload(wantsOptional ? "_[?_]" : "_[_]", [from.type, key.type]), at);
    const element = inner.kind === "list" ? inner.element : inner.kind === "map" ? inner.value : dyn;
    const optional = wantsOptional || from.type.kind === "optional";
    return {
      type: optional ? optionalOf(element) : element,
      run(frame) {
        const container = from.run(frame);
        const value = container instanceof Optional ? container.value : container;
        const at = key.run(frame);
        frame.budget.spend(stepCost);
        if (optional) return new Optional(value === undefined ? undefined : elementAt(value, at));
        const found = elementAt(value ?? null, at);
        if (found === undefined) throw missing(value ?? null, at);
        return found;
      },
    };
  }

  /** Patterns and times that stand in the source are read now: a mistake in them is none of the object's. */
  #checkLiterals({ name, target, args }: Expr & { op: "call" }): void {
    const literal = name === "matches" ? args.at(-1) : !target && args.length === 1 ? args[0] : undefined;
    if (literal?.op !== "const" || typeof literal.value !== "string") return;
    const read = { matches: compilePattern, duration: parseDuration, timestamp: parseTimestamp }[name];
    try {
      read?.(literal.value);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      this.mistake(`invalid ${name} argument`, literal.at);
    }
  }
}

/** Evaluates the arguments; the common numbers of them without a loop. */
function argumentsOf(args: readonly Run[]): (frame: Frame) => readonly Value[] {
  const [first, second] = args;
  if (args.length === 1 && first) return (frame) => [first(frame)];
  if (args.length === 2 && first && second) return (frame) => [first(frame), second(frame)];
  return (frame) => args.map((arg) => arg(frame));
}

function callOf({ run }: Overload, args: readonly Run[]): Run {
  const read = argumentsOf(args);
  return (frame) => {
    frame.budget.spend(stepCost);
    return run(read(frame), frame.budget);
  };
}

function dispatchOf(candidates: readonly Overload[], args: readonly Run[]): Run {
  const read = argumentsOf(args);
  // Values at one place mostly have one type.
  let last: Overload | undefined;
  return (frame) => {
    frame.budget.spend(stepCost);
    const values = read(frame);
    if (!last || !accepts(last, values)) last = candidates.find((candidate) => accepts(candidate, values));
    if (!last) throw new CelError("no such overload");
    return last.run(values, frame.budget);
  };
}

function accepts({ params }: Overload, values: readonly Value[]): boolean {
  for (let index = 0; index < params.length; index++) {
    const type = params[index];
    if (type && !fits(values[index] ?? null, type)) return false;
  }
  return true;
}

function hasDynamicPart(type: CelType): boolean {
  if (isDynamic(type)) return true;
  if (type.kind === "list" || type.kind === "optional") return hasDynamicPart(type.element);
  return type.kind === "map" && (hasDynamicPart(type.key) || hasDynamicPart(type.value));
}

function elementAt(container: Value, key: Value): Value | undefined {
  if (container instanceof CelMap) return container.get(key);
  if (!isList(container)) throw new CelError("no such overload");
  const index = key instanceof Uint ? key.value : key;
  if (typeof index !== "bigint" && !(typeof index === "number" && Number.isInteger(index)))
    throw new CelError(`unsupported index type '${typeName(typeOfConstant(key))}' in list`);
  return container[Number(index)];
}

function missing(container: Value, key: Value): CelError {
  const shown = key instanceof Uint ? key.value : key;
  return new CelError(isList(container) ? `index out of bounds: ${shown}` : `no such key: ${shown}`);
}

function noOverload(name: string, types: readonly CelType[], member = false): string {
  const names = types.map(typeName);
  const applied = member ? `${names[0]}.(${names.slice(1).join(", ")})` : `(${names.join(", ")})`;
  return `found no matching overload for '${name}' applied to '${applied}'`;
}

function typeOfConstant(value: Value): CelType {
  if (value === null) return nullType;
  switch (typeof value) {
    case "boolean":
      return bool;
    case "bigint":
      return int;
    case "number":
      return double;
    case "string":
      return string;
    default:
      return value instanceof Uint ? uint : value instanceof Uint8Array ? bytes : dyn;
  }
}
