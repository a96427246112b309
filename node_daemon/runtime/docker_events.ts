import { Backoff } from "../../core/util/backoff.ts";
import { errorMessage } from "../../core/util/log.ts";
import { label } from "./docker_config.ts";
import type { DockerContainers } from "./docker_containers.ts";
import type { DockerEngine } from "./docker_engine.ts";
import { jsonLines, untilCut } from "./docker_streams.ts";
import type { RuntimeEvent } from "./runtime.ts";

/** What the engine tells of a container: its labels are among the attributes. */
interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}

/** Hints of an engine that containers changed, until aborted; an engine that goes away is waited for. */
export async function* engineEvents(
  engine: DockerEngine,
  containers: DockerContainers,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<RuntimeEvent, void, void> {
  const { clock } = engine;
  const backoff = new Backoff({ baseMs: 500, maxMs: 10_000, clock: clock });
  const filters = JSON.stringify({
    type: ["container"],
    label: containers.ownerFilter,
    event: ["create", "start", "die", "oom", "destroy"],
  });
  for (let first = true; !signal.aborted; first = false) {
    try {
      const stream = await engine.stream("/events?", { filters }, signal);
      const stop = () => stream.destroy();
      signal.addEventListener("abort", stop, { once: true });
      try {
        backoff.reset("events");
        const standing = await containers.follow(signal);
        // Something may have happened to each while nobody listened.
        if (!first) for (const podUid of standing) yield { podUid };
        for await (const line of untilCut(jsonLines(stream), stream)) {
          const { Action, Actor: { ID = "", Attributes = {} } = {} } = line as EngineEvent;
          if (Action === "create") containers.made(ID, Attributes);
          if (Action === "destroy") containers.removed(ID);
          const podUid = Attributes[label.podUid];
          if (podUid !== undefined) yield { podUid };
        }
      } finally {
        containers.lost();
        signal.removeEventListener("abort", stop);
      }
    } catch (error) {
      if (signal.aborted) return;
      engine.log.warn("lost the container engine's events", { error: errorMessage(error) });
    }
    await clock.sleep(backoff.next("events"), { signal }).catch(() => {});
  }
}
