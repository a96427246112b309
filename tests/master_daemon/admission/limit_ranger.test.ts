import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi, podObject, type TestApi } from "../apiserver/_api.ts";

const pods = "/api/v1/namespaces/default/pods";
const claims = "/api/v1/namespaces/default/persistentvolumeclaims";

async function openLimited(...limits: readonly JsonObject[]): Promise<TestApi> {
  const api = await openApi();
  const range = { apiVersion: "v1", kind: "LimitRange", metadata: { name: "limits" }, spec: { limits } };
  const answer = await api.create("/api/v1/namespaces/default/limitranges", range);
  expect(answer.status, answer.text).toBe(201);
  return api;
}

function podWith(...resources: readonly JsonObject[]): JsonObject {
  const containers = resources.map((one, index) => ({ name: `c${index}`, image: "busybox", resources: one }));
  return podObject("web", { containers });
}

function claim(storage: string): JsonObject {
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } };
  return { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec };
}

describe("LimitRanger", () => {
  it("fills in what containers leave out, and says so in an annotation", async () => {
    const api = await openLimited({
      type: "Container",
      default: { cpu: "500m", memory: "512Mi" },
      defaultRequest: { cpu: "100m", memory: "256Mi" },
    });
    const { json } = await api.create(pods, podWith({}, { requests: { cpu: "200m" }, limits: { cpu: "300m" } }));
    expect(json.metadata.annotations).toEqual({
      "kubernetes.io/limit-ranger":
        "LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; " +
        "memory request for container c1; memory limit for container c1",
    });
    expect(json.spec.containers.map((one: { resources: unknown }) => one.resources)).toEqual([
      { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
      { requests: { cpu: "200m", memory: "256Mi" }, limits: { cpu: "300m", memory: "512Mi" } },
    ]);
    expect(json.status.qosClass).toBe("Burstable");
  });

  const cases: readonly (readonly [string, JsonObject, JsonObject, string])[] = [
    [
      "too little",
      { type: "Container", min: { cpu: "100m" } },
      podWith({ requests: { cpu: "50m" } }),
      "minimum cpu usage per Container is 100m, but request is 50m",
    ],
    [
      "too much",
      { type: "Container", max: { memory: "1Gi" }, defaultRequest: { memory: "1Mi" } },
      podWith({ limits: { memory: "2Gi" } }),
      "maximum memory usage per Container is 1Gi, but limit is 2Gi",
    ],
    [
      "no limit where there is a maximum for pods",
      { type: "Pod", max: { cpu: "2" } },
      podWith({ requests: { cpu: "1" } }, {}),
      "maximum cpu usage per Pod is 2.  No limit is specified",
    ],
    [
      "too much of those containers that name it, and of sidecars",
      { type: "Pod", max: { cpu: "2" } },
      podObject("web", {
        containers: [
          { name: "a", image: "i", resources: { limits: { cpu: "1" } } },
          { name: "b", image: "i" },
        ],
        initContainers: [
          { name: "s", image: "i", restartPolicy: "Always", resources: { limits: { cpu: "1" } } },
          { name: "i", image: "i", resources: { limits: { cpu: "1500m" } } },
        ],
      }),
      "maximum cpu usage per Pod is 2, but limit is 2500m",
    ],
    [
      "less than the least, by what the pod says of itself",
      { type: "Pod", min: { memory: "1Gi" } },
      podObject("web", {
        resources: { requests: { memory: "512Mi" } },
        containers: [{ name: "a", image: "i", resources: { requests: { memory: "256Mi" } } }],
      }),
      "minimum memory usage per Pod is 1Gi, but request is 512Mi",
    ],
    [
      "too much of a pod as a whole",
      { type: "Pod", max: { cpu: "2" } },
      podWith({ limits: { cpu: "1500m" } }, { limits: { cpu: "1" } }),
      "[maximum cpu usage per Pod is 2, but limit is 2500m, maximum memory usage per Pod is 1Gi.  No limit is specified]",
    ],
    [
      "limits that are many times the request",
      { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
      podWith({ requests: { cpu: "100m" }, limits: { cpu: "250m" } }),
      "cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000",
    ],
  ];
  it.each(cases)("refuses %s", async (what, limit, pod, cause) => {
    const more = what.endsWith("whole") ? { type: "Pod", max: { cpu: "2", memory: "1Gi" } } : limit;
    const api = await openLimited(more);
    const { json } = await api.create(pods, pod);
    expect(json.message).toBe(`pods "web" is forbidden: ${cause}`);
    expect(json).toMatchObject({ code: 403, reason: "Forbidden" });
  });

  it("bounds what claims ask for, when they are created and when they grow", async () => {
    const api = await openLimited({ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "2Gi" } });
    expect((await api.create(claims, claim("500Mi"))).json.message).toBe(
      'persistentvolumeclaims "data" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
    );
    expect((await api.create(claims, claim("3Gi"))).json.message).toBe(
      'persistentvolumeclaims "data" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    );
    expect((await api.create(claims, claim("2Gi"))).status).toBe(201);
  });

  it("holds a pod to the limits when it is resized, and in no other change", async () => {
    const api = await openLimited({ type: "Container", max: { cpu: "500m" } });
    expect((await api.create(pods, podWith({ requests: { cpu: "100m" }, limits: { cpu: "200m" } }))).status).toBe(201);
    const patch = (path: string, body: JsonObject, type = "merge") =>
      api.call("PATCH", path, body, { "content-type": `application/${type}-patch+json` });
    const resized = (cpu: string) => {
      const resources = { requests: { cpu: "100m" }, limits: { cpu } };
      return patch(`${pods}/web/resize`, { spec: { containers: [{ name: "c0", resources }] } }, "strategic-merge");
    };
    expect((await resized("600m")).json.message).toBe(
      'pods "web" is forbidden: maximum cpu usage per Container is 500m, but limit is 600m',
    );
    expect((await resized("400m")).status).toBe(200);
    const limits = [{ type: "Container", max: { cpu: "1m" } }];
    expect((await patch("/api/v1/namespaces/default/limitranges/limits", { spec: { limits } })).status).toBe(200);
    expect((await patch(`${pods}/web`, { metadata: { labels: { a: "b" } } })).status).toBe(200);
  });

  it("takes a resource of any name, though JavaScript has members of that name", async () => {
    const api = await openLimited({ type: "Container", default: { "example.com/constructor": "1" } });
    const { json } = await api.create(pods, podWith({}));
    expect(json.spec.containers[0].resources.limits).toEqual({ "example.com/constructor": "1" });
  });
});
