import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WorkQueue } from "../../../core/client/workqueue.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { settle } from "./fake_api.ts";

describe("WorkQueue", () => {
  it("gives keys in order, each once however often it was added", async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(["a", "b", "c"]);
  });

  it("gives a key that was added while it was processed again, after done()", async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add("a");
    await queue.get();
    queue.add("a");
    queue.add("a");
    expect(queue.length).toBe(0);
    queue.done("a");
    expect(queue.length).toBe(1);
    await queue.get();
    queue.done("a");
    expect(queue.length).toBe(0);
  });

  it("waits in get() until there is a key, and hands one key to one of several who wait", async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    const got: (string | undefined)[] = [];
    const takers = ["first", "second"].map(async () => got.push(await queue.get()));
    await settle();
    queue.add("a");
    await settle();
    expect(got).toEqual(["a"]);
    queue.add("b");
    await Promise.all(takers);
    expect(got).toEqual(["a", "b"]);
  });

  it("passes a key on when the one who waited for it was aborted in the same moment", async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    const controller = new AbortController();
    const aborted = queue.get({ signal: controller.signal }).catch((error: unknown) => error);
    const patient = queue.get();
    await settle();
    queue.add("a");
    controller.abort(new Error("enough"));
    expect(await aborted).toEqual(new Error("enough"));
    expect(await patient).toBe("a");
  });

  it("adds a key after its time, the shortest of several", async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter("a", 1000);
    queue.addAfter("a", 5000);
    queue.addAfter("a", 200);
    queue.addAfter("b", 0);
    expect(queue.length).toBe(1);
    await clock.advance(199);
    expect(queue.length).toBe(1);
    await clock.advance(1);
    expect(queue.length).toBe(2);
    await clock.advance(10_000);
    expect(queue.length).toBe(2);
    expect(clock.pending).toBe(0);
  });

  it("doubles the wait of a rate-limited key up to its limit, until it is forgotten", async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock, baseDelayMs: 5, maxDelayMs: 40 });
    const waits: number[] = [];
    const turn = async () => {
      const since = clock.monotonic();
      queue.addRateLimited("a");
      while (queue.length === 0) await clock.advance(1);
      queue.done((await queue.get()) ?? "");
      waits.push(clock.monotonic() - since);
    };
    for (let count = 0; count < 5; count++) await turn();
    expect(queue.failures("a")).toBe(5);
    queue.forget("a");
    await turn();
    expect(waits).toEqual([5, 10, 20, 40, 40, 5]);
  });

  it("takes nothing more after shutdown(), gives out what is in, then undefined", async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add("a");
    queue.addAfter("late", 10);
    queue.shutdown();
    queue.add("b");
    await clock.advance(100);
    expect([await queue.get(), await queue.get()]).toEqual(["a", undefined]);
    const other = new WorkQueue({ clock });
    const waiting = other.get();
    other.shutdown();
    expect(await waiting).toBeUndefined();
  });

  it("never gives a key twice at once, and gives each added key afterwards, whatever happens", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom("add", "after", "limited"), key: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ do: fc.constant("get"), key: fc.constant(0) }),
      fc.record({ do: fc.constant("done"), key: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ do: fc.constant("advance"), key: fc.integer({ min: 0, max: 50 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new FakeClock();
        const queue = new WorkQueue<number>({ clock });
        const processing = new Set<number>();
        /** Keys that were added since they were last given out. */
        const owed = new Set<number>();
        /** Keys that a timer may have added since. */
        const delayed = new Set<number>();
        const take = async () => {
          const key = (await queue.get()) ?? -1;
          expect(processing.has(key)).toBe(false);
          expect(owed.delete(key) || delayed.has(key)).toBe(true);
          processing.add(key);
        };
        for (const { do: what, key } of steps) {
          if (what === "add") queue.add(key);
          else if (what === "after") queue.addAfter(key, key * 10);
          else if (what === "limited") queue.addRateLimited(key);
          else if (what === "advance") await clock.advance(key);
          else if (what === "get") {
            if (queue.length > 0) await take();
          } else if (processing.delete(key)) queue.done(key);
          if (what === "add" || what === "after" || what === "limited") owed.add(key);
          if (what === "after" || what === "limited") delayed.add(key);
        }
        await clock.advance(10_000_000);
        for (const key of processing) queue.done(key);
        processing.clear();
        while (queue.length > 0) await take();
        expect([...owed]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
