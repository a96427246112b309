import type { ObjectKey } from "../../core/api/meta.ts";
import { type Event, event } from "../../core/kinds/mod.ts";
import { unlessGone } from "./_errors.ts";
import type { Controller } from "./controller.ts";

/** Options of {@linkcode eventTtlController}. */
export interface EventTtlOptions {
  /** Milliseconds for which an Event is kept after it happened last. Default one hour. */
  readonly eventTtlMs?: number | undefined;
}

/** Deletes Events that are about the past. */
export function eventTtlController({ eventTtlMs = 3_600_000 }: EventTtlOptions = {}): Controller {
  return {
    name: "event-ttl-controller",
    reconciles: event,
    async reconcile(key: ObjectKey, { client, clock, lister, signal }) {
      const old = lister(event).get(key);
      if (!old) return undefined;
      const leftMs = lastSeen(old, clock.now()) + eventTtlMs - clock.now();
      if (leftMs > 0) return { requeueAfterMs: leftMs };
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
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]
    .map((time) => Date.parse(time ?? ""))
    .filter(Number.isFinite);
  return Math.min(nowMs, Math.max(0, ...times));
}
