import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { LocalRoutes } from "../../../core/platform/local_routes.ts";

const range = "10.111.254.0/29";
const address = "fd11:fe::77";
const present = () => execFileSync("ip", ["route", "show", "table", "local"], { encoding: "utf8" }).includes(range);

/** Whether this user may make something this machine's own. */
async function allowed(what: string): Promise<boolean> {
  const routes = new LocalRoutes();
  const added = await routes.add(what);
  await routes[Symbol.asyncDispose]();
  return added;
}

describe("LocalRoutes", async () => {
  it.skipIf(!(await allowed(range)))("adds a range once, and takes back only what it added", async () => {
    const routes = new LocalRoutes();
    expect(await routes.add(range)).toBe(true);
    expect(await routes.add(range)).toBe(true);
    expect(present()).toBe(true);
    await routes.remove("10.111.253.0/29");
    await routes[Symbol.asyncDispose]();
    expect(present()).toBe(false);
  });

  it.skipIf(!(await allowed(range)))("takes back at its end also what was still being added", async () => {
    const routes = new LocalRoutes();
    const adding = routes.add(range);
    await routes[Symbol.asyncDispose]();
    expect(await adding).toBe(true);
    expect(present()).toBe(false);
  });

  it.skipIf(!(await allowed(address)))(
    "makes an IPv6 address one that programs can listen on, until it is taken back",
    async () => {
      const routes = new LocalRoutes();
      expect(await routes.add(address)).toBe(true);
      const server = createServer().listen({ host: address, port: 0 });
      await once(server, "listening");
      server.close();
      await routes[Symbol.asyncDispose]();
      const refused = createServer().listen({ host: address, port: 0 });
      const [error] = await once(refused, "error");
      expect(error).toMatchObject({ code: expect.stringMatching(/^(EADDRNOTAVAIL|EINVAL)$/) });
    },
  );

  it("says no for what is no range, rather than fail", async () => {
    await using routes = new LocalRoutes();
    expect(await routes.add("nonsense")).toBe(false);
  });
});
