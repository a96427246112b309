import type { Budget } from "../budget.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, fits, type Overload, overload } from "../overload.ts";
import { bool, type CelType, double, duration, int, listOf, optionalOf, param, uint } from "../types.ts";
import { compare, Duration, equals, isList, Optional, Uint, type Value } from "../values.ts";
import { orderedTypes } from "./compare.ts";

const T = param("T");
const asList = (value: Value | undefined) => value as readonly Value[];

function order(a: Value, b: Value, budget: Budget): number {
  budget.spend(0.1);
  const result = compare(a, b, budget);
  if (result === undefined) throw new CelError("list elements must be comparable");
  return result;
}

/** One overload for each type that has an order: no list of maps is sorted. */
const forOrdered = (result: (type: CelType) => CelType, run: Overload["run"]): readonly Overload[] =>
  orderedTypes.map((type) => overload([listOf(type)], result(type), run));

const extreme =
  (name: string, sign: number): Overload["run"] =>
  ([list], budget) => {
    budget.traverse(asList(list).length, 10);
    const [first, ...rest] = asList(list);
    if (first === undefined) throw new CelError(`${name} called on empty list`);
    return rest.reduce((best, value) => (order(value, best, budget) * sign > 0 ? value : best), first);
  };

function sumOf<T extends Value>(type: CelType, zero: T, add: (a: T, b: T) => T): Overload {
  return overload([listOf(type)], type, ([list], budget) => {
    budget.traverse(asList(list).length, 10);
    return asList(list).reduce<T>((sum, value) => {
      if (!fits(value, type)) throw new CelError("no such overload");
      return add(sum, value as T);
    }, zero);
  });
}

function addInts(a: bigint, b: bigint): bigint {
  if (BigInt.asIntN(64, a + b) !== a + b) throw new CelError("integer overflow");
  return a + b;
}

function search(list: readonly Value[], value: Value, budget: Budget, backwards: boolean): bigint {
  budget.traverse(list.length, 10);
  const isSame = (element: Value) => equals(element, value, budget);
  return BigInt(backwards ? list.findLastIndex(isSame) : list.findIndex(isSame));
}

function flatten(list: readonly Value[], depth: bigint, budget: Budget): readonly Value[] {
  if (depth < 0n) throw new CelError("level must be non-negative");
  budget.spend(list.length + 1);
  if (depth === 0n) return list;
  return list.flatMap((element) => (isList(element) ? [...flatten(element, depth - 1n, budget)] : [element]));
}

function distinct(list: readonly Value[], budget: Budget): readonly Value[] {
  const kept: Value[] = [];
  for (const value of list) if (!kept.some((other) => equals(value, other, budget))) kept.push(value);
  return kept;
}

function sliceList(list: readonly Value[], start: bigint, end: bigint, budget: Budget): readonly Value[] {
  if (start < 0n || end < 0n) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > BigInt(list.length)) throw new CelError(`cannot slice(${start}, ${end}), list is length ${list.length}`);
  budget.spend(Number(end - start));
  return list.slice(Number(start), Number(end));
}

/** The elements in order of their keys, which stand beside them. */
export function sortByKeys(list: readonly Value[], keys: readonly Value[], budget: Budget): readonly Value[] {
  return list
    .map((value, index): readonly [Value, Value] => [value, keys[index] ?? null])
    .sort((a, b) => order(a[1], b[1], budget))
    .map(([value]) => value);
}

/** Functions of lists. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-list-library */
export const listFunctions: readonly FunctionSet[] = [
  {
    name: "isSorted",
    member: forOrdered(
      () => bool,
      ([list], budget) => {
        budget.traverse(asList(list).length, 10);
        return asList(list).every(
          (value, index, all) => index === 0 || order(all[index - 1] ?? null, value, budget) <= 0,
        );
      },
    ),
  },
  {
    name: "sum",
    member: [
      sumOf<bigint>(int, 0n, addInts),
      sumOf(uint, new Uint(0n), (a, b) => new Uint(a.value + b.value)),
      sumOf<number>(double, 0, (a, b) => a + b),
      sumOf(duration, new Duration(0n), (a, b) => new Duration(a.nanos + b.nanos)),
    ],
  },
  { name: "min", member: forOrdered((type) => type, extreme("min", -1)) },
  { name: "max", member: forOrdered((type) => type, extreme("max", 1)) },
  {
    name: "indexOf",
    member: [
      overload([listOf(T), T], int, ([list, value = null], budget) => search(asList(list), value, budget, false)),
    ],
  },
  {
    name: "lastIndexOf",
    member: [
      overload([listOf(T), T], int, ([list, value = null], budget) => search(asList(list), value, budget, true)),
    ],
  },
  {
    name: "includes",
    member: [
      overload(
        [listOf(T), T],
        bool,
        ([list, value = null], budget) => search(asList(list), value, budget, false) >= 0n,
      ),
    ],
  },
  {
    name: "slice",
    member: [
      overload([listOf(T), int, int], listOf(T), ([list, start, end], budget) =>
        sliceList(asList(list), start as bigint, end as bigint, budget),
      ),
    ],
  },
  {
    name: "flatten",
    member: [
      overload([listOf(listOf(T))], listOf(T), ([list], budget) => flatten(asList(list), 1n, budget)),
      overload([listOf(T), int], listOf(T), ([list, depth], budget) => flatten(asList(list), depth as bigint, budget)),
    ],
  },
  { name: "distinct", member: [overload([listOf(T)], listOf(T), ([list], budget) => distinct(asList(list), budget))] },
  {
    name: "reverse",
    member: [
      overload([listOf(T)], listOf(T), ([list], budget) => {
        budget.spend(asList(list).length);
        return asList(list).toReversed();
      }),
    ],
  },
  {
    name: "sort",
    member: forOrdered(listOf, ([list], budget) => asList(list).toSorted((a, b) => order(a, b, budget))),
  },
  { name: "first", member: [overload([listOf(T)], optionalOf(T), ([list]) => new Optional(asList(list)[0]))] },
  { name: "last", member: [overload([listOf(T)], optionalOf(T), ([list]) => new Optional(asList(list).at(-1)))] },
  {
    name: "lists.range",
    global: [
      overload([int], listOf(int), ([count], budget) => {
        if ((count as bigint) < 0n) throw new CelError("lists.range() requires a non-negative size");
        budget.spend(Number(count));
        return Array.from({ length: Number(count) }, (_, index) => BigInt(index));
      }),
    ],
  },
  ...setFunctions(),
];

function setFunctions(): readonly FunctionSet[] {
  const has = (list: readonly Value[], value: Value, budget: Budget) =>
    list.some((other) => equals(other, value, budget));
  const contains = (list: readonly Value[], part: readonly Value[], budget: Budget) =>
    part.every((value) => has(list, value, budget));
  const set = (
    name: string,
    holds: (a: readonly Value[], b: readonly Value[], budget: Budget) => boolean,
  ): FunctionSet => ({
    name: `sets.${name}`,
    global: [overload([listOf(T), listOf(T)], bool, ([a, b], budget) => holds(asList(a), asList(b), budget))],
  });
  return [
    set("contains", contains),
    set("equivalent", (a, b, budget) => contains(a, b, budget) && contains(b, a, budget)),
    set("intersects", (a, b, budget) => a.some((value) => has(b, value, budget))),
  ];
}
