import { costs, type Run, type Typed } from "./_typed.ts";
import type { Compiler } from "./compiler.ts";
import { CelError } from "./errors.ts";
import type { Expr } from "./syntax.ts";
import {
  assignable,
  bool,
  type CelType,
  dyn,
  int,
  isDynamic,
  join,
  listOf,
  mapOf,
  optionalOf,
  param,
  string,
  typeName,
  uint,
} from "./types.ts";
import { LiteralMap, Optional, type Value } from "./values.ts";

/** Compiles `[a, ?b]`. @param mixed whether the elements may differ: what `format` takes may */
export function compileList(compiler: Compiler, { elements, optional }: Expr & { op: "list" }, mixed = false): Typed {
  const typed = elements.map((element, index) => compileEntry(compiler, element, optional.has(index)));
  const type = mixed ? dyn : (commonType(compiler, typed, elements) ?? param("T"));
  const runs = typed.map(({ run }) => run);
  const make: Run =
    optional.size === 0
      ? (frame) => runs.map((run) => run(frame))
      : (frame) => runs.flatMap((run, index) => given(run(frame), optional.has(index)));
  return {
    type: listOf(type),
    run(frame) {
      frame.budget.spend(costs.list);
      return make(frame);
    },
  };
}

/** Compiles `{a: b, ?c: d}`. */
export function compileMap(compiler: Compiler, { entries, optional }: Expr & { op: "map" }): Typed {
  const keyExprs = entries.map(([key]) => key);
  const valueExprs = entries.map(([, value]) => value);
  const keys = keyExprs.map((expr) => compiler.compile(expr));
  const values = valueExprs.map((expr, index) => compileEntry(compiler, expr, optional.has(index)));
  const key = commonType(compiler, keys, keyExprs) ?? param("K");
  const value = commonType(compiler, values, valueExprs) ?? param("V");
  const allowed = [bool, int, uint, string].some((type) => assignable(type, key, new Map()));
  if (!allowed) return compiler.mistake(`unsupported map key type: ${typeName(key)}`, keyExprs[0]?.at ?? 0);
  return {
    type: mapOf(key, value),
    run(frame) {
      frame.budget.spend(costs.map);
      const map = new LiteralMap();
      for (const [index, entry] of keys.entries()) {
        const name = entry.run(frame);
        for (const one of given(values[index]?.run(frame) ?? null, optional.has(index))) map.add(name, one);
      }
      return map;
    },
  };
}

/** Compiles `Name{field: value, ?field: value}`. */
export function compileMessage(compiler: Compiler, { name, fields, at }: Expr & { op: "message" }): Typed {
  const type = compiler.messages(name);
  if (type === undefined) return compiler.undeclared(name, at);
  const typed = fields.map(({ name: field, value, optional, at: place }) => {
    const { run, type: found } = compileEntry(compiler, value, optional);
    const wanted = type.fields.get(field)?.type;
    if (wanted === undefined) compiler.mistake(`undefined field '${field}'`, place);
    else if (!assignable(wanted, found, new Map()))
      compiler.mistake(
        `expected type of field '${field}' is '${typeName(wanted)}' but provided type is '${typeName(found)}'`,
        place,
      );
    return { field, run, optional };
  });
  return {
    type,
    run(frame) {
      frame.budget.spend(costs.message);
      const message = new LiteralMap(name);
      for (const { field, run, optional } of typed)
        for (const value of given(run(frame), optional)) message.add(field, value);
      return message;
    },
  };
}

/** What stands in a literal: where it may be missing, it is an optional, and its type is that of what is in it. */
function compileEntry(compiler: Compiler, expr: Expr, optional: boolean): Typed {
  if (!optional) return compiler.compile(expr);
  const { type, run } = compiler.expect(expr, optionalOf(param("T")));
  if (type.kind === "optional") return { type: type.element, run };
  return { type: isDynamic(type) ? type : dyn, run };
}

/** The value, or none where it is an optional without one. */
function given(value: Value, optional: boolean): readonly Value[] {
  if (!optional) return [value];
  if (!(value instanceof Optional)) throw new CelError("no such overload");
  return value.value === undefined ? [] : [value.value];
}

/** The one type of all the parts of a literal. */
function commonType(compiler: Compiler, typed: readonly Typed[], exprs: readonly Expr[]): CelType | undefined {
  let common: CelType | undefined;
  for (const [index, { type }] of typed.entries()) {
    const joined = common === undefined ? type : join(common, type);
    if (joined === undefined && common)
      compiler.mistake(`expected type '${typeName(common)}' but found '${typeName(type)}'`, exprs[index]?.at ?? 0);
    common = joined ?? common;
  }
  return common;
}
