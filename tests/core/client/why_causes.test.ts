import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { podReasons } from "../../../core/client/why/pod.ts";
import { imageRemedy, referenceRemedy, refusalRemedy } from "../../../core/client/why/remedies.ts";
import { whyObject } from "../../../core/client/why/why.ts";
import {
  type ContainerStatus,
  deployment,
  type Pod,
  type PodSpec,
  persistentVolumeClaim,
  pod,
} from "../../../core/kinds/mod.ts";
import { contextWith } from "./_why_context.ts";

const metadata = { namespace: "default", name: "web" };

function aPod(spec: Partial<PodSpec>, status: NonNullable<Pod["status"]>): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { containers: [{ name: "c", image: "i" }], ...spec },
    status,
  };
}

function aNode(status: "True" | "False" | "Unknown", message = ""): KubeObject {
  const conditions = [{ type: "Ready", status, message }];
  return { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" }, status: { conditions } } as KubeObject;
}

function aVolume(name: string, storage: string, storageClassName: string, more: object = {}): KubeObject {
  const spec = { capacity: { storage }, accessModes: ["ReadWriteOnce"], storageClassName, ...more };
  return { apiVersion: "v1", kind: "PersistentVolume", metadata: { name }, spec } as KubeObject;
}

function aClass(name: string, provisioner: string, volumeBindingMode = "Immediate"): KubeObject {
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name },
    provisioner,
    volumeBindingMode,
  } as KubeObject;
}

function aClaim(spec: object): KubeObject {
  const requests = { storage: "1Gi" };
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata,
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests }, ...spec },
    status: { phase: "Pending" },
  } as KubeObject;
}

describe("what would help", () => {
  it.each([
    ["ErrImagePull", "dial tcp 10.0.0.1:443: connect: connection refused", /reaches the registry/],
    ["ErrImagePull", "manifest for web:9 not found: manifest unknown", /^check the image's name and tag$/],
    [
      "ImagePullBackOff",
      "pull access denied, repository does not exist or may require authorization",
      /imagePullSecrets/,
    ],
    ["ImageInspectError", "invalid reference format: repository name must be lowercase", /^correct the image's name/],
    ["ErrImageNeverPull", "", /imagePullPolicy/],
  ])("of an image, by %s: %s", (reason, message, remedy) => {
    expect(imageRemedy(reason, message)).toMatch(remedy);
  });

  it.each([
    [
      "couldn't find key b in ConfigMap default/cm",
      "add the key b to the ConfigMap cm, or mark the reference as optional",
    ],
    ['secret "s" not found', "make it: wherry create secret generic s, or mark the reference as optional"],
    ["no such device", undefined],
  ])("of a reference, by %s", (message, remedy) => {
    expect(referenceRemedy(message)).toBe(remedy);
  });

  it.each([
    ["exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1", /raise the ResourceQuota/],
    ["failed quota: q: must specify requests.cpu for: c", /LimitRange that says what is the default/],
    ["maximum cpu usage per Container is 100m, but limit is 200m", /the namespace's LimitRange/],
    ['failed calling webhook "a.example.com": service "hook" not found', /serves the webhook a\.example\.com/],
    ['violates PodSecurity "restricted:latest": runAsNonRoot != true', /securityContext/],
    ['serviceaccount "missing" not found', /^wherry create serviceaccount missing$/],
  ])("of pods that were refused, by %s", (message, remedy) => {
    expect(refusalRemedy(message)).toMatch(remedy);
  });

  it.each<[string, ContainerStatus["state"], RegExp]>([
    [
      "it used too much memory",
      { terminated: { exitCode: 137, reason: "OOMKilled" } },
      /memory of container c, which is 12Mi/,
    ],
    ["there is no such program", { terminated: { exitCode: 127 } }, /check its command and args/],
    ["it was at its end", { terminated: { exitCode: 0 } }, /run it as a Job/],
  ])("of a container that ends again and again because %s", (_what, lastState, remedy) => {
    const status = { name: "c", ready: false, restartCount: 3, image: "", imageID: "" };
    const state = { waiting: { reason: "CrashLoopBackOff" } };
    const containers = [{ name: "c", image: "i", resources: { limits: { memory: "12Mi" } } }];
    const one = aPod(
      { nodeName: "node-1", containers },
      { containerStatuses: [{ ...status, state, ...(lastState ? { lastState } : {}) }] },
    );
    expect(podReasons(one, { events: [] })[0]?.remedy).toMatch(remedy);
  });
});

describe("why a pod", () => {
  const running = { name: "c", ready: true, restartCount: 0, image: "", imageID: "", state: { running: {} } };
  const onNode = aPod(
    { nodeName: "node-1" },
    { phase: "Running", conditions: [{ type: "Ready", status: "False" }], containerStatuses: [running] },
  );

  it("is not ready though its containers are: its node does not answer", async () => {
    const silent = aNode("Unknown", "Kubelet stopped posting node status.");
    const { reasons } = await whyObject(pod, onNode, contextWith([silent]));
    expect(reasons[0]).toMatchObject({
      says: "its node node-1 does not answer: Kubelet stopped posting node status.",
      remedy: "wherry why node/node-1",
    });
    const going = { ...onNode, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    const ending = await whyObject(pod, going, contextWith([silent]));
    expect(ending.reasons.map(({ stage }) => stage)).toEqual(["deletion", "owner"]);
    expect(ending.reasons[1]?.remedy).toMatch(/wherry delete node node-1$/);
    expect((await whyObject(pod, onNode, contextWith([aNode("True")]))).reasons).toEqual([]);
  });

  it("is where no node is", async () => {
    const { reasons } = await whyObject(pod, aPod({ nodeName: "nowhere" }, { phase: "Pending" }), contextWith([]));
    expect(reasons[0]?.says).toBe("there is no node nowhere: the pod will be collected");
  });

  it("gets no image: a Secret that it names is not there", async () => {
    const state = { waiting: { reason: "ImagePullBackOff", message: "denied" } };
    const spec = { nodeName: "node-1", imagePullSecrets: [{ name: "key" }] };
    const one = aPod(spec, { phase: "Pending", containerStatuses: [{ ...running, ready: false, state }] });
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "key" } };
    const { reasons } = await whyObject(pod, one, contextWith([aNode("True")]));
    expect(reasons[0]).toMatchObject({ details: ["there is no Secret key, which its imagePullSecrets name"] });
    expect(reasons[0]?.remedy).toMatch(/^wherry create secret docker-registry key /);
    const there = await whyObject(pod, one, contextWith([aNode("True"), secret]));
    expect(there.reasons[0]?.remedy).toBe("check the image's name and tag, and the pod's imagePullSecrets");
  });

  it("has no node: its claim's own cause comes first", async () => {
    const message = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    const one = aPod(
      { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "web" } }] },
      { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", message }] },
    );
    const { reasons } = await whyObject(pod, one, contextWith([aClaim({ storageClassName: "none" })]));
    expect(reasons.map(({ stage, says }) => `${stage}: ${says}`)).toEqual([
      "volumes: its claim web is Pending: there is no StorageClass none",
      `scheduling: ${message}`,
    ]);
  });
});

describe("why a claim is pending", () => {
  it.each<[string, object, readonly KubeObject[], string, RegExp]>([
    [
      "nobody made volumes of its class",
      { storageClassName: "by-hand" },
      [aClass("by-hand", "kubernetes.io/no-provisioner")],
      "there is no PersistentVolume of its StorageClass by-hand",
      /^make one: 1Gi, ReadWriteOnce, storageClassName by-hand$/,
    ],
    [
      "those of its class do not fit",
      { storageClassName: "by-hand" },
      [
        aVolume("tiny", "1Mi", "by-hand"),
        aVolume("taken", "1Gi", "by-hand", { claimRef: { namespace: "a", name: "b" } }),
        aVolume("other", "1Gi", "other"),
      ],
      "no PersistentVolume of its StorageClass by-hand fits",
      /^make one/,
    ],
    [
      "nobody makes its volume",
      { storageClassName: "fast" },
      [aClass("fast", "csi.example.com")],
      "the provisioner csi.example.com of its StorageClass has not made its volume yet",
      /^check that csi\.example\.com runs$/,
    ],
    [
      "the volume that it names is not there",
      { storageClassName: "", volumeName: "mine" },
      [],
      "it wants the PersistentVolume mine and no other, and there is none of that name",
      /^make the PersistentVolume mine$/,
    ],
  ])("because %s", async (_what, spec, objects, says, remedy) => {
    const { reasons } = await whyObject(persistentVolumeClaim, aClaim(spec), contextWith(objects));
    expect(reasons[0]).toMatchObject({ says, remedy: expect.stringMatching(remedy) });
  });

  it("names what of each volume does not fit", async () => {
    const objects = [
      aVolume("tiny", "1Mi", "by-hand"),
      aVolume("taken", "1Gi", "by-hand", { claimRef: { namespace: "a", name: "b" } }),
    ];
    const { reasons } = await whyObject(
      persistentVolumeClaim,
      aClaim({ storageClassName: "by-hand" }),
      contextWith(objects),
    );
    expect(reasons[0]?.details).toEqual(["tiny: it is too small: 1Mi of 1Gi", "taken: it belongs to the claim a/b"]);
  });

  it("only waits for its pod, where its class says so", async () => {
    const late = [aClass("late", "csi.example.com", "WaitForFirstConsumer")];
    const { reasons } = await whyObject(persistentVolumeClaim, aClaim({ storageClassName: "late" }), contextWith(late));
    expect(reasons.map(({ says }) => says)).toEqual([
      "StorageClass late gives it a volume once a pod that mounts it has a node",
    ]);
  });
});

describe("why a workload", () => {
  it("is not ready begins with what its pods lack; how far it has come follows from that", async () => {
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const stuck: KubeObject = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template },
      status: { conditions: [{ type: "Progressing", status: "False", message: "it has timed out progressing." }] },
    } as KubeObject;
    const bare = aPod({ nodeName: "node-1" }, { phase: "Pending" });
    const one = { ...bare, metadata: { ...metadata, labels: { app: "web" } } };
    const silent = aNode("Unknown", "Kubelet stopped posting node status.");
    const { reasons } = await whyObject(deployment, stuck, contextWith([one, silent]));
    expect(reasons.map(({ says }) => says)).toEqual([
      "1 pod: its node node-1 does not answer: Kubelet stopped posting node status.",
      "it has timed out progressing.",
    ]);
  });
});
