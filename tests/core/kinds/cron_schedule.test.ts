import { describe, expect, it } from "vitest";
import { scheduleError } from "../../../core/kinds/cron_schedule.ts";
import { parseIndexes } from "../../../core/kinds/job_indexes.ts";
import { timeZoneError } from "../../../core/kinds/time_zones.ts";

describe("scheduleError()", () => {
  it.each([
    "* * * * *",
    "0,30 0-6/2 1-31 jan-DEC mon,WED,5",
    "? ? ? ? ?",
    "*/15 * * * *",
    "5/10 * * * *",
    "@hourly",
    "@every 1h30m",
    " 0 0 1 1 0 ",
    "TZ=UTC 0 0 * * *",
  ])("accepts %j", (text) => expect(scheduleError(text)).toBeUndefined());

  it.each([
    ["", "expected exactly 5 fields, found 0: []"],
    ["* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"],
    ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ["* 24 * * *", "end of range (24) above maximum (23): 24"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["* * * * 7", "end of range (7) above maximum (6): 7"],
    ["5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["*/2/3 * * * *", "too many slashes: */2/3"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["*/-1 * * * *", "negative number (-1) not allowed: -1"],
    ["@often", "unrecognized descriptor: @often"],
    ["@every long", 'failed to parse duration @every long: time: invalid duration "long"'],
  ])("says why %j is none", (text, reason) => expect(scheduleError(text)).toBe(reason));

  it("is quick about anything", () => {
    for (const text of ["9".repeat(1e6), `@every ${"1h".repeat(1e5)}`, "*,".repeat(1e5)])
      expect(scheduleError(text)).toContain("longer");
  });
});

describe("timeZoneError()", () => {
  it.each(["UTC", "Europe/Berlin", "Asia/Calcutta", "America/Argentina/Buenos_Aires", undefined])(
    "accepts %s",
    (name) => expect(timeZoneError(name)).toBeUndefined(),
  );
  it.each(["europe/berlin", "Europe/Nowhere", "+01:00", "../etc/passwd", "/UTC", "Europe//Berlin"])(
    "knows no %s",
    (name) => expect(timeZoneError(name)).toBe(`unknown time zone ${name}`),
  );
  it("wants a name where there is one", () =>
    expect(timeZoneError("")).toBe("timeZone must be nil or non-empty string"));
});

describe("parseIndexes()", () => {
  it.each<[string, unknown]>([
    ["", []],
    [
      "0,2-4",
      [
        [0, 0],
        [2, 4],
      ],
    ],
    ["3,1", "non-increasing order, previous: 3, current: 1"],
    ["4-2", "non-increasing order, previous: 4, current: 2"],
    [
      "1-2-3",
      `the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
    ],
    ["a", 'cannot convert string to integer for index: "a"'],
    ["9", 'too large index: "9"'],
  ])("reads %j", (text, result) => expect(parseIndexes(text, 9)).toEqual(result));
});
