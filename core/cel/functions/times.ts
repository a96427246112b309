import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { floorDivide } from "../time.ts";
import { duration, int, string, timestamp } from "../types.ts";
import type { Duration, Timestamp } from "../values.ts";

const million = 1_000_000n;

/** The time's clock in a zone, as a date whose UTC members are that clock's. */
function inZone(time: Timestamp, zone: string): Date {
  return new Date(Number(floorDivide(time.nanos, million)) + offsetMs(time, zone));
}

function offsetMs(time: Timestamp, zone: string): number {
  if (zone === "" || zone === "UTC") return 0;
  const fixed = /^([-+]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed) return (Number(fixed[2]) * 60 + Number(fixed[3])) * (fixed[1] === "-" ? -60_000 : 60_000);
  if (!/^[A-Za-z0-9_+/-]{1,64}$/.test(zone)) throw new CelError(`unknown time zone ${zone.slice(0, 64)}`);
  try {
    const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(
      Number(floorDivide(time.nanos, million)),
    );
    const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
    const match = /GMT([-+])(\d\d):(\d\d)/.exec(name);
    return match ? (Number(match[2]) * 60 + Number(match[3])) * (match[1] === "-" ? -60_000 : 60_000) : 0;
  } catch (cause) {
    if (cause instanceof RangeError) throw new CelError(`unknown time zone ${zone}`, { cause });
    throw cause;
  }
}

function dayOfYear(date: Date): number {
  const first = new Date(0);
  first.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - first.getTime()) / 86_400_000);
}

/** Part of a time, and of a span where that has it: whole hours, minutes … */
const part = (name: string, ofTime: (date: Date) => number, nanos?: bigint): FunctionSet => ({
  name,
  member: [
    overload([timestamp], int, ([time]) => BigInt(ofTime(inZone(time as Timestamp, "UTC")))),
    overload([timestamp, string], int, ([time, zone], budget) => {
      // Reading a zone's rules is slow.
      budget.spend(1500);
      return BigInt(ofTime(inZone(time as Timestamp, zone as string)));
    }),
    ...(nanos ? [overload([duration], int, ([span]) => (span as Duration).nanos / nanos)] : []),
  ],
});

/** Parts of times and spans. */
export const timeFunctions: readonly FunctionSet[] = [
  part("getFullYear", (date) => date.getUTCFullYear()),
  part("getMonth", (date) => date.getUTCMonth()),
  part("getDate", (date) => date.getUTCDate()),
  part("getDayOfMonth", (date) => date.getUTCDate() - 1),
  part("getDayOfWeek", (date) => date.getUTCDay()),
  part("getDayOfYear", dayOfYear),
  part("getHours", (date) => date.getUTCHours(), 3_600_000_000_000n),
  part("getMinutes", (date) => date.getUTCMinutes(), 60_000_000_000n),
  part("getSeconds", (date) => date.getUTCSeconds(), 1_000_000_000n),
  {
    name: "getMilliseconds",
    member: [
      ...(part("", (date) => date.getUTCMilliseconds()).member ?? []),
      // Of a span: what its last second has left over, not all of it.
      overload([duration], int, ([span]) => ((span as Duration).nanos / million) % 1000n),
    ],
  },
];
