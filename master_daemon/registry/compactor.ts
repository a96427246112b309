import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Store } from "../store/store.ts";

/** Options of {@linkcode runCompactor}. */
export interface CompactorOptions {
  readonly store: Store;
  /** Milliseconds of history to keep. Default 5 minutes. */
  readonly intervalMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Lets a store that does not do so by itself forget history: at the end of each interval what it was at the beginning.
 * One master does it, while it leads.
 *
 * @see k8s.io/apiserver/pkg/storage/etcd3/compact.go
 */
export function runCompactor({ store, intervalMs = 300_000, clock, log }: CompactorOptions): AsyncDisposable {
  const tasks = new Tasks({ onError: (error) => log.error("Compactor failed", { error: errorMessage(error) }) });
  tasks.run(async (signal) => {
    let beginning: number | undefined;
    for (;;) {
      try {
        const { revision } = await store.get("");
        if (beginning !== undefined) await store.compact(beginning);
        beginning = revision;
      } catch (error) {
        if (signal.aborted) return;
        // The next interval does it.
        log.warn("Cannot compact the store", { error: errorMessage(error) });
      }
      await clock.sleep(intervalMs, { signal });
    }
  });
  return tasks;
}
