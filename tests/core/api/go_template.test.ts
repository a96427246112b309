import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseGoTemplate, TemplateError } from "../../../core/api/go_template.ts";
import type { Json } from "../../../core/api/meta.ts";

const data: Json = {
  kind: "List",
  n: 5,
  f: 1.5,
  big: 12345678901,
  nul: null,
  on: true,
  zero: 0,
  empty: {},
  secret: "aGVsbG8=",
  labels: { a: "1", "b.c/d": "x" },
  metadata: { name: "top" },
  items: [
    { kind: "Pod", v: 1, metadata: { name: "p1" } },
    { kind: "Svc", v: 2, metadata: { name: "s2" } },
    { kind: "Z", v: 3, metadata: { name: "z3" } },
  ],
};

// What stands on the right is what Go's own text/template answers.
describe("parseGoTemplate()", () => {
  it.each([
    ["{{.kind}}", "List"],
    ["{{.metadata.name}} {{.metadata.missing}} {{.a.b.c}}", "top <no value> <no value>"],
    ['{{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}', "p1\ns2\nz3\n"],
    ["{{range $i, $e := .items}}{{$i}}={{$e.metadata.name}};{{end}}", "0=p1;1=s2;2=z3;"],
    ["{{range $i := .items}}{{$i.kind}},{{end}}", "Pod,Svc,Z,"],
    ["{{range $k, $v := .labels}}{{$k}}={{$v}} {{end}}", "a=1 b.c/d=x "],
    ["{{len .items}} {{len .kind}} {{len .labels}}", "3 4 2"],
    ['{{index .labels "b.c/d"}}', "x"],
    ["{{index .items 1}}", "map[kind:Svc metadata:map[name:s2] v:2]"],
    ["{{(index .items 0).metadata.name}}", "p1"],
    ["{{if .on}}yes{{else}}no{{end}}", "yes"],
    ['{{if eq .kind "List" "X"}}1{{else if .on}}2{{else}}3{{end}}', "1"],
    ["{{if and .on (gt .n 3)}}big{{end}}", "big"],
    ["{{with .labels}}{{.a}}{{else}}none{{end}}", "1"],
    ["{{with .missing}}x{{else}}none{{end}}", "none"],
    [
      "{{.n}} {{.f}} {{.big}} {{.nul}} {{.items}}",
      "5 1.5 12345678901 <no value> [map[kind:Pod metadata:map[name:p1] v:1] map[kind:Svc metadata:map[name:s2] v:2] map[kind:Z metadata:map[name:z3] v:3]]",
    ],
    [
      "{{.}}",
      "map[big:12345678901 empty:map[] f:1.5 items:[map[kind:Pod metadata:map[name:p1] v:1] map[kind:Svc metadata:map[name:s2] v:2] map[kind:Z metadata:map[name:z3] v:3]] kind:List labels:map[a:1 b.c/d:x] metadata:map[name:top] n:5 nul:<nil> on:true secret:aGVsbG8= zero:0]",
    ],
    ['{{printf "%s-%d-%v-%q" .kind .n .f .kind}}', 'List-5-1.5-"List"'],
    ['{{printf "%s" .n}}', "%!s(int64=5)"],
    ['{{printf "%d" .kind}}', "%!d(string=List)"],
    ['{{printf "%5d|%-5d|%05d" .n .n .n}}', "    5|5    |00005"],
    ['{{.n | printf "%x"}}', "5"],
    ["{{print .n .kind .n .n}}", "5List5 5"],
    ["{{println .n .kind}}", "5 List\n"],
    ["{{.secret | base64decode}}", "hello"],
    ["{{base64decode .kind}}", ".+-"],
    [
      '{{define "T"}}<{{.}}>{{end}}{{template "T" .kind}}{{range .items}}{{template "T" .kind}}{{end}}',
      "<List><Pod><Svc><Z>",
    ],
    ["{{$x := .n}}{{range .items}}{{$x = .v}}{{end}}{{$x}}", "3"],
    ["{{- .kind -}}  x  {{- .n}}", "Listx5"],
    ["a {{- /* c */ -}} b", "ab"],
    ["{{/* c */}}b", "b"],
    ["{{`raw`}} {{\"q\\t\"}} {{'a'}} {{1.5}} {{0x10}} {{1e3}} {{true}}", "raw q\t 97 1.5 16 1000 true"],
    ['{{not .on}} {{or .missing "d"}} {{and .on .kind}}', "false d List"],
    [
      '{{html "<a href=\'x\'>&"}} {{js "it\'s \\"<"}} {{urlquery "a b&c/d~*\'"}}',
      "&lt;a href=&#39;x&#39;&gt;&amp; it\\'s \\\"\\u003C a+b%26c%2Fd~%2A%27",
    ],
    [
      "{{slice .kind 1 3}} {{slice .items 1}}",
      "is [map[kind:Svc metadata:map[name:s2] v:2] map[kind:Z metadata:map[name:z3] v:3]]",
    ],
    ["{{range .items}}{{if eq .v 2}}{{continue}}{{end}}{{.v}}{{end}}", "13"],
    ["{{range .items}}{{.v}}{{break}}{{end}}", "1"],
    ['{{eq .n 5}} {{ne .n 5}} {{lt .n 6}} {{le .kind "M"}} {{ge .f 1.5}}', "true false true true true"],
    ['{{eq .missing "x"}} {{ne .missing "x"}} {{eq .missing .missing2}}', "false true true"],
    ["{{range .missing}}x{{else}}empty{{end}}", "empty"],
    ['{{"a" | len}}', "1"],
    ['{{printf "%v %v" .missing .nul}}', "<nil> <nil>"],
    ['{{printf "%s" .labels}}', "map[a:1 b.c/d:x]"],
    [
      '{{printf "%d" .items}}',
      "[map[%!d(string=kind):%!d(string=Pod) %!d(string=metadata):map[%!d(string=name):%!d(string=p1)] %!d(string=v):1] map[%!d(string=kind):%!d(string=Svc) %!d(string=metadata):map[%!d(string=name):%!d(string=s2)] %!d(string=v):2] map[%!d(string=kind):%!d(string=Z) %!d(string=metadata):map[%!d(string=name):%!d(string=z3)] %!d(string=v):3]]",
    ],
    [
      '{{printf "%T %T %T %T %T" .n 5 .kind .labels .items}}',
      "int64 int string map[string]interface {} []interface {}",
    ],
    ['{{printf "%t %c %U %o %b %e %g" .on 65 65 8 5 .f .f}}', "true A U+0041 10 101 1.500000e+00 1.5"],
    ['{{printf "%s %s" .kind}}', "List %!s(MISSING)"],
    ['{{printf "%s" .kind .n}}', "List%!(EXTRA int64=5)"],
    ['{{printf "100%%"}}', "100%"],
    ["{{range $i, $e := .items}}{{if $i}}, {{end}}{{$e.metadata.name}}{{end}}", "p1, s2, z3"],
    ["{{with $x := .kind}}{{$x}}{{end}}", "List"],
    ['{{block "B" .kind}}[{{.}}]{{end}}', "[List]"],
    ["{{$.kind}} {{range .items}}{{$.kind}}{{end}}", "List ListListList"],
    ['{{exists .labels "a"}} {{exists .labels "z"}} {{exists .items 0 "kind"}}', "true false true"],
    ["{{ .kind }}{{ .n}}\n\n{{- .f }}", "List51.5"],
    ['{{printf "%*d" 5 .n}}', "    5"],
    ['{{printf "%6.2f|%+d|%x|%X" .f .n .kind .n}}', "  1.50|+5|4c697374|5"],
    [
      '{{printf "%#v" .labels}} {{printf "%#v" .items}}',
      'map[string]interface {}{"a":"1", "b.c/d":"x"} []interface {}{map[string]interface {}{"kind":"Pod", "metadata":map[string]interface {}{"name":"p1"}, "v":1}, map[string]interface {}{"kind":"Svc", "metadata":map[string]interface {}{"name":"s2"}, "v":2}, map[string]interface {}{"kind":"Z", "metadata":map[string]interface {}{"name":"z3"}, "v":3}}',
    ],
    [
      "{{range $k, $v := .items}}{{range $k2, $v2 := $v.metadata}}{{$k}}{{$k2}}{{$v2}} {{end}}{{end}}",
      "0namep1 1names2 2namez3 ",
    ],
    ["{{if .labels}}1{{end}}{{if .empty}}2{{end}}{{if .zero}}3{{end}}{{if .nul}}4{{end}}", "1"],
    ['{{(printf "%s" .kind) | printf "%q"}}', '"List"'],
    ['{{.x.y | printf "%v"}}', "<nil>"],
    ['{{.labels.a | printf "%-8s|"}}', "1       |"],
    [
      "{{$}}",
      "map[big:12345678901 empty:map[] f:1.5 items:[map[kind:Pod metadata:map[name:p1] v:1] map[kind:Svc metadata:map[name:s2] v:2] map[kind:Z metadata:map[name:z3] v:3]] kind:List labels:map[a:1 b.c/d:x] metadata:map[name:top] n:5 nul:<nil> on:true secret:aGVsbG8= zero:0]",
    ],
  ])("prints %j", (template, text) => {
    expect(parseGoTemplate(template).print(data)).toBe(text);
  });

  it.each([
    [
      "{{eq .n .f}}",
      "",
      'template: output:1:2: executing "output" at <eq .n .f>: error calling eq: incompatible types for comparison',
    ],
    [
      "{{lt .kind 3}}",
      "",
      'template: output:1:2: executing "output" at <lt .kind 3>: error calling lt: incompatible types for comparison',
    ],
    [
      "{{.kind.foo}}",
      "",
      'template: output:1:7: executing "output" at <.kind.foo>: can\'t evaluate field foo in type interface {}',
    ],
    [
      "{{.items.foo}}",
      "",
      'template: output:1:8: executing "output" at <.items.foo>: can\'t evaluate field foo in type interface {}',
    ],
    [
      "{{.nul.foo}}",
      "",
      'template: output:1:6: executing "output" at <.nul.foo>: nil pointer evaluating interface {}.foo',
    ],
    [
      "{{index .items 9}}",
      "",
      'template: output:1:2: executing "output" at <index .items 9>: error calling index: index out of range: 9',
    ],
    [
      '{{index .kind "a"}}',
      "",
      'template: output:1:2: executing "output" at <index .kind "a">: error calling index: cannot index slice/array with type string',
    ],
    [
      "{{index .missing 1}}",
      "",
      'template: output:1:2: executing "output" at <index .missing 1>: error calling index: index of untyped nil',
    ],
    [
      "{{index .labels 1}}",
      "",
      'template: output:1:2: executing "output" at <index .labels 1>: error calling index: value has type int; should be string',
    ],
    [
      "{{range .kind}}x{{end}}",
      "",
      'template: output:1:8: executing "output" at <.kind>: range can\'t iterate over List',
    ],
    [
      '{{template "no"}}',
      "",
      'template: output:1:11: executing "output" at <{{template "no"}}>: template "no" not defined',
    ],
    [
      "{{.labels.a.b}}",
      "",
      'template: output:1:9: executing "output" at <.labels.a.b>: can\'t evaluate field b in type interface {}',
    ],
    ["{{nil}}", "", 'template: output:1:2: executing "output" at <nil>: nil is not a command'],
    [
      '{{.kind "x"}}',
      "",
      'template: output:1:2: executing "output" at <.kind>: kind is not a method but has arguments',
    ],
    ["{{len 3}}", "", 'template: output:1:2: executing "output" at <len 3>: error calling len: len of type int'],
    [
      "{{len .missing}}",
      "",
      'template: output:1:2: executing "output" at <len .missing>: error calling len: reflect: call of reflect.Value.Type on zero Value',
    ],
    [
      "{{and}}",
      "",
      'template: output:1:2: executing "output" at <and>: wrong number of args for and: want at least 1 got 0',
    ],
    [
      "{{eq 1}}",
      "",
      'template: output:1:2: executing "output" at <eq 1>: error calling eq: missing argument for comparison',
    ],
    [
      "{{call .kind}}",
      "",
      'template: output:1:2: executing "output" at <call .kind>: error calling call: non-function of type string',
    ],
    ["{{1 | .a}}", "", 'template: output:1:6: executing "output" at <.a>: a is not a method but has arguments'],
    [
      "{{.n | .kind}}",
      "",
      'template: output:1:7: executing "output" at <.kind>: kind is not a method but has arguments',
    ],
  ])("stops in %j after %j", (template, partial, message) => {
    const { print } = parseGoTemplate(template);
    expect(() => print(data)).toThrow(new TemplateError(message, partial));
    try {
      print(data);
    } catch (error) {
      expect((error as TemplateError).partial).toBe(partial);
    }
  });

  it.each([
    ["{{.foo", "template: output:1: unclosed action"],
    ["{{foo}}", 'template: output:1: function "foo" not defined'],
    ["{{if}}x{{end}}", "template: output:1: missing value for if"],
    ["{{if .a}}x", "template: output:1: unexpected EOF"],
    ["{{end}}", "template: output:1: unexpected {{end}}"],
    ["{{$x}}", 'template: output:1: undefined variable "$x"'],
    ["{{.a | 3}}", "template: output:1: non executable command in pipeline stage 2"],
    ["{{else}}", "template: output:1: unexpected {{else}}"],
    ["{{range .items}}{{else}}{{else}}{{end}}", "template: output:1: expected end; found {{else}}"],
    ["{{if .a}}{{else}}", "template: output:1: unexpected EOF"],
    ["{{.a b}}", 'template: output:1: function "b" not defined'],
    ['{{define "x"}}', "template: output:1: unexpected EOF"],
    ['{{ "unterminated }}', "template: output:1: unterminated quoted string"],
    ["{{range $i, $e, $z := .items}}{{end}}", "template: output:1: too many declarations in range"],
    ["{{(.kind}}", "template: output:1: unclosed left paren"],
    ["{{.kind)}}", 'template: output:1: unexpected ")" in command'],
    ["{{@}}", 'template: output:1: unexpected "@" in command'],
  ])("refuses %j", (template, message) => {
    expect(() => parseGoTemplate(template)).toThrow(new SyntaxError(message));
  });

  it("says what is missing, unless missing members are allowed", () => {
    expect(() => parseGoTemplate("{{.a.b}}", { allowMissingKeys: false }).print(data)).toThrow(
      'map has no entry for key "a"',
    );
  });

  it("takes no member from the prototype", () => {
    expect(parseGoTemplate("{{.constructor}}{{.toString}}{{index . `__proto__`}}").print(data)).toBe(
      "<no value><no value><no value>",
    );
    const own = JSON.parse('{"__proto__": {"a": 1}}') as Json;
    expect(parseGoTemplate("{{.__proto__.a}}").print(own)).toBe("1");
  });

  it("throws nothing but SyntaxError and TemplateError, whatever the template", () => {
    const pieces =
      "{{ }} {{- -}} ( ) | . .a .items $ $x := = , range if else end with define template \"T\" 'c' `r` 1 1.5 printf eq index len".split(
        " ",
      );
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (words) => {
        try {
          parseGoTemplate(words.join(" ")).print(data);
        } catch (error) {
          expect(error instanceof SyntaxError || error instanceof TemplateError).toBe(true);
        }
      }),
    );
  });

  it("refuses nesting and recursion that would exhaust the stack", () => {
    expect(() => parseGoTemplate(`{{${"(".repeat(5000)}1}}`)).toThrow("exceeded max parse depth");
    expect(() => parseGoTemplate("{{if 1}}".repeat(5000))).toThrow("exceeded max parse depth");
    expect(() => parseGoTemplate('{{define "T"}}{{template "T"}}{{end}}{{template "T"}}').print(data)).toThrow(
      "exceeded maximum template depth",
    );
  });
});
