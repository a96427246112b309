import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { TestSpecification, Vitest } from "vitest/node";
import { LongestFirst, longest } from "./longest_first.ts";

/** The runner, as it knows of files what their sizes are. */
function runner(sizes: Readonly<Record<string, number>>): Vitest {
  const cache = {
    getFileTestResults: () => undefined,
    getFileStats: (key: string) => ({ size: sizes[key.replace(/^.*tests\//, "")] }),
  };
  return { cache, config: { root: "/" } } as unknown as Vitest;
}

function specification(file: string): TestSpecification {
  const project = { name: "", config: { isolate: false, sequence: { groupOrder: 0 } } };
  return { moduleId: `/tests/${file}`, project } as unknown as TestSpecification;
}

describe("LongestFirst", () => {
  it("starts what takes longest first, and the larger first of those that stand together", async () => {
    const sizes = {
      "core/util/large.test.ts": 5,
      "e2e/small.test.ts": 1,
      "commands/small.test.ts": 2,
      "e2e_docker/small.test.ts": 3,
      "e2e/large.test.ts": 4,
    };
    const sorted = await new LongestFirst(runner(sizes)).sort(Object.keys(sizes).map(specification));
    expect(sorted.map(({ moduleId }) => moduleId.replace("/tests/", ""))).toEqual([
      "e2e_docker/small.test.ts",
      "e2e/large.test.ts",
      "e2e/small.test.ts",
      "core/util/large.test.ts",
      "commands/small.test.ts",
    ]);
  });

  it("names files that there are", () => {
    const files = readdirSync(dirname(fileURLToPath(import.meta.url)), { recursive: true, encoding: "utf8" });
    for (const start of longest)
      expect(
        files.some((file) => file.startsWith(start) && file.endsWith(".test.ts")),
        start,
      ).toBe(true);
  });
});
