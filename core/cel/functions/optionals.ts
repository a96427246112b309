import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { bool, dyn, listOf, optionalOf, param } from "../types.ts";
import { CelMap, isList, Optional, Uint, type Value } from "../values.ts";

const T = param("T");
const optional = (value: Value | undefined) => value as Optional;

function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === "") return true;
  if (isList(value) || value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelMap) return value.size === 0;
  return value instanceof Uint && value.value === 0n;
}

/** Values that may be missing. */
export const optionalFunctions: readonly FunctionSet[] = [
  { name: "optional.of", global: [overload([T], optionalOf(T), ([value = null]) => new Optional(value))] },
  { name: "optional.none", global: [overload([], optionalOf(dyn), () => new Optional())] },
  {
    name: "optional.ofNonZeroValue",
    global: [overload([T], optionalOf(T), ([value = null]) => new Optional(isZero(value) ? undefined : value))],
  },
  { name: "hasValue", member: [overload([optionalOf(T)], bool, ([value]) => optional(value).value !== undefined)] },
  {
    name: "value",
    member: [
      overload([optionalOf(T)], T, ([receiver]) => {
        const { value } = optional(receiver);
        if (value === undefined) throw new CelError("optional.none() dereference");
        return value;
      }),
    ],
  },
  {
    name: "or",
    member: [
      overload([optionalOf(T), optionalOf(T)], optionalOf(T), ([a, b]) =>
        optional(a).value === undefined ? optional(b) : optional(a),
      ),
    ],
  },
  {
    name: "orValue",
    member: [
      overload([optionalOf(T), T], T, ([a, b = null]) =>
        optional(a).value === undefined ? b : (optional(a).value ?? null),
      ),
    ],
  },
  {
    name: "unwrap",
    member: [
      overload([listOf(optionalOf(T))], listOf(T), ([list]) =>
        (list as readonly Value[]).flatMap((element) => {
          const value = element instanceof Optional ? element.value : element;
          return value === undefined ? [] : [value];
        }),
      ),
    ],
  },
];
