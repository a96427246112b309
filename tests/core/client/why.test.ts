import { describe, expect, it } from "vitest";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import type { Client } from "../../../core/client/client.ts";
import { discover, findResourceOf } from "../../../core/client/discovery.ts";
import { podReasons } from "../../../core/client/why/pod.ts";
import { pendingReason } from "../../../core/client/why/scheduling.ts";
import { why, whyObject } from "../../../core/client/why/why.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequest,
  configMap,
  cronJob,
  deployment,
  type Event,
  namespace,
  node,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  resourceQuota,
  service,
} from "../../../core/kinds/mod.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { startMaster } from "../../../master_daemon/master.ts";

function podWith(spec: JsonObject, status: JsonObject = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: { nodeName: "node-1", containers: [{ name: "c" }], ...spec },
    status: { phase: "Running", ...status },
  } as unknown as Pod;
}

function eventWith(reason: string, message: string, lastTimestamp = "2026-01-01T00:00:00Z"): Event {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: {},
    involvedObject: { fieldPath: "spec.containers{c}" },
    reason,
    message,
    lastTimestamp,
  };
}

const container = (state: JsonObject, more: JsonObject = {}) => ({
  containerStatuses: [{ name: "c", ready: false, restartCount: 3, image: "", imageID: "", state, ...more }],
});

describe("what a pod and its events tell of why it is not ready", () => {
  const cases: readonly (readonly [what: string, pod: Pod, events: readonly Event[], stage: string, says: string])[] = [
    [
      "an image that is not there",
      podWith({}, container({ waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } })),
      [],
      "image",
      "container c has no image: Back-off pulling image",
    ],
    [
      "a container that ends again and again",
      podWith(
        {},
        container(
          { waiting: { reason: "CrashLoopBackOff" } },
          { lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } } },
        ),
      ),
      [],
      "back-off",
      "container c ends again and again, 3 restarts so far; the last time with exit code 137 (OOMKilled)",
    ],
    [
      "a container that cannot be made",
      podWith({}, container({ waiting: { reason: "CreateContainerConfigError", message: 'secret "s" not found' } })),
      [],
      "container",
      'container c cannot start: secret "s" not found',
    ],
    [
      "a readiness probe that fails",
      podWith({}, container({ running: {} })),
      [eventWith("Unhealthy", "Liveness probe failed: a"), eventWith("Unhealthy", "Readiness probe failed: b\n")],
      "probe",
      "container c is not ready: Readiness probe failed: b",
    ],
    [
      "a start-up probe that has not succeeded",
      podWith({ containers: [{ name: "c", startupProbe: {} }] }, container({ running: {} }, { started: false })),
      [],
      "probe",
      "container c runs, but its startup probe has not succeeded yet",
    ],
    [
      "an init container that failed",
      podWith(
        { initContainers: [{ name: "i" }] },
        {
          phase: "Pending",
          initContainerStatuses: [{ name: "i", ready: false, restartCount: 0, state: { terminated: { exitCode: 2 } } }],
          ...container({ waiting: { reason: "PodInitializing" } }),
        },
      ),
      [],
      "container",
      "init container i ended with exit code 2",
    ],
    [
      "a volume that cannot be mounted",
      podWith({}, { phase: "Pending", ...container({ waiting: { reason: "ContainerCreating" } }) }),
      [eventWith("FailedMount", 'configmap "c" not found')],
      "volumes",
      'configmap "c" not found',
    ],
    [
      "an eviction",
      podWith({}, { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." }),
      [],
      "eviction",
      "Evicted: The node was low on resource: memory.",
    ],
    [
      "a node that refused it",
      podWith({}, { phase: "Failed", reason: "OutOfcpu", message: "Pod was rejected" }),
      [],
      "admission",
      "OutOfcpu: Pod was rejected",
    ],
    [
      "a readiness gate that nobody opened",
      podWith({ readinessGates: [{ conditionType: "example.com/gate" }] }, container({ running: {} }, { ready: true })),
      [],
      "condition",
      "it waits for the condition example.com/gate, which nobody has set",
    ],
  ];

  it.each(cases)("tells of %s", (_what, object, events, stage, says) => {
    expect(podReasons(object, { events })[0]).toMatchObject({ stage, says });
  });

  it("says of a container in back-off that its probe had it ended", () => {
    const again = podWith({}, container({ waiting: { reason: "CrashLoopBackOff" } }));
    const events = [
      eventWith("Killing", "Container c failed liveness probe, will be restarted"),
      eventWith("Unhealthy", "Readiness probe failed: a"),
      eventWith("Unhealthy", "Liveness probe failed: b\n"),
    ];
    expect(podReasons(again, { events })[0]?.details).toEqual([
      "its liveness probe had it ended: Liveness probe failed: b",
    ]);
    expect(podReasons(again, { events: events.slice(1) })[0]?.details).toEqual([]);
  });

  it("has nothing to say of a pod that is well, or that is done", () => {
    expect(podReasons(podWith({}, container({ running: {} }, { ready: true })), { events: [] })).toEqual([]);
    expect(podReasons(podWith({}, { phase: "Succeeded" }), { events: [] })).toEqual([]);
  });

  it("names the gates, the scheduler's words, or that nobody looked, of a pod without a node", () => {
    const pending = (spec: JsonObject, status: JsonObject = {}) =>
      pendingReason(podWith({ nodeName: "", ...spec }, { phase: "Pending", ...status }))?.says;
    expect(pending({ schedulingGates: [{ name: "a/b" }] })).toBe("it is held back by the scheduling gates a/b");
    expect(pending({}, { conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes" }] })).toBe(
      "0/1 nodes",
    );
    expect(pending({ schedulerName: "mine" })).toBe("the scheduler mine has not looked at it yet");
    expect(pendingReason(podWith({}))).toBeUndefined();
  });
});

describe("why", () => {
  it("tells how far a CertificateSigningRequest has come", async () => {
    const ask = async (status: CertificateSigningRequest["status"]) => {
      const object: CertificateSigningRequest = {
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: { name: "jo" },
        spec: { request: "", signerName: "example.com/mine" },
        ...(status ? { status } : {}),
      };
      // Nothing is asked of the server.
      const context = { client: {} as Client, resourceOf: async () => undefined };
      const { state, reasons } = await whyObject(certificateSigningRequest, object, context);
      return [state, ...reasons.map(({ says }) => says)];
    };
    const approved = { type: "Approved", status: "True" } as const;
    expect(await ask(undefined)).toEqual(["Pending", "nobody has approved or denied it yet"]);
    expect(await ask({ conditions: [approved] })).toEqual([
      "Approved",
      "it is approved, but whoever signs as example.com/mine has not signed it yet",
    ]);
    const failed = { type: "Failed", status: "True", message: "invalid usage" } as const;
    expect(await ask({ conditions: [approved, failed] })).toEqual(["Failed", "invalid usage"]);
    expect(await ask({ conditions: [{ type: "Denied", status: "True", message: "no" }] })).toEqual(["Denied", "no"]);
    expect(await ask({ conditions: [approved], certificate: "MA==" })).toEqual(["Issued"]);
  });

  it("follows the chain from an object to what holds it up, on a real API", { timeout: 30_000 }, async () => {
    await using master = await startMaster({ clock: systemClock, random: systemRandom, log: silentLogger });
    const { client } = master;
    const resources = await discover(client);
    const context = { client, resourceOf: async (object: KubeObject) => findResourceOf(resources, object) };
    const ask = (kind: Parameters<typeof why>[0], name: string, ns: string | undefined = "default") =>
      why(kind, { name, ...(ns ? { namespace: ns } : {}) }, context as Parameters<typeof why>[2]);
    const eventually = async (question: () => ReturnType<typeof why>, says: RegExp) => {
      await expect
        .poll(async () => (await question()).reasons.map((one) => one.says).join("\n"), { timeout: 10_000 })
        .toMatch(says);
    };

    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const web = { replicas: 2, selector: { matchLabels: { app: "web" } }, template };
    const metadata = { name: "web", namespace: "default" };
    await client.create(deployment, { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: web });
    await eventually(() => ask(deployment, "web"), /^2 pods: no nodes available to schedule pods|0\/0 nodes/m);
    const { items } = await client.list(pod, { namespace: "default" });
    const ofPod = await ask(pod, items[0]?.metadata.name ?? "");
    expect(ofPod).toMatchObject({ state: "Pending", isWell: false });
    expect(ofPod.reasons.map(({ stage }) => stage)).toEqual(["scheduling", "owner", "owner"]);
    expect(ofPod.reasons[2]?.says).toBe("it belongs to deployment.apps/web (0 of 2 ready)");

    // Its pods have their node now, which says nothing of them yet: that is the trouble, not where they were placed.
    const amounts = { cpu: "4", memory: "8Gi", pods: "10" };
    const ready = { type: "Ready", status: "True" as const, lastHeartbeatTime: "2030-01-01T00:00:00Z" };
    await client.create(node, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "silent", labels: { "kubernetes.io/hostname": "silent" } },
      status: { capacity: amounts, allocatable: amounts, conditions: [ready] },
    });
    await eventually(() => ask(deployment, "web"), /^2 pods: the node silent has not begun to start it/m);

    // Of a pod itself its trouble comes first.
    const placed = await ask(pod, items[0]?.metadata.name ?? "");
    expect(placed.reasons.map(({ stage }) => stage)).toEqual(["sandbox", "scheduling", "owner", "owner"]);

    await client.create(pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "fast", namespace: "default" },
      spec: { ...template.spec, nodeSelector: { "kubernetes.io/hostname": "silent", disk: "ssd" } },
    });
    const fast = async () => (await ask(pod, "fast")).reasons[0]?.remedy;
    await expect
      .poll(fast, { timeout: 10_000 })
      .toMatch(/^no node has the label disk=ssd: wherry label node NAME disk=ssd/);

    const budget = async (name: string, app: string) =>
      client.create(podDisruptionBudget, {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name, namespace: "default" },
        spec: { minAvailable: 2, selector: { matchLabels: { app } } },
      });
    await budget("web", "web");
    await eventually(() => ask(podDisruptionBudget, "web"), /^0 of 2 pods are healthy, and 2 have to stay so/);
    await budget("none", "nobody");
    await eventually(() => ask(podDisruptionBudget, "none"), /^no pod has the labels app=nobody/);

    const jobTemplate = { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" as const } } } };
    await client.create(cronJob, {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "tick", namespace: "default" },
      spec: { schedule: "0 0 1 1 *", suspend: true, jobTemplate },
    });
    expect(await ask(cronJob, "tick")).toMatchObject({
      state: "0 jobs active, none was due yet",
      isWell: false,
      reasons: [{ says: "it is suspended" }],
    });

    const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q", namespace: "kube-public" } };
    await client.create(resourceQuota, { ...quota, spec: { hard: { pods: "0" } } });
    const refused = { ...metadata, namespace: "kube-public" };
    await client.create(deployment, { apiVersion: "apps/v1", kind: "Deployment", metadata: refused, spec: web });
    await eventually(() => ask(deployment, "web", "kube-public"), /exceeded quota: q/);
    await eventually(() => ask(resourceQuota, "q", "kube-public"), /^nothing is left of pods: 0 of 0 are used/);

    const ports = [{ port: 80, targetPort: "http" }];
    await client.create(service, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "nobody", namespace: "default" },
      spec: { selector: { app: "nobody" }, ports },
    });
    expect((await ask(service, "nobody")).reasons[0]?.says).toBe("no pod has the labels app=nobody");

    const claim = { accessModes: ["ReadWriteOnce" as const], resources: { requests: { storage: "1Gi" } } };
    await client.create(persistentVolumeClaim, {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data", namespace: "default" },
      spec: { ...claim, storageClassName: "none" },
    });
    expect((await ask(persistentVolumeClaim, "data")).reasons[0]?.says).toBe("there is no StorageClass none");

    await client.create(persistentVolume, {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "kept" },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        persistentVolumeReclaimPolicy: "Retain",
        storageClassName: "by-hand",
        claimRef: { namespace: "default", name: "gone", uid: "0" },
        nfs: { server: "files", path: "/" },
      },
    });
    const kept = async () => (await ask(persistentVolume, "kept", undefined)).state;
    await expect.poll(kept, { timeout: 10_000 }).toBe("Released");
    const ofKept = await ask(persistentVolume, "kept", undefined);
    expect(ofKept).toMatchObject({ isWell: false, reasons: [{ remedy: expect.stringContaining("patch pv kept") }] });
    expect(ofKept.reasons[0]?.says).toMatch(/^its claim default\/gone is gone/);
    await client.create(persistentVolumeClaim, {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "named", namespace: "default" },
      spec: { ...claim, storageClassName: "by-hand", volumeName: "kept" },
    });
    const ofNamed = await ask(persistentVolumeClaim, "named");
    expect(ofNamed.reasons[0]?.says).toBe("it wants the PersistentVolume kept and no other");

    await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "held" } });
    await client.create(configMap, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "holds", namespace: "held", finalizers: ["example.com/hold"] },
    });
    await client.delete(namespace, { name: "held" });
    await eventually(() => ask(namespace, "held", undefined), /example\.com\/hold in 1 resource instances/);
    expect((await ask(configMap, "holds", "held")).reasons[0]?.says).toMatch(/finalizers: example\.com\/hold/);
  });
});
