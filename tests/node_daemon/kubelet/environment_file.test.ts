import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { variableInFile } from "../../../node_daemon/kubelet/environment_file.ts";

describe("variableInFile()", () => {
  const file = `  A='1'
# a comment, 'quoted'

	B='two words'   # said
MANY='first
  # no comment, $HOME, \\n
third' 
EMPTY=''
LAST='ä "=" #'`;

  it.each([
    ["A", "1"],
    ["B", "two words"],
    ["MANY", "first\n  # no comment, $HOME, \\n\nthird"],
    ["EMPTY", ""],
    ["LAST", 'ä "=" #'],
    ["NONE", ""],
    ["__proto__", ""],
  ])("%s is %j, as in a shell", (name, value) => {
    expect(variableInFile(file, name)).toBe(value);
    const script = `${file}\nprintf %s "$${name}"`;
    expect(execFileSync("/bin/sh", ["-c", script], { env: {}, encoding: "utf8" })).toBe(value);
  });

  it.each([
    ["A='1'\nB", "at line 2: no variable is set"],
    ["='1'", "at line 1: no variable is set"],
    ["A ='1'", "at line 1: whitespace before '=' is not allowed"],
    ["A=1", "at line 1: value must be enclosed in single quotes"],
    ['A="1"', "at line 1: value must be enclosed in single quotes"],
    ["A= '1'", "at line 1: value must be enclosed in single quotes"],
    ["A='1\n2", "at line 1: unclosed single quote"],
    ["A='1''2'", "at line 1: unexpected content after closing quote"],
    ["A='1\n2'x", "at line 1: unexpected content after closing quote"],
    ["A='1'#x", "at line 1: unexpected content after closing quote"],
  ])("refuses %j", (text, message) => {
    expect(() => variableInFile(text, "C")).toThrow(new SyntaxError(`invalid environment variable format ${message}`));
  });

  it("takes no longer for a long file than it has lines", () => {
    const long = `${" ".repeat(100_000)}\n${"A='".padEnd(100_000, "'x='")}`;
    expect(() => variableInFile(long, "C")).toThrow("unexpected content");
    expect(variableInFile("A='1'\n".repeat(50_000), "C")).toBe("");
  });
});
