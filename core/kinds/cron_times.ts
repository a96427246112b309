import type { CronField, CronSchedule } from "./cron_schedule.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A schedule that has no time within so many years has none. */
const maxYears = 5;

/**
 * The first time of a schedule after a moment, both in milliseconds since the epoch. Times that the clocks leave out in spring
 * are left out; in autumn they come twice.
 *
 * @param zone where the schedule's fields are meant, unless it names a zone itself
 * @returns undefined when there is none, as of `0 0 31 2 *`
 * @throws RangeError for a zone that the platform does not know
 * @see https://github.com/robfig/cron SpecSchedule.Next
 */
export function nextTime(schedule: CronSchedule, afterMs: number, zone: string): number | undefined {
  if (schedule.type === "every") return Math.floor(afterMs / 1000) * 1000 + schedule.seconds * 1000;
  const { minute, hour, month } = schedule;
  const offsetAt = offsetsOf(schedule.zone ?? zone);
  const lastYear = new Date(afterMs).getUTCFullYear() + maxYears;
  let time = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
  for (;;) {
    const wallMs = time + offsetAt(time);
    const wall = new Date(wallMs);
    if (wall.getUTCFullYear() > lastYear) return undefined;
    if (!month.values.has(wall.getUTCMonth() + 1)) {
      time = forwardTo(Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth() + 1), time, offsetAt);
    } else if (!isDay(schedule, wall)) {
      time = forwardTo(Math.floor(wallMs / dayMs) * dayMs + dayMs, time, offsetAt);
    } else if (!hour.values.has(wall.getUTCHours())) {
      time += (60 - wall.getUTCMinutes()) * minuteMs;
    } else {
      const wait = untilNext(minute, wall.getUTCMinutes());
      if (wait === 0) return time;
      time += (wait ?? 60 - wall.getUTCMinutes()) * minuteMs;
    }
  }
}

/** Where both kinds of days are named, one of them is enough. */
function isDay({ dayOfMonth, dayOfWeek }: Extract<CronSchedule, { type: "fields" }>, wall: Date): boolean {
  const inMonth = dayOfMonth.values.has(wall.getUTCDate());
  const inWeek = dayOfWeek.values.has(wall.getUTCDay());
  return dayOfMonth.isStar || dayOfWeek.isStar ? inMonth && inWeek : inMonth || inWeek;
}

function untilNext({ values }: CronField, from: number): number | undefined {
  for (let value = from; value < 60; value++) if (values.has(value)) return value - from;
  return undefined;
}

/** The moment at which clocks show `wallMs`. Where they jump on the way: close to it, but always later than `time`. */
function forwardTo(wallMs: number, time: number, offsetAt: (time: number) => number): number {
  const next = time + wallMs - (time + offsetAt(time));
  const drift = next + offsetAt(next) - wallMs;
  return next - drift > time ? next - drift : next;
}

/** How far clocks of a zone are ahead of UTC at a moment, in milliseconds. */
function offsetsOf(zone: string): (time: number) => number {
  if (zone === "UTC" || zone === "Etc/UTC") return () => 0;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (time) => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
  };
}

/** A moment as RFC 3339 text with the offset of a zone: `2026-03-29T03:00:00+02:00`. */
export function zonedTimestamp(time: number, zone: string): string {
  const offset = offsetsOf(zone)(time);
  const text = new Date(time + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${text}Z`;
  const minutes = Math.abs(Math.round(offset / minuteMs));
  const two = (value: number) => String(value).padStart(2, "0");
  return `${text}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
