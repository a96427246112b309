import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../core/api/meta.ts";
import { applySchemaDefaults, pruneNulls } from "../../../../core/api/structural/apply_defaults.ts";
import { hasFormat } from "../../../../core/api/structural/formats.ts";
import type { JsonSchemaProps } from "../../../../core/api/structural/json_schema_props.ts";
import { validateListTypes } from "../../../../core/api/structural/list_types.ts";
import { compilePattern } from "../../../../core/api/structural/pattern.ts";
import { pruneUnknown } from "../../../../core/api/structural/prune.ts";
import { validateValue } from "../../../../core/api/structural/validate_value.ts";

const text: JsonSchemaProps = { type: "string" };
const preserve = { "x-kubernetes-preserve-unknown-fields": true } as const;
const embedded = { "x-kubernetes-embedded-resource": true } as const;

describe("pruneUnknown()", () => {
  const cases: readonly [string, JsonSchemaProps, JsonObject, JsonObject, readonly string[]][] = [
    ["drops what is not named", { properties: { a: text } }, { a: "1", b: "2" }, { a: "1" }, ["b"]],
    [
      "keeps metadata of the root",
      {},
      { apiVersion: "v1", kind: "K", metadata: { x: 1 }, y: 1 },
      { apiVersion: "v1", kind: "K", metadata: { x: 1 } },
      ["y"],
    ],
    [
      "looks into lists",
      { properties: { l: { items: { properties: { a: text } } } } },
      { l: [{ a: "1", b: 1 }] },
      { l: [{ a: "1" }] },
      ["l[0].b"],
    ],
    [
      "looks into maps",
      { properties: { m: { additionalProperties: { properties: { a: text } } } } },
      { m: { k: { b: 1 } } },
      { m: { k: {} } },
      ["m.k.b"],
    ],
    [
      "keeps unknown fields where asked to, but prunes known ones inside",
      { ...preserve, properties: { a: { properties: { b: text } } } },
      { x: { y: 1 }, a: { b: "1", c: 1 } },
      { x: { y: 1 }, a: { b: "1" } },
      ["a.c"],
    ],
    [
      "keeps the metadata of embedded resources",
      { properties: { t: { ...embedded, properties: { spec: {} } } } },
      { t: { kind: "P", metadata: { z: 1 }, spec: {}, q: 1 } },
      { t: { kind: "P", metadata: { z: 1 }, spec: {} } },
      ["t.q"],
    ],
    [
      "keeps an own member called __proto__ where it is named",
      { properties: JSON.parse('{"__proto__": {"type": "string"}}') },
      JSON.parse('{"__proto__": "x"}'),
      JSON.parse('{"__proto__": "x"}'),
      [],
    ],
    [
      "drops an own member called __proto__ where it is not",
      { properties: { a: text } },
      JSON.parse('{"__proto__": {"a": 1}}'),
      {},
      ["__proto__"],
    ],
    ["drops constructor like any other", { properties: {} }, { constructor: { a: 1 } }, {}, ["constructor"]],
  ];
  it.each(cases)("%s", (_name, schema, object, expected, unknownFields) => {
    const pruned = pruneUnknown(object, schema, true);
    expect(JSON.stringify(pruned.object)).toBe(JSON.stringify(expected));
    expect(pruned.unknownFields).toEqual(unknownFields);
  });
});

describe("applySchemaDefaults()", () => {
  const schema: JsonSchemaProps = {
    properties: {
      a: { type: "integer", default: 1 },
      b: { type: "object", default: {}, properties: { c: { default: "x" } } },
      n: { type: "string", nullable: true, default: "n" },
      l: { type: "array", items: { type: "object", properties: { d: { default: true } } } },
      m: { type: "object", additionalProperties: { type: "string", default: "m" } },
    },
  };
  it("fills what is missing, also inside of defaults, and nulls that are not allowed", () => {
    expect(applySchemaDefaults({ a: null, n: null, l: [{}, { d: false }], m: { k: null } }, schema)).toEqual({
      a: 1,
      b: { c: "x" },
      n: null,
      l: [{ d: true }, { d: false }],
      m: { k: "m" },
    });
  });

  it("leaves an object alone that has everything", () => {
    const object = applySchemaDefaults({}, schema);
    expect(applySchemaDefaults(object, schema)).toBe(object);
  });

  it("drops nulls that no default replaces", () => {
    const nulls = pruneNulls(
      { a: null, x: null, n: null, l: [null] },
      { properties: { ...schema.properties, x: text } },
    );
    expect(nulls).toEqual({ a: null, n: null, l: [null] });
  });
});

describe("validateValue()", () => {
  const told = (value: Json, schema: JsonSchemaProps) =>
    validateValue(value, schema).map(({ field, message }) => `${field}: ${message}`);
  const inA = (schema: JsonSchemaProps): JsonSchemaProps => ({ type: "object", properties: { a: schema } });
  const cases: readonly [JsonSchemaProps, Json, readonly string[]][] = [
    [{ type: "string" }, 1, ['a: Invalid value: "integer": a in body must be of type string: "integer"']],
    [{ type: "integer" }, 1.5, ['a: Invalid value: "number": a in body must be of type integer: "number"']],
    [{ type: "number" }, 1, []],
    [{ type: "boolean" }, null, ['a: Invalid value: "null": a in body must be of type boolean: "null"']],
    [{ type: "boolean", nullable: true }, null, []],
    [
      { type: "array", items: text },
      ["x", 2],
      ['a[1]: Invalid value: "integer": a[1] in body must be of type string: "integer"'],
    ],
    [{ type: "string", maxLength: 2 }, "abc", ["a: Too long: may not be more than 2 bytes"]],
    [{ type: "string", minLength: 2 }, "ä", ['a: Invalid value: "ä": a in body should be at least 2 chars long']],
    [{ type: "string", pattern: "^a$" }, "b", ["a: Invalid value: \"b\": a in body should match '^a$'"]],
    [{ type: "string", enum: [] }, "z", []],
    [{ type: "string", enum: ["x", "y"] }, "z", ['a: Unsupported value: "z": supported values: "x", "y"']],
    [{ type: "integer", maximum: 3 }, 4, ["a: Invalid value: 4: a in body should be less than or equal to 3"]],
    [
      { type: "integer", maximum: 3, exclusiveMaximum: true },
      3,
      ["a: Invalid value: 3: a in body should be less than 3"],
    ],
    [{ type: "integer", minimum: 3 }, 2, ["a: Invalid value: 2: a in body should be greater than or equal to 3"]],
    [{ type: "integer", multipleOf: 5 }, 7, ["a: Invalid value: 7: a in body should be a multiple of 5"]],
    [{ type: "array", maxItems: 1, items: text }, ["x", "y"], ["a: Too many: 2: must have at most 1 items"]],
    [{ type: "array", minItems: 1, items: text }, [], ["a: Invalid value: 0: a in body should have at least 1 items"]],
    [
      { type: "object", maxProperties: 0, additionalProperties: text },
      { b: "x" },
      ["a: Too many: 1: must have at most 0 items"],
    ],
    [{ type: "object", required: ["b"] }, {}, ["a.b: Required value"]],
    [
      { type: "object", additionalProperties: false },
      { b: 1 },
      ['a: Invalid value: "b": a.b in body is a forbidden property'],
    ],
    [
      { type: "object", additionalProperties: text },
      { b: 1 },
      ['a.b: Invalid value: "integer": a.b in body must be of type string: "integer"'],
    ],
    [
      { "x-kubernetes-int-or-string": true },
      true,
      ['a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"'],
    ],
    [{ "x-kubernetes-int-or-string": true }, "80%", []],
    [
      { type: "string", format: "date-time" },
      "yesterday",
      ['a: Invalid value: "yesterday": a in body must be of type date-time: "yesterday"'],
    ],
    [{ type: "string", format: "no-such-format" }, "yesterday", []],
    [
      { type: "integer", format: "int32" },
      2 ** 31,
      ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in a'],
    ],
    [
      { type: "integer", anyOf: [{ maximum: 1 }, { minimum: 5 }] },
      3,
      [
        '<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)',
        "a: Invalid value: 3: a in body should be less than or equal to 1",
      ],
    ],
    [
      { type: "integer", oneOf: [{ maximum: 9 }, { minimum: 1 }] },
      3,
      ['<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [{ type: "integer", not: { maximum: 9 } }, 3, ['<nil>: Invalid value: "": "a" must not validate the schema (not)']],
    [
      { type: "integer", allOf: [{ maximum: 1 }] },
      3,
      [
        "a: Invalid value: 3: a in body should be less than or equal to 1",
        '<nil>: Invalid value: "": "a" must validate all the schemas (allOf). None validated',
      ],
    ],
  ];
  it.each(cases)("%j of %j", (schema, value, errors) => {
    expect(told({ a: value }, inA(schema))).toEqual(errors);
  });

  it("does not hold against an update what did not change", () => {
    const schema = inA({
      type: "object",
      properties: { b: { type: "string", maxLength: 1 }, c: { type: "string", maxLength: 1 } },
    });
    const old = { value: { a: { b: "long", c: "x" } } };
    expect(validateValue({ a: { b: "long", c: "y" } }, schema, { old })).toEqual([]);
    expect(validateValue({ a: { b: "longer", c: "y" } }, schema, { old })).toHaveLength(1);
    expect(validateValue({ a: { b: "long", c: "yy" } }, schema, { old })).toHaveLength(1);
  });

  it("follows items by their keys, not by their places", () => {
    const schema = inA({
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: { type: "object", properties: { name: text, v: { type: "string", maxLength: 1 } } },
    });
    const old = { value: { a: [{ name: "x", v: "long" }] } };
    expect(
      validateValue(
        {
          a: [
            { name: "y", v: "1" },
            { name: "x", v: "long" },
          ],
        },
        schema,
        { old },
      ),
    ).toEqual([]);
    expect(validateValue({ a: [{ name: "y", v: "long" }] }, schema, { old })).toHaveLength(1);
  });
});

describe("validateListTypes()", () => {
  const list = (more: JsonSchemaProps): JsonSchemaProps => ({
    properties: { l: { type: "array", items: {}, ...more } },
  });
  it("finds what occurs twice in sets and in maps", () => {
    const set = list({ "x-kubernetes-list-type": "set" });
    expect(validateListTypes({ l: ["a", "b", "a", "a", 1, "1"] }, set)).toEqual([
      { type: "Duplicate", field: "l[2]", message: 'Duplicate value: "a"' },
    ]);
    const map = list({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] });
    expect(validateListTypes({ l: [{ k: 1, v: 1 }, { k: 2 }, { v: 2, k: 1 }, {}, null] }, map)).toEqual([
      { type: "Duplicate", field: "l[2]", message: 'Duplicate value: {"k":1}' },
      { type: "Duplicate", field: "l[4]", message: "Duplicate value: {}" },
    ]);
  });
});

describe("hasFormat()", () => {
  const right: readonly [string, readonly string[], readonly string[]][] = [
    [
      "date-time",
      ["2014-12-15T19:30:20.000Z", "2014-12-15t08:00:00-08:00"],
      ["2014-12-15", "2014-13-15T19:30:20Z", "2023-02-29T00:00:00Z"],
    ],
    ["date", ["2006-01-02", "2024-02-29"], ["2006-1-2", "2023-02-29", "today"]],
    ["duration", ["22 ns", "1h30m", "2 days", "-5s", "0"], ["soon", "5", "1 fortnight"]],
    ["email", ["a@b.c", "First <a@b.com>", '"a b"@c'], ["a", "@b", "a@", "a b@c"]],
    ["ipv4", ["10.0.0.1", "010.0.0.01"], ["10.0.0", "256.1.1.1", "::1"]],
    ["ipv6", ["::1", "fe80::1", "::ffff:10.0.0.1"], ["10.0.0.1", ":::", "g::"]],
    ["cidr", ["10.0.0.0/8", "::/0"], ["10.0.0.0", "10.0.0.0/33"]],
    ["uri", ["https://a/b", "/a/b", "urn:x:y"], ["a/b", "", "ht tp://x"]],
    ["hostname", ["a", "a.example.com", "xn--bcher-kva.example"], ["-a", "a..b", "a_b", `${"a".repeat(64)}.com`]],
    ["uuid", ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"], ["123e4567"]],
    ["uuid4", ["f47ac10b-58cc-4372-a567-0e02b2c3d479"], ["f47ac10b-58cc-3372-a567-0e02b2c3d479"]],
    ["mac", ["01:23:45:67:89:ab", "0123.4567.89ab"], ["01:23:45", "xx:23:45:67:89:ab"]],
    ["byte", ["aGVsbG8=", "QUJD"], ["aGVsbG8", "*"]],
    ["isbn", ["0321751043", "978-0321751041"], ["0321751044"]],
    ["creditcard", ["4111-1111-1111-1111"], ["4111-1111-1111-1112"]],
    ["ssn", ["111-11-1111"], ["1111"]],
    ["hexcolor", ["#FFFFFF", "abc"], ["#ffff"]],
    ["rgbcolor", ["rgb(255,255,255)", "rgb( 0 , 1 , 2 )"], ["rgb(256,0,0)"]],
    ["password", ["anything"], []],
    ["k8s-short-name", ["a-1"], ["A", "a.b"]],
    ["k8s-long-name", ["a.b-c"], ["a..b"]],
  ];
  it.each(right)("%s", (format, good, bad) => {
    expect(good.filter((text) => !hasFormat(format, text))).toEqual([]);
    expect(bad.filter((text) => hasFormat(format, text))).toEqual([]);
  });
});

describe("compilePattern()", () => {
  it("matches in linear time what would take a backtracking engine for ever", () => {
    expect(compilePattern("^(a+)+$").test(`${"a".repeat(10_000)}b`)).toBe("differs");
    expect(compilePattern("^(([a-z])+.)+[A-Z]([a-z])+$").test("a".repeat(10_000))).toBe("differs");
  });

  it("does not decide about a text that is too long for a large expression", () => {
    expect(compilePattern("(a{1,100}){1,9}$").test("a".repeat(100_000))).toBe("undecided");
  });

  it.each(["(?=a)", "(", "a{1,2000}", "\\1"])("refuses %s as Go does", (source) => {
    expect(() => compilePattern(source)).toThrow(/^error parsing regexp: /);
  });
});

describe("a structural schema", () => {
  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
  const leaf = fc.constantFrom<JsonSchemaProps>(
    { type: "string", pattern: "^a", maxLength: 3, default: "abc" },
    { type: "integer", minimum: 0, maximum: 9, format: "int32" },
    { type: "boolean", default: true },
    { "x-kubernetes-int-or-string": true },
    { type: "string", format: "date-time", nullable: true },
    { type: "object", ...preserve },
  );
  const names = fc.constantFrom("a", "b", "__proto__", "constructor", "metadata", "kind");
  const { schema } = fc.letrec<{ schema: JsonSchemaProps }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc
        .dictionary(names, tie("schema"), { maxKeys: 4, noNullPrototype: true })
        .map((properties) => ({ type: "object", properties })),
      tie("schema").map((items) => ({ type: "array", items })),
      tie("schema").map((additionalProperties) => ({ type: "object", additionalProperties })),
      fc.tuple(tie("schema"), tie("schema")).map(([a, b]) => ({ ...a, anyOf: [b, {}], not: { enum: [null, 1] } })),
    ),
  }));
  const object = fc.dictionary(names, json, { noNullPrototype: true }) as fc.Arbitrary<JsonObject>;

  it("prunes idempotently, whatever the object", () => {
    fc.assert(
      fc.property(schema, object, (own, value) => {
        const once = pruneUnknown(value, own, true).object;
        const twice = pruneUnknown(once, own, true);
        expect(twice.object).toBe(once);
        expect(twice.unknownFields).toEqual([]);
      }),
    );
  });

  it("fills defaults idempotently, whatever the object", () => {
    fc.assert(
      fc.property(schema, object, (own, value) => {
        const once = applySchemaDefaults(value, own);
        expect(applySchemaDefaults(once, own)).toBe(once);
      }),
    );
  });

  it("judges any value without throwing, and an unchanged one as right", () => {
    fc.assert(
      fc.property(schema, object, (own, value) => {
        expect(Array.isArray(validateValue(value, own))).toBe(true);
        expect(validateValue(value, own, { old: { value } })).toEqual([]);
      }),
    );
  });
});
