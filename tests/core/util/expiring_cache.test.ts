import { describe, expect, it } from "vitest";
import { ExpiringCache } from "../../../core/util/expiring_cache.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";

describe("ExpiringCache", () => {
  it("forgets what is no longer good", async () => {
    const clock = new FakeClock();
    const cache = new ExpiringCache<number>({ maxEntries: 10, clock });
    cache.set("a", 1, 1000);
    cache.set("b", 2, 0);
    await clock.advance(999);
    expect([cache.get("a"), cache.get("b")]).toEqual([1, undefined]);
    await clock.advance(1);
    expect(cache.get("a")).toBeUndefined();
  });

  it("makes room by forgetting what was not asked for the longest", () => {
    const cache = new ExpiringCache<number>({ maxEntries: 2, clock: new FakeClock() });
    cache.set("a", 1, 1000);
    cache.set("b", 2, 1000);
    cache.get("a");
    cache.set("c", 3, 1000);
    expect(["a", "b", "c", "__proto__"].map((key) => cache.get(key))).toEqual([1, undefined, 3, undefined]);
  });
});
