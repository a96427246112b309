import { compileIndex } from "./_access.ts";
import { compileList } from "./_literals.ts";
import { compileConditional } from "./_logic.ts";
import { costs, type Frame, noOverload, nothing, type Run, type Typed } from "./_typed.ts";
import type { Compiler } from "./compiler.ts";
import { CelError } from "./errors.ts";
import { functions } from "./functions/mod.ts";
import { compilePattern } from "./functions/regex.ts";
import { fits, type Overload } from "./overload.ts";
import type { Expr } from "./syntax.ts";
import { parseDuration, parseTimestamp } from "./time.ts";
import { assignable, type Bindings, type CelType, dyn, isDynamic, substitute, typeName } from "./types.ts";
import type { Value } from "./values.ts";

/** Compiles a call of a function, of a member function, or of an operator that is one. */
export function compileCall(compiler: Compiler, expr: Expr & { op: "call" }): Typed {
  const { name, target, args, at } = expr;
  if (name === "_?_:_") return compileConditional(compiler, args, at);
  if (name === "_[_]" || name === "_[?_]") return compileIndex(compiler, args, name === "_[?_]", at);
  checkLiterals(compiler, expr);
  const qualifier = target ? compiler.qualified(target) : undefined;
  const full = qualifier === undefined ? name : `${qualifier}.${name}`;
  // A namespace's function, unless its first part is a variable.
  const isVariable = target !== undefined && compiler.isVariable(full.split(".", 1)[0] ?? "");
  const plain = !target || !isVariable ? functions.global.get(full) : undefined;
  if (plain && (!target || full !== name)) {
    const typed = args.map((arg) => compiler.compile(arg));
    return resolve(compiler, { name: full, overloads: plain, at, member: false }, typed);
  }
  const overloads = target ? functions.member.get(name) : undefined;
  if (!target || !overloads) return compiler.undeclared(name, at);
  const typed = [target, ...args].map((arg) =>
    name === "format" && arg.op === "list" ? compileList(compiler, arg, true) : compiler.compile(arg),
  );
  return resolve(compiler, { name, overloads, at, member: true }, typed);
}

interface Called {
  readonly name: string;
  readonly overloads: readonly Overload[];
  readonly at: number;
  readonly member: boolean;
}

/** Chooses the overloads that fit the types; where a type is dynamic, the values decide among them. */
function resolve(compiler: Compiler, { name, overloads, at, member }: Called, args: readonly Typed[]): Typed {
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
  if (first === undefined) return compiler.mistake(noOverload(name, types, member), at);
  const type = results.reduce((a, b) => (typeName(a) === typeName(b) ? a : dyn));
  const runs = args.map(({ run }) => run);
  if (candidates.length === 1 && !types.some(hasDynamicPart)) return { type, run: callOf(first, runs) };
  return { type, run: dispatchOf(candidates, runs) };
}

/** Patterns and times that stand in the source are read now: a mistake in them is none of the object's. */
function checkLiterals(compiler: Compiler, { name, target, args }: Expr & { op: "call" }): void {
  const literal = name === "matches" ? args.at(-1) : !target && args.length === 1 ? args[0] : undefined;
  if (literal?.op !== "const" || typeof literal.value !== "string") return;
  const read = { matches: compilePattern, duration: parseDuration, timestamp: parseTimestamp }[name];
  try {
    read?.(literal.value);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    compiler.mistake(`invalid ${name} argument`, literal.at);
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
    frame.budget.spend(costs.step);
    return run(read(frame), frame.budget);
  };
}

function dispatchOf(candidates: readonly Overload[], args: readonly Run[]): Run {
  const read = argumentsOf(args);
  // Values at one place mostly have one type.
  let last: Overload | undefined;
  return (frame) => {
    frame.budget.spend(costs.step);
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
