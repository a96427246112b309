import { describe, expect, it } from "vitest";
import { openApi } from "./_api.ts";

const aggregated = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

describe("discovery", () => {
  it("serves the older documents", async () => {
    const api = await openApi();
    expect((await api.call("GET", "/api", undefined, { host: "h:1" })).json).toEqual({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "h:1" }],
    });
    const groups = (await api.call("GET", "/apis")).json;
    expect(groups).toMatchObject({ kind: "APIGroupList", apiVersion: "v1" });
    // The order decides who owns a name that several groups have.
    const names: readonly string[] = groups.groups.map((group: { name: string }) => group.name);
    const known = [
      "apps",
      "autoscaling",
      "batch",
      "certificates.k8s.io",
      "networking.k8s.io",
      "policy",
      "rbac.authorization.k8s.io",
      "storage.k8s.io",
    ];
    expect(names.filter((name) => known.includes(name))).toEqual(known);
    expect(new Set(names).size).toBe(names.length);
    expect((await api.call("GET", "/apis/apps")).json).toMatchObject({
      kind: "APIGroup",
      name: "apps",
      preferredVersion: { groupVersion: "apps/v1", version: "v1" },
    });
    const core = (await api.call("GET", "/api/v1")).json;
    expect(core).toMatchObject({ kind: "APIResourceList", groupVersion: "v1" });
    const find = (name: string) => core.resources.find((resource: { name: string }) => resource.name === name);
    expect(find("pods")).toMatchObject({
      singularName: "pod",
      // What every Kubernetes since 1.14 says of pods.
      storageVersionHash: "xPOwRZ+Yhw8=",
      namespaced: true,
      kind: "Pod",
      shortNames: ["po"],
      categories: ["all"],
    });
    expect(find("namespaces").verbs).not.toContain("deletecollection");
    expect(find("pods/eviction")).toEqual({
      name: "pods/eviction",
      singularName: "",
      namespaced: true,
      group: "policy",
      version: "v1",
      kind: "Eviction",
      verbs: ["create"],
    });
    expect(find("pods/log").verbs).toEqual(["get"]);
    expect(find("bindings").verbs).toEqual(["create"]);
    const apps = (await api.call("GET", "/apis/apps/v1")).json;
    expect(apps.resources.map((resource: { name: string }) => resource.name)).toContain("deployments/scale");
  });

  it.each([
    ["batch", "cronjobs"],
    ["policy", "poddisruptionbudgets"],
  ])("tells clients of the older documents, and no others, of the beta version of %s", async (group, plural) => {
    const api = await openApi();
    const { versions, preferredVersion } = (await api.call("GET", `/apis/${group}`)).json;
    expect(preferredVersion.version).toBe("v1");
    expect(versions.map(({ version }: { version: string }) => version)).toEqual(["v1", "v1beta1"]);
    const { resources } = (await api.call("GET", `/apis/${group}/v1beta1`)).json;
    expect(resources.map(({ name }: { name: string }) => name)).toEqual([plural, `${plural}/status`]);
    const { items } = (await api.call("GET", "/apis", undefined, { accept: aggregated("v2") })).json;
    const found = items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === group);
    expect(found.versions.map(({ version }: { version: string }) => version)).toEqual(["v1"]);
  });

  it.each(["v2", "v2beta1"])("serves everything in one document: %s", async (version) => {
    const api = await openApi();
    const answer = await api.call("GET", "/apis", undefined, { accept: `${aggregated(version)},application/json` });
    expect(answer.headers["content-type"]).toBe(aggregated(version));
    expect(answer.json).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}` });
    const apps = answer.json.items.find((item: { metadata: { name: string } }) => item.metadata.name === "apps");
    const deployments = apps.versions[0].resources.find(
      (resource: { resource: string }) => resource.resource === "deployments",
    );
    expect(deployments).toMatchObject({
      scope: "Namespaced",
      singularResource: "deployment",
      responseKind: { group: "apps", version: "v1", kind: "Deployment" },
    });
    const etag = answer.headers["etag"] as string;
    const again = await api.call("GET", "/apis", undefined, { accept: aggregated(version), "if-none-match": etag });
    expect([again.status, again.text]).toEqual([304, ""]);
  });

  it("chooses the first version that the client takes, and the older form when it takes none", async () => {
    const api = await openApi();
    const type = async (accept: string) =>
      (await api.call("GET", "/api", undefined, { accept })).headers["content-type"];
    expect(await type(`${aggregated("v2")},${aggregated("v2beta1")},application/json`)).toBe(aggregated("v2"));
    expect(await type("application/json")).toBe("application/json");
    expect(await type(`${aggregated("v9")},application/json`)).toBe("application/json");
  });

  it("serves health, version and metrics", async () => {
    const api = await openApi({ healthChecks: [{ name: "start", live: false, check: () => "not yet" }] });
    expect((await api.call("GET", "/livez")).text).toBe("ok");
    const ready = await api.call("GET", "/readyz");
    expect([ready.status, ready.text]).toEqual([
      500,
      "[+]ping ok\n[+]shutdown ok\n[-]start failed: not yet\nreadyz check failed\n",
    ]);
    expect((await api.call("GET", "/readyz?exclude=start")).text).toBe("ok");
    expect((await api.call("GET", "/readyz/ping?verbose")).text).toBe("[+]ping ok\nreadyz check passed\n");
    expect((await api.call("GET", "/version")).json).toMatchObject({
      major: "1",
      minor: "36",
      platform: expect.stringMatching(/^\w+\/\w+$/),
    });
    await api.call("GET", "/api/v1/namespaces/default/nothings");
    const { text } = await api.call("GET", "/metrics");
    expect(text).toContain(
      'apiserver_request_total{code="201",component="apiserver",dry_run="",verb="CREATE",group="",version="v1",resource="namespaces",subresource="",scope="cluster"} 1',
    );
    expect(text).toMatch(/wherry_store_revision \d+/);
    expect(text).not.toContain("nothings");
  });
});
