import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from "../../core/api/quantity.ts";
import type { ResourceList } from "../../core/kinds/pod.ts";

/** Amounts by resource name. */
export type Amounts = ReadonlyMap<string, Quantity>;

/** The amounts of a resource list. @throws SyntaxError for a text that is no quantity */
export function amountsOf(list: ResourceList | undefined): Map<string, Quantity> {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
}

/** The resource list of amounts, by name. */
export function listOf(amounts: Amounts): ResourceList {
  return Object.fromEntries([...amounts].toSorted(byName).map(([name, amount]) => [name, formatQuantity(amount)]));
}

/** `cpu=1,memory=2Gi`, by name. */
export function amountsText(amounts: Amounts): string {
  return [...amounts]
    .toSorted(byName)
    .map(([name, amount]) => `${name}=${formatQuantity(amount)}`)
    .join(",");
}

/** Only the amounts whose names are wanted. */
export function only(amounts: Amounts, isWanted: (name: string) => boolean): Map<string, Quantity> {
  return new Map([...amounts].filter(([name]) => isWanted(name)));
}

/** Each name of either, with what `combine` makes of its amounts. */
export function combined(
  a: Amounts,
  b: Amounts,
  combine: (a: Quantity | undefined, b: Quantity | undefined) => Quantity,
): Map<string, Quantity> {
  const result = new Map<string, Quantity>();
  for (const name of new Set([...a.keys(), ...b.keys()])) result.set(name, combine(a.get(name), b.get(name)));
  return result;
}

/** The greater of two amounts; one that is missing is less than any. */
export function greater(a: Quantity | undefined, b: Quantity | undefined): Quantity {
  if (!a || !b) return a ?? b ?? { nano: 0n, format: "DecimalSI" };
  return compareQuantities(a, b) < 0 ? b : a;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The sums of two lots of amounts. */
export function summed(a: Amounts, b: Amounts): Map<string, Quantity> {
  return combined(a, b, (x = zero, y = zero) => addQuantities(x, y));
}

/** What `a` has more than `b`, at least nothing. */
export function excess(a: Amounts, b: Amounts): Map<string, Quantity> {
  return combined(a, b, (x = zero, y = zero) => {
    const rest = subtractQuantities(x, y);
    return rest.nano > 0n ? rest : { ...rest, nano: 0n };
  });
}

const zero: Quantity = { nano: 0n, format: "DecimalSI" };
