import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse as parseWithLibrary } from "yaml";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { formatYaml, parseManifests, parseYaml } from "../../../core/api/yaml.ts";
import { cpuMsOf } from "../../cpu_time.ts";

const read = (text: string) => parseManifests(text, "file.yaml");

describe("parseYaml()", () => {
  // What kubectl 1.33 makes of the same scalars.
  it.each<[string, Json]>([
    ["yes", true],
    ["Y", true],
    ["on", true],
    ["n", false],
    ["OFF", false],
    ["tRue", "tRue"],
    ["~", null],
    ["NULL", null],
    ["nULL", "nULL"],
    ["08", 8],
    ["017", 15],
    ["0o17", 15],
    ["0o644", 420],
    ["0644", 420],
    ["-017", -15],
    ["0b11", 3],
    ["0b102", "0b102"],
    ["0x_1f", 31],
    ["-0x1f", -31],
    ["1_000", 1000],
    ["1_0.5", 10.5],
    ["_1", "_1"],
    ["+1", 1],
    ["-0", 0],
    [".5", 0.5],
    ["5.", 5],
    ["1e3", 1000],
    ["12e", "12e"],
    ["0x", "0x"],
    ["1:30", "1:30"],
    ["190:20:30.15", "190:20:30.15"],
    ["2001-01-01", "2001-01-01"],
    ["2001-01-01t00:00:00Z", "2001-01-01t00:00:00Z"],
    ["=", "="],
    ["0.1.2", "0.1.2"],
    ["100000000000000000000", 100000000000000000000],
    ["9223372036854775807", 9223372036854775807n],
    ["-0x7fffffffffffffff", -9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["'1'", "1"],
    ['"yes"', "yes"],
    ["!!str 1", "1"],
    ['!!int "5"', 5],
    ["! 1", "1"],
    ["!foo 1", "1"],
    ["!!binary aGk=", "hi"],
    ["|\n  1\n", "1\n"],
  ])("reads %j as kubectl does", (text, value) => {
    expect(parseYaml(`a: ${text}`, "x")).toEqual({ a: value });
  });

  it("makes texts of keys as kubectl does", () => {
    expect(parseYaml("{on: a, 1: b, 1.5: d, 0x10: e}", "x")).toEqual({ true: "a", "1": "b", "1.5": "d", "16": "e" });
  });

  it("merges <<, explicit members first, then the first that has one", () => {
    expect(parseYaml("x: &a {b: 1}\nz: {<<: [*a, {b: 3, d: 4}], b: 9}\nw: {<<: *a, c: 2}", "x")).toEqual({
      x: { b: 1 },
      z: { b: 9, d: 4 },
      w: { b: 1, c: 2 },
    });
  });

  it("keeps __proto__ as a member of its own and pollutes nothing", () => {
    const value = parseYaml("data:\n  __proto__: {polluted: a}\n  <<: {constructor: b}\n", "x");
    expect(JSON.stringify(value)).toBe('{"data":{"__proto__":{"polluted":"a"},"constructor":"b"}}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each<[string, string, RegExp]>([
    ["broken quotes", 'a: 1\nb: "c\n', /^error parsing x: error converting YAML to JSON: yaml: line [23]: /],
    ["tabs", "a:\n\t- b\n", /line 2: /],
    ["infinity", "a: .inf", /line 1: json: unsupported value: .inf/],
    ["numbers that overflow", "a: 1e400", /line 1: json: unsupported value/],
    [
      "numbers that are more than a double holds",
      `a: 1\nb: ${"9".repeat(310)}`,
      /line 2: json: unsupported value: \+Inf/,
    ],
    ["unknown anchors", "a: *b", /line 1: unknown anchor 'b' referenced/],
    ["anchors that hold themselves", "a: &b [*b]", /line 1: anchor 'b' value contains itself/],
    ["null keys", "{~: b}", /a key must be text, a number or a boolean/],
    ["merges of text", "<<: a", /map merge requires map or sequence of maps as the value/],
    ["two documents", "a: 1\n---\nb: 1", /line 3: expected a single document/],
  ])("refuses %s, naming the line", (_, text, message) => {
    expect(() => parseYaml(text, "x")).toThrow(SyntaxError);
    expect(() => parseYaml(text, "x")).toThrow(message);
  });

  it("refuses bombs quickly", async () => {
    const laughs = Array.from(
      { length: 12 },
      (_, level) =>
        `l${level}: &l${level} [${
          level === 0
            ? "lol"
            : Array(10)
                .fill(`*l${level - 1}`)
                .join(",")
        }]`,
    ).join("\n");
    const merges = Array.from(
      { length: 12 },
      (_, level) =>
        `l${level}: &l${level} {${level === 0 ? "a: b" : Array.from({ length: 9 }, (_, key) => `k${key}: *l${level - 1}`).join(", ")}}`,
    ).join("\n");
    const bombs = [laughs, merges, "[", "{a: ", "? ", "- ", ": "].map((text) =>
      text.length > 8 ? text : text.repeat(1_000_000),
    );
    bombs.push(Array.from({ length: 1000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"));
    const cpuMs = await cpuMsOf(() => {
      for (const bomb of bombs) expect(() => parseYaml(bomb, "x")).toThrow(/max depth|excessive aliasing/);
    });
    expect(cpuMs).toBeLessThan(10_000);
    expect(() => parseYaml("a".repeat(11), "x", { maxLength: 10 })).toThrow("longer than 10 characters");
  });
});

describe("parseManifests()", () => {
  it("reads several documents and skips empty ones", () => {
    expect(read("---\na: 1\n---\n\n---\n# nothing\n---\nb: 2\n...\n")).toEqual([{ a: 1 }, { b: 2 }]);
    expect(read("")).toEqual([]);
    expect(read("\ufeffa: 1")).toEqual([{ a: 1 }]);
  });

  it("reads JSON, also indented with tabs and one document after the other", () => {
    expect(read('{"a":"}{\\"",\n\t"b":[1]}{"c":2}\n')).toEqual([{ a: '}{"', b: [1] }, { c: 2 }]);
    expect(read("{a: 1, b: yes}")).toEqual([{ a: 1, b: true }]);
    expect(() => read('{"a": 1e400}')).toThrow(/^error parsing file.yaml: .*cannot be represented exactly/);
    expect(() => read('{"a": 1,\n "b": }x')).toThrow(SyntaxError);
  });

  it("takes lists apart and names the kind of their items", () => {
    const item = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } };
    expect(
      read(JSON.stringify({ apiVersion: "v1", kind: "List", items: [item, { kind: "List", items: [item] }] })),
    ).toEqual([item, item]);
    expect(read("apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n")).toEqual([item]);
  });

  it("refuses documents that are no objects, naming file and line", () => {
    expect(() => read("a: 1\n---\n- b\n")).toThrow(
      'unable to decode "file.yaml": line 3: a manifest must be an object',
    );
    expect(() => read("text")).toThrow(SyntaxError);
  });
});

describe("formatYaml()", () => {
  it("prints as kubectl get -o yaml", () => {
    const object: JsonObject = {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { name: "a", labels: { "b-10": "x", "b-2": "x", b: "x" }, creationTimestamp: null },
      data: {
        yes: "yes",
        number: "1",
        octal: "0644",
        time: "12:30",
        day: "2001-01-01",
        empty: "",
        colon: "a: b",
        hash: "a #b",
        quote: "it's",
        lines: "a\n\nb\n",
        open: "a\nb",
        more: "a\n\n",
        indented: " a\nb",
        tab: "a\tb",
        trailing: "a \nb",
        long: `${"word ".repeat(20)}end`,
      },
      list: [1, true, null, [], {}, [[1, 2], { a: { b: 1 }, c: ["x"] }], "- x"],
      number: [0.5, 1e21, 1234567.5, 1e-7],
    };
    expect(formatYaml(object)).toBe(`apiVersion: v1
data:
  colon: 'a: b'
  day: "2001-01-01"
  empty: ""
  hash: 'a #b'
  indented: |2-
     a
    b
  lines: |
    a

    b
  long: word word word word word word word word word word word word word word word
    word word word word word end
  more: |+
    a

  number: "1"
  octal: "0644"
  open: |-
    a
    b
  quote: it's
  tab: "a\\tb"
  time: "12:30"
  trailing: "a \\nb"
  "yes": "yes"
kind: ConfigMap
list:
- 1
- true
- null
- []
- {}
- - - 1
    - 2
  - a:
      b: 1
    c:
    - x
- '- x'
metadata:
  creationTimestamp: null
  labels:
    b: x
    b-2: x
    b-10: x
  name: a
number:
- 0.5
- 1e+21
- 1.2345675e+06
- 1e-07
`);
  });

  it.each<[Json, string]>([
    [{}, "{}\n"],
    [[], "[]\n"],
    ["text", "text\n"],
    [1, "1\n"],
    [null, "null\n"],
    [[["a"]], "- - a\n"],
  ])("prints %j alone", (value, text) => expect(formatYaml(value)).toBe(text));

  const nasty = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom(..." \n\t:-#'\"|>&*!%@`[]{},?=~<.\\abn01é😀_+"), maxLength: 12 }),
    fc
      .array(fc.constantFrom("word", "a", "'", '"', "  ", "\\", "# x", ": y"), { maxLength: 60 })
      .map((words) => words.join(" ")),
    fc.constantFrom(
      "yes",
      "off",
      "null",
      "~",
      "0o7",
      "1_0",
      "1:30",
      ".inf",
      "2001-01-01",
      "0x1F",
      "1e3",
      "<<",
      "---",
      "...",
    ),
  );
  const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      nasty,
      fc.constantFrom<Json>(null, true, false, 0, -1, 1.5),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(nasty, tie("tree"), { maxKeys: 4 }),
    ),
  }));

  it("prints what reads back as the same value, here and in another YAML 1.1 reader", () => {
    fc.assert(
      fc.property(tree, (value) => {
        const text = formatYaml({ value });
        expect(parseYaml(text, "x")).toEqual({ value });
        // Bare dots are text to kubectl, which prints ".: {}" in managed fields; the library takes them for a number without digits.
        if (/"[-+]?\.[._]*"/.test(JSON.stringify(value))) return;
        expect(parseWithLibrary(text, { version: "1.1", logLevel: "silent" })).toEqual({ value });
      }),
      { numRuns: 500 },
    );
  });
});
