import { describe, expect, it } from "vitest";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { configMap as configMapKind, pod as podKind, type ResourceQuota } from "../../../core/kinds/mod.ts";
import { deferred } from "../../../core/util/deferred.ts";
import { amountsOf, listOf } from "../../../master_daemon/admission/_amounts.ts";
import type { AdmissionRequest } from "../../../master_daemon/admission/plugin.ts";
import { planCharge, type QuotaState } from "../../../master_daemon/admission/resource_quota/charge.ts";
import { evaluatorOf } from "../../../master_daemon/admission/resource_quota/evaluators.ts";
import { NamespaceLedger } from "../../../master_daemon/admission/resource_quota/ledger.ts";
import { define, widget, widgetDefinition, widgetsPath } from "../apiextensions/_definitions.ts";
import { configMap, openApi, podObject, type TestApi } from "../apiserver/_api.ts";

const quotas = "/api/v1/namespaces/default/resourcequotas";
const pods = "/api/v1/namespaces/default/pods";
const configMaps = "/api/v1/namespaces/default/configmaps";

async function openLimited(hard: JsonObject, more: JsonObject = {}): Promise<TestApi> {
  const api = await openApi();
  await addQuota(api, "quota", hard, more);
  return api;
}

async function addQuota(api: TestApi, name: string, hard: JsonObject, more: JsonObject = {}): Promise<void> {
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name }, spec: { hard, ...more } };
  const answer = await api.create(quotas, quota);
  expect(answer.status, answer.text).toBe(201);
}

function podWith(name: string, resources: JsonObject, spec: JsonObject = {}): JsonObject {
  return podObject(name, { containers: [{ name: "main", image: "busybox", resources }], ...spec });
}

async function used(api: TestApi, name = "quota"): Promise<Readonly<Record<string, string>>> {
  return (await api.call("GET", `${quotas}/${name}`)).json.status.used;
}

/** Until what is used is as wanted; the clock of the test runs meanwhile. */
async function untilUsed(api: TestApi, wanted: Readonly<Record<string, string>>): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const present = (await api.call("GET", `${quotas}/quota`)).json.status?.used ?? {};
    if (Object.entries(wanted).every(([name, amount]) => present[name] === amount)) return;
    if ("advance" in api.clock) await (api.clock as { advance(ms: number): Promise<void> }).advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await used(api)).toMatchObject(wanted);
}

describe("ResourceQuota", () => {
  it("counts what is there when a quota is made", async () => {
    const api = await openApi();
    await api.create(configMaps, configMap("a"));
    await api.create(pods, podWith("p", { requests: { cpu: "100m" }, limits: { memory: "1Gi" } }));
    await addQuota(api, "quota", { configmaps: "5", "count/pods": "5", "requests.cpu": "1", "limits.memory": "2Gi" });
    await untilUsed(api, { configmaps: "1", "count/pods": "1", "requests.cpu": "100m", "limits.memory": "1Gi" });
    const { status } = (await api.call("GET", `${quotas}/quota`)).json;
    expect(status.hard).toEqual({ configmaps: "5", "count/pods": "5", "limits.memory": "2Gi", "requests.cpu": "1" });
  });

  it("counts the greatest of what a container asks for, was given and has, while it is resized", async () => {
    const api = await openApi();
    await api.create(pods, podWith("p", { requests: { cpu: "100m" }, limits: { cpu: "300m" } }));
    const resources = { requests: { cpu: "100m" }, limits: { cpu: "400m" } };
    const status = { name: "main", ready: true, restartCount: 0, image: "", imageID: "", resources };
    await api.call(
      "PATCH",
      `${pods}/p/status`,
      { status: { containerStatuses: [{ ...status, allocatedResources: { cpu: "200m" } }] } },
      { "content-type": "application/merge-patch+json" },
    );
    await addQuota(api, "quota", { "requests.cpu": "1", "limits.cpu": "1" });
    await untilUsed(api, { "requests.cpu": "200m", "limits.cpu": "400m" });
  });

  it("lets exactly as many through as there is room for, however many ask at once", async () => {
    const api = await openLimited({ configmaps: "10" });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => api.create(configMaps, configMap(`c${index}`))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(90);
    expect((await api.call("GET", configMaps)).json.items).toHaveLength(10);
    expect(await used(api)).toEqual({ configmaps: "10" });
    expect(answers.find(({ status }) => status === 403)?.json.message).toMatch(
      /^configmaps "c\d+" is forbidden: exceeded quota: quota, requested: configmaps=1, used: configmaps=10, limited: configmaps=10$/,
    );
  });

  it("charges every quota that is about a pod, or none", async () => {
    const api = await openLimited({ pods: "5" });
    await addQuota(api, "small", { "requests.memory": "1Gi" });
    const large = podWith("large", { requests: { memory: "2Gi" } });
    expect((await api.create(pods, large)).json.message).toBe(
      'pods "large" is forbidden: exceeded quota: small, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi',
    );
    expect(await used(api)).toEqual({ pods: "0" });
    expect((await api.create(pods, podWith("fits", { requests: { memory: "1Gi" } }))).status).toBe(201);
    expect([await used(api), await used(api, "small")]).toEqual([{ pods: "1" }, { "requests.memory": "1Gi" }]);
  });

  it("asks every container to say what a quota limits", async () => {
    const api = await openLimited({ "requests.cpu": "1", "limits.memory": "1Gi" });
    const pod = podObject("web", {
      containers: [
        { name: "a", image: "busybox", resources: { requests: { cpu: "1m" } } },
        { name: "b", image: "busybox" },
      ],
    });
    expect((await api.create(pods, pod)).json.message).toBe(
      'pods "web" is forbidden: failed quota: quota: must specify limits.memory for: a,b; requests.cpu for: b',
    );
  });

  it("serves a write that asks at any moment after the one before, too", async () => {
    const api = await openLimited({ configmaps: "100" });
    const { registries } = api;
    const onError = (error: unknown) => expect.unreachable(String(error));
    const ledger = new NamespaceLedger({ namespace: "default", registries, now: () => 0, onError });
    const object = configMap("m") as unknown as KubeObject;
    const request = { kind: configMapKind, key: { namespace: "default", name: "m" }, object } as AdmissionRequest;
    for (let turns = 0; turns < 40; turns++) {
      const next = deferred<unknown>();
      void ledger.charge(request).then(async () => {
        for (let turn = 0; turn < turns; turn++) await undefined;
        next.resolve(ledger.charge(request));
      });
      await next.promise;
    }
  });

  it("gives back what a failed write had taken", async () => {
    const api = await openLimited({ configmaps: "2" });
    await api.create(configMaps, configMap("a"));
    expect((await api.create(configMaps, configMap("a"))).json.reason).toBe("AlreadyExists");
    await untilUsed(api, { configmaps: "1" });
    expect((await api.create(configMaps, configMap("b"))).status).toBe(201);
  });

  it("charges nothing for a dry run, but refuses what would be too much", async () => {
    const api = await openLimited({ configmaps: "1" });
    expect((await api.create(`${configMaps}?dryRun=All`, configMap("a"))).status).toBe(201);
    expect(await used(api)).toEqual({ configmaps: "0" });
    await api.create(configMaps, configMap("a"));
    expect((await api.create(`${configMaps}?dryRun=All`, configMap("b"))).status).toBe(403);
  });

  it("gives back what is deleted, and what has ended", async () => {
    const api = await openLimited({ pods: "2", configmaps: "1" });
    await api.create(configMaps, configMap("a"));
    await api.create(pods, podObject("done"));
    await untilUsed(api, { pods: "1", configmaps: "1" });
    await api.call("DELETE", `${configMaps}/a`);
    await api.call(
      "PATCH",
      `${pods}/done/status`,
      { status: { phase: "Succeeded" } },
      {
        "content-type": "application/merge-patch+json",
      },
    );
    await untilUsed(api, { pods: "0", configmaps: "0" });
  });

  it("follows a quota that changes, also below what is used", async () => {
    const api = await openLimited({ configmaps: "5" });
    for (const name of ["a", "b"]) await api.create(configMaps, configMap(name));
    await api.call(
      "PATCH",
      `${quotas}/quota`,
      { spec: { hard: { configmaps: "1", secrets: "3" } } },
      {
        "content-type": "application/merge-patch+json",
      },
    );
    expect((await api.create(configMaps, configMap("c"))).json.message).toContain(
      "used: configmaps=2, limited: configmaps=1",
    );
    await untilUsed(api, { configmaps: "2", secrets: "0" });
  });

  it("counts node ports and load balancers, when a service is made and when it changes", async () => {
    const api = await openLimited({ services: "5", "services.nodeports": "2", "services.loadbalancers": "0" });
    const services = "/api/v1/namespaces/default/services";
    const service = (type: string, ports: number) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { type, ports: Array.from({ length: ports }, (_, index) => ({ name: `p${index}`, port: 80 + index })) },
    });
    expect((await api.create(services, service("NodePort", 3))).json.message).toContain(
      "requested: services.nodeports=3, used: services.nodeports=0, limited: services.nodeports=2",
    );
    expect((await api.create(services, service("ClusterIP", 2))).status).toBe(201);
    const patch = (spec: JsonObject) =>
      api.call("PATCH", `${services}/web`, { spec }, { "content-type": "application/merge-patch+json" });
    expect((await patch({ type: "LoadBalancer" })).json.message).toContain("requested: services.loadbalancers=1");
    expect((await patch({ type: "NodePort" })).status).toBe(200);
    await untilUsed(api, { services: "1", "services.nodeports": "2", "services.loadbalancers": "0" });
    expect((await patch({ type: "ClusterIP" })).status).toBe(200);
    await untilUsed(api, { "services.nodeports": "0" });
  });

  it("counts claims and their storage, also by storage class", async () => {
    const hard = {
      persistentvolumeclaims: "3",
      "requests.storage": "10Gi",
      "gold.storageclass.storage.k8s.io/requests.storage": "2Gi",
      "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    };
    const api = await openLimited(hard);
    const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    const claim = (name: string, storage: string, storageClassName: string) => ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage } } },
    });
    expect((await api.create(claims, claim("a", "3Gi", "gold"))).json.message).toContain(
      "exceeded quota: quota, requested: gold.storageclass.storage.k8s.io/requests.storage=3Gi",
    );
    await api.create(claims, claim("a", "2Gi", "gold"));
    await api.create(claims, claim("b", "3Gi", "silver"));
    expect(await used(api)).toEqual({
      persistentvolumeclaims: "2",
      "requests.storage": "5Gi",
      "gold.storageclass.storage.k8s.io/requests.storage": "2Gi",
      "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    });
    // A claim that asks for less after it could not grow uses what was set aside for it.
    const smaller = { ...claim("c", "1Gi", "silver"), status: { allocatedResources: { storage: "4Gi" } } };
    const amounts = evaluatorOf({ group: "", plural: "persistentvolumeclaims" }).usage(smaller, 0);
    expect(listOf(amounts)).toMatchObject({ "requests.storage": "4Gi" });
  });

  const scoped: readonly (readonly [string, JsonObject, JsonObject, JsonObject])[] = [
    ["Terminating", { scopes: ["Terminating"] }, podWith("in", {}, { activeDeadlineSeconds: 60 }), podWith("out", {})],
    [
      "NotTerminating",
      { scopes: ["NotTerminating"] },
      podWith("in", {}),
      podWith("out", {}, { activeDeadlineSeconds: 60 }),
    ],
    ["BestEffort", { scopes: ["BestEffort"] }, podWith("in", {}), podWith("out", { requests: { cpu: "1" } })],
    ["NotBestEffort", { scopes: ["NotBestEffort"] }, podWith("in", { requests: { cpu: "1" } }), podWith("out", {})],
    [
      "CrossNamespacePodAffinity",
      { scopeSelector: { matchExpressions: [{ scopeName: "CrossNamespacePodAffinity", operator: "Exists" }] } },
      podWith(
        "in",
        {},
        {
          affinity: {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: "zone", namespaces: ["other"], labelSelector: { matchLabels: { a: "b" } } },
              ],
            },
          },
        },
      ),
      podWith("out", {}),
    ],
  ];
  it.each(scoped)("counts only pods in the scope %s", async (_name, more, inside, outside) => {
    const api = await openLimited({ pods: "5" }, more);
    for (const pod of [inside, outside]) expect((await api.create(pods, pod)).status).toBe(201);
    expect(await used(api)).toEqual({ pods: "1" });
  });

  it("counts objects of kinds that come while it runs", async () => {
    const api = await openLimited({ "count/widgets.example.com": "1" });
    await define(api, widgetDefinition({ type: "object" }));
    await untilUsed(api, { "count/widgets.example.com": "0" });
    expect((await api.create(widgetsPath, widget("a"))).status).toBe(201);
    expect((await api.create(widgetsPath, widget("b"))).json.message).toBe(
      'widgets.example.com "b" is forbidden: exceeded quota: quota, requested: count/widgets.example.com=1, used: count/widgets.example.com=1, limited: count/widgets.example.com=1',
    );
    await api.call("DELETE", `${widgetsPath}/a`);
    await untilUsed(api, { "count/widgets.example.com": "0" });
  });

  it("holds many quotas in order while writes of all kinds race", async () => {
    const api = await openLimited({ configmaps: "7", secrets: "5" });
    await addQuota(api, "second", { configmaps: "6" });
    const secret = (name: string) => ({ apiVersion: "v1", kind: "Secret", metadata: { name } });
    const secrets = "/api/v1/namespaces/default/secrets";
    const work = Array.from({ length: 40 }, (_, index) =>
      index % 2 === 0
        ? api.create(configMaps, configMap(`c${index % 20}`))
        : api.create(secrets, secret(`s${index % 15}`)).then(() => api.call("DELETE", `${secrets}/s${index % 15}`)),
    );
    await Promise.all(work);
    const present = (await api.call("GET", configMaps)).json.items.length;
    expect(present).toBe(6);
    await untilUsed(api, { configmaps: "6", secrets: "0" });
  });
});

describe("planCharge()", () => {
  type Amounts = Readonly<Record<string, string>>;
  const state = (name: string, hard: Amounts, used: Amounts = {}, scopes: readonly string[] = []): QuotaState => {
    const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name }, spec: { hard, scopes } };
    return { quota: quota as ResourceQuota, hard: amountsOf(hard), used: amountsOf(used) };
  };
  const aPod = (resources: JsonObject, spec: JsonObject = {}) => podWith("p", resources, spec) as unknown as KubeObject;
  const aMap = configMap("m") as unknown as KubeObject;
  const charge = (quotas: readonly QuotaState[], object: KubeObject, previous?: KubeObject) => {
    const kind = object.kind === "Pod" ? podKind : configMapKind;
    const request = { kind, key: { namespace: "default", name: object.metadata.name }, object, previous };
    const plan = planCharge(request as unknown as AdmissionRequest, quotas, { now: 0 });
    return Object.fromEntries([...plan].map(([name, amounts]) => [name, listOf(amounts)]));
  };
  const small = aPod({ requests: { cpu: "100m" }, limits: { cpu: "200m" } });
  const large = aPod({ requests: { cpu: "300m" }, limits: { cpu: "200m" } });

  it.each<[string, readonly QuotaState[], KubeObject, KubeObject | undefined, Record<string, Amounts>]>([
    ["nothing where no quota is about it", [state("a", { pods: "1" })], aMap, undefined, {}],
    ["one object", [state("a", { configmaps: "1", pods: "0" })], aMap, undefined, { a: { configmaps: "1" } }],
    ["nothing for a change", [state("a", { configmaps: "1" }, { configmaps: "1" })], aMap, aMap, {}],
    [
      "each quota what it limits",
      [state("a", { pods: "2" }), state("b", { "requests.cpu": "1" }, { "requests.cpu": "900m" })],
      small,
      undefined,
      { a: { pods: "1" }, b: { "requests.cpu": "100m" } },
    ],
    [
      "what it is more than before",
      [state("a", { "requests.cpu": "1" })],
      large,
      small,
      { a: { "requests.cpu": "200m" } },
    ],
    ["nothing for what it is less", [state("a", { "requests.cpu": "0" })], small, large, {}],
    ["only those of its scopes", [state("a", { pods: "0" }, {}, ["BestEffort"])], small, undefined, {}],
    [
      "those of its scopes",
      [state("a", { pods: "1" }, {}, ["NotBestEffort", "NotTerminating"])],
      small,
      undefined,
      { a: { pods: "1" } },
    ],
  ])("takes %s", (_, quotas, object, previous, wanted) => {
    expect(charge(quotas, object, previous)).toEqual(wanted);
  });

  it.each<[string, readonly QuotaState[], KubeObject, string]>([
    [
      "too much, naming only that",
      [state("a", { "requests.cpu": "1", pods: "9" }, { "requests.cpu": "950m", pods: "3" })],
      small,
      "exceeded quota: a, requested: requests.cpu=100m, used: requests.cpu=950m, limited: requests.cpu=1",
    ],
    [
      "any more of what is overdrawn",
      [state("a", { configmaps: "1" }, { configmaps: "5" })],
      aMap,
      "exceeded quota: a, requested: configmaps=1, used: configmaps=5, limited: configmaps=1",
    ],
    [
      "what does not say how much it is",
      [state("a", { "requests.memory": "1Gi" })],
      small,
      "failed quota: a: must specify requests.memory for: main",
    ],
  ])("refuses %s", (_, quotas, object, cause) => {
    expect(() => charge(quotas, object)).toThrow(cause);
  });
});
