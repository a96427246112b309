import { Backoff } from "../../core/util/backoff.ts";
import { errorMessage } from "../../core/util/log.ts";
import { label } from "./docker_config.ts";
import type { DockerEngine } from "./docker_engine.ts";
import { jsonLines, untilCut } from "./docker_streams.ts";
import type { RuntimeEvent } from "./runtime.ts";

/** Options of {@linkcode engineEvents}. */
export interface EngineEventsOptions {
  /** What containers have to carry, as `NAME=VALUE`. */
  readonly labels: readonly string[];
  /** The pods of all containers: something may have happened to each while nobody listened. */
  everyPod(): Promise<readonly string[]>;
  readonly signal: AbortSignal;
}

/** Hints of an engine that containers changed, until aborted; an engine that goes away is waited for. */
export async function* engineEvents(
  engine: DockerEngine,
  { labels, everyPod, signal }: EngineEventsOptions,
): AsyncGenerator<RuntimeEvent, void, void> {
  const { clock } = engine;
  const backoff = new Backoff({ baseMs: 500, maxMs: 10_000, clock: clock });
  const filters = JSON.stringify({
    type: ["container"],
    label: [...labels],
    event: ["create", "start", "die", "oom", "destroy"],
  });
  for (let first = true; !signal.aborted; first = false) {
    try {
      const stream = await engine.stream("/events?", { filters }, signal);
      const stop = () => stream.destroy();
      signal.addEventListener("abort", stop, { once: true });
      try {
        backoff.reset("events");
        // Whatever happened while nobody listened.
        if (!first) for (const podUid of await everyPod()) yield { podUid };
        for await (const line of untilCut(jsonLines(stream), stream)) {
          const { Actor } = line as { readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> } };
          const podUid = Actor?.Attributes?.[label.podUid];
          if (podUid !== undefined) yield { podUid };
        }
      } finally {
        signal.removeEventListener("abort", stop);
      }
    } catch (error) {
      if (signal.aborted) return;
      engine.log.warn("lost the container engine's events", { error: errorMessage(error) });
    }
    await clock.sleep(backoff.next("events"), { signal }).catch(() => {});
  }
}
