import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatKyaml } from "../../../core/api/kyaml_writer.ts";
import type { Json } from "../../../core/api/meta.ts";
import { parseYaml } from "../../../core/api/yaml.ts";

describe("formatKyaml()", () => {
  // What kubectl 1.36 makes of the same.
  it.each<[string, Json, string]>([
    ["nothing", {}, "{}"],
    ["scalars", { b: true, a: null, c: 1.5, d: -3 }, "{\n  a: null,\n  b: true,\n  c: 1.5,\n  d: -3,\n}"],
    ["a list of text", { a: ["x", 1, []] }, '{\n  a: [\n    "x",\n    1,\n    [],\n  ],\n}'],
    ["a list of objects", { a: [{ b: 1 }, {}] }, "{\n  a: [{\n    b: 1,\n  }, {}],\n}"],
    ["lists in a list", [[1], [2]], "[[\n  1,\n], [\n  2,\n]]"],
    ["one line", "a\tb\0", '"a\tb\\0"'],
    ["several lines", { a: "x\n y\n" }, '{\n  a: "\\\n     x\\n\\\n    \\ y\\n\\\n    ",\n}'],
    ["half a character", "\ud800", '"\ufffd"'],
  ])("formats %s", (_what, value, text) => {
    expect(formatKyaml(value)).toBe(`---\n${text}\n`);
  });

  it.each([
    ["app.kubernetes.io/name", true],
    ["a_b", true],
    ["é1", true],
    ["2020-13-1", true],
    ["1e999", true],
    ["", false],
    ["-a", false],
    ["a b", false],
    ["Yes", false],
    ["2020-2-29", false],
    ["2021-2-29", true],
    ["0x7fffffffffffffff", false],
    ["1_0", false],
    ["Infinity", false],
  ])("leaves the name %j without quotes: %s", (name, plain) => {
    expect(formatKyaml({ [name]: 1 })).toBe(`---\n{\n  ${plain ? name : JSON.stringify(name)}: 1,\n}\n`);
  });

  it("writes what a YAML reader reads as the same", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string(),
      fc.constantFrom("\n", " \n", "a\n\n b", "yes", "1"),
    );
    const value = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(text, tie("value"), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(value, (one) => {
        expect(parseYaml(formatKyaml(one), "x")).toEqual(one);
      }),
      { numRuns: 200 },
    );
  });
});
