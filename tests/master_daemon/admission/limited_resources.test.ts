import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { readAdmissionConfiguration } from "../../../master_daemon/admission/mod.ts";
import { writeTemporary } from "../_kubeconfig.ts";
import { openApi, podObject } from "../apiserver/_api.ts";

const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
const pods = "/api/v1/namespaces/default/pods";

function configuration(...limitedResources: readonly JsonObject[]) {
  const plugin = { apiVersion: "apiserver.config.k8s.io/v1", kind: "ResourceQuotaConfiguration", limitedResources };
  return readAdmissionConfiguration(
    writeTemporary(
      "admission.yaml",
      JSON.stringify({
        apiVersion: "apiserver.config.k8s.io/v1",
        kind: "AdmissionConfiguration",
        plugins: [{ name: "ResourceQuota", configuration: plugin }],
      }),
    ),
  );
}

async function openLimited(...limited: readonly JsonObject[]) {
  const api = await openApi({ plugins: { configuration: await configuration(...limited) } });
  const addQuota = async (spec: JsonObject) => {
    const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "quota" }, spec };
    expect((await api.create("/api/v1/namespaces/default/resourcequotas", quota)).status).toBe(201);
  };
  return { api, addQuota };
}

const claim = (name: string): JsonObject => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
});

describe("limitedResources", () => {
  it("of what a name contains nothing may be had without a quota, and as much as it says with one", async () => {
    const { api, addQuota } = await openLimited({
      resource: "persistentvolumeclaims",
      matchContains: ["requests.storage"],
    });
    expect((await api.create(claims, claim("a"))).json).toMatchObject({
      code: 403,
      message: 'persistentvolumeclaims "a" is forbidden: insufficient quota to consume: requests.storage',
    });
    expect((await api.create(pods, podObject("p"))).status).toBe(201);
    await addQuota({ hard: { "requests.storage": "1Gi" } });
    expect((await api.create(claims, claim("a"))).status).toBe(201);
    expect((await api.create(claims, claim("b"))).json.message).toContain("exceeded quota: quota");
  });

  it("a quota on something else is none", async () => {
    const { api, addQuota } = await openLimited({
      resource: "persistentvolumeclaims",
      matchContains: ["requests.storage"],
    });
    await addQuota({ hard: { persistentvolumeclaims: "5" } });
    expect((await api.create(claims, claim("a"))).json.message).toContain("insufficient quota to consume");
  });

  it("of a priority nothing may be had without a quota for it", async () => {
    const scope = { scopeName: "PriorityClass", operator: "In", values: ["precious"] };
    const { api, addQuota } = await openLimited({ resource: "pods", matchScopes: [scope] });
    await api.create("/apis/scheduling.k8s.io/v1/priorityclasses", {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name: "precious" },
      value: 1000,
    });
    const precious = (name: string) => {
      const pod = podObject(name);
      return { ...pod, spec: { ...(pod["spec"] as JsonObject), priorityClassName: "precious" } };
    };
    expect((await api.create(pods, podObject("plain"))).status).toBe(201);
    expect((await api.create(pods, precious("a"))).json).toMatchObject({
      code: 403,
      message: 'pods "a" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [precious]}]',
    });
    await addQuota({ hard: { pods: "1" }, scopeSelector: { matchExpressions: [scope] } });
    expect((await api.create(pods, precious("a"))).status).toBe(201);
    expect((await api.create(pods, precious("b"))).json.message).toContain("exceeded quota: quota");
  });

  it.each<[JsonObject, string]>([
    [{}, "limitedResources[0].resource: null"],
    [{ resource: "pods", matchContains: "cpu" }, 'limitedResources[0].matchContains: "cpu"'],
    [
      { resource: "pods", matchScopes: [{ scopeName: "PriorityClass", operator: "Is" }] },
      "limitedResources[0].matchScopes",
    ],
  ])("refuses %j", async (limited, message) => {
    await expect(configuration(limited)).rejects.toThrow(message);
  });
});
