import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../core/api/meta.ts";
import { applyJsonPatch } from "../../../../core/api/patch/mod.ts";

const document: JsonObject = { a: { b: [1, 2, 3], "x/y": 1, "m~n": 2, n: null }, c: "text" };

describe("applyJsonPatch()", () => {
  it.each<[string, Json, JsonObject]>([
    [
      "adds a member",
      [{ op: "add", path: "/a/new", value: { k: 1 } }],
      { ...document, a: { ...(document["a"] as JsonObject), new: { k: 1 } } },
    ],
    ["replaces by add", [{ op: "add", path: "/c", value: null }], { ...document, c: null }],
    [
      "inserts into a list",
      [
        { op: "add", path: "/a", value: [1] },
        { op: "add", path: "/a/0", value: 0 },
        { op: "add", path: "/a/2", value: 2 },
        { op: "add", path: "/a/-", value: 3 },
      ],
      { ...document, a: [0, 1, 2, 3] },
    ],
    ["removes", [{ op: "remove", path: "/a" }], { c: "text" }],
    [
      "removes from a list",
      [
        { op: "copy", from: "/a/b", path: "/a" },
        { op: "remove", path: "/a/1" },
      ],
      { ...document, a: [1, 3] },
    ],
    ["replaces", [{ op: "replace", path: "/a", value: 1 }], { ...document, a: 1 }],
    [
      "replaces null members",
      [
        { op: "replace", path: "/a/n", value: 1 },
        { op: "remove", path: "/a/b" },
      ],
      { a: { "x/y": 1, "m~n": 2, n: 1 }, c: "text" },
    ],
    ["moves", [{ op: "move", from: "/a/b/0", path: "/a" }], { a: 1, c: "text" }],
    [
      "unescapes pointers",
      [
        { op: "test", path: "/a/x~1y", value: 1 },
        { op: "test", path: "/a/m~0n", value: 2 },
        { op: "remove", path: "/a" },
      ],
      { c: "text" },
    ],
    ["replaces the whole document", [{ op: "replace", path: "", value: { z: 1 } }], { z: 1 }],
    ["does nothing for no operations", [], document],
    [
      "compares deeply, whatever the order of members",
      [{ op: "test", path: "", value: { c: "text", a: { n: null, "m~n": 2, "x/y": 1, b: [1, 2, 3] } } }],
      document,
    ],
  ])("%s", (_, patch, expected) => {
    expect(applyJsonPatch(document, patch)).toEqual(expected);
  });

  it.each<[string, Json]>([
    ["replace an absent member", [{ op: "replace", path: "/z", value: 1 }]],
    ["remove an absent member", [{ op: "remove", path: "/z" }]],
    ["remove behind the end", [{ op: "remove", path: "/a/b/3" }]],
    ["remove at -", [{ op: "remove", path: "/a/b/-" }]],
    ["copy an absent member", [{ op: "copy", from: "/z", path: "/y" }]],
    ["add below an absent member", [{ op: "add", path: "/z/y", value: 1 }]],
    ["add behind the end", [{ op: "add", path: "/a/b/4", value: 1 }]],
    ["use an index with leading zeros", [{ op: "remove", path: "/a/b/01" }]],
    ["fail a test", [{ op: "test", path: "/c", value: "other" }]],
    ["walk through text", [{ op: "add", path: "/c/d", value: 1 }]],
    ["move into itself", [{ op: "move", from: "/a", path: "/a/b" }]],
    ["remove the document", [{ op: "remove", path: "" }]],
    ["replace the document by a list", [{ op: "replace", path: "", value: [] }]],
    ["find inherited members", [{ op: "copy", from: "/constructor", path: "/y" }]],
    ["find the prototype", [{ op: "add", path: "/__proto__/polluted", value: 1 }]],
    ["find the length of a list", [{ op: "test", path: "/a/b/length", value: 3 }]],
  ])("answers 422 when asked to %s", (_, patch) => {
    const before = structuredClone(document);
    expect(() => applyJsonPatch(document, patch)).toThrow(
      expect.objectContaining({
        code: 422,
        reason: "Invalid",
        message: "the server rejected our request due to an error in our request",
      }),
    );
    expect(document).toEqual(before);
  });

  it.each<[string, Json]>([
    ["an object", {}],
    ["a list of texts", ["add"]],
    ["no op", [{ path: "/a" }]],
    ["an unknown op", [{ op: "merge", path: "/a" }]],
    ["no path", [{ op: "remove" }]],
    ["a path without slash", [{ op: "remove", path: "a" }]],
    ["add without value", [{ op: "add", path: "/a" }]],
    ["copy without from", [{ op: "copy", path: "/a" }]],
    ["a path of 50,000 segments", [{ op: "remove", path: "/a".repeat(50_000) }]],
  ])("answers 400 for %s", (_, patch) => {
    expect(() => applyJsonPatch(document, patch)).toThrow(expect.objectContaining({ code: 400 }));
  });

  it("takes at most 10000 operations", () => {
    const operations = (count: number) =>
      Array.from({ length: count }, () => ({ op: "test", path: "/c", value: "text" }));
    expect(applyJsonPatch(document, operations(10_000))).toEqual(document);
    expect(() => applyJsonPatch(document, operations(10_001))).toThrow(
      expect.objectContaining({
        code: 413,
        message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
      }),
    );
  });

  it("does not let copies grow without bounds", () => {
    const doubling = Array.from({ length: 60 }, (_, index) => ({ op: "copy", from: "", path: `/k${index}` }));
    expect(() => applyJsonPatch(document, doubling)).toThrow(expect.objectContaining({ code: 413 }));
    const large = { text: "x".repeat(500_000) };
    const copies = Array.from({ length: 100 }, (_, index) => ({ op: "copy", from: "/text", path: `/k${index}` }));
    expect(() => applyJsonPatch(large, copies)).toThrow(expect.objectContaining({ code: 413 }));
  });

  it("does not let moves nest without bounds", () => {
    const nest = Array.from({ length: 3000 }, () => [
      { op: "add", path: "/b", value: {} },
      { op: "move", from: "/a", path: "/b/a" },
      { op: "move", from: "/b", path: "/a" },
    ]).flat();
    expect(() => applyJsonPatch({ a: 1 }, nest)).toThrow(expect.objectContaining({ code: 400 }));
  });

  it("sets __proto__ as a member like any other", () => {
    const patched = applyJsonPatch({ data: {} }, [{ op: "add", path: "/data/__proto__", value: { polluted: 1 } }]);
    expect(JSON.stringify(patched)).toBe('{"data":{"__proto__":{"polluted":1}}}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("never shares parts with the patch, which may be applied again", () => {
    const patch: Json = [
      { op: "add", path: "/list", value: [] },
      { op: "add", path: "/list/-", value: 1 },
    ];
    expect(applyJsonPatch({}, patch)).toEqual({ list: [1] });
    expect(applyJsonPatch({}, patch)).toEqual({ list: [1] });
  });

  it("turns any object into any other by replacing members", () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>;
    const pointer = (key: string) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    fc.assert(
      fc.property(object, object, (from, to) => {
        const patch: Json[] = [
          ...Object.keys(from).map((key) => ({ op: "remove", path: pointer(key) })),
          ...Object.entries(to).map(([key, value]) => ({ op: "add", path: pointer(key), value })),
        ];
        expect(JSON.parse(JSON.stringify(applyJsonPatch(from, patch)))).toEqual(JSON.parse(JSON.stringify(to)));
      }),
    );
  });
});
