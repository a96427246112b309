import { describe, expect, it } from "vitest";
import { compile, fromJson } from "../../../core/cel/mod.ts";
import { toJson } from "../../../core/cel/to_json.ts";
import { dyn, string } from "../../../core/cel/types.ts";
import { Uint, type Value } from "../../../core/cel/values.ts";

/** What `self` is in these tables; the same once typed, once dynamic where it matters. */
const self = {
  name: "héllo",
  count: 3,
  ratio: 1.5,
  list: [3, 1, 2],
  names: ["b", "a"],
  map: { x: "1", y: "2" },
  nested: { list: [{ name: "one", value: 1 }] },
  nothing: null,
};

function evaluate(source: string): Value {
  const program = compile(source, new Map([["self", dyn]]));
  return program.evaluate(new Map([["self", fromJson(self)]]));
}

function failure(source: string): string {
  try {
    evaluate(source);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error(`${source} has a value`);
}

describe("language", () => {
  it.each<[string, Value]>([
    ["1 + 2 * 3", 7n],
    ["(1 + 2) * 3", 9n],
    ["-9223372036854775808", -(2n ** 63n)],
    ["7 / 2", 3n],
    ["-7 / 2", -3n],
    ["-7 % 3", -1n],
    ["7.0 / 2.0", 3.5],
    ["0x1f", 31n],
    ["1e3", 1000],
    ["3u + 4u", new Uint(7n)],
    ["'a' + \"b\"", "ab"],
    ["r'\\d'", "\\d"],
    ["'\\u00e9'", "é"],
    ["b'ab' == b'ab'", true],
    ["[1, 2] + [3] == [1, 2, 3]", true],
    ["[] + [[]] + [[1]] == [[], [1]] && [] == [] && {} == {} && [] == [[]] || true", true],
    ["[].map(x, x.a.b) == [] && [[]].all(x, x.all(y, y > 1))", true],
    ["{'a': 1}.a", 1n],
    ["{'a': 1}['a']", 1n],
    ["{1: 'x'}[dyn(1u)]", "x"],
    ["1 < 2.5 && 2u > 1 && 1.0 <= 1", true],
    ["true || 1 / 0 == 1", true],
    ["1 / 0 == 1 || true", true],
    ["1 / 0 == 1 && false", false],
    ["false ? 1 : 2", 2n],
    ["2 in [1, 2]", true],
    ["[?optional.none(), 1, ?optional.of(2)] == [1, 2]", true],
    ["{?'a': optional.none(), 'b': 1, ?'c': optional.of(2),} == {'b': 1, 'c': 2}", true],
    ["{'a': [?optional.of({?'b': optional.of('[?{,?')})]} == {'a': [{'b': '[?{,?'}]} // , ?", true],
    ["[[1, 2][?0].orValue(3), true ? 1 : 2] == [1, 1]", true],
    ["'x' in self.map", true],
    ["'z' in self.map", false],
    ["has(self.count) && !has(self.missing) && has(self.map.x)", true],
    ["self.nothing == null", true],
    ["self.count == 3 && self.ratio == 1.5", true],
    ["self['count']", 3n],
    ["self.list[0]", 3n],
    ["self.list.all(x, x > 0)", true],
    ["self.list.exists(x, x == 2)", true],
    ["self.list.exists_one(x, x > 2)", true],
    ["self.list.map(x, x * 2) == [6, 2, 4]", true],
    ["self.list.map(x, x > 1, x * 2) == [6, 4]", true],
    ["self.list.filter(x, x > 1) == [3, 2]", true],
    ["self.map.all(k, k in ['x', 'y'])", true],
    ["self.map.all(k, v, k != v)", true],
    ["self.list.exists(i, v, i == 2 && v == 2)", true],
    ["self.list.existsOne(i, v, i == v)", false],
    ["self.list.transformList(i, v, i * v) == [0, 1, 4]", true],
    ["self.map.transformMap(k, v, v + k) == {'x': '1x', 'y': '2y'}", true],
    ["self.map.transformMap(k, v, k == 'x', v) == {'x': '1'}", true],
    ["self.map.transformMapEntry(k, v, {v: k}) == {'1': 'x', '2': 'y'}", true],
    ["self.list.all(x, x == 3 ? true : 1 / 0 == 1) || true", true],
    // An element that decides wins over one that fails.
    ["[0, 1].exists(x, 1 / x == 1)", true],
    ["[0, 2].all(x, 1 / x == 1)", false],
    ["cel.bind(n, self.count, n * n)", 9n],
    ["self.?missing.orValue('none')", "none"],
    ["self.?map.?x.orValue('none')", "1"],
    ["self.?map.x.hasValue()", true],
    ["self.list[?7].hasValue()", false],
    ["optional.of(1).optMap(x, x + 1).value()", 2n],
    ["optional.none().or(optional.of(2)).value()", 2n],
    ["optional.ofNonZeroValue('').hasValue()", false],
    ["optional.of(1).optFlatMap(x, optional.none()).hasValue()", false],
    ["type(self.count) == int && type('a') == string && type([]) == list", true],
    ["type(timestamp(0)) == google.protobuf.Timestamp", true],
    ["dyn(1) == 1.0", true],
    ["self.namespace == 1 || true", true],
    ["{'__proto__': 1}.__proto__", 1n],
  ])("%s", (source, value) => {
    expect(evaluate(source)).toEqual(value);
  });

  it.each([
    ["9223372036854775807 + 1", "integer overflow"],
    ["-(-9223372036854775808)", "integer overflow"],
    ["1u - 2u", "unsigned integer overflow"],
    ["1 / 0", "division by zero"],
    ["1 % 0", "modulus by zero"],
    ["self.missing", "no such key: missing"],
    ["self.__proto__", "no such key: __proto__"],
    ["self.constructor.name", "no such key: constructor"],
    ["self.list[3]", "index out of bounds: 3"],
    ["self.list[-1]", "index out of bounds: -1"],
    ["self.map['z']", "no such key: z"],
    ["self.name + 1", "no such overload"],
    ["self.count ? 1 : 2", "no such overload"],
    ["[1].exists_one(x, 1 / 0 == 1)", "division by zero"],
    ["optional.none().value()", "optional.none() dereference"],
    ["{'a': 1, 'a': 2}", "insert failed: key a already exists"],
    ["int('x')", 'strconv.ParseInt: parsing "x": invalid syntax'],
    ["int(1e30)", "integer overflow"],
  ])("%s fails with %s", (source, message) => {
    expect(failure(source)).toBe(message);
  });
});

describe("compile()", () => {
  const variables = new Map([["name", string]]);
  const mistakes = (source: string): string => {
    try {
      compile(source, variables);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    throw new Error(`${source} compiles`);
  };

  it.each([
    ["nam", "ERROR: <input>:1:1: undeclared reference to 'nam' (in container '')\n | nam\n | ^"],
    [
      "name + 1",
      "ERROR: <input>:1:6: found no matching overload for '_+_' applied to '(string, int)'\n | name + 1\n | .....^",
    ],
    [
      "name.startsWith(1)",
      "ERROR: <input>:1:16: found no matching overload for 'startsWith' applied to 'string.(int)'\n | name.startsWith(1)\n | ...............^",
    ],
    ["name.foo", "ERROR: <input>:1:5: type 'string' does not support field selection\n | name.foo\n | ....^"],
    ["foo(name)", "ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')\n | foo(name)\n | ...^"],
    ["name ==", "ERROR: <input>:1:8: Syntax error: unexpected token: EOF\n | name ==\n | .......^"],
    ["\n  nam", "ERROR: <input>:2:3: undeclared reference to 'nam' (in container '')\n |   nam\n | ..^"],
    ["[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"],
    [
      "name.all(c, true)",
      "ERROR: <input>:1:1: expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)\n | name.all(c, true)\n | ^",
    ],
    ["name.matches('(')", "ERROR: <input>:1:14: invalid matches argument\n | name.matches('(')\n | .............^"],
    ["has(name)", "ERROR: <input>:1:4: invalid argument to has() macro\n | has(name)\n | ...^"],
    ["9223372036854775808", "ERROR: <input>:1:1: invalid int literal\n | 9223372036854775808\n | ^"],
  ])("%s is refused", (source, message) => {
    expect(mistakes(source)).toBe(message);
  });

  it("tells every mistake", () => {
    expect(
      mistakes("a == 'x' && b == 'y'")
        .split("\n")
        .filter((line) => line.startsWith("ERROR")),
    ).toEqual([
      "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')",
      "ERROR: <input>:1:13: undeclared reference to 'b' (in container '')",
    ]);
  });

  it.each([
    ["parentheses", "(".repeat(2000) + ")".repeat(2000)],
    ["lists", "[".repeat(2000) + "]".repeat(2000)],
    ["minuses", `${"-".repeat(5000)}1`],
    ["sums", `1${"+1".repeat(5000)}`],
    ["members", `name${".a".repeat(5000)}`],
    ["length", " ".repeat(200_000)],
  ])("refuses an endless expression of %s", (_, source) => {
    expect(mistakes(source)).toMatch(/limit|maximum|exceeded|depth/i);
  });

  it("takes long chains of conditions", () => {
    const program = compile(Array.from({ length: 1000 }, () => "name == 'x'").join(" || "), variables);
    expect(program.evaluate(new Map([["name", "x"]]))).toBe(true);
  });
});

describe("toJson()", () => {
  it("keeps 64-bit integers, and makes numbers of those that need no more", () => {
    expect(toJson([5n, 2n ** 63n - 1n, -(2n ** 63n)])).toEqual([5, 2n ** 63n - 1n, -(2n ** 63n)]);
  });
});
