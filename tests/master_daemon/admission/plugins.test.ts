import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import type { Attributes } from "../../../master_daemon/authorization/authorizer.ts";
import { type Answer, configMap, openApi, podObject, type TestApi } from "../apiserver/_api.ts";

const pods = "/api/v1/namespaces/default/pods";
const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
const classes = "/apis/storage.k8s.io/v1/storageclasses";
const merge = { "content-type": "application/merge-patch+json" };

function priorityClass(name: string, value: number, more: JsonObject = {}): JsonObject {
  return { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name }, value, ...more };
}

function storageClass(name: string, annotations: JsonObject = {}, more: JsonObject = {}): JsonObject {
  const metadata = { name, annotations };
  return { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata, provisioner: "example.com/disk", ...more };
}

function claim(name: string, spec: JsonObject = {}): JsonObject {
  const resources = { requests: { storage: "1Gi" } };
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: { accessModes: ["ReadWriteOnce"], resources, ...spec },
  };
}

function runtimeClass(more: JsonObject): JsonObject {
  return { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", metadata: { name: "vm" }, handler: "vm", ...more };
}

async function created(api: TestApi, path: string, object: JsonObject): Promise<Answer> {
  const answer = await api.create(path, object);
  expect(answer.status, answer.text).toBe(201);
  return answer;
}

describe("admissionPlugins()", () => {
  it("are on and off as with Kubernetes, and can be switched by name", async () => {
    const usual = await openApi({ plugins: { disable: [] } });
    const { json } = await usual.create(pods, podObject("web", { serviceAccountName: "missing" }));
    expect(json.message).toContain("error looking up service account default/missing");
    const api = await openApi({ plugins: { enable: ["AlwaysPullImages"], disable: ["ServiceAccount", "Priority"] } });
    const { spec } = (await created(api, pods, podObject("web"))).json;
    expect([spec.containers[0].imagePullPolicy, spec.priority]).toEqual(["Always", undefined]);
  });

  it.each([
    [{ enable: ["Nonsense"] }, 'plugin "Nonsense" is unknown'],
    [{ enable: ["Priority"], disable: ["Priority"] }, "at once"],
    [{ enable: ["ImagePolicyWebhook"] }, "this plugin is not available"],
  ])("refuses names that make no sense: %j", async (plugins, problem) => {
    await expect(openApi({ plugins })).rejects.toThrow(problem);
  });
});

describe("Priority", () => {
  const path = "/apis/scheduling.k8s.io/v1/priorityclasses";

  it("gives pods the value and the policy of their class, or of the default one", async () => {
    const api = await openApi();
    expect((await created(api, pods, podObject("none"))).json.spec).toMatchObject({
      priority: 0,
      preemptionPolicy: "PreemptLowerPriority",
    });
    await created(api, path, priorityClass("high", 1000, { preemptionPolicy: "Never" }));
    await created(api, path, priorityClass("usual", 10, { globalDefault: true }));
    const high = await created(api, pods, podObject("high", { priorityClassName: "high" }));
    expect(high.json.spec).toMatchObject({ priority: 1000, preemptionPolicy: "Never" });
    const usual = await created(api, pods, podObject("usual"));
    expect(usual.json.spec).toMatchObject({ priority: 10, priorityClassName: "usual" });
  });

  it("refuses classes that are not there, values that are not theirs, and a second default", async () => {
    const api = await openApi();
    expect((await api.create(pods, podObject("a", { priorityClassName: "high" }))).json.message).toBe(
      'pods "a" is forbidden: no PriorityClass with name high was found',
    );
    expect((await api.create(pods, podObject("a", { priority: 7 }))).json.message).toBe(
      'pods "a" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    );
    await created(api, path, priorityClass("usual", 10, { globalDefault: true }));
    expect((await api.create(path, priorityClass("other", 1, { globalDefault: true }))).json.message).toBe(
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    );
    const patch = await api.call("PATCH", `${path}/usual`, { description: "changed" }, merge);
    expect(patch.status).toBe(200);
  });
});

describe("RuntimeClass", () => {
  const path = "/apis/node.k8s.io/v1/runtimeclasses";

  it("gives a pod its tolerations of lost nodes again when it is put without them", async () => {
    const api = await openApi();
    const { json: pod } = await created(api, pods, podObject("p"));
    expect(pod.spec.tolerations).toHaveLength(2);
    const { tolerations: _given, ...spec } = pod.spec;
    const { status, json } = await api.call("PUT", `${pods}/p`, { ...pod, spec });
    expect([status, json.spec.tolerations]).toEqual([200, pod.spec.tolerations]);
  });

  it("gives pods overhead, node selector and tolerations of their class", async () => {
    const api = await openApi();
    const toleration = { key: "vm", operator: "Exists", effect: "NoSchedule" };
    const scheduling = { nodeSelector: { vm: "yes" }, tolerations: [toleration] };
    await created(api, path, runtimeClass({ overhead: { podFixed: { cpu: "250m" } }, scheduling }));
    const { spec } = (await created(api, pods, podObject("a", { runtimeClassName: "vm", nodeSelector: { a: "b" } })))
      .json;
    expect(spec).toMatchObject({ overhead: { cpu: "250m" }, nodeSelector: { a: "b", vm: "yes" } });
    expect(spec.tolerations).toContainEqual(toleration);
    const conflict = await api.create(pods, podObject("b", { runtimeClassName: "vm", nodeSelector: { vm: "no" } }));
    expect(conflict.json.message).toBe(
      'pods "b" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    );
  });

  it.each([
    [{ runtimeClassName: "other" }, 'pod rejected: RuntimeClass "other" not found'],
    [{ overhead: { cpu: "1" } }, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"],
    [
      { runtimeClassName: "vm", overhead: { cpu: "1" } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
  ])("refuses %j", async (spec, cause) => {
    const api = await openApi();
    await created(api, path, runtimeClass({ overhead: { podFixed: { cpu: "250m" } } }));
    expect((await api.create(pods, podObject("a", spec))).json.message).toBe(`pods "a" is forbidden: ${cause}`);
  });
});

describe("storage", () => {
  const isDefault = { "storageclass.kubernetes.io/is-default-class": "true" };

  it("claims without a class get the default one; those that want none stay without", async () => {
    const api = await openApi();
    expect((await created(api, claims, claim("early"))).json.spec.storageClassName).toBeUndefined();
    await created(api, classes, storageClass("slow"));
    await created(api, classes, storageClass("fast", isDefault));
    const nameOf = async (object: JsonObject) => (await created(api, claims, object)).json.spec.storageClassName;
    expect(await nameOf(claim("a"))).toBe("fast");
    expect(await nameOf(claim("b", { storageClassName: "" }))).toBe("");
    expect(await nameOf(claim("c", { storageClassName: "slow" }))).toBe("slow");
  });

  it("new claims and volumes are protected", async () => {
    const api = await openApi();
    expect((await created(api, claims, claim("a"))).json.metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
    const volume = {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "v" },
      spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
    };
    const { json } = await created(api, "/api/v1/persistentvolumes", volume);
    expect(json.metadata.finalizers).toEqual(["kubernetes.io/pv-protection"]);
  });

  it("claims grow when they are bound and their class allows it", async () => {
    const api = await openApi();
    await created(api, classes, storageClass("grows", {}, { allowVolumeExpansion: true }));
    await created(api, classes, storageClass("stays"));
    for (const name of ["grows", "stays"]) await created(api, claims, claim(name, { storageClassName: name }));
    const grow = (name: string) =>
      api.call("PATCH", `${claims}/${name}`, { spec: { resources: { requests: { storage: "2Gi" } } } }, merge);
    const bind = (name: string) =>
      api.call(
        "PATCH",
        `${claims}/${name}/status`,
        { status: { phase: "Bound", capacity: { storage: "1Gi" } } },
        merge,
      );
    expect((await grow("grows")).status).not.toBe(200);
    for (const name of ["grows", "stays"]) expect((await bind(name)).status).toBe(200);
    const grown = await grow("grows");
    expect(grown.status, grown.text).toBe(200);
    expect((await grow("stays")).json.message).toContain(
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    );
  });
});

describe("other plug-ins", () => {
  it("TaintNodesByCondition taints new nodes once", async () => {
    const api = await openApi();
    const node = (name: string, taints: readonly JsonObject[]) => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name },
      spec: { taints },
    });
    const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
    for (const taints of [[], [notReady]]) {
      const { json } = await created(api, "/api/v1/nodes", node(`n${taints.length}`, taints));
      expect(json.spec.taints).toEqual([notReady]);
    }
  });

  it("DenyServiceExternalIPs lets services keep what they have", async () => {
    const api = await openApi({ plugins: { enable: ["DenyServiceExternalIPs"], disable: [] } });
    const service = { metadata: { name: "web" }, spec: { ports: [{ port: 80 }], externalIPs: ["192.0.2.1"] } };
    const answer = await api.create("/api/v1/namespaces/default/services", service);
    expect(answer.json.message).toBe('services "web" is forbidden: Use of external IPs is denied by admission control');
  });

  it("LimitPodHardAntiAffinityTopology and ExtendedResourceToleration do what their names say", async () => {
    const plugins = {
      enable: ["LimitPodHardAntiAffinityTopology", "ExtendedResourceToleration"],
      disable: ["ServiceAccount"],
    };
    const api = await openApi({ plugins });
    const term = { topologyKey: "zone", labelSelector: { matchLabels: { a: "b" } } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    expect((await api.create(pods, podObject("a", { affinity }))).json.message).toContain(
      "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key kubernetes.io/hostname is allowed",
    );
    const resources = { requests: { "example.com/gpu": "1" }, limits: { "example.com/gpu": "1" } };
    const { json } = await created(api, pods, podObject("b", { containers: [{ name: "c", image: "i", resources }] }));
    expect(json.spec.tolerations).toContainEqual({ key: "example.com/gpu", operator: "Exists", effect: "NoSchedule" });
  });

  it("OwnerReferencesPermissionEnforcement asks who changes owners for the right to delete", async () => {
    const authorizer = {
      authorize: async (_user: unknown, attributes: Attributes) => ({
        allowed:
          attributes.verb !== "delete" && !(attributes.type === "resource" && attributes.subresource === "finalizers"),
        reason: "no rule",
      }),
    };
    const plugins = { enable: ["OwnerReferencesPermissionEnforcement"], disable: [], authorizer };
    const api = await openApi({ plugins });
    const path = "/api/v1/namespaces/default/configmaps";
    const owned = (name: string, more: JsonObject) => ({
      ...configMap(name),
      metadata: { name, ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: "u", ...more }] },
    });
    expect((await api.create(path, owned("a", {}))).status).toBe(201);
    expect((await api.create(path, owned("b", { blockOwnerDeletion: true }))).json.message).toBe(
      `configmaps "b" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: no rule, <nil>`,
    );
    expect((await api.call("PATCH", `${path}/a`, { metadata: { ownerReferences: null } }, merge)).json.message).toBe(
      `configmaps "a" is forbidden: cannot set an ownerRef on a resource you can't delete: no rule, <nil>`,
    );
  });

  it("NamespaceAutoProvision makes the namespace of a new object", async () => {
    const api = await openApi({ plugins: { enable: ["NamespaceAutoProvision"], disable: [] } });
    await created(api, "/api/v1/namespaces/fresh/configmaps", configMap("a"));
    expect((await api.call("GET", "/api/v1/namespaces/fresh")).status).toBe(200);
  });

  it("NamespaceLifecycle keeps only Kubernetes' own namespaces from being deleted", async () => {
    const api = await openApi({ namespaces: ["default", "kube-system", "kube-public", "kube-node-lease"] });
    const remove = async (name: string) => (await api.call("DELETE", `/api/v1/namespaces/${name}`)).json;
    for (const name of ["default", "kube-system", "kube-public"])
      expect((await remove(name)).message).toBe(`namespaces "${name}" is forbidden: this namespace may not be deleted`);
    expect((await remove("kube-node-lease")).status.phase).toBe("Terminating");
  });
});
