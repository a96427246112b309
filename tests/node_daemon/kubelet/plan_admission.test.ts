import { describe, expect, it } from "vitest";
import type { Node } from "../../../core/kinds/node.ts";
import type { Pod, PodSpec, ResourceList } from "../../../core/kinds/pod.ts";
import { type AdmissionView, planAdmission } from "../../../node_daemon/kubelet/plan_admission.ts";
import { makePod, spec1 } from "./fixtures.ts";

const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-1", labels: { disk: "ssd", "kubernetes.io/os": "linux" } },
};

const empty: AdmissionView = {
  node,
  allocatable: { cpu: "2", memory: "4Gi", "ephemeral-storage": "10Gi", pods: "3" },
  operatingSystem: "linux",
  others: [],
  pressure: [],
  shuttingDown: false,
  confinements: { appArmor: false, strictGroups: false, unsafeSysctls: ["net.core.*", "kernel.msgmax"] },
};

function asking(requests: ResourceList, rest: Partial<PodSpec> = {}, name = "web"): Pod {
  return makePod(
    { containers: [spec1("app", { resources: { requests } })], ...rest },
    { metadata: { name, uid: name } },
  );
}

const limited = (requests: ResourceList, name: string) =>
  makePod(
    { containers: [spec1("app", { resources: { requests, limits: requests } })] },
    { metadata: { name, uid: name } },
  );

const critical = { priority: 2_000_001_000 };
const noExecute = { key: "gone", value: "yes", effect: "NoExecute" } as const;
const tainted: Node = { ...node, spec: { taints: [noExecute] } };

function setting(name: string, spec: object = {}): Pod {
  return makePod({ ...spec, securityContext: { sysctls: [{ name, value: "1" }] } });
}

describe("planAdmission()", () => {
  it.each<[string, Pod, Partial<AdmissionView>, string, string]>([
    [
      "too little CPU, told in thousandths",
      asking({ cpu: "1500m" }),
      { others: [asking({ cpu: "600m" }, {}, "a")] },
      "OutOfcpu",
      "Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000",
    ],
    [
      "too little memory",
      asking({ memory: "5Gi" }),
      {},
      "OutOfmemory",
      "Node didn't have enough resource: memory, requested: 5368709120, used: 0, capacity: 4294967296",
    ],
    [
      "too little disk",
      asking({ "ephemeral-storage": "11Gi" }),
      {},
      "OutOfephemeral-storage",
      "Node didn't have enough resource: ephemeral-storage, requested: 11811160064, used: 0, capacity: 10737418240",
    ],
    [
      "too many pods, before all else",
      asking({ cpu: "8" }),
      { others: ["a", "b", "c"].map((name) => asking({}, {}, name)) },
      "OutOfpods",
      "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
    ],
    [
      "a device of which too few are left",
      asking({ "example.com/gpu": "2" }),
      { allocatable: { ...empty.allocatable, "example.com/gpu": "1" } },
      "OutOfexample.com/gpu",
      "Node didn't have enough resource: example.com/gpu, requested: 2, used: 0, capacity: 1",
    ],
    [
      "an init container that needs more than there is",
      makePod({ initContainers: [spec1("first", { resources: { requests: { cpu: "3" } } })] }),
      {},
      "OutOfcpu",
      "Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
    ],
    [
      "a label that the node lacks",
      makePod({ nodeSelector: { disk: "hdd" } }),
      {},
      "NodeAffinity",
      "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    ],
    [
      "a taint that ends pods",
      makePod({}),
      { node: tainted },
      "TaintToleration",
      "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
    ],
    [
      "another system",
      makePod({ os: { name: "windows" } }),
      {},
      "PodOSNotSupported",
      "Failed to admit pod as the OS field doesn't match node OS",
    ],
    [
      "a label for another system",
      makePod({}, { metadata: { labels: { "kubernetes.io/os": "windows" } } }),
      {},
      "PodOSSelectorNodeLabelDoesNotMatch",
      "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
    ],
    [
      "a node short of disk",
      makePod({}),
      { pressure: ["DiskPressure"] },
      "Evicted",
      "The node had condition: [DiskPressure]. ",
    ],
    [
      "a pod without requests, and a node short of memory",
      makePod({}),
      { pressure: ["MemoryPressure"] },
      "Evicted",
      "The node had condition: [MemoryPressure]. ",
    ],
    [
      "a node that shuts down",
      makePod({}),
      { shuttingDown: true },
      "NodeShutdown",
      "Pod was rejected as the node is shutting down.",
    ],
    [
      "a profile of AppArmor that the host cannot enforce",
      makePod({ securityContext: { appArmorProfile: { type: "RuntimeDefault" } } }),
      {},
      "AppArmor",
      "Cannot enforce AppArmor: AppArmor is not enabled on the host",
    ],
    [
      "groups that the runtime may add to",
      makePod({ securityContext: { supplementalGroupsPolicy: "Strict" } }),
      {},
      "SupplementalGroupsPolicyNotSupported",
      "SupplementalGroupsPolicy=Strict is not supported in this node",
    ],
    [
      "a kernel parameter of everybody's",
      setting("kernel.msgmnb"),
      {},
      "SysctlForbidden",
      'forbidden sysctl: "kernel.msgmnb" not allowlisted',
    ],
    [
      "a kernel parameter of a network that is not its own",
      setting("net.ipv4.tcp_syncookies", { hostNetwork: true }),
      {},
      "SysctlForbidden",
      'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
    ],
    [
      "a kernel parameter of messages that are not its own",
      setting("kernel.msgmax", { hostIPC: true }),
      {},
      "SysctlForbidden",
      'forbidden sysctl: "kernel.msgmax" not allowed with host ipc enabled',
    ],
  ])("refuses a pod for %s", (_, pod, view, reason, message) => {
    expect(planAdmission(pod, { ...empty, ...view }).refusal).toEqual({ reason, message });
  });

  const tolerating = (toleration: object) => makePod({ tolerations: [toleration] });
  it.each<[string, Pod, Partial<AdmissionView>]>([
    ["that fits exactly", asking({ cpu: "1400m" }), { others: [asking({ cpu: "600m" }, {}, "a")] }],
    ["that sets a safe kernel parameter", setting("kernel/shm_rmid_forced"), {}],
    ["that sets one that is allowed", setting("kernel.msgmax"), {}],
    ["that sets one that is allowed by how it begins", setting("net.core.somaxconn"), {}],
    ["that asks for nothing", makePod({}), { others: [asking({ cpu: "2", memory: "4Gi" }, {}, "a")] }],
    ["whose device others look after", asking({ "example.com/gpu": "2" }), {}],
    ["whose label the node has", makePod({ nodeSelector: { disk: "ssd" } }), {}],
    ["where there is no Node", makePod({ nodeSelector: { disk: "hdd" } }), { node: undefined }],
    ["that tolerates the taint", tolerating({ key: "gone", operator: "Exists" }), { node: tainted }],
    [
      "though a taint keeps new ones off",
      makePod({}),
      { node: { ...node, spec: { taints: [{ ...noExecute, effect: "NoSchedule" }] } } },
    ],
    ["with requests, though memory is short", asking({ memory: "1Gi" }), { pressure: ["MemoryPressure"] }],
    [
      "that says it can live with little memory",
      tolerating({ key: "node.kubernetes.io/memory-pressure", operator: "Exists" }),
      { pressure: ["MemoryPressure"] },
    ],
    ["that nobody can do without, though disk is short", makePod(critical), { pressure: ["DiskPressure"] }],
    [
      "of the node's own, whatever its taints",
      makePod({}, { metadata: { annotations: { "kubernetes.io/config.source": "file" } } }),
      { node: tainted },
    ],
  ])("takes a pod %s", (_, pod, view) => {
    expect(planAdmission(pod, { ...empty, ...view })).toMatchObject({ refusal: undefined, preempted: [] });
  });

  it("tells what a newer version of the Node may change from what it may not", () => {
    const rests = (pod: Pod) => planAdmission(pod, empty).rests;
    expect(rests(makePod({ nodeSelector: { disk: "hdd" } }))).toBe("on the node");
    expect(rests(asking({ cpu: "8" }, { nodeSelector: { disk: "hdd" } }))).toBe("on the pods");
  });

  it("has others end for a critical pod: as few as possible, those without guarantees first", () => {
    const others = [
      limited({ cpu: "1", memory: "1Gi" }, "guaranteed"),
      asking({ cpu: "200m" }, {}, "small"),
      asking({ cpu: "700m" }, {}, "large"),
    ];
    const names = (wanted: ResourceList) =>
      planAdmission(asking(wanted, critical, "critical"), {
        ...empty,
        allocatable: { ...empty.allocatable, pods: "9" },
        others,
      }).preempted.map(({ metadata }) => metadata.name);
    expect(names({ cpu: "100m" })).toEqual([]);
    expect(names({ cpu: "200m" })).toEqual(["small"]);
    expect(names({ cpu: "700m" })).toEqual(["large"]);
    expect(names({ cpu: "1" })).toEqual(["large", "small"]);
    expect(names({ cpu: "1500m" })).toEqual(["large", "guaranteed"]);
  });

  it("refuses a critical pod that no end of others would make room for", () => {
    const others = [asking({ cpu: "1" }, critical, "other")];
    expect(planAdmission(asking({ cpu: "1500m" }, critical, "critical"), { ...empty, others }).refusal).toEqual({
      reason: "UnexpectedAdmissionError",
      message:
        "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: " +
        "no set of running pods found to reclaim resources: [(res: cpu, q: 500), ]",
    });
  });
});
