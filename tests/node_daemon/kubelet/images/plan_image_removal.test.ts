import { describe, expect, it } from "vitest";
import { type ImageRemovalView, planImageRemoval } from "../../../../node_daemon/kubelet/images/plan_image_removal.ts";

const now = 1_000_000;
const image = (id: string, ...names: readonly string[]) => ({ id, names, sizeBytes: 100 });
const record = (id: string, lastUsedAt: number, ...names: readonly string[]) => ({
  id,
  names,
  pulledAt: 0,
  lastUsedAt,
});

function plan(view: Partial<ImageRemovalView>) {
  const images = [image("a", "a:1"), image("b", "b:1"), image("c", "c:1"), image("mine", "mine:1")];
  const records = [record("a", 300, "a:1"), record("b", 100, "b:1"), record("c", 200, "c:1")];
  const whole = {
    images,
    records,
    inUse: new Set<string>(),
    bytesToFree: 150,
    minimumAgeMs: 1000,
    maximumAgeMs: 0,
    now,
  };
  return planImageRemoval({ ...whole, ...view });
}

const ids = (view: Partial<ImageRemovalView>) => plan(view).remove.map(({ id }) => id);

describe("planImageRemoval()", () => {
  it("removes those that were not used for longest, and no more than is needed", () => {
    expect(ids({})).toEqual(["b", "c"]);
    expect(ids({ bytesToFree: 1 })).toEqual(["b"]);
  });

  it("removes what nobody has used for too long, however much is free, but not what is in use", () => {
    const maximumAgeMs = now - 250;
    expect(ids({ bytesToFree: 0, maximumAgeMs })).toEqual(["b", "c"]);
    expect(ids({ bytesToFree: 0, maximumAgeMs, inUse: new Set(["b"]) })).toEqual(["c"]);
    expect(ids({ bytesToFree: 0 })).toEqual([]);
  });

  it("never removes what the node did not fetch, however much is wanted", () => {
    expect(ids({ bytesToFree: Number.POSITIVE_INFINITY })).toEqual(["b", "c", "a"]);
    expect(ids({ records: [] })).toEqual([]);
  });

  it("leaves an image that somebody gave another name", () => {
    const images = [image("a", "a:1"), image("b", "b:1", "keep:me")];
    expect(ids({ images })).toEqual(["a"]);
  });

  it("leaves what is in use, and notes when that was", () => {
    const found = plan({ inUse: new Set(["b"]) });
    expect(found.remove.map(({ id }) => id)).toEqual(["c", "a"]);
    expect(found.records.find(({ id }) => id === "b")?.lastUsedAt).toBe(now);
    expect(found.eligibleBytes).toBe(200);
  });

  it("leaves what is younger than it has to be", () => {
    expect(ids({ records: [{ ...record("a", 1, "a:1"), pulledAt: now - 999 }, record("c", 2, "c:1")] })).toEqual(["c"]);
  });

  it("forgets what is no longer there", () => {
    expect(plan({ images: [image("a", "a:1")], bytesToFree: 0 }).records.map(({ id }) => id)).toEqual(["a"]);
  });
});
