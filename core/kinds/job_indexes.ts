/** First and last index of a stretch. */
export type IndexInterval = readonly [first: number, last: number];

/**
 * Reads `1,3-5,7`: stretches of a job's completion indexes, in rising order.
 *
 * @returns why the text is none, in Kubernetes' words, where it is none
 * @see k8s.io/kubernetes/pkg/apis/batch/validation, validateIndexesFormat
 */
export function parseIndexes(text: string, completions: number): readonly IndexInterval[] | string {
  if (text === "") return [];
  const intervals: IndexInterval[] = [];
  let previous: number | undefined;
  for (const part of text.split(",")) {
    const interval = parseInterval(part, completions);
    if (typeof interval === "string") return interval;
    const [first, last] = interval;
    if (previous !== undefined && previous >= first)
      return `non-increasing order, previous: ${previous}, current: ${first}`;
    previous = last;
    intervals.push(interval);
  }
  return intervals;
}

/** The first index that two lists of stretches have both; undefined when there is none. */
export function overlapOf(a: readonly IndexInterval[], b: readonly IndexInterval[]): number | undefined {
  let [at, bt] = [0, 0];
  for (;;) {
    const [x, y] = [a[at], b[bt]];
    if (!x || !y) return undefined;
    if (x[0] <= y[1] && y[0] <= x[1]) return Math.max(x[0], y[0]);
    if (x[0] <= y[0]) at++;
    else bt++;
  }
}

function parseInterval(text: string, completions: number): IndexInterval | string {
  const limits = text.split("-");
  if (limits.length > 2)
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  const numbers: number[] = [];
  for (const limit of limits) {
    if (!/^\+?\d{1,15}$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
    numbers.push(Number(limit));
  }
  const [first = 0, last = first] = numbers;
  if (numbers.length === 2 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
  return [first, last];
}
