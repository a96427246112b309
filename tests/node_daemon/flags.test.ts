import { describe, expect, it } from "vitest";
import { parseLabels, parseTaints } from "../../node_daemon/flags.ts";

describe("parseLabels()", () => {
  it("reads key=value words", () => {
    expect(parseLabels(["a=1,b=2", "c="])).toEqual({ a: "1", b: "2", c: "" });
    expect(Object.keys(parseLabels(["__proto__=x"]))).toEqual(["__proto__"]);
  });
  it.each(["=x", "a=b=c"])("refuses %j", (word) => {
    expect(() => parseLabels([word])).toThrow("Cannot read a label");
  });
});

describe("parseTaints()", () => {
  it("reads key=value:effect words", () => {
    expect(parseTaints(["a=1:NoSchedule,b:NoExecute"])).toEqual([
      { key: "a", value: "1", effect: "NoSchedule" },
      { key: "b", effect: "NoExecute" },
    ]);
  });
  it.each(["a", "a=1", "a:Sometimes", ":NoSchedule", "a=b=c:NoSchedule"])("refuses %j", (word) => {
    expect(() => parseTaints([word])).toThrow("Cannot read a taint");
  });
});
