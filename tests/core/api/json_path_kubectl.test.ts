import { describe, expect, it } from "vitest";
import { parseJsonPath } from "../../../core/api/json_path.ts";
import type { Json } from "../../../core/api/meta.ts";

const data: Json = {
  kind: "List",
  n: 5,
  f: 1.5,
  big: 12345678901,
  nul: null,
  on: true,
  html: "<a&b>",
  htmls: ["<a&b>"],
  unicode: "hé",
  labels: { "b.c/d": "x", a: "1" },
  metadata: { name: "top" },
  items: [
    { v: 1, kind: "Pod", on: true, metadata: { name: "p1" }, c: [{ n: "a" }, { n: "b" }] },
    { kind: "Svc", v: 2, metadata: { name: "s2" }, c: [] },
    { kind: "Z", v: 3, metadata: { name: "z3" } },
  ],
};

// What stands on the right is what k8s.io/client-go/util/jsonpath answers.
describe("kubectl's JSONPath", () => {
  it.each([
    ["{.kind}", "List"],
    ["{.n} {.f} {.big} {.on} {.nul}", "5 1.5 12345678901 true <nil>"],
    ["{.items[*].metadata.name}", "p1 s2 z3"],
    [
      "{.items}",
      '[{"c":[{"n":"a"},{"n":"b"}],"kind":"Pod","metadata":{"name":"p1"},"on":true,"v":1},{"c":[],"kind":"Svc","metadata":{"name":"s2"},"v":2},{"kind":"Z","metadata":{"name":"z3"},"v":3}]',
    ],
    ["{.labels}", '{"a":"1","b.c/d":"x"}'],
    ["{.html}", "<a&b>"],
    ["{.htmls}", '["\\u003ca\\u0026b\\u003e"]'],
    ['{range .items[*]}{.metadata.name}{"\\n"}{end}', "p1\ns2\nz3\n"],
    ["{range .items[*]}{range .c[*]}{.n},{end};{end}", "a,b,;;;"],
    ["{.items[0].c[*].n}", "a b"],
    ["{.items[?(@.v>1)].metadata.name}", "s2 z3"],
    ["{.items[?(@.v>=2)].kind}", "Svc Z"],
    ['{.items[?(@.kind=="Svc")].v}', "2"],
    ["{.items[?(@.kind=='Svc')].v}", "2"],
    ["{.items[?(@.kind!='Svc')].v}", "1 3"],
    ["{.items[?(@.missing)].v}", ""],
    ["{.items[?(@.metadata.name)].v}", "1 2 3"],
    ["{.items[?(@.v==1)]['kind','v']}", "Pod 1"],
    ["{.items[0:2].v}", "1 2"],
    ["{.items[-1].v}", "3"],
    ["{.items[-2:].v}", "2 3"],
    ["{.items[:1].v}", "1"],
    ["{.items[::2].v}", "1 3"],
    ["{.items[0:3:2].v}", "1 3"],
    ["{.items[0:0].v}", ""],
    ["{.missing}", ""],
    ["{.missing.foo}", ""],
    ["{.labels.b\\.c/d}", "x"],
    ["{.labels['b.c/d']}", ""],
    ["{['kind']}", "List"],
    ["{.metadata['name']}", "top"],
    ["{.items[*]['kind','v']}", "Pod Svc Z 1 2 3"],
    ["{.items[0,2].v}", "1 3"],
    ["text {.kind} more", "text List more"],
    ["{\"lit\"}{'lit2'}", "litlit2"],
    ["{1}", "1"],
    ["{1.5}", "1.5"],
    ["{true}", "true"],
    ["{.items[*].c[*].n}", "a b"],
    ["{range .missing[*]}x{end}y", "y"],
    ["{range .items}{.kind}{end}", ""],
    [
      "{@}",
      '{"big":12345678901,"f":1.5,"html":"\\u003ca\\u0026b\\u003e","htmls":["\\u003ca\\u0026b\\u003e"],"items":[{"c":[{"n":"a"},{"n":"b"}],"kind":"Pod","metadata":{"name":"p1"},"on":true,"v":1},{"c":[],"kind":"Svc","metadata":{"name":"s2"},"v":2},{"kind":"Z","metadata":{"name":"z3"},"v":3}],"kind":"List","labels":{"a":"1","b.c/d":"x"},"metadata":{"name":"top"},"n":5,"nul":null,"on":true,"unicode":"hé"}',
    ],
    [
      "{$}",
      '{"big":12345678901,"f":1.5,"html":"\\u003ca\\u0026b\\u003e","htmls":["\\u003ca\\u0026b\\u003e"],"items":[{"c":[{"n":"a"},{"n":"b"}],"kind":"Pod","metadata":{"name":"p1"},"on":true,"v":1},{"c":[],"kind":"Svc","metadata":{"name":"s2"},"v":2},{"kind":"Z","metadata":{"name":"z3"},"v":3}],"kind":"List","labels":{"a":"1","b.c/d":"x"},"metadata":{"name":"top"},"n":5,"nul":null,"on":true,"unicode":"hé"}',
    ],
    ['{.items[?(@.kind=="Pod")].c[?(@.n=="a")].n}', "a"],
    ["{.items[?(@.on==true)].v}", "1"],
    ["{.metadata.*}", "top"],
    ['{.items[*].v}{"\\t"}{.kind}', "1 2 3\tList"],
    ["{.items[?(.v==2)].kind}", "Svc"],
    ["{.items[0].metadata.name}:{.items[1].metadata.name}", "p1:s2"],
    ["{.items[0]..n}", "a b"],
    ["{ .kind }", "List"],
    ["{.items[0].c[1:].n}", "b"],
    ["{.items[?(@.v)].v}", "1 2 3"],
    ["{.items.kind}", ""],
    ["{.nul.x}", ""],
    ["{..kind}", "List Pod Svc Z"],
    ["}{.kind}", "}List"],
    ["{.items[*].metadata}", '{"name":"p1"} {"name":"s2"} {"name":"z3"}'],
    ["{range .items[*]}{.v}{end}{.kind}", "123List"],
    ["{.items[1:2].v}", "2"],
    ["{.items[-1:].v}", "3"],
    ["{.items[1:1].v}", ""],
    ["{.labels.a}{.labels.z}", "1"],
    ["{.items[?(@.v==1)].metadata.name} {.kind}", "p1 List"],
    ["{.n.x}", ""],
    ["{.kind.x}", ""],
    ["{range .items[?(@.v>1)]}{.v} {end}", "2 3 "],
    ["{.items[0]['metadata'].name}", "p1"],
    ["{.items[0].metadata['name']}", "p1"],
    ["{'\\n'}", "\n"],
    ["{.unicode}", "hé"],
  ])("prints %j", (template, text) => {
    expect(parseJsonPath(template, { allowMissingKeys: true }).print(data)).toBe(text);
  });

  it.each([
    ["{.items[5].v}", "array index out of bounds: index 5, length 3"],
    ["{.items[0:9].v}", "array index out of bounds: index 8, length 3"],
    ["{.items[2:1].v}", "starting index 2 is greater than ending index 1"],
    ["{.kind[0]}", "string is not array or slice"],
    ["{..c[0].n}", "array index out of bounds: index 0, length 0"],
    ['{.items[?(@.v>"x")].v}', "incompatible types for comparison"],
    ["{.kind[?(@.x)]}", "List is not array or slice and cannot be filtered"],
    ["{.labels[?(@.x)]}", "map[a:1 b.c/d:x] is not array or slice and cannot be filtered"],
    ["{.items[?(@.c[0].n=='a')].v}", "array index out of bounds: index 0, length 0"],
    ["{.items[3].v}", "array index out of bounds: index 3, length 3"],
    ["{.items[-4].v}", "array index out of bounds: index -1, length 3"],
  ])("fails in %j", (template, message) => {
    expect(() => parseJsonPath(template, { allowMissingKeys: true }).print(data)).toThrow(new RangeError(message));
  });

  it.each([
    ["{.missing}", "missing is not found"],
    ["{.missing.foo}", "missing is not found"],
    ["{.labels['b.c/d']}", "b is not found"],
    ["{range .missing[*]}x{end}y", "missing is not found"],
    ["{range .items}{.kind}{end}", "kind is not found"],
    ["{.items[?(@.on==true)].v}", "on is not found"],
    ["{.items.kind}", "kind is not found"],
    ["{.nul.x}", "x is not found"],
    ["{.labels.a}{.labels.z}", "z is not found"],
    ["{.n.x}", "x is not found"],
    ["{.kind.x}", "x is not found"],
  ])("misses something in %j", (template, message) => {
    expect(() => parseJsonPath(template).print(data)).toThrow(new RangeError(message));
  });

  it.each([
    ["{.items[?(@.v>1", "unterminated filter"],
    ["{.items[", "unterminated array"],
    ["{.kind", "unclosed action"],
    ["{.items[a]}", "invalid array index a"],
    ["{.a.b", "unclosed action"],
    ["{.items[?(@.v<2||@.v>2)].v}", "unrecognized character in action: U+007C '|'"],
  ])("refuses %j", (template, message) => {
    expect(() => parseJsonPath(template)).toThrow(new SyntaxError(message));
  });
});
