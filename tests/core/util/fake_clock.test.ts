import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";

describe("FakeClock", () => {
  it("fires timers in the order they come due, at their time", async () => {
    const clock = new FakeClock();
    const fired: [string, number][] = [];
    clock.schedule(20, () => fired.push(["b", clock.monotonic()]));
    clock.schedule(10, () => fired.push(["a", clock.monotonic()]));
    clock.schedule(20, () => fired.push(["c", clock.monotonic()]));
    clock.schedule(31, () => fired.push(["late", clock.monotonic()]));
    await clock.advance(30);
    expect(fired).toEqual([
      ["a", 10],
      ["b", 20],
      ["c", 20],
    ]);
    expect(clock.pending).toBe(1);
    expect(clock.monotonic()).toBe(30);
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1) + 30);
  });

  it("fires timers that a timer started, when they fall into the same advance", async () => {
    const clock = new FakeClock(0);
    const times: number[] = [];
    const again = () => {
      times.push(clock.now());
      if (times.length < 3) clock.schedule(10, again);
    };
    clock.schedule(10, again);
    await clock.advance(100);
    expect(times).toEqual([10, 20, 30]);
  });

  it("does not fire a cancelled timer", async () => {
    const clock = new FakeClock();
    let fired = false;
    clock.schedule(10, () => {
      fired = true;
    })();
    await clock.advance(20);
    expect(fired).toBe(false);
  });

  it("sleep() resolves in time and rejects with the reason of its signal, leaving no timer behind", async () => {
    const clock = new FakeClock();
    let woke = false;
    void clock.sleep(10).then(() => {
      woke = true;
    });
    await clock.advance(9);
    expect(woke).toBe(false);
    await clock.advance(1);
    expect(woke).toBe(true);

    const controller = new AbortController();
    const sleeping = clock.sleep(10, { signal: controller.signal });
    controller.abort(new Error("stop"));
    await expect(sleeping).rejects.toThrow("stop");
    await expect(clock.sleep(10, { signal: controller.signal })).rejects.toThrow("stop");
    expect(clock.pending).toBe(0);
  });
});
