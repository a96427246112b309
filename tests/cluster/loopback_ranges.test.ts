import { describe, expect, it } from "vitest";
import { claimLoopbackRanges, hostServiceRange, podRangeOf } from "../../cluster/loopback_ranges.ts";
import { systemRandom } from "../../core/platform/random.ts";

describe("claimLoopbackRanges()", () => {
  it("gives clusters side by side different ranges, when they prefer the same", async () => {
    await using first = await claimLoopbackRanges({ random: systemRandom });
    await using second = await claimLoopbackRanges({ random: systemRandom, preferred: first.secondByte });
    expect(second.secondByte).not.toBe(first.secondByte);
    expect(second.podRange).not.toBe(first.podRange);
  });
});

describe("hostServiceRange()", () => {
  it("gives each second byte a range of its own inside 10.96.0.0/12", () => {
    const ranges = Array.from({ length: 256 }, (_, secondByte) => hostServiceRange(secondByte));
    expect(new Set(ranges).size).toBe(ranges.length);
    for (const range of ranges) expect(range).toMatch(/^10\.(9[6-9]|10\d|11[01])\.\d{1,3}\.0\/20$/);
  });
});

describe("podRangeOf()", () => {
  const ranges = { podRange: "127.20.0.0/17" };
  it.each([
    [120, true, "127.20.0.0/17"],
    [121, true, "10.128.0.0/9"],
    [5000, true, "10.128.0.0/9"],
    [121, false, "127.20.0.0/17"],
  ])("of %i nodes, played: %s, is %s", (nodes, isPlayed, range) => {
    expect(podRangeOf(ranges, { isPlayed, nodes })).toBe(range);
  });
});
