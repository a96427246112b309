import type { Budget } from "./budget.ts";
import { type CelType, isDynamic } from "./types.ts";
import { CelMap, Duration, isList, Opaque, Optional, Timestamp, TypeValue, Uint, type Value } from "./values.ts";

/** One signature of a function and what it does. */
export interface Overload {
  /** Types of the arguments; a member function's receiver is the first. */
  readonly params: readonly CelType[];
  readonly result: CelType;
  /** Called with arguments that fit `params`. @throws CelError */
  run(args: readonly Value[], budget: Budget): Value;
}

/** A function by its name, with its signatures as a member and as a plain function. */
export interface FunctionSet {
  /** `name` or `namespace.name`. */
  readonly name: string;
  readonly global?: readonly Overload[];
  readonly member?: readonly Overload[];
}

/**
 * A signature.
 *
 * @example overload([string, int], string, (args) => …)
 */
export function overload(params: readonly CelType[], result: CelType, run: Overload["run"]): Overload {
  return { params, result, run };
}

/** Whether a value that was dynamic to the checker fits a parameter. Of a list the first element is looked at, too. */
export function fits(value: Value, type: CelType): boolean {
  if (isDynamic(type)) return true;
  switch (type.kind) {
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint";
    case "uint":
      return value instanceof Uint;
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "bytes":
      return value instanceof Uint8Array;
    case "null":
      return value === null;
    case "timestamp":
      return value instanceof Timestamp;
    case "duration":
      return value instanceof Duration;
    case "type":
      return value instanceof TypeValue;
    case "list":
      return isList(value) && (value[0] === undefined || fits(value[0], type.element));
    case "map":
    case "object":
      return value instanceof CelMap;
    case "optional":
      return value instanceof Optional;
    case "opaque":
      return value instanceof Opaque && value.typeName === type.name;
    default:
      return true;
  }
}
