import { describe, expect, it } from "vitest";
import { checkRules, compileRules, type StructuralSchema } from "../../../core/cel/mod.ts";

const rule = (text: string, more: object = {}) => ({ "x-kubernetes-validations": [{ rule: text, ...more }] });

function errors(schema: StructuralSchema, value: unknown, previous?: unknown, path = ""): readonly string[] {
  const rules = compileRules(schema, { root: path === "" });
  return (rules?.validate(value, previous, path) ?? []).map(({ field, message }) => `${field}: ${message}`);
}

const replicas: StructuralSchema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: { min: { type: "integer" }, max: { type: "integer" } },
      ...rule("self.min <= self.max"),
    },
  },
};

describe("compileRules()", () => {
  it("is undefined for a schema without rules", () => {
    expect(compileRules({ type: "object", properties: { a: { type: "string" } } })).toBeUndefined();
  });

  it("tells a rule that is broken as Kubernetes does", () => {
    expect(errors(replicas, { spec: { min: 2, max: 1 } })).toEqual([
      'spec: Invalid value: "object": failed rule: self.min <= self.max',
    ]);
    expect(errors(replicas, { spec: { min: 1, max: 1 } })).toEqual([]);
  });

  it("names the whole object <nil>", () => {
    const schema = { type: "object", properties: { spec: { type: "object" } }, ...rule("self.metadata.name == 'a'") };
    expect(errors(schema, { metadata: { name: "b" } })).toEqual([
      `<nil>: Invalid value: "object": failed rule: self.metadata.name == 'a'`,
    ]);
  });

  it.each([
    [{ message: " too small " }, 'n: Invalid value: "integer": too small'],
    [{ messageExpression: "'is ' + string(self)" }, 'n: Invalid value: "integer": is 1'],
    [{ messageExpression: "string(1 / (self - 1))", message: "fallback" }, 'n: Invalid value: "integer": fallback'],
    [{ reason: "FieldValueForbidden" }, "n: Forbidden: failed rule: self > 5"],
    [{ reason: "FieldValueRequired", message: "more" }, "n: Required value: more"],
    [{ reason: "FieldValueDuplicate" }, 'n: Duplicate value: "integer"'],
  ])("words the error as %o says", (more, message) => {
    const schema = { type: "object", properties: { n: { type: "integer", ...rule("self > 5", more) } } };
    expect(errors(schema, { n: 1 })).toEqual([message]);
  });

  it("tells it at fieldPath", () => {
    const schema = {
      type: "object",
      properties: {
        spec: {
          type: "object",
          properties: { "a.b": { type: "object", properties: { c: { type: "integer" } } } },
          ...rule("self.a__dot__b.c > 1", { fieldPath: "['a.b'].c" }),
        },
      },
    };
    expect(errors(schema, { spec: { "a.b": { c: 1 } } })).toEqual([
      'spec.a.b.c: Invalid value: "object": failed rule: self.a__dot__b.c > 1',
    ]);
  });

  it("tells an expression that fails", () => {
    expect(errors(replicas, { spec: { min: 2 } })).toEqual([
      'spec: Invalid value: "object": no such key: max evaluating rule: self.min <= self.max',
    ]);
    const schema = {
      type: "object",
      properties: { port: { "x-kubernetes-int-or-string": true, ...rule("self > 1") } },
    };
    expect(errors(schema, { port: "x" })).toEqual([
      `port: Invalid value: "": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self > 1`,
    ]);
    expect(errors(schema, { port: 2 })).toEqual([]);
  });

  it("reads values by their schema", () => {
    const schema: StructuralSchema = {
      type: "object",
      properties: {
        spec: {
          type: "object",
          properties: {
            namespace: { type: "string" },
            "x-y": { type: "number" },
            when: { type: "string", format: "date-time" },
            day: { type: "string", format: "date" },
            span: { type: "string", format: "duration" },
            data: { type: "string", format: "byte" },
            labels: { type: "object", additionalProperties: { type: "string" } },
            tags: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
            ports: {
              type: "array",
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": ["name"],
              items: { type: "object", properties: { name: { type: "string" }, port: { type: "integer" } } },
            },
          },
          "x-kubernetes-validations": [
            { rule: "self.__namespace__ == 'n'" },
            { rule: "self.x__dash__y == 2.0" },
            { rule: "self.when < timestamp('2021-01-01T00:00:00Z') && self.day.getFullYear() == 2020" },
            { rule: "self.span > duration('1m')" },
            { rule: "self.data == b'hi'" },
            { rule: "self.labels.all(k, self.labels[k] == k)" },
            { rule: "self.tags == ['b', 'a'] && self.tags + ['a'] == self.tags" },
            { rule: "self.ports + [{'name': 'p', 'port': 2}] == [{'name': 'p', 'port': 2}] || true" },
          ],
        },
      },
    };
    const spec = {
      namespace: "n",
      "x-y": 2,
      when: "2020-01-01T00:00:00Z",
      day: "2020-05-05",
      span: "61s",
      data: "aGk=",
      labels: { a: "a", __proto__x: "__proto__x" },
      tags: ["a", "b"],
      ports: [{ name: "p", port: 1 }],
    };
    expect(checkRules(schema, "s").map(({ message }) => message)).toEqual([
      expect.stringContaining("found no matching overload for '_+_'"),
    ]);
    expect(errors(schema, { spec }).filter((text) => !text.includes("compile error"))).toEqual([]);
  });

  it("compares with the previous value: transition rules", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string", ...rule("self == oldSelf", { message: "is immutable" }) } },
    };
    expect(errors(schema, { a: "x" })).toEqual([]);
    expect(errors(schema, { a: "x" }, { a: "x" })).toEqual([]);
    expect(errors(schema, { a: "y" }, { a: "x" })).toEqual(['a: Invalid value: "string": is immutable']);
    expect(errors(schema, { a: "y" }, {})).toEqual([]);
  });

  it("gives an optional oldSelf where the rule wants one", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "integer", ...rule("oldSelf.hasValue() || self == 1", { optionalOldSelf: true }) } },
    };
    expect(errors(schema, { a: 2 })).toHaveLength(1);
    expect(errors(schema, { a: 2 }, { a: 5 })).toEqual([]);
  });

  it("matches elements of list maps by their keys, of other lists not at all", () => {
    const items = (type: string): StructuralSchema => ({
      type: "object",
      properties: {
        list: {
          type: "array",
          "x-kubernetes-list-type": type,
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            properties: { name: { type: "string" }, value: { type: "integer" } },
            ...rule("self.value >= oldSelf.value"),
          },
        },
      },
    });
    const before = {
      list: [
        { name: "a", value: 5 },
        { name: "b", value: 5 },
      ],
    };
    const after = {
      list: [
        { name: "b", value: 4 },
        { name: "a", value: 6 },
        { name: "c", value: 0 },
      ],
    };
    expect(errors(items("map"), after, before)).toEqual([
      'list[0]: Invalid value: "object": failed rule: self.value >= oldSelf.value',
    ]);
    expect(errors(items("atomic"), after, before)).toEqual([]);
  });

  it("lets a value that was wrong before stay as it was, with a warning", () => {
    const warnings: string[] = [];
    const rules = compileRules(replicas);
    const broken = { spec: { min: 2, max: 1 } };
    expect(rules?.validate({ ...broken, other: 1 }, broken, "", (text) => warnings.push(text))).toEqual([]);
    expect(warnings).toEqual(['spec: Invalid value: "object": failed rule: self.min <= self.max']);
    expect(rules?.validate({ spec: { min: 3, max: 1 } }, broken, "")).toHaveLength(1);
  });

  it("follows maps, lists and allOf", () => {
    const positive = { type: "integer", ...rule("self > 0") };
    const schema: StructuralSchema = {
      type: "object",
      properties: {
        map: { type: "object", additionalProperties: positive },
        list: { type: "array", items: positive },
        all: { type: "integer", allOf: [rule("self > 0"), rule("self > 1")] },
      },
    };
    expect(errors(schema, { map: { a: 0, b: 1 }, list: [1, 0], all: 0 }).map((text) => text.split(":")[0])).toEqual([
      "map[a]",
      "list[1]",
      "all",
      "all",
    ]);
  });

  it("stops at the budget of an object", () => {
    const schema: StructuralSchema = {
      type: "object",
      properties: {
        list: {
          type: "array",
          items: { type: "integer" },
          ...rule("self.all(x, self.all(y, self.all(z, x + y + z >= 0)))"),
        },
      },
    };
    const list = Array.from({ length: 300 }, (_, index) => index);
    expect(errors(schema, { list })).toEqual([
      `list: Invalid value: "array": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: self.all(x, self.all(y, self.all(z, x + y + z >= 0)))`,
    ]);
  });
});

describe("checkRules()", () => {
  const check = (schema: StructuralSchema) =>
    checkRules(schema, "s").map(({ field, message }) => `${field}: ${message}`);

  it("accepts rules that compile", () => {
    expect(check(replicas)).toEqual([]);
  });

  it("tells where an expression is wrong", () => {
    expect(check({ type: "object", properties: { a: { type: "string" } }, ...rule("self.b == 'x'") })).toEqual([
      `s.x-kubernetes-validations[0].rule: Invalid value: apiextensions.ValidationRule{Rule:"self.b == 'x'", Message:"", MessageExpression:"", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:"", OptionalOldSelf:(*bool)(nil)}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 'x'\n | ....^`,
    ]);
    expect(check({ type: "integer", ...rule("self + 1") })[0]).toMatch(/cel expression must evaluate to a bool$/);
  });

  it.each([
    [rule(" "), "s.x-kubernetes-validations[0].rule: Required value: rule is not specified"],
    [
      rule("true", { message: " " }),
      's.x-kubernetes-validations[0].message: Invalid value: " ": must be non-empty if specified',
    ],
    [
      rule("true\n&& true"),
      "s.x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks",
    ],
    [
      rule("true", { reason: "X" }),
      's.x-kubernetes-validations[0].reason: Unsupported value: "X": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
    ],
    [
      rule("true", { fieldPath: ".x" }),
      's.x-kubernetes-validations[0].fieldPath: Invalid value: ".x": must be a valid path',
    ],
    [
      rule("true", { optionalOldSelf: true }),
      "s.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
    ],
  ])("refuses %o", (rules, message) => {
    expect(check({ type: "object", properties: {}, ...rules })).toEqual([message]);
  });

  it("refuses oldSelf where old and new values cannot be matched", () => {
    expect(
      check({ type: "array", maxItems: 9, items: { type: "string", maxLength: 9, ...rule("self == oldSelf") } }),
    ).toEqual([
      's.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s',
    ]);
  });
});
