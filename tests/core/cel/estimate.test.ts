import { describe, expect, it } from "vitest";
import { declarationOf } from "../../../core/cel/declaration.ts";
import { checkRules, compile, type StructuralSchema, typeOfSchema } from "../../../core/cel/mod.ts";

function costOf(schema: StructuralSchema, rule: string): number | undefined {
  const type = typeOfSchema(schema);
  if (!type) throw new Error("the schema has no type");
  return compile(rule, new Map([["self", type]]), { self: declarationOf(schema) }).maxCost;
}

const scalar = (name: string): StructuralSchema => {
  if (name === "int-or-string") return { "x-kubernetes-int-or-string": true };
  return ["duration", "date", "date-time"].includes(name) ? { type: "string", format: name } : { type: name };
};
const array = (items: StructuralSchema, maxItems?: number): StructuralSchema => ({
  type: "array",
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
});
const map = (additionalProperties: StructuralSchema, maxProperties?: number): StructuralSchema => ({
  type: "object",
  additionalProperties,
  ...(maxProperties === undefined ? {} : { maxProperties }),
});
const text = (maxLength?: number): StructuralSchema => ({
  type: "string",
  ...(maxLength === undefined ? {} : { maxLength }),
});
const required: StructuralSchema = {
  type: "object",
  properties: { required: { type: "string" } },
  required: ["required"],
};

type Make = (most?: number) => StructuralSchema;

describe("maxCost", () => {
  // The costs are Kubernetes' own: which definitions it takes depends on them.
  it.each<[string, Make, string, number, number, number]>([
    ["numbers", (n) => array(scalar("number"), n), "self.all(x, true)", 4718591, 10, 32],
    ["texts", (n) => array(scalar("string"), n), "self.all(x, true)", 3145727, 20, 62],
    ["booleans", (n) => array(scalar("boolean"), n), "self.all(x, true)", 1887437, 5, 17],
    ["lists", (n) => array(array(scalar("number")), n), "self.all(x, true)", 3145727, 100, 302],
    ["a map of numbers", (n) => map(scalar("number"), n), "self.all(x, true)", 1348169, 10, 32],
    ["a map of texts", (n) => map(scalar("string"), n), "self.all(x, true)", 1179647, 3, 11],
    ["a map of booleans", (n) => map(scalar("boolean"), n), "self.all(x, true)", 943718, 100, 302],
    ["a text", text, "self.contains('test')", 314574, 10, 5],
    ["a text", text, "self.startsWith('test')", 2, 15, 2],
    ["a text", text, 'size(self + "hello") > size("hello")', 314578, 4, 7],
    ["numbers", (n) => array(scalar("number"), n), "self[1] == 0.0", 2, 5000, 2],
    ["texts", (n) => array(scalar("string"), n), "self[1] == self[1]", 314577, 8, 314577],
    ["a text", text, 'self.matches("x")', 314574, 50, 22],
    ["a text", text, '"".matches("(((((((((())))))))))[0-9]")', 7, 10, 7],
    ["a text", text, 'self.matches("")', 1, 100, 1],
    ["a map of texts", (n) => map(scalar("string"), n), "self.all(x, x.contains(self[x]))", 2752507, 10, 72],
    ["a text", text, 'self == "x"', 2, 0, 1],
    ["numbers", (n) => array(scalar("number"), n), "self.all(x, x == 0.0)", 6291454, 3 * 1024 * 2048, 25165826],
    ["numbers or texts", (n) => array(scalar("int-or-string"), n), "self.all(x, true)", 4718591, 10, 32],
    ["numbers or texts", (n) => array(scalar("int-or-string"), n), "self[0] == 5", 3, 10, 3],
    ["durations", (n) => array(scalar("duration"), n), "self.all(x, true)", 2359295, 5, 17],
    ["durations", (n) => array(scalar("duration"), n), "self[0].getHours() == 2", 4, 525, 4],
    ["dates", (n) => array(scalar("date"), n), "self.all(x, true)", 725936, 15, 47],
    ["times", (n) => array(scalar("date-time"), n), "self.all(x, true)", 428963, 25, 77],
    ["maps", (n) => array(map(scalar("number")), n), "self.all(x, x.y == 25.2)", 6291452, 12, 74],
    ["maps", (n) => array(map(scalar("number")), n), "self[0].x > 2.0", 4, 3000, 4],
    ["maps of objects", (n) => array(map(required), n), 'self.all(x, x["y"].required == "z")', 7340027, 10, 72],
  ])("of %s is that of Kubernetes (%#)", (_, make, rule, unbounded, most, bounded) => {
    expect([costOf(make(), rule), costOf(make(most), rule)]).toEqual([unbounded, bounded]);
  });

  it.each([
    ["self.all(x, self.all(y, true))", 352],
    ["self.all(x, self.all(y, self.all(z, true)))", 3552],
  ])("of %s grows with the nesting", (rule, bounded) => {
    expect(costOf(array(scalar("number")), rule)).toBeGreaterThan(10_000_000);
    expect(costOf(array(scalar("number"), 10), rule)).toBe(bounded);
  });

  it("never overflows", () => {
    const rule = Array.from({ length: 12 }, (_, index) => `self.all(x${index}, `).join("");
    expect(costOf(array(scalar("number")), `${rule}true${")".repeat(12)}`)).toBe(2 ** 64);
  });
});

describe("checkRules()", () => {
  const hint =
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
  const ruled = (schema: StructuralSchema, ...rules: readonly string[]): StructuralSchema => ({
    ...schema,
    "x-kubernetes-validations": rules.map((rule) => ({ rule })),
  });
  const check = (schema: StructuralSchema, options?: { unchanged: boolean }) =>
    checkRules({ type: "object", properties: { f: schema } }, "s", options).map(
      ({ field, message }) => `${field}: ${message}`,
    );

  it("refuses a rule that can cost too much, and says by how much", () => {
    const schema = ruled(array(scalar("number")), "self.all(x, self.all(y, true))");
    const at = "s.properties[f].x-kubernetes-validations[0].rule";
    expect(check(schema)).toEqual([
      `${at}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${hint}`,
      `${at}: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      `s: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${hint}`,
    ]);
    expect(check(ruled(array(scalar("number"), 10), "self.all(x, self.all(y, true))"))).toEqual([]);
  });

  it.each([
    [2066, "1.281540"],
    [3214, "3.1"],
  ])("says by how much (%d)", (most, factor) => {
    const [first] = check(ruled(array(scalar("number"), most), "self.all(x, self.all(y, true))"));
    expect(first).toContain(`estimated rule cost exceeds budget by factor of ${factor}x`);
  });

  it("counts a rule as often as its value can be there", () => {
    const item = ruled(scalar("string"), "self.contains('x')");
    expect(check(array(item))[0]).toContain("estimated rule cost exceeds budget by factor of more than 100x");
    expect(check(array(item, 10))).toEqual([]);
    expect(check(array(array(item, 10), 10))[0]).toContain("by factor of 3.1x");
    expect(check({ type: "object", properties: { g: item } })).toEqual([]);
  });

  it("counts all rules together", () => {
    const rules = Array.from({ length: 30 }, (_, index) => `self.all(x, self.all(y, ${index} > 0))`);
    const errors = check(ruled(array(scalar("number"), 1200), ...rules));
    expect(errors.filter((error) => error.includes("contributed to"))).toHaveLength(4);
    expect(errors.at(-1)).toContain("for entire OpenAPIv3 schema exceeds budget by factor of 1.7x");
    expect(errors).toHaveLength(5);
  });

  it("does not hold a schema that was there before to the cost of each rule", () => {
    const schema = ruled(array(scalar("number"), 2066), "self.all(x, self.all(y, true))");
    expect(check(schema, { unchanged: true })).toEqual([]);
  });

  it("takes what Kubernetes takes, and no more", () => {
    const five: StructuralSchema = array(text(5), 5);
    expect(check(ruled(five, "self.all(x, self.exists_one(y, x.lowerAscii() == y.lowerAscii()))"))).toEqual([]);
    const names = "self.metadata.name.contains(self.metadata.name) && self.metadata.generateName.contains('x')";
    expect(checkRules(ruled({ type: "object" }, names), "s")).toEqual([]);
    const texts = "self[0] + self[1] + self[2] + self[3] + self[4] + self[5] + self[6] + self[7] == ''";
    expect(check(ruled(array(scalar("string")), texts))).toEqual([
      expect.stringContaining("estimated rule cost exceeds"),
    ]);
    // Of what `string()` gives no length is known.
    expect(check(ruled(array(scalar("string")), "string(self[0]) + string(self[1]) == ''"))).toHaveLength(3);
  });

  it("counts expressions of messages", () => {
    const rule = { rule: "true", messageExpression: "self.all(x, self.all(y, true)) ? 'a' : 'b'" };
    expect(check({ ...array(scalar("number"), 2066), "x-kubernetes-validations": [rule] })).toEqual([
      expect.stringContaining(
        "messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of 1.28",
      ),
    ]);
  });
});
