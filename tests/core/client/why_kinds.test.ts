import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { whyObject } from "../../../core/client/why/why.ts";
import { storedKinds } from "../../../core/kinds/mod.ts";
import { contextWith } from "./_why_context.ts";

const metadata = { namespace: "default", name: "web" };

function object(kind: string, more: object, own: object = metadata): KubeObject {
  const found = storedKinds.find((one) => one.kind === kind);
  const apiVersion = found?.group ? `${found.group}/${found.version}` : "v1";
  return { apiVersion, kind, metadata: own, ...more };
}

async function ask(asked: KubeObject, others: readonly KubeObject[] = []) {
  const kind = storedKinds.find((one) => one.kind === asked.kind);
  if (!kind) throw new TypeError(`No kind ${asked.kind}`);
  return whyObject(kind, asked, contextWith(others));
}

function aPod(name: string, labels: object, ready: "True" | "False", ports: readonly object[] = []): KubeObject {
  return object(
    "Pod",
    {
      spec: { nodeName: "node-1", containers: [{ name: "c", image: "i", ports }] },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: ready }],
        containerStatuses: [{ name: "c", ready: ready === "True", state: { running: {} } }],
      },
    },
    { namespace: "default", name, labels },
  );
}

const node = (name: string, labels: object = {}, spec: object = {}) =>
  object("Node", { spec, status: { conditions: [{ type: "Ready", status: "True" }] } }, { name, labels });

describe("why a HorizontalPodAutoscaler", () => {
  const autoscaler = (conditions: readonly object[]) =>
    object("HorizontalPodAutoscaler", {
      spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, maxReplicas: 3 },
      status: { currentReplicas: 3, desiredReplicas: 3, conditions },
    });
  const able = { type: "AbleToScale", status: "True" };
  const active = { type: "ScalingActive", status: "True" };

  it("is well while it is within its limits", async () => {
    const limited = { type: "ScalingLimited", status: "False", reason: "DesiredWithinRange", message: "within" };
    expect(await ask(autoscaler([able, active, limited]))).toMatchObject({
      state: "3 replicas of 1 to 3, 3 wanted",
      isWell: true,
      reasons: [],
    });
  });

  it.each([
    [{ ...able, status: "False", reason: "FailedGetScale", message: '"web" not found' }, /^make deployment\/web, or/],
    [
      {
        ...active,
        status: "False",
        reason: "FailedGetResourceMetric",
        message: "missing request for cpu in container c",
      },
      /^let every container of deployment\/web ask for cpu/,
    ],
    [{ ...active, status: "False", reason: "ScalingDisabled", message: "zero" }, /^it starts again with a replica/],
    [
      { type: "ScalingLimited", status: "True", reason: "TooManyReplicas", message: "more" },
      /^raise spec\.maxReplicas$/,
    ],
  ])("says what would help when %j", async (condition, remedy) => {
    const { isWell, reasons } = await ask(autoscaler([condition]));
    expect(isWell).toBe(false);
    expect(reasons).toEqual([expect.objectContaining({ remedy: expect.stringMatching(remedy) })]);
  });
});

describe("why an Ingress", () => {
  const backend = { service: { name: "web", port: { number: 80 } } };
  const ingress = (status: object = {}, more: object = {}) =>
    object("Ingress", {
      spec: {
        ingressClassName: "nginx",
        rules: [{ host: "a.example.com", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
        ...more,
      },
      status,
    });
  const service = (port: number) => object("Service", { spec: { selector: { app: "web" }, ports: [{ port }] } });
  const served = [service(80), aPod("web-0", { app: "web" }, "True")];
  const address = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } };

  it("leads nowhere: a Service, its port, its pods, its certificate, its class", async () => {
    const says = async (one: KubeObject, others: readonly KubeObject[]) =>
      (await ask(one, others)).reasons.map((reason) => reason.says);
    expect(await says(ingress(address), [])).toEqual(["there is no Service web, which a.example.com/ leads to"]);
    expect(await says(ingress(address), [service(81)])).toEqual(["Service web has no port 80: it has 81"]);
    expect(await says(ingress(address), [service(80)])).toEqual(["Service web: no pod has the labels app=web"]);
    expect(await says(ingress(address, { tls: [{ secretName: "key" }] }), served)).toEqual([
      "there is no Secret key with its certificate",
    ]);
    expect(await says(ingress(), served)).toEqual(["there is no IngressClass nginx"]);
    const known = object("IngressClass", { spec: { controller: "example.com/c" } }, { name: "nginx" });
    expect(await says(ingress(), [...served, known])).toEqual([
      "the controller example.com/c of IngressClass nginx has given it no address yet",
    ]);
  });

  it("is well with an address and pods that are ready", async () => {
    expect(await ask(ingress(address), served)).toMatchObject({ state: "at 192.0.2.1", isWell: true, reasons: [] });
  });
});

describe("why a Service reaches nobody", () => {
  const service = (selector: object, targetPort: number | string = 80) =>
    object("Service", { spec: { selector, ports: [{ port: 80, targetPort }] } });

  it("names the label that pods lack which have the others", async () => {
    const { reasons } = await ask(service({ app: "web", tier: "back" }), [
      aPod("web-0", { app: "web", tier: "front" }, "True"),
    ]);
    expect(reasons[0]?.details).toEqual(["1 pod would do, but for tier: front, not back"]);
  });

  it("names the first cause of a pod that is not ready", async () => {
    const { reasons } = await ask(service({ app: "web" }), [aPod("web-0", { app: "web" }, "False"), node("node-1")]);
    expect(reasons[0]?.details).toEqual(["pod/web-0: container c runs, but its readiness probe has not succeeded yet"]);
  });

  it("names a port that no pod has; one that is only not declared is no trouble", async () => {
    const pods = [aPod("web-0", { app: "web" }, "True", [{ name: "http", containerPort: 8080 }])];
    expect(await ask(service({ app: "web" }, "https"), pods)).toMatchObject({
      isWell: false,
      reasons: [{ says: "none of its pods has a port named https, which its port 80 leads to" }],
    });
    expect(await ask(service({ app: "web" }, 9090), pods)).toMatchObject({
      isWell: true,
      reasons: [{ remedy: "if nothing answers, set targetPort to one of: http" }],
    });
    expect((await ask(service({ app: "web" }, 8080), pods)).reasons).toEqual([]);
  });
});

describe("why a DaemonSet", () => {
  it("has no pod on a node: which of its wishes the node does not meet", async () => {
    const template = { metadata: {}, spec: { nodeSelector: { disk: "ssd" }, containers: [{ name: "c", image: "i" }] } };
    const spec = { selector: { matchLabels: { app: "web" } }, template };
    const counts = (count: number) => ({ desiredNumberScheduled: count, numberReady: count });
    const other = node("b", {}, { taints: [{ key: "team", value: "x", effect: "NoSchedule" }] });
    // Its pods tolerate what the cluster says of a node.
    const here = node("a", { disk: "ssd" }, { unschedulable: true });
    const some = await ask(object("DaemonSet", { spec, status: counts(1) }), [here, other]);
    expect(some).toMatchObject({
      isWell: true,
      reasons: [
        { says: "1 of 2 nodes get none of its pods", details: [expect.stringMatching(/^b {2}TaintToleration/)] },
      ],
    });
    const none = await ask(object("DaemonSet", { spec, status: counts(0) }), [node("a"), node("c")]);
    expect(none.reasons[0]).toMatchObject({
      says: "no node takes its pods",
      remedy: expect.stringMatching(/^no node has the label disk=ssd/),
    });
  });
});

describe("why a node that is drained", () => {
  it("keeps pods: a PodDisruptionBudget lets none go", async () => {
    const budget = object("PodDisruptionBudget", {
      spec: { selector: { matchLabels: { app: "web" } }, minAvailable: 1 },
      status: { disruptionsAllowed: 0 },
    });
    const { reasons } = await ask(node("node-1", {}, { unschedulable: true }), [
      budget,
      aPod("web-0", { app: "web" }, "True"),
    ]);
    expect(reasons.map(({ remedy }) => remedy)).toEqual(["wherry uncordon node-1", "wherry why pdb/web -n default"]);
    expect(reasons[1]?.details).toEqual(["pod/web-0"]);
  });
});

describe("why an object is still there that is being deleted", () => {
  const going = { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };

  it("names what Kubernetes' own finalizers wait for, and how others are taken away", async () => {
    const claim = object("PersistentVolumeClaim", { spec: {}, status: { phase: "Bound" } });
    const held = { ...claim, metadata: { ...going, finalizers: ["kubernetes.io/pvc-protection"] } };
    expect((await ask(held)).reasons[0]).toMatchObject({ says: "it is being deleted: a pod still uses it" });
    const volume = object("PersistentVolume", { spec: {}, status: { phase: "Released" } });
    const finalizers = ["external-provisioner.volume.kubernetes.io/finalizer"];
    const [reason] = (await ask({ ...volume, metadata: { ...going, finalizers } })).reasons;
    expect(reason).toMatchObject({ says: "it is being deleted: its data go first" });
    expect(reason?.remedy).toBeUndefined();
    const other = object("ConfigMap", {}, { ...going, finalizers: ["example.com/hold"] });
    expect((await ask(other)).reasons[0]?.remedy).toBe(
      `if whoever set them is gone: wherry patch configmap web -n default --type merge -p '{"metadata":{"finalizers":null}}'`,
    );
  });

  it("leads from a namespace to what is left in it", async () => {
    const condition = (type: string, message: string) => ({ type, status: "True", message });
    const status = {
      phase: "Terminating",
      conditions: [
        condition("NamespaceContentRemaining", "Some resources are remaining: configmaps. has 1 resource instances"),
        condition("NamespaceFinalizersRemaining", "example.com/hold in 1 resource instances"),
        { type: "NamespaceDeletionContentFailure", status: "False", message: "all is well" },
      ],
    };
    const own = { name: "web", deletionTimestamp: going.deletionTimestamp };
    const { reasons } = await ask(object("Namespace", { spec: { finalizers: ["kubernetes"] }, status }, own));
    expect(reasons.map(({ says }) => says)).toEqual([
      "it is being deleted: all that is in it goes first",
      "example.com/hold in 1 resource instances",
      "Some resources are remaining: configmaps. has 1 resource instances",
    ]);
    expect(reasons[2]?.remedy).toBe("wherry why configmaps -n web");
  });
});
