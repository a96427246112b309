import { compareText, goQuote } from "../../core/api/go_value.ts";
import type { Json } from "../../core/api/meta.ts";
import { compareQuantities, parseQuantity } from "../../core/api/quantity.ts";
import { UsageError } from "../verb.ts";
import { readPath } from "./relaxed_path.ts";

/**
 * `items` in the order of what a JSONPath finds in each: numbers by size, texts that are quantities by amount, other texts by
 * letter; what has nothing there comes first.
 *
 * @param path in braces
 * @throws UsageError when no item has anything there, or the values do not compare
 * @see k8s.io/kubectl/pkg/cmd/get/sorter.go
 */
export function sortBy<T>(items: readonly T[], path: string, dataOf: (item: T) => Json): readonly T[] {
  if (items.length === 0) return items;
  const { find } = readPath(path);
  const keyed = items.map((item) => ({ item, key: find(dataOf(item))[0]?.[0] }));
  if (keyed.every(({ key }) => key === undefined))
    throw new UsageError(`couldn't find any field with path ${goQuote(path)} in the list of objects`);
  return sorted(keyed, path).map(({ item }) => item);
}

/** A dozen and fewer Go sorts by insertion, which turns round those that have nothing there. */
const fewItems = 12;

function sorted<T extends { readonly key: Json | undefined }>(items: T[], path: string): readonly T[] {
  if (items.length > fewItems) return items.sort((a, b) => compare(a.key, b.key, path));
  const result: T[] = [];
  for (const item of items) {
    let at = result.length;
    while (at > 0 && isLess(item.key, result[at - 1]?.key, path)) at--;
    result.splice(at, 0, item);
  }
  return result;
}

function isLess(a: Json | undefined, b: Json | undefined, path: string): boolean {
  return a === undefined || (b !== undefined && compare(a, b, path) < 0);
}

function compare(a: Json | undefined, b: Json | undefined, path: string): number {
  if (a === undefined || a === null || b === undefined || b === null)
    return Number(a !== undefined && a !== null) - Number(b !== undefined && b !== null);
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  const numbers = [a, b].every((value) => typeof value === "number" || typeof value === "bigint");
  if (numbers) return a < b ? -1 : a > b ? 1 : 0;
  throw new UsageError(`Field ${path} is an unsortable type: ${typeof a}`);
}

function compareTexts(a: string, b: string): number {
  const [left, right] = [quantity(a), quantity(b)];
  return left && right ? compareQuantities(left, right) : compareText(a, b);
}

function quantity(text: string): ReturnType<typeof parseQuantity> | undefined {
  // Most texts are none, and throwing is slow.
  if (!/^[-+]?[\d.]/.test(text) || text.length > 64) return undefined;
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}
