/** How one run of a batch went. */
export interface BatchResult {
  readonly succeeded: number;
  /** The first failure, when there was one. */
  readonly error?: unknown;
}

/** Calls of one reconcile that are under way at once: the API answers some hundred at a time, for everybody. */
export const callsAtOnce = 32;

/**
 * Runs `work` for every item in batches of 1, 2, 4 … up to {@linkcode callsAtOnce}, each batch at once. Stops after the
 * first batch with a failure: a quota that refuses one pod would refuse a thousand.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/replicaset/replica_set.go slowStartBatch
 */
export async function slowStart<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<BatchResult> {
  let succeeded = 0;
  for (let size = 1; succeeded < items.length; size = Math.min(size * 2, callsAtOnce)) {
    const batch = items.slice(succeeded, succeeded + size);
    const results = await Promise.allSettled(batch.map((item) => work(item)));
    const failed = results.filter((result) => result.status === "rejected");
    succeeded += batch.length - failed.length;
    if (failed[0]) return { succeeded, error: failed[0].reason };
  }
  return { succeeded };
}

/** Runs `work` for every item, at most `limit` at a time; throws the first failure once all have ended. */
export async function forEachLimited<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  const errors: unknown[] = [];
  const lane = async () => {
    for (const item of queue) {
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
}
