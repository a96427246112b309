import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Client } from "../../../core/client/client.ts";
import { cacheFileName, readDiscovery, refreshDiscovery } from "../../../core/client/discovery_cache.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";

const document = {
  kind: "APIGroupDiscoveryList",
  items: [
    {
      metadata: { name: "" },
      versions: [
        {
          version: "v1",
          resources: [{ resource: "pods", responseKind: { kind: "Pod" }, scope: "Namespaced", verbs: ["get"] }],
        },
      ],
    },
  ],
};

/** A client whose server has one resource. */
const client = {
  raw: async ({ path }: { readonly path: string }) => ({
    status: 200,
    headers: { "content-type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" },
    body: new TextEncoder().encode(JSON.stringify(path === "/api" ? document : { items: [] })),
  }),
} as unknown as Client;

describe("the cache of discovery", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wherry-discovery-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("gives what the server said for ten minutes", async () => {
    const clock = new FakeClock();
    const cache = { path: join(folder, "below", "x.json"), clock };
    expect(await readDiscovery(cache)).toBeUndefined();
    await refreshDiscovery(client, cache);
    expect((await readDiscovery(cache))?.map(({ plural }) => plural)).toEqual(["pods"]);
    await clock.advance(10 * 60_000 - 1);
    expect(await readDiscovery(cache)).toBeDefined();
    await clock.advance(1);
    expect(await readDiscovery(cache)).toBeUndefined();
  });

  it("is for its owner only, and leaves nothing else behind", async () => {
    const cache = { path: join(folder, "below", "x.json"), clock: new FakeClock() };
    await refreshDiscovery(client, cache);
    expect((await stat(cache.path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "below"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, "below"))).toEqual(["x.json"]);
  });

  it.each(["", "{", "null", '{"version":2}', '{"version":1,"at":1e99,"resources":[]}'])(
    "takes a file with %j for none",
    async (text) => {
      const path = join(folder, "x.json");
      await writeFile(path, text);
      expect(await readDiscovery({ path, clock: new FakeClock() })).toBeUndefined();
    },
  );
});

describe("cacheFileName()", () => {
  it("has nothing in it that leads to another folder", () => {
    expect(cacheFileName("https://127.0.0.1:6443/../x")).toBe("127.0.0.1_6443_.._x.json");
  });
});
