import { CelError } from "../errors.ts";
import { type FunctionSet, type Overload, overload } from "../overload.ts";
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  int,
  listOf,
  mapOf,
  param,
  string,
  timestamp,
  uint,
} from "../types.ts";
import { type CelMap, compare, equals, type Value } from "../values.ts";

const T = param("T");
const K = param("K");
const V = param("V");

/** The types whose values have an order among themselves. */
export const orderedTypes: readonly CelType[] = [bool, int, uint, double, string, bytes, timestamp, duration];

function ordering(name: string, holds: (order: number) => boolean): FunctionSet {
  const numbers = [int, uint, double];
  const pairs = [
    ...orderedTypes.map((type): readonly [CelType, CelType] => [type, type]),
    ...numbers.flatMap((a) => numbers.filter((b) => a !== b).map((b): readonly [CelType, CelType] => [a, b])),
  ];
  const run: Overload["run"] = ([a = null, b = null], budget) => {
    const order = compare(a, b, budget);
    if (order === undefined) throw new CelError("no such overload");
    return holds(order);
  };
  return { name, global: pairs.map((pair) => overload(pair, bool, run)) };
}

/** Equality, order and membership. */
export const compareFunctions: readonly FunctionSet[] = [
  { name: "_==_", global: [overload([T, T], bool, ([a = null, b = null], budget) => equals(a, b, budget))] },
  { name: "_!=_", global: [overload([T, T], bool, ([a = null, b = null], budget) => !equals(a, b, budget))] },
  ordering("_<_", (order) => order < 0),
  ordering("_<=_", (order) => order <= 0),
  ordering("_>_", (order) => order > 0),
  ordering("_>=_", (order) => order >= 0),
  {
    name: "@in",
    global: [
      overload([T, listOf(T)], bool, ([value = null, list], budget) =>
        (list as readonly Value[]).some((element) => equals(value, element, budget)),
      ),
      overload([K, mapOf(K, V)], bool, ([key = null, map]) => (map as CelMap).get(key) !== undefined),
    ],
  },
];
