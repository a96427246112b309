/** What `work` finds for each of `all`, some at a time; in no order. */
export async function eachOf<T, R>(
  all: readonly T[],
  parallel: number,
  work: (one: T) => Promise<R | undefined>,
): Promise<readonly R[]> {
  const left = [...all];
  const results: R[] = [];
  const workers = Array.from({ length: Math.min(parallel, left.length) }, async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const result = await work(next);
      if (result !== undefined) results.push(result);
    }
  });
  await Promise.all(workers);
  return results;
}
