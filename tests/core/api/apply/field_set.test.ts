import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntries, encodeEntries } from "../../../../core/api/apply/entries.ts";
import {
  canonical,
  difference,
  type FieldSet,
  hasPath,
  intersection,
  pathsOf,
  sameSet,
  union,
} from "../../../../core/api/apply/field_set.ts";
import { itemElementOf, pathText, sortedElements } from "../../../../core/api/apply/path_element.ts";
import type { ManagedFieldsEntry } from "../../../../core/api/meta.ts";
import { arbitraryPath, arbitraryPaths, setOf, texts } from "./_sets.ts";

const pathTexts = (set: FieldSet) => texts(pathsOf(set));

describe("field sets", () => {
  it("are what sets of their paths are", () => {
    fc.assert(
      fc.property(arbitraryPaths, arbitraryPaths, arbitraryPath, (left, right, path) => {
        const [a, b] = [setOf(left), setOf(right)];
        const [as, bs] = [texts(left), texts(right)];
        expect(pathTexts(a)).toEqual(as);
        expect(pathTexts(union(a, b))).toEqual(new Set([...as, ...bs]));
        expect(pathTexts(difference(a, b))).toEqual(new Set([...as].filter((text) => !bs.has(text))));
        expect(pathTexts(intersection(a, b))).toEqual(new Set([...as].filter((text) => bs.has(text))));
        expect(hasPath(a, path)).toBe(as.has(JSON.stringify(path)));
        expect(sameSet(a, b)).toBe(as.size === bs.size && [...as].every((text) => bs.has(text)));
      }),
    );
  });

  it("stay the same in memory where nothing changes", () => {
    const a = setOf([["f:a", "f:b"], ["f:c"]]);
    expect(union(a, setOf([["f:a", "f:b"]]))).toBe(a);
    expect(difference(a, setOf([["f:b"]]))).toBe(a);
    expect(union(a, setOf([["f:d"]]))["f:a"]).toBe(a["f:a"]);
    expect(canonical(a)).toBe(a);
  });

  it("are the same in whatever order they were built, and written in one", () => {
    fc.assert(
      fc.property(arbitraryPaths, fc.infiniteStream(fc.nat()), (paths, random) => {
        const shuffled = [...paths].sort(() => ((random.next().value as number) % 3) - 1);
        expect(JSON.stringify(canonical(setOf(shuffled)))).toBe(JSON.stringify(canonical(setOf(paths))));
      }),
    );
  });

  it("come back from managedFields as they were", () => {
    fc.assert(
      fc.property(arbitraryPaths, (paths) => {
        fc.pre(paths.length > 0);
        const owner = { manager: "m", operation: "Apply" as const, apiVersion: "v1", subresource: "", time: undefined };
        const entries = encodeEntries([{ ...owner, fields: setOf(paths) }]);
        const sent = JSON.parse(JSON.stringify(entries)) as ManagedFieldsEntry[];
        const decoded = decodeEntries(sent);
        expect("owners" in decoded && pathTexts(decoded.owners[0]?.fields ?? {})).toEqual(texts(paths));
        expect("owners" in decoded && encodeEntries(decoded.owners)).toEqual(entries);
      }),
    );
  });
});

describe("path elements", () => {
  it("have an order: fields, keys by value, values, indices by number", () => {
    const sorted = [
      ".",
      "f:a",
      "f:b",
      'k:{"port":80,"protocol":"TCP"}',
      'k:{"port":443,"protocol":"TCP"}',
      'k:{"port":443,"protocol":"UDP"}',
      "v:2",
      "v:10",
      'v:"1"',
      "v:true",
      "i:2",
      "i:10",
    ];
    expect(sortedElements([...sorted].reverse())).toEqual(sorted);
    expect(sortedElements(sorted)).toEqual(sorted);
  });

  it("read as people write paths", () => {
    expect(pathText(["f:spec", 'k:{"name":"a\\"b","port":80}', "f:x", 'v:"y"', "v:1", "i:3"])).toBe(
      '.spec[name="a\\"b",port=80].x[="y"][=1][3]',
    );
  });

  it.each([
    ["f:__proto__", { element: "f:__proto__" }],
    ['k:{ "b": 1, "a": "<" }', { element: 'k:{"a":"\\u003c","b":1}' }],
    ['v: "x"', { element: 'v:"x"' }],
    ["i:007", { element: "i:7" }],
    ["x:new", undefined],
    ["f", { error: "key must be 2 characters long" }],
    ["f.a", { error: "missing colon: f.a" }],
    ["i:a", { error: 'strconv.Atoi: parsing "a": invalid syntax' }],
    ["k:[]", { error: 'parsing key as path element: "[]"' }],
    ["v:{", { error: 'parsing key as path element: "{"' }],
  ])("are written as the server writes them: %s", (text, expected) => {
    expect(itemElementOf(text)).toEqual(expected);
  });
});

describe("decodeEntries()", () => {
  const entry: ManagedFieldsEntry = {
    manager: "m",
    operation: "Update",
    apiVersion: "v1",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": {} },
  };
  it.each([
    [{ ...entry, operation: "Steal" }, "operation must be `Apply` or `Update`"],
    [{ ...entry, apiVersion: "" }, "apiVersion must not be empty"],
    [{ ...entry, fieldsType: "" }, "missing fieldsType in managed fields entry 0"],
    [{ ...entry, fieldsType: "FieldsV2" }, 'invalid fieldsType "FieldsV2" in managed fields entry 0'],
    [{ ...entry, fieldsV1: { data: {} } }, "error decoding set: missing colon: data"],
  ])("refuses what is no entry: %j", (sent, error) => {
    expect(decodeEntries([sent])).toEqual({ error });
  });

  it("takes the last of several entries of one manager", () => {
    const decoded = decodeEntries([
      entry,
      { ...entry, fieldsV1: { "f:spec": {} } },
      { ...entry, subresource: "status" },
    ]);
    expect("owners" in decoded && decoded.owners.map(({ fields, subresource }) => [subresource, fields])).toEqual([
      ["", { "f:spec": {} }],
      ["status", { "f:data": {} }],
    ]);
  });
});
