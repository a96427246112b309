import { describe, expect, it } from "vitest";
import { selectResources } from "../../commands/resource_args.ts";
import type { Client } from "../../core/client/client.ts";

/** A client whose server answers nothing. */
const unreachable = { raw: () => Promise.reject(new Error("asked the server")) } as unknown as Client;

describe("selectResources()", () => {
  it.each([
    ["pods", "pods", ""],
    ["po", "pods", ""],
    ["Deployment", "deployments", "apps"],
    ["deploy", "deployments", "apps"],
    ["svc", "services", ""],
    ["endpointslices", "endpointslices", "discovery.k8s.io"],
  ])("knows %s without asking the server", async (word, plural, group) => {
    const [selection] = await selectResources(unreachable, [word, "web"]);
    expect(selection?.resource).toMatchObject({ plural, group });
    expect(selection?.names).toEqual(["web"]);
  });

  it("knows which of them can be scaled", async () => {
    const [selection] = await selectResources(unreachable, ["deploy/web"]);
    expect(selection?.resource.subresources.map(({ name }) => name)).toContain("scale");
  });

  it.each(["crontabs", "deployments.apps", "all"])("asks the server what %s is", async (word) => {
    await expect(selectResources(unreachable, [word])).rejects.toThrow("asked the server");
  });
});
