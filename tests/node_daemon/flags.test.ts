import { describe, expect, it } from "vitest";
import { parseLabels, parseSysctls, parseTaints, parseUlimits } from "../../node_daemon/flags.ts";

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

describe("parseSysctls()", () => {
  it("reads names and what names begin with", () => {
    expect(parseSysctls(["kernel.msg*,net.core.somaxconn", "net/ipv4/*"])).toEqual([
      "kernel.msg*",
      "net.core.somaxconn",
      "net.ipv4.*",
    ]);
  });
  it.each(["*", "net.*.x", "Net.x", `net.${"a.".repeat(200)}a`])("refuses %j", (word) => {
    expect(() => parseSysctls([word])).toThrow("Cannot read a kernel parameter");
  });
  it.each(["vm.swappiness", "kernel.panic", "net"])("refuses %j, which is the whole machine's", (word) => {
    expect(() => parseSysctls([word])).toThrow("that no pod has for itself");
  });
});

describe("parseUlimits()", () => {
  it("reads name=soft:hard words, the last of a name", () => {
    expect(parseUlimits(["nofile=5,nofile=1024:4096", "core=0:unlimited", "nproc=-1"])).toEqual([
      { name: "nofile", soft: 1024, hard: 4096 },
      { name: "core", soft: 0, hard: -1 },
      { name: "nproc", soft: -1, hard: -1 },
    ]);
  });
  it.each(["nofile", "files=1", "nofile=a", "nofile=1:2:3", "__proto__=1", "nofile=-2"])("refuses %j", (word) => {
    expect(() => parseUlimits([word])).toThrow("Cannot read a limit");
  });
  it.each(["nofile=2:1", "nofile=unlimited:1"])("refuses %j, whose soft limit is the greater", (word) => {
    expect(() => parseUlimits([word])).toThrow("the soft one is above the hard one");
  });
});
