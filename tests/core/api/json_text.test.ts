import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonText, numberOf, readJsonText } from "../../../core/api/json_text.ts";
import type { Json } from "../../../core/api/meta.ts";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** JSON with integers up to 64 bits, as reading makes it: a number where one prints the integer as it is. */
const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Json>(null, true, false, [], {}),
    fc.string({ unit: "binary" }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
    int64.map((value) => numberOf(String(value))),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "1")), tie("value")), {
        maxLength: 4,
      })
      .map((members) => Object.fromEntries(members)),
  ),
}));

describe("jsonText() and readJsonText()", () => {
  it("return every value as it was", () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(0, 2), (value, indent) => {
        expect(readJsonText(jsonText(value, indent))).toEqual(value);
      }),
    );
  });

  it("keep every 64-bit integer digit by digit", () => {
    fc.assert(
      fc.property(int64, (integer) => {
        const text = `{"a":[${integer}]}`;
        expect(jsonText(readJsonText(text))).toBe(text);
      }),
    );
  });

  it("write what JSON.stringify writes, also where there are bigints", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, 4), (value, indent) => {
        expect(jsonText(value, indent)).toBe(JSON.stringify(value, undefined, indent));
        const marked = JSON.stringify({ a: value, b: "mark", c: undefined }, undefined, indent);
        const written = jsonText({ a: value, b: 2n ** 60n, c: undefined }, indent);
        expect(written).toBe(marked.replace(/"mark"(?=\s*\}$)/, String(2n ** 60n)));
      }),
    );
  });

  it("find a long number wherever it stands", () => {
    for (let at = 0; at < 40; at++) {
      const text = `${" ".repeat(at)}[-9223372036854775807]`;
      expect(readJsonText(text)).toEqual([-9223372036854775807n]);
    }
  });

  it("refuse what is no JSON", () => {
    expect(() => readJsonText("[9223372036854775807")).toThrow(SyntaxError);
  });
});
