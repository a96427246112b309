import { describe, expect, it, vi } from "vitest";
import { assert } from "../../../core/util/assert.ts";
import { Backoff } from "../../../core/util/backoff.ts";
import { microTimestamp, timestamp } from "../../../core/util/clock.ts";
import { compact } from "../../../core/util/compact.ts";
import { deferred } from "../../../core/util/deferred.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { createLogger, errorMessage } from "../../../core/util/log.ts";
import { Turns } from "../../../core/util/turns.ts";

describe("Backoff", () => {
  it("doubles from base to max for each key on its own", async () => {
    const backoff = new Backoff({ baseMs: 10, maxMs: 50, clock: new FakeClock() });
    expect([1, 2, 3, 4, 5].map(() => backoff.next("a"))).toEqual([10, 20, 40, 50, 50]);
    expect(backoff.next("b")).toBe(10);
    expect(backoff.current("a")).toBe(50);
    backoff.reset("a");
    expect(backoff.current("a")).toBe(0);
    expect(backoff.next("a")).toBe(10);
  });

  it("counts down and starts again after a quiet time", async () => {
    const clock = new FakeClock();
    const backoff = new Backoff({ baseMs: 10, maxMs: 40, clock });
    backoff.next("a");
    backoff.next("a");
    await clock.advance(5);
    expect(backoff.remaining("a")).toBe(15);
    await clock.advance(15 + 81);
    expect(backoff.remaining("a")).toBe(0);
    expect(backoff.next("a")).toBe(10);
  });

  it("forgets keys that never come back", async () => {
    const clock = new FakeClock();
    const backoff = new Backoff({ baseMs: 1, maxMs: 2, clock });
    for (let key = 0; key < 1000; key++) backoff.next(`old-${key}`);
    await clock.advance(1000);
    for (let key = 0; key < 100; key++) backoff.next(`new-${key}`);
    expect(backoff.current("old-0")).toBe(0);
    expect(backoff.current("new-0")).toBe(1);
  });
});

describe("compact()", () => {
  it("leaves undefined members out and keeps null, false and 0", () => {
    expect(Object.keys(compact({ a: undefined, b: null, c: false, d: 0 }))).toEqual(["b", "c", "d"]);
  });

  it("keeps a member called __proto__ as a member", () => {
    const result = compact<Record<string, unknown>>(JSON.parse('{"__proto__":{"polluted":true},"a":1}'));
    expect(Object.keys(result)).toEqual(["__proto__", "a"]);
    expect((result as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  });
});

describe("deferred()", () => {
  it("resolves and rejects from outside", async () => {
    const good = deferred<number>();
    good.resolve(1);
    expect(await good.promise).toBe(1);
    const bad = deferred();
    bad.reject(new Error("no"));
    await expect(bad.promise).rejects.toThrow("no");
  });
});

describe("timestamp() and microTimestamp()", () => {
  it("write Kubernetes' Time and MicroTime", () => {
    const clock = { now: () => Date.UTC(2026, 0, 31, 12, 0, 0, 7) };
    expect(timestamp(clock)).toBe("2026-01-31T12:00:00Z");
    expect(microTimestamp(clock)).toBe("2026-01-31T12:00:00.007000Z");
  });
});

describe("assert()", () => {
  it("throws only for what does not hold", () => {
    expect(() => assert(true, "fine")).not.toThrow();
    expect(() => assert(undefined, "not fine")).toThrow("Broken invariant: not fine");
  });
});

describe("createLogger()", () => {
  const clock = { now: () => Date.UTC(2026, 0, 1) };

  it("writes logfmt, quoting what needs it", () => {
    const write = vi.fn<(line: string) => void>();
    createLogger({ write, clock })
      .with({ part: "test" })
      .info("Something happened", { name: "a b", count: 2, none: undefined, text: "line\nfeed" });
    expect(write).toHaveBeenCalledExactlyOnceWith(
      '2026-01-01T00:00:00.000Z info  Something happened part=test name="a b" count=2 text="line\\nfeed"',
    );
  });

  it("writes nothing below its level", () => {
    const write = vi.fn<(line: string) => void>();
    const log = createLogger({ write, clock, level: "warn" });
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    expect(write).toHaveBeenCalledTimes(2);
  });
});

describe("errorMessage()", () => {
  it("has a text for anything that is thrown", () => {
    expect(errorMessage(new Error("broken"))).toBe("broken");
    expect(errorMessage(new TypeError())).toBe("TypeError");
    expect(errorMessage("text")).toBe("text");
  });
});

describe("Turns", () => {
  it("lets so many of those who wait go on in one turn of the event loop, first come first served", async () => {
    const turns = new Turns({ perTurn: 2 });
    const seen: (string | number)[] = [];
    const all = [1, 2, 3, 4, 5].map((one) => turns.next().then(() => seen.push(one)));
    const mark = () => {
      seen.push("turn");
      if (seen.length < 7) setImmediate(mark);
    };
    setImmediate(mark);
    await Promise.all(all);
    expect(seen).toEqual([1, 2, "turn", 3, 4, "turn", 5]);
    await turns.next();
  });
});
