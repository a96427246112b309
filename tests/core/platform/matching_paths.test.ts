import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../core/platform/files.ts";
import { matchingPaths } from "../../../core/platform/matching_paths.ts";

const names = ["a.yaml", "b.yaml", ".hidden", "b/a.yaml", "c/a.yaml", "c/x+y", "*", "[x]", "a-b"];

describe("matchingPaths()", () => {
  it.each([
    ["*.yaml", ["a.yaml", "b.yaml"]],
    ["?.yaml", ["a.yaml", "b.yaml"]],
    ["*/a.yaml", ["b/a.yaml", "c/a.yaml"]],
    ["[a-b].yaml", ["a.yaml", "b.yaml"]],
    ["[^a].yaml", ["b.yaml"]],
    ["[b\\-]/*", ["b/a.yaml"]],
    ["\\*", ["*"]],
    ["\\[x\\]", ["[x]"]],
    ["[[]x]", ["[x]"]],
    ["c/x+y*", ["c/x+y"]],
    ["c/x.y*", []],
    [".h*", [".hidden"]],
    ["none/*", []],
    ["a.yaml", ["a.yaml"]],
    ["none", []],
  ])("finds what %s matches", async (pattern, wanted) => {
    await using folder = await temporaryFolder("wherry-paths-");
    for (const part of ["b", "c"]) await mkdir(join(folder.path, part));
    for (const name of names) await writeFile(join(folder.path, name), "");
    const found = await matchingPaths(`${folder.path}/${pattern}`);
    expect(found.map((path) => path.slice(folder.path.length + 1))).toEqual(wanted);
  });

  it.each(["[", "[a", "[]", "a[]b]", "x\\", "[-a]", "none/[a"])("refuses %s", async (pattern) => {
    await expect(matchingPaths(pattern)).rejects.toThrow("syntax error in pattern");
  });
});
