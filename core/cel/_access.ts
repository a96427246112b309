import { costs, type Frame, noOverload, nothing, type Typed, typeOfConstant } from "./_typed.ts";
import type { Compiler } from "./compiler.ts";
import { CelError } from "./errors.ts";
import type { Expr } from "./syntax.ts";
import { assignable, bool, type CelType, double, dyn, int, isDynamic, optionalOf, typeName } from "./types.ts";
import { CelMap, isList, Optional, Uint, type Value } from "./values.ts";

/** Compiles `x.y`, `x.?y` and `has(x.y)`. */
export function compileSelect(compiler: Compiler, expr: Expr & { op: "select" }): Typed {
  const name = compiler.qualified(expr);
  const known = name === undefined ? undefined : compiler.named(name);
  if (known) return known;
  const operand = compiler.compile(expr.operand);
  const member = memberType(compiler, operand.type, expr);
  if (member === undefined) return nothing;
  const { field, mode } = expr;
  const isOptional = mode === "optional" || operand.type.kind === "optional";
  const find = (frame: Frame): Value | undefined => {
    const value = operand.run(frame);
    if (mode !== "test") frame.budget.spend(costs.step);
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

function memberType(
  compiler: Compiler,
  type: CelType,
  { field, at }: { readonly field: string; readonly at: number },
): CelType | undefined {
  if (isDynamic(type)) return type.kind === "error" ? undefined : dyn;
  if (type.kind === "optional") return memberType(compiler, type.element, { field, at });
  if (type.kind === "map") return type.value;
  if (type.kind !== "object") {
    compiler.mistake(`type '${typeName(type)}' does not support field selection`, at);
    return undefined;
  }
  const member = type.fields.get(field)?.type;
  if (member === undefined) compiler.mistake(`undefined field '${field}'`, at);
  return member;
}

/** Compiles `x[i]` and `x[?i]`. */
export function compileIndex(
  compiler: Compiler,
  [operand, index]: readonly Expr[],
  wantsOptional: boolean,
  at: number,
): Typed {
  if (!operand || !index) return nothing;
  const [from, key] = [compiler.compile(operand), compiler.compile(index)];
  const inner = from.type.kind === "optional" ? from.type.element : from.type;
  const wanted = inner.kind === "list" ? int : inner.kind === "map" ? inner.key : dyn;
  const isIndexable = inner.kind === "list" || inner.kind === "map" || isDynamic(inner);
  if (!isIndexable || !(assignable(wanted, key.type, new Map()) || (inner.kind === "list" && key.type === double)))
    return compiler.mistake(noOverload(wantsOptional ? "_[?_]" : "_[_]", [from.type, key.type]), at);
  const element = inner.kind === "list" ? inner.element : inner.kind === "map" ? inner.value : dyn;
  const optional = wantsOptional || from.type.kind === "optional";
  return {
    type: optional ? optionalOf(element) : element,
    run(frame) {
      const container = from.run(frame);
      const value = container instanceof Optional ? container.value : container;
      const at = key.run(frame);
      frame.budget.spend(costs.step);
      if (optional) return new Optional(value === undefined ? undefined : elementAt(value, at));
      const found = elementAt(value ?? null, at);
      if (found === undefined) throw missing(value ?? null, at);
      return found;
    },
  };
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
