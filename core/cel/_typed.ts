import type { Budget } from "./budget.ts";
import { bool, bytes, type CelType, double, dyn, errorType, int, nullType, string, typeName, uint } from "./types.ts";
import { Uint, type Value } from "./values.ts";

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

/** What a mistake is in: it has no type, so that nothing else is said of it. */
export const nothing: Typed = { type: errorType, run: () => null };

/** Costs of a step, and of what a literal makes. @see github.com/google/cel-go/common cost.go */
export const costs = { step: 1, list: 10, map: 30, message: 40 } as const;

/** That no signature of a function, or operator, fits the types of its arguments. */
export function noOverload(name: string, types: readonly CelType[], member = false): string {
  const names = types.map(typeName);
  const applied = member ? `${names[0]}.(${names.slice(1).join(", ")})` : `(${names.join(", ")})`;
  return `found no matching overload for '${name}' applied to '${applied}'`;
}

/** The type of a literal without parts. */
export function typeOfConstant(value: Value): CelType {
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
