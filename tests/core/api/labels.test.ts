import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatLabelSelector,
  labelValueErrors,
  parseLabelSelector,
  qualifiedNameErrors,
  selectorFromMap,
  selectorFromObject,
  validateAnnotations,
  validateLabelSelector,
  validateLabels,
} from "../../../core/api/labels.ts";
import { cpuMsOf } from "../../cpu_time.ts";

describe("parseLabelSelector()", () => {
  const labels = { app: "web", tier: "front", size: "10", empty: "" };
  it.each([
    ["", true],
    ["  ", true],
    ["app", true],
    ["!app", false],
    ["! other", true],
    ["app=web", true],
    ["app==web", true],
    [" app = web , tier != back ", true],
    ["app!=web", false],
    ["other!=web", true],
    ["app in (api,web)", true],
    ["app notin (api,web)", false],
    ["other notin (api)", true],
    ["other in (api)", false],
    ["empty=", true],
    ["empty in ()", true],
    ["app in (,web)", true],
    ["empty in (x,)", true],
    ["size>9", true],
    ["size>10", false],
    ["size<11", true],
    ["app>1", false],
    ["other<1", false],
    ["app=web,tier=back", false],
    ["toString", false],
    ["!hasOwnProperty", true],
    ["constructor!=x,!toString", true],
  ])("%j selects %s", (text, selected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(selected);
  });

  it("takes in and notin as keys and values", () => {
    const selector = parseLabelSelector("in in (notin,in),notin=in");
    expect(selector.matches({ in: "notin", notin: "in" })).toBe(true);
    expect(selector.toString()).toBe("in in (in,notin),notin=in");
  });

  // The texts that kubectl 1.33 prints for the same selectors.
  const nameRule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  it.each([
    ["a ~ b", "unable to parse requirement: found '~', expected: in, notin, =, ==, !=, gt, lt"],
    ["a$", `unable to parse requirement: <nil>: Invalid value: "a$": ${nameRule}`],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["a=b,", "found '', expected: identifier after ','"],
    [
      "a>b",
      `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    ["!a=b", "found '=', expected: ',' or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["/a", `unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty`],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    ["a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"],
  ])("refuses %j as Kubernetes does", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message, code: 400 }));
  });

  it("prints a text that reads back as the same selector", () => {
    const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,3}[a-z0-9])?$/);
    const term = fc.oneof(
      name,
      name.map((key) => `!${key}`),
      fc.tuple(name, fc.constantFrom("=", "==", "!="), name).map((parts) => parts.join("")),
      fc
        .tuple(name, fc.constantFrom("in", "notin"), fc.array(name, { minLength: 1 }))
        .map(([key, operator, values]) => `${key} ${operator} (${values.join(",")})`),
      fc.tuple(name, fc.constantFrom("<", ">"), fc.nat()).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(fc.array(term), fc.dictionary(name, name), (terms, map) => {
        const selector = parseLabelSelector(terms.join(","));
        const again = parseLabelSelector(selector.toString());
        expect(again.toString()).toBe(selector.toString());
        expect(again.matches(map)).toBe(selector.matches(map));
      }),
    );
  });

  it("answers long and hostile texts at once", async () => {
    const texts = [
      "a".repeat(100_000),
      "(".repeat(100_000),
      "a,".repeat(50_000),
      `a in (${"b,".repeat(50_000)}`,
      "a.".repeat(50_000),
    ];
    const cpuMs = await cpuMsOf(() => {
      for (const text of texts) expect(() => parseLabelSelector(text)).toThrow();
    });
    expect(cpuMs).toBeLessThan(2_000);
  });
});

describe("selectorFromObject() and selectorFromMap()", () => {
  it("select nothing when absent, everything when empty", () => {
    expect(selectorFromObject(undefined).matches({})).toBe(false);
    expect(selectorFromObject(undefined).empty).toBe(false);
    expect(selectorFromObject({}).matches(undefined)).toBe(true);
    expect(selectorFromMap(undefined).empty).toBe(true);
    expect(selectorFromMap({ a: "b" }).matches({ a: "b", c: "d" })).toBe(true);
    expect(selectorFromMap({ a: "b" }).matches(undefined)).toBe(false);
  });

  it("combine labels and expressions, and print them for -l", () => {
    const selector = selectorFromObject({
      matchLabels: { tier: "front" },
      matchExpressions: [
        { key: "app", operator: "In", values: ["web", "api"] },
        { key: "old", operator: "DoesNotExist" },
        { key: "zone", operator: "Exists" },
        { key: "env", operator: "NotIn", values: ["test"] },
      ],
    });
    expect(selector.toString()).toBe("app in (api,web),env notin (test),!old,tier=front,zone");
    expect(selector.matches({ app: "api", tier: "front", zone: "a" })).toBe(true);
    expect(selector.matches({ app: "api", tier: "front", zone: "a", env: "test" })).toBe(false);
  });

  it("treat __proto__ as a label like any other", () => {
    const map = JSON.parse('{"__proto__":"x"}');
    expect(selectorFromMap(map).matches({})).toBe(false);
    expect(selectorFromMap(map).matches(map)).toBe(true);
  });
});

describe("formatLabelSelector()", () => {
  it("prints <none> for what selects nothing or everything and <error> for what cannot be read", () => {
    expect(formatLabelSelector(undefined)).toBe("<none>");
    expect(formatLabelSelector({})).toBe("<none>");
    expect(formatLabelSelector({ matchLabels: { b: "2", a: "1" } })).toBe("a=1,b=2");
    expect(formatLabelSelector({ matchExpressions: [{ key: "a", operator: "Near" as "In" }] })).toBe("<error>");
  });
});

describe("validation of labels", () => {
  it.each(["app", "a.b_c-d", "example.com/app", "A", "0", "a".repeat(63), `${"a".repeat(63)}.b/x`])(
    "accepts the name %j",
    (name) => expect(qualifiedNameErrors(name)).toEqual([]),
  );
  it.each(["", "-a", "a-", "a b", "a/", "/a", "A.com/x", "a/b/c", "a".repeat(64), "é"])("refuses the name %j", (name) =>
    expect(qualifiedNameErrors(name)).not.toEqual([]),
  );
  it.each(["", "a", "1.2.3", "a".repeat(63)])("accepts the value %j", (text) =>
    expect(labelValueErrors(text)).toEqual([]),
  );
  it.each(["-", "a/b", "a b", "a".repeat(64)])("refuses the value %j", (text) =>
    expect(labelValueErrors(text)).not.toEqual([]),
  );

  it("names field and value", () => {
    expect(validateLabels({ ok: "ok" }, "metadata.labels")).toEqual([]);
    expect(validateLabels({ "a b": "c" }, "metadata.labels")[0]).toMatchObject({
      type: "Invalid",
      field: "metadata.labels",
      message: expect.stringMatching(/^Invalid value: "a b": name part must consist of/),
    });
    expect(validateLabels({ a: "x y" }, "metadata.labels")[0]?.message).toMatch(
      /^Invalid value: "x y": a valid label must be/,
    );
  });

  it("limits annotations in total, not each", () => {
    expect(validateAnnotations({ "Example.com/A": "x".repeat(200_000) }, "f")).toEqual([]);
    expect(validateAnnotations({ a: "x".repeat(262_143) }, "f")).toEqual([]);
    expect(validateAnnotations({ a: "x".repeat(262_144) }, "f")).toMatchObject([{ type: "TooLong" }]);
    expect(validateAnnotations({ a: "é😀".repeat(43_691) }, "f")).toMatchObject([{ type: "TooLong" }]);
  });

  it("checks selectors", () => {
    expect(
      validateLabelSelector(
        {
          matchLabels: { a: "b" },
          matchExpressions: [
            { key: "a", operator: "In" },
            { key: "a", operator: "Exists", values: ["x"] },
            { key: "a", operator: "Near" as "In", values: ["x"] },
            { key: "-", operator: "Exists" },
            { key: "a", operator: "NotIn", values: ["-"] },
          ],
        },
        "spec.selector",
      ).map(({ type, field }) => `${type} ${field}`),
    ).toEqual([
      "Required spec.selector.matchExpressions[0].values",
      "Forbidden spec.selector.matchExpressions[1].values",
      "Invalid spec.selector.matchExpressions[2].operator",
      "Invalid spec.selector.matchExpressions[3].key",
      "Invalid spec.selector.matchExpressions[4].values[0]",
    ]);
  });
});
