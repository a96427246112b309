import { keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { sameVersion } from "../../core/client/preconditions.ts";
import { type Event, event } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { unlessGone } from "./_errors.ts";
import { type Controller, watching } from "./controller.ts";

/** Options of {@linkcode eventTtlController}. */
export interface EventTtlOptions {
  /** Milliseconds for which an Event is kept after it happened last. Default one hour. */
  readonly eventTtlMs?: number | undefined;
}

const bySecond = "second";

/** Deletes Events that are about the past. They are many: its keys are the seconds in which they happened last. */
export function eventTtlController({ eventTtlMs = 3_600_000 }: EventTtlOptions = {}): Controller {
  const leftMs = ({ name }: ObjectKey, clock: Pick<Clock, "now">): number =>
    Math.min(Number(name) * 1000, clock.now()) + eventTtlMs - clock.now();
  return {
    name: "event-ttl-controller",
    watches: [
      watching({
        kind: event,
        keep: lastTime,
        indexes: { [bySecond]: secondsOf },
        keys: (object) => [{ name: secondOf(object) }],
      }),
    ],
    // They are looked at when their time has come, not when they are written.
    batchMs: (key, _lister, clock) => leftMs(key, clock),
    async reconcile(key: ObjectKey, { client, clock, lister, signal }) {
      const requeueAfterMs = leftMs(key, clock);
      if (requeueAfterMs > 0) return { requeueAfterMs };
      for (const old of lister(event).byIndex(bySecond, key.name)) {
        await unlessGone(client.delete(event, keyOf(old), { signal, preconditions: sameVersion(old) }));
      }
      return undefined;
    },
  };
}

/** All that is needed of an Event here: there are more of them than of anything else. */
function lastTime(one: Event): Event {
  const { apiVersion, kind, metadata } = one;
  const { name, namespace, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: compact<Event["metadata"]>({ name, namespace, resourceVersion }),
    involvedObject: nobody,
    lastTimestamp: new Date(lastSeen(one, Number.POSITIVE_INFINITY)).toISOString(),
  };
}

const nobody = {};

/** One function, however often the controllers start: who leads again finds the index that is there. */
function secondsOf(one: Event): readonly string[] {
  return [secondOf(one)];
}

function secondOf(one: Event): string {
  return String(Math.ceil(lastSeen(one, Number.POSITIVE_INFINITY) / 1000));
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
