import {
  type Cost,
  callEstimate,
  type Estimated,
  type Size,
  sizeOf,
  sum,
  times,
  unionOf,
  unknownSize,
} from "./_estimate_calls.ts";
import { costs } from "./_typed.ts";
import type { Declaration } from "./declaration.ts";
import type { Expr, Loop } from "./syntax.ts";
import type { CelType } from "./types.ts";
import { Uint, type Value } from "./values.ts";

/**
 * The most that an expression can cost, whatever the values of its variables are as long as they fit the declaration.
 *
 * @param types the type of every part of the expression
 * @param root how large `self` can be
 * @see github.com/google/cel-go/checker/cost.go
 */
export function estimateCost(expr: Expr, types: ReadonlyMap<Expr, CelType>, root: Declaration): Cost {
  return new Estimator(types, root).visit(expr).cost;
}

interface Variable {
  readonly declaration?: Declaration | undefined;
  readonly size?: Size | undefined;
  readonly entry?: Size | undefined;
}

class Estimator {
  readonly #types: ReadonlyMap<Expr, CelType>;
  readonly #root: Declaration;
  readonly #variables = new Map<string, Variable>();

  constructor(types: ReadonlyMap<Expr, CelType>, root: Declaration) {
    this.#types = types;
    this.#root = root;
  }

  visit(expr: Expr): Estimated {
    switch (expr.op) {
      case "const":
        return this.#made(expr, 0, { size: sizeOfConstant(expr.value) });
      case "ident": {
        const variable = this.#variables.get(expr.name);
        const { declaration, size, entry }: Variable = variable ?? { declaration: this.#root };
        return this.#made(expr, costs.step, { declaration, size: declaration ? undefined : size, entry });
      }
      case "select":
        return this.#select(expr);
      case "list": {
        const parts = expr.elements.map((element) => this.visit(element));
        const entry = parts.length === 0 ? { min: 0, max: 0 } : parts.map(sizeOf).reduce(unionOf);
        return this.#made(expr, sum(costs.list, ...parts.map(({ cost }) => cost)), {
          size: exactly(parts.length),
          entry,
        });
      }
      case "map": {
        const keys = expr.entries.map(([key]) => this.visit(key));
        const values = expr.entries.map(([, value]) => this.visit(value));
        const cost = sum(costs.map, ...[...keys, ...values].map((part) => part.cost));
        const entry = keys.length === 0 ? { min: 0, max: 0 } : keys.map(sizeOf).reduce(unionOf);
        return this.#made(expr, cost, { size: exactly(keys.length), entry });
      }
      case "message":
        return this.#made(expr, sum(costs.message, ...expr.fields.map(({ value }) => this.visit(value).cost)), {});
      case "and":
      case "or":
        return this.#made(expr, sum(...expr.terms.map((term) => this.visit(term).cost)), {});
      case "loop":
        return this.#loop(expr);
      case "bind": {
        const value = this.visit(expr.value);
        const body = this.#within([[expr.name, value]], () => this.visit(expr.body));
        // A bound value stands in a loop over an empty list.
        return { ...body, cost: sum(costs.list, value.cost, body.cost) };
      }
      case "optional": {
        const operand = this.visit(expr.operand);
        const body = this.#within([[expr.name, { declaration: operand.declaration }]], () => this.visit(expr.body));
        // `x.hasValue() ? optional.of(cel.bind(name, x.value(), body)) : optional.none()`
        return this.#made(expr, sum(times(operand.cost, 2), 2, costs.list, expr.flat ? 0 : 1, body.cost), {});
      }
      case "call":
        return this.#call(expr);
    }
  }

  #select(expr: Expr & { op: "select" }): Estimated {
    const operand = this.visit(expr.operand);
    if (expr.mode === "test") return this.#made(expr, operand.cost, {});
    const kind = this.#types.get(expr.operand)?.kind;
    const isCharged = expr.mode === "optional" || kind === "map" || kind === "object" || kind === "param";
    return this.#made(expr, sum(operand.cost, isCharged || kind === "optional" ? costs.step : 0), {
      declaration: operand.declaration?.fields?.get(expr.field),
    });
  }

  #call(expr: Expr & { op: "call" }): Estimated {
    const { name, target, args } = expr;
    const parts = args.map((arg) => this.visit(arg));
    const on = target && this.#types.has(target) ? this.visit(target) : undefined;
    const [first, second, third] = parts;
    if (name === "_?_:_" && first && second && third) {
      const entry = second.entry && third.entry ? unionOf(second.entry, third.entry) : undefined;
      const cost = sum(first.cost, Math.max(second.cost, third.cost));
      return this.#made(expr, cost, { size: unionOf(sizeOf(second), sizeOf(third)), entry });
    }
    const own = sum(...parts.map(({ cost }) => cost), on?.cost ?? 0);
    if ((name === "_[_]" || name === "_[?_]") && first)
      return this.#made(expr, sum(own, 1), { declaration: first.declaration?.element, size: first.entry });
    if (name === "dyn" && first) return { ...first, cost: sum(first.cost, 1), type: this.#types.get(expr) };
    const { cost, size, entry } = callEstimate(name, on, parts);
    return this.#made(expr, sum(own, cost), { size, entry });
  }

  /** What each turn costs besides the body is that of the comprehension that cel-go makes of the macro. */
  #loop(loop: Loop): Estimated {
    const range = this.visit(loop.range);
    const isList = this.#types.get(loop.range)?.kind !== "map";
    const [key, value] = this.#turnVariables(range, isList);
    const variables: [string, Variable][] = loop.variables.map((name, index) => [
      name,
      loop.variables.length === 1 ? (isList ? value : key) : index === 0 ? key : value,
    ]);
    const [body, filter] = this.#within(variables, () => [
      this.visit(loop.body),
      loop.filter ? this.visit(loop.filter).cost : 0,
    ]);
    const { turn, rest } = shapes[loop.loop];
    const count = sizeOf(range);
    const cost = sum(range.cost, rest, times(count.max, sum(turn, body.cost, filter)));
    const size = makesContainer.has(loop.loop) ? { min: 0, max: count.max } : undefined;
    return this.#made(loop, cost, { size });
  }

  #turnVariables({ declaration, entry }: Estimated, isList: boolean): readonly [key: Variable, value: Variable] {
    // cel-go looks for what stands in a range of no known place at the root.
    const place = (part: Declaration | undefined) => (declaration ? part : this.#root);
    return [
      { declaration: place(isList ? undefined : declaration?.key), size: entry },
      { declaration: place(declaration?.element), size: entry },
    ];
  }

  #within<T>(variables: readonly (readonly [string, Variable])[], body: () => T): T {
    const hidden = variables.map(([name]) => [name, this.#variables.get(name)] as const);
    for (const [name, variable] of variables) this.#variables.set(name, variable);
    const result = body();
    for (const [name, variable] of hidden) {
      if (variable) this.#variables.set(name, variable);
      else this.#variables.delete(name);
    }
    return result;
  }

  #made(expr: Expr, cost: Cost, rest: Omit<Estimated, "cost" | "type">): Estimated {
    return { ...rest, cost, type: this.#types.get(expr) };
  }
}

/** Of each macro: what a turn costs besides its body, and what all of it does once. */
const shapes: Readonly<Record<Loop["loop"], { readonly turn: Cost; readonly rest: Cost }>> = {
  all: { turn: 3, rest: 1 },
  exists: { turn: 4, rest: 1 },
  existsOne: { turn: 2, rest: 2 },
  map: { turn: 12, rest: 11 },
  filter: { turn: 13, rest: 11 },
  transformList: { turn: 12, rest: 11 },
  transformMap: { turn: 3, rest: 31 },
  transformMapEntry: { turn: 2, rest: 31 },
  sortBy: { turn: 12, rest: 24 },
};
const makesContainer: ReadonlySet<string> = new Set([
  "map",
  "filter",
  "transformList",
  "transformMap",
  "transformMapEntry",
  "sortBy",
]);

function exactly(size: number): Size {
  return { min: size, max: size };
}

function sizeOfConstant(value: Value): Size {
  if (typeof value === "string") return exactly([...value].length);
  if (value instanceof Uint8Array) return exactly(value.length);
  return value === null || typeof value !== "object" || value instanceof Uint ? exactly(1) : unknownSize;
}
