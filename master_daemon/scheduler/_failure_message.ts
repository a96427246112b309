import type { Refusal } from "./framework.ts";

/**
 * Why a pod fits nowhere: how many nodes gave which reason, and what came of looking for pods to displace.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/scheduler/framework/types.go FitError
 */
export function failureMessage(
  refusals: Iterable<Pick<Refusal, "rejection">>,
  options: {
    /** Of all nodes. */
    readonly count: number;
    /** What every node is refused for. */
    readonly forAll?: string | undefined;
    /** What nodes are refused for that were not asked. */
    readonly rest?: { readonly count: number; readonly reason: string } | undefined;
    readonly postFilter?: string | undefined;
  },
): string {
  const { count, forAll, rest, postFilter } = options;
  const counts = new Map<string, number>(rest ? [[rest.reason, rest.count]] : []);
  const add = (reason: string) => counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const { rejection } of refusals) {
    add(rejection.reason);
    for (const other of rejection.others ?? []) add(other);
  }
  return `0/${count} nodes are available: ${forAll ?? tally(counts)}.${postFilter ? ` ${postFilter}` : ""}`;
}

/** `1 this, 2 that`, sorted as text. */
export function tally(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}
