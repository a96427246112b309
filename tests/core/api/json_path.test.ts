import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonPath } from "../../../core/api/json_path.ts";
import type { Json } from "../../../core/api/meta.ts";

/** The object of Kubernetes' documentation. */
const data: Json = {
  kind: "List",
  items: [
    {
      kind: "None",
      metadata: { name: "127.0.0.1", labels: { "kubernetes.io/hostname": "127.0.0.1" } },
      status: { capacity: { cpu: "4" }, addresses: [{ type: "LegacyHostIP", address: "127.0.0.1" }] },
    },
    {
      kind: "None",
      metadata: { name: "127.0.0.2" },
      status: { capacity: { cpu: "8" }, addresses: [{ type: "LegacyHostIP", address: "127.0.0.2" }] },
    },
  ],
  users: [
    { name: "myself", user: {} },
    { name: "e2e", user: { username: "admin", password: "secret" }, id: 5 },
  ],
};

describe("parseJsonPath()", () => {
  it.each([
    ["kind is {.kind}", "kind is List"],
    ["{.kind}", "List"],
    ["{['kind']}", "List"],
    ['{["kind"]}', "List"],
    ["{$.kind}", "List"],
    ["{@.kind}", "List"],
    ["{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"],
    [
      "{.items[*]['kind', 'metadata']}",
      'None None {"labels":{"kubernetes.io/hostname":"127.0.0.1"},"name":"127.0.0.1"} {"name":"127.0.0.2"}',
    ],
    ["{..cpu}", "4 8"],
    ["{..addresses[0].address}", "127.0.0.1 127.0.0.2"],
    ['{.users[?(@.name=="e2e")].user.password}', "secret"],
    ["{.users[?(@.name=='e2e')].id}", "5"],
    ["{.users[?(@.id>4)].name}", "e2e"],
    ["{.users[?(@.id)].name}", "e2e"],
    ["{.users[?(@.id!=5)]}", ""],
    [
      "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
      '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] ',
    ],
    ['{range .items[*]}{.metadata.name}{"\\t"}{end}', "127.0.0.1\t127.0.0.2\t"],
    // What comes after a range that is not ended is its own, and then the text's.
    ["{range .items[*]}{.metadata.name};", "127.0.0.1;127.0.0.2;;"],
    ["{.items[0].metadata.labels.kubernetes\\.io/hostname}", "127.0.0.1"],
    ["{.items[-1:].metadata.name}", "127.0.0.2"],
    ["{.items[-1].metadata.name}", "127.0.0.2"],
    ["{.items[0:1].metadata.name}", "127.0.0.1"],
    ["{.items[::2].metadata.name}", "127.0.0.1"],
    ["{.users[0,1].name}", "myself e2e"],
    ["{.users[1].user.*}", "admin secret"],
  ])("prints %s", (template, text) => {
    expect(parseJsonPath(template, { allowMissingKeys: true }).print(data)).toBe(text);
  });

  it("says what is missing, unless missing members are allowed", () => {
    expect(() => parseJsonPath("{.items[0].nothing}").find(data)).toThrow("nothing is not found");
    expect(parseJsonPath("{.items[0].nothing}", { allowMissingKeys: true }).find(data)).toEqual([[]]);
    expect(() => parseJsonPath("{.items[7]}").find(data)).toThrow("array index out of bounds: index 7, length 2");
  });

  it("takes no member from the prototype", () => {
    const found = parseJsonPath("{.__proto__.toString}", { allowMissingKeys: true }).find(data);
    expect(found).toEqual([[]]);
    const own: Json = JSON.parse('{"__proto__": {"a": 1}}');
    expect(parseJsonPath("{.__proto__.a}").print(own)).toBe("1");
  });

  it.each([
    ["{.a", "unclosed action"],
    ["{#}", "unrecognized character in action: U+0023 '#'"],
    ["{.a[}", "unterminated array"],
    ['{.a["b}', "unterminated quoted string"],
    ["{end}", "not in range, nothing to end"],
    ["{range .a}".repeat(6), "unexpected end of range"],
    ["{hello}", "unrecognized identifier hello"],
    ["{.a[0:1:-1]}", "step must be > 0"],
  ])("refuses %s", (template, reason) => {
    expect(() => parseJsonPath(template)).toThrow(new SyntaxError(reason));
  });

  it("throws nothing but SyntaxError and RangeError, whatever the template", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."{}[]().'\"\\@$*?:,=<>! ab01-range end".split("")) }),
        (text) => {
          try {
            parseJsonPath(text).print(data);
          } catch (error) {
            expect(error instanceof SyntaxError || error instanceof RangeError).toBe(true);
          }
        },
      ),
    );
  });

  it("refuses nesting that would exhaust the stack", () => {
    expect(() => parseJsonPath(`{${"[?(".repeat(5000)}`)).toThrow(SyntaxError);
  });
});
