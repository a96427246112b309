import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { LocalRoutes } from "../../../core/platform/local_routes.ts";

const range = "10.111.254.0/29";
const present = () => execFileSync("ip", ["route", "show", "table", "local"], { encoding: "utf8" }).includes(range);

/** Whether this user may change routes here. */
async function allowed(): Promise<boolean> {
  const routes = new LocalRoutes();
  const added = await routes.add(range);
  await routes[Symbol.asyncDispose]();
  return added;
}

describe("LocalRoutes", async () => {
  it.skipIf(!(await allowed()))("adds a range once, and takes back only what it added", async () => {
    const routes = new LocalRoutes();
    expect(await routes.add(range)).toBe(true);
    expect(await routes.add(range)).toBe(true);
    expect(present()).toBe(true);
    await routes.remove("10.111.253.0/29");
    await routes[Symbol.asyncDispose]();
    expect(present()).toBe(false);
  });

  it("says no for what is no range, rather than fail", async () => {
    await using routes = new LocalRoutes();
    expect(await routes.add("nonsense")).toBe(false);
  });
});
