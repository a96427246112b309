import type { KubeObject } from "../../core/api/meta.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Registry, Stored } from "./registry.ts";

/** Options of {@linkcode followRegistry}. */
export interface FollowOptions<T extends KubeObject> {
  readonly registry: Registry<T>;
  /** An object that is there: at the start, when it is new, and after every change. */
  onPresent(stored: Stored<T>): void;
  onGone(stored: Stored<T>): void;
  /** Everything is told anew: forget what was told. */
  onRestart(): void;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Logger;
}

/** Milliseconds before a registry that lost its store is read again. */
const retryMs = 1_000;

/**
 * Tells of every object of a kind and every change, for indexes that are kept beside the registry. Resolves once the
 * present objects were told. A commit is told before whoever made it can send another request.
 */
export async function followRegistry<T extends KubeObject>(options: FollowOptions<T>): Promise<AsyncDisposable> {
  const { registry, onPresent, onGone, onRestart, clock, log } = options;
  let revision = await readAll();
  const tasks = new Tasks({ onError: (error) => log.error("Cannot follow a kind", { error: errorMessage(error) }) });
  tasks.run(async (signal) => {
    for (let mustRead = false; ; mustRead = true) {
      try {
        if (mustRead) {
          onRestart();
          revision = await readAll();
        }
        await follow(signal);
      } catch (error) {
        log.warn("Lost track of a kind", { kind: registry.kind.kind, error: errorMessage(error) });
      }
      if (signal.aborted) return;
      // The watch was cut: what was missed is not known.
      await clock.sleep(retryMs, { signal });
    }
  });

  async function readAll(): Promise<number> {
    const page = await registry.list();
    for (const stored of page.items) onPresent(stored);
    return page.revision;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const events of registry.watch({ resourceVersion: String(revision), signal })) {
      for (const event of events) {
        if (event.type === "BOOKMARK") continue;
        if (event.type === "DELETED") onGone(event.stored);
        else onPresent(event.stored);
        revision = event.stored.revision;
      }
    }
  }
  return tasks;
}
