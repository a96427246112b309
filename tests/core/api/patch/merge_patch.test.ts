import { describe, expect, it } from "vitest";
import type { Json } from "../../../../core/api/meta.ts";
import { applyMergePatch, createMergePatch } from "../../../../core/api/patch/mod.ts";

describe("applyMergePatch()", () => {
  // The table of RFC 7396, appendix A.
  it.each<[Json, Json, Json]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j is %j", (target, patch, expected) => {
    expect(applyMergePatch(target, patch)).toEqual(expected);
  });

  it("merges a member called __proto__ and pollutes nothing", () => {
    const patch = JSON.parse('{"data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}');
    expect(JSON.stringify(applyMergePatch({ data: {} }, patch))).toBe(JSON.stringify(patch));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("refuses patches that are nested too deep", () => {
    let patch: Json = {};
    for (let depth = 0; depth < 1500; depth++) patch = { a: patch };
    expect(() => applyMergePatch({}, patch)).toThrow(expect.objectContaining({ code: 400 }));
  });
});

describe("createMergePatch()", () => {
  it("sets what modified says, removes what only original said, and keeps the rest", () => {
    const patch = createMergePatch(
      { spec: { old: 1, same: 1, list: [1] } },
      { spec: { same: 1, list: [1, 2], fresh: { a: 1 } } },
      { spec: { old: 1, same: 1, list: [1], other: true } },
    );
    expect(patch).toEqual({ spec: { old: null, list: [1, 2], fresh: { a: 1 } } });
    expect(createMergePatch({ a: 1 }, {}, {})).toEqual({});
    expect(createMergePatch(undefined, { a: { b: 1 } }, { a: { b: 1, c: 2 } })).toEqual({});
  });
});
