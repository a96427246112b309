import { describe, expect, it } from "vitest";
import { discover, findResource, findResourceOf, resourcesOfCategory } from "../../../core/client/discovery.ts";
import { nearest } from "../../../core/client/nearest.ts";
import { answer, fakeApi } from "./fake_api.ts";

function legacyResource(name: string, kind: string, more: object = {}): object {
  return { name, singularName: kind.toLowerCase(), namespaced: true, kind, verbs: ["get", "list"], ...more };
}

const documents: Record<string, object> = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": {
    kind: "APIGroupList",
    groups: [
      {
        name: "apps",
        versions: [{ groupVersion: "apps/v1beta1" }, { groupVersion: "apps/v1" }],
        preferredVersion: { groupVersion: "apps/v1" },
      },
      { name: "broken.example.com", versions: [{ groupVersion: "broken.example.com/v1" }] },
      { name: "metrics.k8s.io", versions: [{ groupVersion: "metrics.k8s.io/v1" }] },
    ],
  },
  "/api/v1": {
    resources: [
      legacyResource("pods", "Pod", { shortNames: ["po"], categories: ["all"] }),
      legacyResource("pods/log", "Pod", { verbs: ["get"] }),
      legacyResource("nodes", "Node", { namespaced: false, shortNames: ["no"] }),
    ],
  },
  "/apis/apps/v1": {
    resources: [
      legacyResource("deployments", "Deployment", { shortNames: ["deploy"], categories: ["all"] }),
      legacyResource("deployments/scale", "Scale", { verbs: ["get", "patch"] }),
    ],
  },
  "/apis/apps/v1beta1": { resources: [legacyResource("deployments", "Deployment", { categories: ["all"] })] },
  "/apis/metrics.k8s.io/v1": {
    resources: [legacyResource("nodes", "NodeMetrics"), legacyResource("pods", "PodMetrics")],
  },
};

const failures: string[] = [];

async function discovered() {
  failures.length = 0;
  const { client } = fakeApi(({ path }) => {
    const document = documents[path];
    return document ? answer(200, document) : answer(503, "unavailable");
  });
  return discover(client, { onFailure: (groupVersion) => failures.push(groupVersion) });
}

describe("discover()", () => {
  it("reads one document per group version, preferred versions first, without those that fail", async () => {
    const resources = await discovered();
    expect(resources.map(({ group, version, plural }) => `${group}/${version} ${plural}`)).toEqual([
      "/v1 pods",
      "/v1 nodes",
      "apps/v1 deployments",
      "apps/v1beta1 deployments",
      "metrics.k8s.io/v1 nodes",
      "metrics.k8s.io/v1 pods",
    ]);
    expect(failures).toEqual(["broken.example.com/v1"]);
    expect(resources[2]).toEqual({
      group: "apps",
      version: "v1",
      kind: "Deployment",
      plural: "deployments",
      namespaced: true,
      singular: "deployment",
      shortNames: ["deploy"],
      categories: ["all"],
      verbs: ["get", "list"],
      subresources: [{ name: "scale", kind: "Scale", verbs: ["get", "patch"] }],
    });
  });

  it("reads aggregated documents when the server offers them", async () => {
    const { client, requests } = fakeApi(({ path }) => {
      const resource = {
        resource: "deployments",
        responseKind: { group: "apps", version: "v1", kind: "Deployment" },
        scope: "Namespaced",
        singularResource: "deployment",
        verbs: ["get"],
        shortNames: ["deploy"],
        subresources: [{ subresource: "scale", responseKind: { kind: "Scale" }, verbs: ["get"] }],
      };
      const items =
        path === "/apis" ? [{ metadata: { name: "apps" }, versions: [{ version: "v1", resources: [resource] }] }] : [];
      return answer(
        200,
        { kind: "APIGroupDiscoveryList", items },
        { "content-type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" },
      );
    });
    expect(await discover(client)).toEqual([
      {
        group: "apps",
        version: "v1",
        kind: "Deployment",
        plural: "deployments",
        namespaced: true,
        singular: "deployment",
        shortNames: ["deploy"],
        categories: [],
        verbs: ["get"],
        subresources: [{ name: "scale", kind: "Scale", verbs: ["get"] }],
      },
    ]);
    expect(requests.map(({ path }) => path)).toEqual(["/api", "/apis"]);
  });

  it("throws what a server answers that lets nobody in", async () => {
    const { client } = fakeApi(() => answer(401, ""));
    await expect(discover(client)).rejects.toMatchObject({ reason: "Unauthorized" });
  });
});

describe("findResource()", () => {
  it.each([
    ["po", "/v1 Pod"],
    ["pods", "/v1 Pod"],
    ["Pod", "/v1 Pod"],
    ["POD", "/v1 Pod"],
    ["nodes", "/v1 Node"],
    ["pods.v1", "/v1 Pod"],
    ["pods.v1.", "/v1 Pod"],
    ["nodes.metrics.k8s.io", "metrics.k8s.io/v1 NodeMetrics"],
    ["nodes.metrics", "metrics.k8s.io/v1 NodeMetrics"],
    ["NodeMetrics", "metrics.k8s.io/v1 NodeMetrics"],
    ["deploy", "apps/v1 Deployment"],
    ["deployments.apps", "apps/v1 Deployment"],
    ["deployment.v1beta1.apps", "apps/v1beta1 Deployment"],
    ["Deployment.v1.apps", "apps/v1 Deployment"],
  ])("takes %s for %s", async (name, expected) => {
    const { group, version, kind } = findResource(await discovered(), name);
    expect(`${group}/${version} ${kind}`).toBe(expected);
  });

  it.each([
    ["deploymnet", `the server doesn't have a resource type "deploymnet"; did you mean "deployment"?`],
    ["deployments.v2.apps", `the server doesn't have a resource type "deployments"`],
    ["constructor", `the server doesn't have a resource type "constructor"`],
  ])("says what is nearest to %s", async (name, message) => {
    const resources = await discovered();
    expect(() => findResource(resources, name)).toThrow(
      expect.objectContaining({ name: "UnknownResourceError", message }),
    );
  });
});

describe("findResourceOf()", () => {
  it("finds the resource of a manifest, or says where the kind is", async () => {
    const resources = await discovered();
    expect(findResourceOf(resources, { apiVersion: "v1", kind: "Pod" }).plural).toBe("pods");
    expect(findResourceOf(resources, { apiVersion: "apps/v1beta1", kind: "Deployment" }).version).toBe("v1beta1");
    const wrong = (apiVersion: string, kind: string) => () => findResourceOf(resources, { apiVersion, kind });
    expect(wrong("v1", "Deployment")).toThrow(
      'no matches for kind "Deployment" in version "v1"; did you mean "apps/v1"?',
    );
    expect(wrong("v1", "Pdo")).toThrow('no matches for kind "Pdo" in version "v1"; did you mean "Pod"?');
  });
});

describe("resourcesOfCategory()", () => {
  it("gives each listable resource of a category once", async () => {
    const found = resourcesOfCategory(await discovered(), "all");
    expect(found.map(({ version, plural }) => `${version} ${plural}`)).toEqual(["v1 pods", "v1 deployments"]);
  });
});

describe("nearest()", () => {
  it.each([
    ["pdo", "pod"],
    ["servce", "service"],
    ["xyz", undefined],
    ["pod", "pod"],
  ])("takes %s for %s", (word, expected) => {
    expect(nearest(word, ["pod", "service", "deployment"])).toBe(expected);
  });
});
