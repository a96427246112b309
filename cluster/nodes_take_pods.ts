import type { InformerFactory } from "../core/client/informer.ts";
import { node } from "../core/kinds/node.ts";
import type { Clock } from "../core/util/clock.ts";
import { deferred } from "../core/util/deferred.ts";

const notReady = "node.kubernetes.io/not-ready";

/**
 * Resolves when nodes have lost the taint that they are registered with, or after `limitMs`: the scheduler looks a second
 * time only after a second at a pod that it finds no node for.
 */
export async function nodesTakePods(
  names: readonly string[],
  options: { readonly informers: InformerFactory; readonly clock: Clock; readonly limitMs: number },
): Promise<void> {
  const { informers, clock, limitMs } = options;
  const nodes = informers.informer(node);
  const done = deferred<void>();
  const isReady = (name: string) => {
    const found = nodes.get({ name });
    return found !== undefined && !found.spec?.taints?.some(({ key }) => key === notReady);
  };
  const look = () => {
    if (names.every(isReady)) done.resolve();
  };
  const stop = nodes.onChange(look);
  const cancel = clock.schedule(limitMs, done.resolve);
  look();
  await done.promise;
  cancel();
  stop();
}
