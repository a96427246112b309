import { keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { type Event, event } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { unlessGone } from "./_errors.ts";
import { type Controller, watching } from "./controller.ts";

/** Options of {@linkcode eventTtlController}. */
export interface EventTtlOptions {
  /** Milliseconds for which an Event is kept after it happened last. Default one hour. */
  readonly eventTtlMs?: number | undefined;
}

/** Deletes Events that are about the past. */
export function eventTtlController({ eventTtlMs = 3_600_000 }: EventTtlOptions = {}): Controller {
  const leftMs = (one: Event | undefined, clock: Pick<Clock, "now">): number =>
    one ? lastSeen(one, clock.now()) + eventTtlMs - clock.now() : 0;
  return {
    name: "event-ttl-controller",
    watches: [watching({ kind: event, keys: (object) => [keyOf(object)] })],
    // Events are many: they are looked at when their time has come, not when they are written.
    batchMs: (key, lister, clock) => leftMs(lister(event).get(key), clock),
    async reconcile(key: ObjectKey, { client, clock, lister, signal }) {
      const old = lister(event).get(key);
      if (!old) return undefined;
      const requeueAfterMs = leftMs(old, clock);
      if (requeueAfterMs > 0) return { requeueAfterMs };
      const { uid, resourceVersion } = old.metadata;
      const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
      await unlessGone(client.delete(event, key, { signal, preconditions }));
      return undefined;
    },
  };
}

/**
 * When an Event happened last, in milliseconds since the epoch; never later than `nowMs`, lest a reporter with a wrong
 * clock write for ever.
 */
export function lastSeen({ metadata, lastTimestamp, eventTime, series }: Event, nowMs: number): number {
  let latest = 0;
  for (const time of [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]) {
    const at = time ? Date.parse(time) : Number.NaN;
    if (at > latest) latest = at;
  }
  return Math.min(nowMs, latest);
}
