import { describe, expect, it } from "vitest";
import type { DaemonSet, DaemonSetSpec, Node, Pod, Taint } from "../../../core/kinds/mod.ts";
import { daemonPod, nodeFit, targetNode } from "../../../master_daemon/controllers/_daemon_pods.ts";
import { planDaemonSet } from "../../../master_daemon/controllers/_plan_daemon_set.ts";
import { aNode, aPod, at, start, template } from "./fixtures.ts";

function aSet(spec: Partial<DaemonSetSpec> = {}): DaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: {
      name: "agent",
      namespace: "default",
      uid: "d1",
      generation: 2,
      annotations: { "deprecated.daemonset.template.generation": "4" },
    },
    spec: { selector: { matchLabels: { app: "web" } }, template: template(), ...spec },
  };
}

interface PodOptions {
  hash?: string;
  ready?: boolean;
  phase?: "Pending" | "Running" | "Succeeded" | "Failed";
  ending?: boolean;
  readySince?: number;
  age?: number;
}

function daemon(nodeName: string, options: PodOptions = {}): Pod {
  const { hash = "new", ready = true, phase = "Running", ending = false, readySince = 0, age = 0 } = options;
  return aPod(`${nodeName}-${hash}${age}`, {
    ...(ready && phase === "Running" ? { readySince } : {}),
    phase,
    nodeName,
    metadata: {
      labels: { app: "web", "controller-revision-hash": hash },
      creationTimestamp: at(age),
      ...(ending ? { deletionTimestamp: at(0) } : {}),
    },
  });
}

const nodes = ["n1", "n2", "n3"].map((name) => aNode(name));
const tainted = (effect: Taint["effect"], key = "team") => aNode("n1", { spec: { taints: [{ key, effect }] } });

function plan(
  set: DaemonSet,
  pods: readonly Pod[],
  options: { nodes?: readonly Node[]; backoffMs?: number; nowMs?: number } = {},
) {
  const { nowMs = start + 1_000_000, backoffMs = 0 } = options;
  return planDaemonSet({ set, nodes: options.nodes ?? nodes, pods, hash: "new", backoffMs: () => backoffMs, nowMs });
}

const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
const rolling = (maxUnavailable: number | string, maxSurge: number | string = 0): Partial<DaemonSetSpec> => ({
  updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable, maxSurge } },
});
const all = (...options: PodOptions[]) => options.map((one, index) => daemon(`n${index + 1}`, one));
const old: PodOptions = { hash: "old" };

describe("planDaemonSet()", () => {
  it.each<[string, DaemonSet, readonly Pod[], { nodes?: readonly Node[]; backoffMs?: number }, string[], string[]]>([
    ["gives every node a pod", aSet(), [daemon("n2")], {}, ["n1", "n3"], []],
    [
      "gives none to a node that is not wanted",
      aSet({ template: { ...template(), spec: { ...template().spec, nodeSelector: { gpu: "yes" } } } }),
      [],
      {},
      [],
      [],
    ],
    [
      "takes it from a node that is not wanted any more",
      aSet({ template: { ...template(), spec: { ...template().spec, nodeSelector: { gpu: "yes" } } } }),
      [daemon("n1")],
      {},
      [],
      ["n1-new0"],
    ],
    ["gives none to a node with a taint", aSet(), [], { nodes: [tainted("NoSchedule")] }, [], []],
    ["leaves the pod of a node that got a taint", aSet(), [daemon("n1")], { nodes: [tainted("NoSchedule")] }, [], []],
    ["takes it when the taint drives out", aSet(), [daemon("n1")], { nodes: [tainted("NoExecute")] }, [], ["n1-new0"]],
    [
      "stays on a node that is in trouble",
      aSet(),
      [],
      { nodes: [tainted("NoExecute", "node.kubernetes.io/unreachable")] },
      ["n1"],
      [],
    ],
    [
      "keeps the oldest of two",
      aSet(),
      [daemon("n1", { age: 5000 }), daemon("n1"), daemon("n2"), daemon("n3")],
      {},
      [],
      ["n1-new5000"],
    ],
    [
      "makes none anew before the last one is gone",
      aSet(),
      [daemon("n1", { ending: true }), daemon("n2"), daemon("n3")],
      {},
      [],
      [],
    ],
    [
      "removes what waits for a node that is gone",
      aSet(),
      [...all({}, {}, {}), { ...daemonPod(aSet(), "gone", "new"), metadata: { name: "lost" } }],
      {},
      [],
      ["lost"],
    ],
    ["leaves to others what ran on a node that is gone", aSet(), [...all({}, {}, {}), daemon("gone")], {}, [], []],
  ])("%s", (_, set, pods, options, create, remove) => {
    const planned = plan(set, pods, options);
    expect(planned.create.map(targetNode)).toEqual(create);
    expect(names(planned.remove)).toEqual(remove);
  });

  it("removes a failed pod, after its back-off", () => {
    const pods = [...all({ phase: "Failed" }, {}), daemon("n3", { phase: "Succeeded" })];
    expect(plan(aSet(), pods).ended.map(({ node }) => node)).toEqual(["n1", "n3"]);
    const waiting = plan(aSet(), pods, { backoffMs: 4000 });
    expect(waiting.ended.map(({ node }) => node)).toEqual(["n3"]);
    expect(waiting.requeueAfterMs).toBe(4000);
    // One that failed has to wait for its turn also where two may run.
    const surging = plan(aSet(rolling(0, 1)), all({ phase: "Failed" }, {}, {}), { backoffMs: 4000 });
    expect([surging.create, surging.requeueAfterMs]).toEqual([[], 4000]);
  });

  it.each([0, "0%"])("makes no second pod on a node with a surge of %s", (surge) => {
    const pods = all({ phase: "Failed" }, {}, {});
    expect(plan(aSet(rolling(1, surge)), pods).create).toEqual([]);
    expect(plan(aSet(rolling(0, "1%")), pods).create.map(targetNode)).toEqual(["n1"]);
  });

  it.each<[string, Partial<DaemonSetSpec>, readonly Pod[], string[]]>([
    ["exchanges as many as may be missing", rolling(1), all(old, old, old), ["n1-old0"]],
    ["takes parts of all, rounded up", rolling("34%"), all(old, old, old), ["n1-old0", "n2-old0"]],
    ["waits for new ones", rolling(1), all({ ready: false }, old, old), []],
    ["counts nodes between two pods", rolling(1), all({ ...old, ending: true }, old, old), []],
    ["exchanges what is not available anyway", rolling(1), all(old, { ...old, ready: false }, old), ["n2-old0"]],
    ["exchanges nothing by itself", { updateStrategy: { type: "OnDelete" } }, all(old, old, old), []],
    ["lets one be missing where neither number allows anything", rolling(0), all(old, old, old), ["n1-old0"]],
  ])("%s", (_, spec, pods, remove) => {
    const planned = plan(aSet(spec), pods);
    expect(planned.create).toEqual([]);
    expect(names(planned.remove)).toEqual(remove);
  });

  it.each<[string, readonly Pod[], string[], string[]]>([
    ["makes a new pod beside an old one", all(old, old, old), ["n1"], []],
    ["waits for it", [...all(old, old, old), daemon("n1", { ready: false })], [], []],
    [
      "makes one while the last one goes",
      [daemon("n1", { ending: true }), ...all({}, {}).slice(1), daemon("n3")],
      ["n1"],
      [],
    ],
    ["removes the old one then", [...all(old, old, old), daemon("n1")], [], ["n1-old0"]],
    [
      "makes new pods at once for those that are not available",
      all(old, { ...old, ready: false }, old),
      ["n2", "n1"],
      [],
    ],
  ])("with surge %s", (_, pods, create, remove) => {
    const planned = plan(aSet(rolling(0, 1)), pods);
    expect(planned.create.map(targetNode)).toEqual(create);
    expect(names(planned.remove)).toEqual(remove);
  });

  it("counts", () => {
    const pods = [...all({}, { ...old, ready: false }), daemon("n3")];
    const more = [...nodes, aNode("n4", { spec: { taints: [{ key: "x", effect: "NoSchedule" }] } })];
    expect(plan(aSet(), [...pods, daemon("n4")], { nodes: more }).status).toEqual({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberMisscheduled: 1,
      numberReady: 2,
      updatedNumberScheduled: 2,
      numberAvailable: 2,
      numberUnavailable: 1,
      observedGeneration: 2,
    });
  });

  it("tells of no unavailable pods where there are none", () => {
    expect(plan(aSet(), all({}, {}, {})).status).not.toHaveProperty("numberUnavailable");
  });

  it("looks again when a pod will have been ready for long enough", () => {
    const planned = plan(aSet({ minReadySeconds: 10 }), all({}, {}, { readySince: 3000 }), { nowMs: start + 11_000 });
    expect(planned).toMatchObject({ requeueAfterMs: 2000, status: { numberReady: 3, numberAvailable: 2 } });
  });
});

describe("daemonPod()", () => {
  it("is meant for one node, and bears what daemons bear", () => {
    const { spec } = template();
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [] }] },
        preferredDuringSchedulingIgnoredDuringExecution: [],
      },
      podAntiAffinity: {},
    };
    const set = aSet({
      template: {
        ...template(),
        spec: {
          ...spec,
          affinity,
          hostNetwork: true,
          tolerations: [
            { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 3 },
            { operator: "Exists", effect: "NoSchedule" },
          ],
        },
      },
    });
    const pod = daemonPod(set, "n7", "abc");
    expect(targetNode(pod)).toBe("n7");
    expect(pod.spec.affinity).toEqual({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n7"] }] }],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [],
      },
      podAntiAffinity: {},
    });
    expect(pod.metadata.labels).toEqual({
      app: "web",
      "controller-revision-hash": "abc",
      "pod-template-generation": "4",
    });
    expect(pod.spec.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds])).toEqual([
      ["node.kubernetes.io/not-ready", undefined],
      [undefined, undefined],
      ["node.kubernetes.io/unreachable", undefined],
      ["node.kubernetes.io/disk-pressure", undefined],
      ["node.kubernetes.io/memory-pressure", undefined],
      ["node.kubernetes.io/pid-pressure", undefined],
      ["node.kubernetes.io/unschedulable", undefined],
      ["node.kubernetes.io/network-unavailable", undefined],
    ]);
  });
});

describe("nodeFit()", () => {
  it("takes a template that names its node at its word", () => {
    const set = aSet({ template: { ...template(), spec: { ...template().spec, nodeName: "n2" } } });
    expect(nodes.map((node) => nodeFit(set, node).run)).toEqual([false, true, false]);
  });
});
