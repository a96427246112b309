import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonCopy } from "../../../core/api/json_object.ts";

describe("jsonCopy()", () => {
  it("makes of any value what writing and reading it would", () => {
    fc.assert(
      fc.property(fc.object({ withNullPrototype: false, withObjectString: true }), (value) => {
        expect(JSON.stringify(jsonCopy(value))).toBe(JSON.stringify(value));
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonCopy(value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("shares nothing, and keeps __proto__ as a member", () => {
    const value = JSON.parse('{"__proto__": {"a": [1]}, "b": [{}]}') as { readonly b: readonly object[] };
    const copy = jsonCopy(value) as typeof value;
    expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
    expect(copy.b).not.toBe(value.b);
    expect(copy.b[0]).not.toBe(value.b[0]);
  });

  it("refuses what is too large or nested too deep", () => {
    expect(() => jsonCopy({ a: "x".repeat(100) }, { maxBytes: 50 })).toThrow(RangeError);
    let deep: unknown = 1;
    for (let depth = 0; depth < 1100; depth++) deep = [deep];
    expect(() => jsonCopy(deep)).toThrow("nested more than");
  });
});
