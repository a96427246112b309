import { describe, expect, it } from "vitest";
import { keepHeapSmall } from "../../../core/platform/heap.ts";

describe("keepHeapSmall()", () => {
  it.skipIf("Deno" in globalThis)("keepHeapSmall() gives back what a burst of work left, when it is over", async () => {
    using _heap = keepHeapSmall({ quietMs: 20, maxHeapBytes: Number.POSITIVE_INFINITY });
    // So much that V8 looks through what is new, some times: what survives that it leaves where it is.
    const kept = Array.from({ length: 50 }, () => Array.from({ length: 10_000 }, (_, index) => ({ index })));
    const left = new WeakRef(kept[0] ?? []);
    kept.length = 0;
    await expect.poll(() => left.deref() === undefined, { timeout: 20_000, interval: 20 }).toBe(true);
  });
});
