import { describe, expect, it } from "vitest";
import { parseDuration } from "../../commands/durations.ts";
import { alignColumns } from "../../commands/output/columns.ts";
import { errorText } from "../../commands/output/errors.ts";
import { tabbed } from "../../commands/output/tabbed.ts";
import { TablePrinter } from "../../commands/output/table.ts";
import { UsageError } from "../../commands/verb.ts";
import { fieldError, StatusError } from "../../core/api/status.ts";
import { ConnectionError } from "../../core/client/connection_error.ts";
import { printable, printableLines } from "../../core/util/printable.ts";

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

describe("printableLines()", () => {
  it("keeps lines and tabs, and writes out the rest", () => {
    expect(printableLines("a\tb\n\u001b[2Jc\r\n")).toBe("a\tb\n\\u001b[2Jc\\u000d\n");
  });
});

describe("errorText()", () => {
  const kind = { group: "apps", kind: "Deployment" };
  const image = fieldError.required("spec.containers[0].image");
  const replicas = fieldError.invalid("spec.replicas", -1, "must be greater than or equal to 0");

  it.each([
    [
      "one field",
      StatusError.invalid(kind, "web", [image]),
      'The Deployment "web" is invalid: spec.containers[0].image: Required value',
    ],
    [
      "several fields",
      StatusError.invalid(kind, "web", [image, replicas]),
      'The Deployment "web" is invalid: \n* spec.containers[0].image: Required value\n* spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      "a missing object",
      StatusError.notFound({ group: "", plural: "pods" }, "web"),
      'Error from server (NotFound): error when applying "web": pods "web" not found',
    ],
    [
      "no connection",
      new ConnectionError("h:1", "ECONNREFUSED", "The connection to the server h:1 was refused"),
      "The connection to the server h:1 was refused",
    ],
    ["its own failure", new UsageError("must specify -f"), 'error: error when applying "web": must specify -f'],
    ["what would move the cursor", StatusError.badRequest("a\u001b[2J"), expect.stringContaining("a\\u001b[2J")],
  ])("says %s as kubectl does", (_what, error, wanted) => {
    expect(errorText(error, 'applying "web"')).toEqual(wanted);
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

describe("tabbed()", () => {
  it("gives cells of neighbouring lines one width, and begins anew behind a line without them", () => {
    expect(tabbed("Name:\tx\nLabels:\ta=1\n\tb=2\nEvents:\nA\tB\tc\nlonger\t\tc\n")).toBe(
      "Name:    x\nLabels:  a=1\n         b=2\nEvents:\nA       B  c\nlonger     c\n",
    );
  });

  it("goes on with the widths that columns had", () => {
    const widths: number[] = [];
    tabbed("long name\tx\n", { padding: 3, minWidth: 6, widths });
    expect(tabbed("a\tx\n", { padding: 3, minWidth: 6, widths })).toBe("a           x\n");
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
    ["-1s", -1000],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "soon", "5d", "--1s", "1s2", "9".repeat(100)])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(/invalid duration/);
  });
});
