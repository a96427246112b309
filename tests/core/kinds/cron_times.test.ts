import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CronSchedule, parseSchedule } from "../../../core/kinds/cron_schedule.ts";
import { nextTime, zonedTimestamp } from "../../../core/kinds/cron_times.ts";

function schedule(text: string): CronSchedule {
  const parsed = parseSchedule(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

/** The next times of a schedule, as clocks in its zone show them. */
function times(text: string, after: string, count: number, zone = "UTC"): readonly string[] {
  const found: string[] = [];
  let time = Date.parse(after);
  for (let index = 0; index < count; index++) {
    const next = nextTime(schedule(text), time, zone);
    if (next === undefined) break;
    time = next;
    found.push(zonedTimestamp(time, zone));
  }
  return found;
}

describe("nextTime()", () => {
  it.each<[string, string, readonly string[]]>([
    ["* * * * *", "2026-01-01T00:00:30Z", ["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"]],
    ["*/20 * * * *", "2026-01-01T00:20:00Z", ["2026-01-01T00:40:00Z", "2026-01-01T01:00:00Z"]],
    ["5-59/20 3 * * *", "2026-01-01T03:30:00Z", ["2026-01-01T03:45:00Z", "2026-01-02T03:05:00Z"]],
    ["0 0 31 * *", "2026-01-31T00:00:00Z", ["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"]],
    ["0 0 29 feb ?", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00Z"]],
    ["30 6 * * mon-fri", "2026-01-02T06:30:00Z", ["2026-01-05T06:30:00Z", "2026-01-06T06:30:00Z"]],
    // Both kinds of days: either is enough.
    ["0 0 13 * fri", "2026-01-02T00:00:00Z", ["2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"]],
    // A star with a step asks for something, too.
    ["0 0 */31 * mon", "2026-01-02T00:00:00Z", ["2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"]],
    ["@hourly", "2026-01-01T00:00:00Z", ["2026-01-01T01:00:00Z"]],
    ["@weekly", "2026-01-01T00:00:00Z", ["2026-01-04T00:00:00Z"]],
    ["@yearly", "2026-01-01T00:00:00Z", ["2027-01-01T00:00:00Z"]],
    ["@every 1m30s", "2026-01-01T00:00:10Z", ["2026-01-01T00:01:40Z", "2026-01-01T00:03:10Z"]],
    ["@every 1ms", "2026-01-01T00:00:00Z", ["2026-01-01T00:00:01Z"]],
    ["0 0 31 2 *", "2026-01-01T00:00:00Z", []],
    ["TZ=Asia/Tokyo 0 9 * * *", "2026-01-01T00:00:00Z", ["2026-01-02T00:00:00Z"]],
  ])("%s after %s", (text, after, expected) => {
    expect(times(text, after, Math.max(1, expected.length))).toEqual(expected);
  });

  it.each<[string, string, string, readonly string[]]>([
    [
      "Europe/Berlin",
      "30 12 * * *",
      "2026-03-28T00:00:00Z",
      ["2026-03-28T12:30:00+01:00", "2026-03-29T12:30:00+02:00"],
    ],
    // 02:30 is left out on the 29th.
    ["Europe/Berlin", "30 2 * * *", "2026-03-28T00:00:00Z", ["2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"]],
    ["Europe/Berlin", "30 0 * * *", "2026-03-29T00:00:00Z", ["2026-03-30T00:30:00+02:00"]],
    // 02:30 comes twice on the 25th.
    [
      "Europe/Berlin",
      "30 2 * * *",
      "2026-10-24T12:00:00Z",
      ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"],
    ],
    ["Europe/Berlin", "0 * * * *", "2026-10-25T00:00:00Z", ["2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"]],
    [
      "America/New_York",
      "0 0 1 * *",
      "2026-02-28T00:00:00Z",
      ["2026-03-01T00:00:00-05:00", "2026-04-01T00:00:00-04:00"],
    ],
    // Here midnight itself is left out.
    ["Africa/Cairo", "0 0 * * *", "2026-04-22T23:00:00Z", ["2026-04-25T00:00:00+03:00"]],
    ["Africa/Cairo", "30 1 * * *", "2026-04-23T00:00:00Z", ["2026-04-24T01:30:00+03:00"]],
    ["Asia/Kolkata", "15 * * * *", "2026-01-01T00:00:00Z", ["2026-01-01T06:15:00+05:30", "2026-01-01T07:15:00+05:30"]],
  ])("in %s: %s after %s", (zone, text, after, expected) => {
    expect(times(text, after, expected.length, zone)).toEqual(expected);
  });

  const part = (min: number, max: number) =>
    fc.oneof(
      fc.constant("*"),
      fc.integer({ min, max }).map(String),
      fc
        .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
        .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}/3`),
    );
  it("gives the first minute that fits, as trying one after the other does", () => {
    const fields = fc.tuple(part(0, 59), part(0, 23), part(1, 28), part(1, 12), part(0, 6));
    const property = fc.property(fields, fc.integer({ min: 0, max: 2 ** 31 }), (parts, afterSeconds) => {
      const text = parts.join(" ");
      const after = afterSeconds * 1000;
      const parsed = schedule(text);
      if (parsed.type !== "fields") throw new Error("unreachable");
      const { minute, hour, dayOfMonth, month, dayOfWeek } = parsed;
      const fits = (time: number) => {
        const date = new Date(time);
        const days = [dayOfMonth.values.has(date.getUTCDate()), dayOfWeek.values.has(date.getUTCDay())];
        return (
          minute.values.has(date.getUTCMinutes()) &&
          hour.values.has(date.getUTCHours()) &&
          month.values.has(date.getUTCMonth() + 1) &&
          (dayOfMonth.isStar || dayOfWeek.isStar ? days.every(Boolean) : days.some(Boolean))
        );
      };
      const next = nextTime(parsed, after, "UTC");
      if (next === undefined) return;
      expect(fits(next)).toBe(true);
      // A day before it at most: what lies further back would have to skip whole days.
      for (
        let time = Math.max(Math.floor(after / 60_000) * 60_000 + 60_000, next - 86_400_000);
        time < next;
        time += 60_000
      )
        expect(fits(time)).toBe(false);
    });
    fc.assert(property, { numRuns: 60 });
  });
});
