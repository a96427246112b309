import { describe, expect, it } from "vitest";
import { fieldLines } from "../../commands/describe/fields.ts";
import { parseDuration } from "../../commands/durations.ts";
import { alignColumns, printable } from "../../commands/output/columns.ts";
import { TablePrinter } from "../../commands/output/table.ts";

describe("alignColumns()", () => {
  it("gives each column the width of its widest cell and three spaces", () => {
    expect(
      alignColumns([
        ["NAME", "READY"],
        ["web-1", "1/1"],
        ["a", "0/1"],
      ]),
    ).toEqual(["NAME    READY", "web-1   1/1", "a       0/1"]);
  });

  it("counts wide characters as two columns", () => {
    expect(
      alignColumns([
        ["日本", "x"],
        ["abcd", "y"],
      ]),
    ).toEqual(["日本   x", "abcd   y"]);
  });
});

describe("printable()", () => {
  it.each([
    ["plain", "plain"],
    ["a\nb", "a\\nb"],
    ["\u001b]0;x\u0007", "\\u001b]0;x\\u0007"],
    ["\u202eevil", "\\u202eevil"],
    ["\rover", "\\u000dover"],
  ])("writes out what would move the cursor: %j", (text, wanted) => {
    expect(printable(text)).toBe(wanted);
  });
});

describe("TablePrinter", () => {
  const columnDefinitions = [{ name: "Name" }, { name: "Ready" }, { name: "IP", priority: 1 }];
  const row = (name: string, ip: string, labels = {}) => ({
    cells: [name, "1/1", ip],
    object: { metadata: { name, namespace: "ns", labels } },
  });
  const options = { wide: false, headers: true, withNamespace: false, showLabels: false, labelColumns: [] };

  it("hides columns of priority 1 and prints headers once", () => {
    const printer = new TablePrinter(options);
    expect(printer.lines({ kind: "Table", columnDefinitions, rows: [row("web", "127.0.0.1")] })).toEqual([
      "NAME   READY",
      "web    1/1",
    ]);
    expect(printer.lines({ kind: "Table", rows: [row("db", "127.0.0.2")] })).toEqual(["db     1/1"]);
  });

  it("adds namespace, label columns and labels", () => {
    const printer = new TablePrinter({
      ...options,
      wide: true,
      withNamespace: true,
      showLabels: true,
      labelColumns: ["example.com/tier"],
    });
    expect(
      printer.lines({
        kind: "Table",
        columnDefinitions,
        rows: [row("web", "1.2.3.4", { "example.com/tier": "front" })],
      }),
    ).toEqual([
      "NAMESPACE   NAME   READY   IP        TIER    LABELS",
      "ns          web    1/1     1.2.3.4   front   example.com/tier=front",
    ]);
  });

  it("prints nothing for a table without rows", () => {
    expect(new TablePrinter(options).lines({ kind: "Table", columnDefinitions, rows: [] })).toEqual([]);
  });
});

describe("fieldLines()", () => {
  it("puts texts in one column and a list below its label", () => {
    expect(
      fieldLines([
        ["Name", "web"],
        ["Labels", ["a=1", "b=2"]],
        ["Gone", undefined],
        ["Empty", []],
      ]),
    ).toEqual(["Name:    web", "Labels:  a=1", "         b=2", "Empty:   <none>"]);
  });
});

describe("parseDuration()", () => {
  it.each([
    ["90s", 90_000],
    ["1m30s", 90_000],
    ["500ms", 500],
    ["2h", 7_200_000],
    ["15", 15_000],
    ["1.5s", 1500],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "soon", "5d", "-1s", "1s2", "9".repeat(100)])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(/invalid duration/);
  });
});
