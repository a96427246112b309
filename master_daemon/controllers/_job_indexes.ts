import { type IndexInterval, parseIndexes } from "../../core/kinds/job_indexes.ts";

/** A set of completion indexes as stretches in rising order that neither overlap nor touch. */
export type IndexSet = readonly IndexInterval[];

/** Reads the indexes below `completions` of a text like `1,3-5,7`; what is no such text holds none. */
export function readIndexes(text: string | undefined, completions: number): IndexSet {
  const intervals = parseIndexes(text ?? "", Number.POSITIVE_INFINITY);
  if (typeof intervals === "string") return [];
  return union(
    intervals
      .filter(([first]) => first < completions)
      .map(([first, last]) => [first, Math.min(last, completions - 1)] as const),
    [],
  );
}

/** The text of a set: `1,3-5,7`; two neighbours are named one by one. */
export function indexesText(set: IndexSet): string {
  return set
    .map(([first, last]) => (first === last ? `${first}` : `${first}${last === first + 1 ? "," : "-"}${last}`))
    .join(",");
}

/** The set of some indexes, in any order. */
export function indexSet(indexes: Iterable<number>): IndexSet {
  const sorted = [...indexes].sort((a, b) => a - b);
  return union(
    sorted.map((index) => [index, index] as const),
    [],
  );
}

/** What is in either set. */
export function union(a: readonly IndexInterval[], b: readonly IndexInterval[]): IndexSet {
  const result: [number, number][] = [];
  for (const [first, last] of [...a, ...b].sort((one, two) => one[0] - two[0])) {
    const previous = result.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else result.push([first, last]);
  }
  return result;
}

/** How many indexes are in a set. */
export function sizeOf(set: IndexSet): number {
  return set.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** Whether an index is in a set. */
export function hasIndex(set: IndexSet, index: number): boolean {
  let [low, high] = [0, set.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[middle]?.[1] ?? 0) < index) low = middle + 1;
    else high = middle;
  }
  return (set[low]?.[0] ?? Number.POSITIVE_INFINITY) <= index;
}

/** How many indexes are in both sets. */
export function sizeOfBoth(a: IndexSet, b: IndexSet): number {
  return sizeOf(a) + sizeOf(b) - sizeOf(union(a, b));
}

/** The first `count` indexes below `completions` that are not in a set. */
export function firstMissing(set: IndexSet, count: number, completions: number): readonly number[] {
  const missing: number[] = [];
  let candidate = 0;
  for (const [first, last] of [...set, [completions, completions] as const]) {
    for (; candidate < Math.min(first, completions) && missing.length < count; candidate++) missing.push(candidate);
    candidate = Math.max(candidate, last + 1);
  }
  return missing;
}
