import { execFile } from "node:child_process";
import { expect, it } from "vitest";
import { wherry } from "./harness.ts";

/** Runs the command to its end; what it wrote. */
function output(args: readonly string[]): Promise<string> {
  const [file = "", ...rest] = [...wherry, ...args];
  return new Promise((resolve) => execFile(file, rest, (_error, stdout, stderr) => resolve(stdout + stderr)));
}

it("wherry loads what a command needs, also when it runs from code that an earlier run compiled", async () => {
  const first = await output(["store", "verify", "/no/such/store"]);
  expect(first).toContain("/no/such/store");
  expect(await output(["store", "verify", "/no/such/store"])).toBe(first);
});
