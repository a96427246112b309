import { describe, expect, it } from "vitest";
import { type ParseOptions, parseArgs } from "../../npm/std-cli/mod.ts";

describe("parseArgs() of the stand-in for @std/cli", () => {
  const cases: readonly (readonly [line: string, options: ParseOptions, args: object])[] = [
    ["a 2 --name x b", {}, { _: ["a", 2, "b"], name: "x" }],
    ["--count 3 --rate=0.5 --on", {}, { _: [], count: 3, rate: 0.5, on: true }],
    ["--on a", {}, { _: [], on: "a" }],
    ["--on a", { boolean: ["on", "off"] }, { _: ["a"], on: true, off: false }],
    ["--on=false --off true", { boolean: ["on", "off"] }, { _: [], on: false, off: true }],
    ["--id 007 --empty", { string: ["id", "empty"] }, { _: [], id: "007", empty: "" }],
    ["-abc x -n5 -p/tmp -k=v", {}, { _: [], a: true, b: true, c: "x", n: 5, p: "/tmp", k: "v" }],
    ["-n 2", { alias: { n: "count" } }, { _: [], count: 2, n: 2 }],
    ["-l a -l b", { collect: ["l"] }, { _: [], l: ["a", "b"] }],
    ["-l a -l b", {}, { _: [], l: "b" }],
    ["", { default: { count: 2 } }, { _: [], count: 2 }],
    ["--a.b 1 --a.c=2", {}, { _: [], a: { b: 1, c: 2 } }],
    ["--on -- --off x", {}, { _: ["--off", "x"], on: true }],
  ];
  it.each(cases)("reads %j with %j", (line, options, args) => {
    expect(parseArgs(line.split(" ").filter(Boolean), options)).toEqual(args);
  });

  it("takes __proto__ for a name like any other", () => {
    const args = parseArgs(["--__proto__.polluted=1"]);
    expect(Object.getPrototypeOf(args)).toBe(Object.prototype);
    expect("polluted" in {}).toBe(false);
  });
});
