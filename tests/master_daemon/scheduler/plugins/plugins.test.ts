import { describe, expect, it } from "vitest";
import type { Node, Pod, PodSpec, Taint } from "../../../../core/kinds/mod.ts";
import { type ClusterEvent, CycleState, type SchedulerPlugin } from "../../../../master_daemon/scheduler/framework.ts";
import { type AddedAffinity, nodeAffinity } from "../../../../master_daemon/scheduler/plugins/node_affinity.ts";
import { nodeName } from "../../../../master_daemon/scheduler/plugins/node_name.ts";
import { nodePorts } from "../../../../master_daemon/scheduler/plugins/node_ports.ts";
import { nodeResourcesFit } from "../../../../master_daemon/scheduler/plugins/node_resources_fit.ts";
import { nodeUnschedulable } from "../../../../master_daemon/scheduler/plugins/node_unschedulable.ts";
import { taintToleration } from "../../../../master_daemon/scheduler/plugins/taint_toleration.ts";
import { Snapshot } from "../../../../master_daemon/scheduler/snapshot.ts";
import { aNode, aPod } from "../../controllers/fixtures.ts";

function infoOf(node: Node, pods: readonly Pod[] = []) {
  const snapshot = new Snapshot();
  snapshot.setNode(node);
  for (const pod of pods) snapshot.setPod(pod);
  const [info] = snapshot.nodes;
  if (!info) throw new Error("no node");
  return info;
}

function filter(plugin: SchedulerPlugin, spec: Partial<PodSpec>, node: Node, pods: readonly Pod[] = []) {
  const pod = aPod("new", { nodeName: "", spec });
  return plugin.filter?.(pod, infoOf(node, pods), new CycleState());
}

function score(plugin: SchedulerPlugin, spec: Partial<PodSpec>, node: Node, pods: readonly Pod[] = []) {
  const pod = aPod("new", { nodeName: "", spec });
  return plugin.score?.(pod, infoOf(node, pods), new CycleState());
}

/** What a plug-in says of all nodes at once. */
function preFilter(plugin: SchedulerPlugin, spec: Partial<PodSpec>, nodes: readonly Node[]) {
  const snapshot = new Snapshot();
  for (const node of nodes) snapshot.setNode(node);
  return plugin.preFilter?.(aPod("new", { nodeName: "", spec }), snapshot, new CycleState());
}

/** Which events a plug-in takes to help a pod. */
function helps({ isHelpedBy }: SchedulerPlugin, spec: Partial<PodSpec>) {
  return (event: ClusterEvent) => isHelpedBy?.(event, aPod("new", { nodeName: "", spec }));
}

const taint = (effect: Taint["effect"], value = ""): Taint => ({ key: "k", value, effect });

describe("NodeName", () => {
  it("lets a pod onto the node that it names only", () => {
    expect(filter(nodeName, {}, aNode("a"))).toBeUndefined();
    expect(filter(nodeName, { nodeName: "a" }, aNode("a"))).toBeUndefined();
    expect(filter(nodeName, { nodeName: "b" }, aNode("a"))).toEqual({
      reason: "node(s) didn't match the requested node name",
    });
  });

  it("asks no node about a pod that names none", () => {
    expect(preFilter(nodeName, {}, [aNode("a")])).toBe("skip");
    expect(preFilter(nodeName, { nodeName: "b" }, [aNode("a")])).toBeUndefined();
  });
});

describe("NodeUnschedulable", () => {
  it("refuses cordoned nodes, but for pods that tolerate it", () => {
    const cordoned = aNode("a", { spec: { unschedulable: true } });
    expect(filter(nodeUnschedulable, {}, aNode("a"))).toBeUndefined();
    expect(filter(nodeUnschedulable, {}, cordoned)).toEqual({ reason: "node(s) were unschedulable" });
    const tolerations = [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] as const;
    expect(filter(nodeUnschedulable, { tolerations }, cordoned)).toBeUndefined();
  });

  it("asks no node, when none was cordoned", () => {
    const cordoned = aNode("a", { spec: { unschedulable: true } });
    expect(preFilter(nodeUnschedulable, {}, [aNode("a")])).toBe("skip");
    expect(preFilter(nodeUnschedulable, {}, [aNode("b"), cordoned])).toBeUndefined();
  });

  it("is woken by nodes only that take the pod now, and did not before", () => {
    const [open, cordoned] = [aNode("a"), aNode("a", { spec: { unschedulable: true } })];
    const isHelpedBy = helps(nodeUnschedulable, {});
    expect(isHelpedBy({ type: "node-added", node: open })).toBe(true);
    expect(isHelpedBy({ type: "node-added", node: cordoned })).toBe(false);
    expect(isHelpedBy({ type: "node-updated", node: open, previous: cordoned })).toBe(true);
    expect(isHelpedBy({ type: "node-updated", node: open, previous: open })).toBe(false);
    expect(isHelpedBy({ type: "node-updated", node: cordoned, previous: open })).toBe(false);
  });
});

describe("TaintToleration", () => {
  const refused = { reason: "node(s) had untolerated taint {k: v}" };
  it.each<[string, Taint, NonNullable<PodSpec["tolerations"]>, object | undefined]>([
    ["refuses NoSchedule", taint("NoSchedule", "v"), [], refused],
    ["refuses NoExecute", taint("NoExecute", "v"), [], refused],
    ["admits PreferNoSchedule", taint("PreferNoSchedule", "v"), [], undefined],
    ["names a taint without value", taint("NoSchedule"), [], { reason: "node(s) had untolerated taint {k: }" }],
    ["admits an equal value", taint("NoSchedule", "v"), [{ key: "k", value: "v" }], undefined],
    ["refuses another value", taint("NoSchedule", "v"), [{ key: "k", value: "w" }], refused],
    ["refuses another effect", taint("NoSchedule", "v"), [{ key: "k", value: "v", effect: "NoExecute" }], refused],
    ["admits any value", taint("NoSchedule", "v"), [{ key: "k", operator: "Exists" }], undefined],
    ["admits any key", taint("NoSchedule", "v"), [{ operator: "Exists" }], undefined],
    ["refuses any key without Exists", taint("NoSchedule", "v"), [{ value: "v" }], refused],
  ])("%s", (_, one, tolerations, expected) => {
    expect(filter(taintToleration, { tolerations }, aNode("a", { spec: { taints: [one] } }))).toEqual(expected);
  });

  it("prefers nodes with fewer taints that prefer no pods", () => {
    const node = (count: number) =>
      aNode("a", { spec: { taints: Array.from({ length: count }, (_, at) => taint("PreferNoSchedule", `${at}`)) } });
    const scores = [0, 1, 2].map((count) => score(taintToleration, {}, node(count)) ?? 0);
    expect(taintToleration.normalizeScores?.(scores)).toEqual([100, 50, 0]);
    expect(taintToleration.normalizeScores?.([0, 0])).toEqual([100, 100]);
  });

  it("counts no taint against a node that the pod tolerates", () => {
    const node = aNode("a", { spec: { taints: [taint("PreferNoSchedule", "v"), taint("PreferNoSchedule", "w")] } });
    expect(score(taintToleration, { tolerations: [{ key: "k", value: "v" }] }, node)).toBe(1);
  });

  it("has a say in the choice as soon as one node has such a taint", () => {
    const soft = infoOf(aNode("a", { spec: { taints: [taint("PreferNoSchedule")] } }));
    const [pod, snapshot, plain] = [aPod("new", { nodeName: "" }), new Snapshot(), infoOf(aNode("b"))];
    const asks = (...nodes: readonly (typeof plain)[]) =>
      taintToleration.preScore?.(pod, nodes, snapshot, new CycleState());
    expect([asks(plain), asks(plain, soft)]).toEqual([false, true]);
  });

  it("asks no node, when none has a taint that keeps pods off", () => {
    const tainted = (effect: Taint["effect"]) => aNode("a", { spec: { taints: [taint(effect)] } });
    expect(preFilter(taintToleration, {}, [tainted("PreferNoSchedule")])).toBe("skip");
    expect(preFilter(taintToleration, {}, [aNode("b"), tainted("NoSchedule")])).toBeUndefined();
  });

  it("is woken by nodes only that take the pod now, and did not before", () => {
    const [open, tainted] = [aNode("a"), aNode("a", { spec: { taints: [taint("NoSchedule")] } })];
    const isHelpedBy = helps(taintToleration, {});
    expect(isHelpedBy({ type: "node-added", node: open })).toBe(true);
    expect(isHelpedBy({ type: "node-added", node: tainted })).toBe(false);
    expect(isHelpedBy({ type: "node-updated", node: open, previous: tainted })).toBe(true);
    expect(isHelpedBy({ type: "node-updated", node: open, previous: open })).toBe(false);
    expect(isHelpedBy({ type: "node-updated", node: tainted, previous: open })).toBe(false);
  });
});

describe("NodeAffinity", () => {
  const node = aNode("a", { metadata: { labels: { zone: "z1", size: "8" } } });
  const refused = { reason: "node(s) didn't match Pod's node affinity/selector" };
  const required = (...nodeSelectorTerms: readonly object[]): { readonly nodeAffinity: AddedAffinity } =>
    ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } }) as never;
  const term = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  it.each<[string, Partial<PodSpec>, object | undefined]>([
    ["admits an equal label", { nodeSelector: { zone: "z1" } }, undefined],
    ["refuses another label", { nodeSelector: { zone: "z2" } }, refused],
    ["refuses what every object inherits", { nodeSelector: { toString: "x" } }, refused],
    ["admits In", { affinity: required(term("zone", "In", "z0", "z1")) }, undefined],
    ["refuses NotIn", { affinity: required(term("zone", "NotIn", "z1")) }, refused],
    ["admits NotIn of an absent label", { affinity: required(term("none", "NotIn", "z1")) }, undefined],
    ["admits Exists", { affinity: required(term("zone", "Exists")) }, undefined],
    ["refuses DoesNotExist", { affinity: required(term("zone", "DoesNotExist")) }, refused],
    ["admits Gt", { affinity: required(term("size", "Gt", "7")) }, undefined],
    ["refuses Lt", { affinity: required(term("size", "Lt", "8")) }, refused],
    ["refuses Gt of no number", { affinity: required(term("zone", "Gt", "1")) }, refused],
    [
      "admits one of several terms",
      { affinity: required(term("zone", "In", "z9"), term("size", "Exists")) },
      undefined,
    ],
    ["refuses an empty term", { affinity: required({}) }, refused],
    [
      "admits a node by name",
      { affinity: required({ matchFields: [{ key: "metadata.name", operator: "In", values: ["a"] }] }) },
      undefined,
    ],
  ])("%s", (_, spec, expected) => {
    expect(filter(nodeAffinity(), spec, node)).toEqual(expected);
  });

  it("asks no node about a pod that wants nothing of nodes, unless every pod has to", () => {
    expect(preFilter(nodeAffinity(), {}, [node])).toBe("skip");
    const addedAffinity = required(term("zone", "In", "z2")).nodeAffinity;
    expect(preFilter(nodeAffinity({ addedAffinity }), {}, [node])).toBeUndefined();
    expect(filter(nodeAffinity({ addedAffinity }), {}, node)).toEqual({
      reason: "node(s) didn't match scheduler-enforced node affinity",
    });
  });

  it("asks the named nodes alone, and says when a term names two at once", () => {
    const named = (...names: string[]) => ({ key: "metadata.name", operator: "In", values: names });
    const nodes = ["a", "b", "c"].map((name) => aNode(name));
    const asked = (...terms: readonly object[]) => preFilter(nodeAffinity(), { affinity: required(...terms) }, nodes);
    expect(asked({ matchFields: [named("a", "b"), named("b", "c")] }, { matchFields: [named("c")] })).toMatchObject({
      nodes: [{ name: "b" }, { name: "c" }],
      isFinal: true,
    });
    expect(asked({ matchFields: [named("a"), named("b")] })).toEqual({ reason: "pod affinity terms conflict" });
    // One term of no name may let the pod onto any node.
    expect(asked({ matchFields: [named("a")] }, term("zone", "Exists"))).not.toMatchObject({ isFinal: true });
  });

  it("looks no further than the fewest nodes that a label leaves, where no other term lets in more", () => {
    const [one, ...others] = ["z1", "z2", "z3", "z3"].map((zone, at) =>
      aNode(`${at}`, { metadata: { labels: { zone } } }),
    );
    const nodes = [one, ...others].flatMap((each) => each ?? []);
    const asked = (spec: Partial<PodSpec>) => {
      const found = preFilter(nodeAffinity(), spec, nodes);
      return typeof found === "object" && "nodes" in found ? found.nodes?.map((each) => each.name) : found;
    };
    expect(asked({ nodeSelector: { zone: "z1" } })).toEqual(["0"]);
    expect(asked({ affinity: required(term("zone", "In", "z1", "z2")) })).toEqual(["0", "1"]);
    expect(asked({ nodeSelector: { zone: "z3" }, affinity: required(term("zone", "In", "z1")) })).toEqual(["0"]);
    expect(asked({ affinity: required(term("zone", "In", "z1"), term("size", "Exists")) })).toBeUndefined();
    expect(asked({ affinity: required(term("zone", "NotIn", "z1")) })).toBeUndefined();
  });

  it("enforces one of several terms for every pod", () => {
    const addedAffinity = required(term("zone", "In", "z9"), term("size", "Exists")).nodeAffinity;
    expect(filter(nodeAffinity({ addedAffinity }), {}, node)).toBeUndefined();
  });

  it("is woken by nodes only that the pod wants now, and did not before", () => {
    const other = aNode("a", { metadata: { labels: { zone: "z2" } } });
    const isHelpedBy = helps(nodeAffinity(), { nodeSelector: { zone: "z1" } });
    expect(isHelpedBy({ type: "node-added", node })).toBe(true);
    expect(isHelpedBy({ type: "node-added", node: other })).toBe(false);
    expect(isHelpedBy({ type: "node-updated", node, previous: other })).toBe(true);
    expect(isHelpedBy({ type: "node-updated", node, previous: node })).toBe(false);
    expect(isHelpedBy({ type: "node-updated", node: other, previous: node })).toBe(false);
  });

  it("adds up the weights of what is preferred", () => {
    const preferred = [
      { weight: 10, preference: term("zone", "In", "z1") },
      { weight: 5, preference: term("size", "Exists") },
      { weight: 80, preference: term("zone", "In", "z2") },
    ];
    const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } as never;
    expect(score(nodeAffinity(), { affinity }, node)).toBe(15);
    expect(nodeAffinity().normalizeScores?.([15, 30, 0])).toEqual([50, 100, 0]);
  });
});

describe("NodePorts", () => {
  const port = (hostPort: number, hostIP = "", protocol: "TCP" | "UDP" = "TCP"): Partial<PodSpec> => ({
    containers: [{ name: "c", ports: [{ containerPort: 80, hostPort, protocol, ...(hostIP ? { hostIP } : {}) }] }],
  });
  const refused = { reason: "node(s) didn't have free ports for the requested pod ports", preemptionHelps: true };
  it.each<[string, Partial<PodSpec>, Partial<PodSpec>, object | undefined]>([
    ["refuses a port that is taken", port(80), port(80), refused],
    ["admits another port", port(80), port(81), undefined],
    ["admits another protocol", port(80), port(80, "", "UDP"), undefined],
    ["admits another address", port(80, "10.0.0.1"), port(80, "10.0.0.2"), undefined],
    ["refuses all addresses, when one is taken", port(80, "10.0.0.1"), port(80), refused],
    ["refuses an address, when all are taken", port(80), port(80, "10.0.0.1"), refused],
  ])("%s", (_, taken, wanted, expected) => {
    expect(filter(nodePorts, wanted, aNode("node-1"), [aPod("old", { spec: taken })])).toEqual(expected);
  });

  it("refuses one port of several that is taken", () => {
    const both = { containers: [...(port(81).containers ?? []), ...(port(80).containers ?? [])] };
    expect(filter(nodePorts, both, aNode("node-1"), [aPod("old", { spec: port(80) })])).toEqual(refused);
  });

  it("asks no node about a pod that wants no port", () => {
    expect(preFilter(nodePorts, {}, [aNode("a")])).toBe("skip");
    expect(preFilter(nodePorts, port(80), [aNode("a")])).toBeUndefined();
  });

  it("is woken by pods only that had one of its ports, and by any new node", () => {
    const both = { containers: [...(port(80).containers ?? []), ...(port(81).containers ?? [])] };
    const isHelpedBy = helps(nodePorts, both);
    expect(isHelpedBy({ type: "pod-deleted", pod: aPod("old", { spec: port(81) }) })).toBe(true);
    expect(isHelpedBy({ type: "pod-deleted", pod: aPod("old", { spec: port(82) }) })).toBe(false);
    expect(isHelpedBy({ type: "node-added", node: aNode("a") })).toBe(true);
  });

  it("admits a port again, when its pod went", () => {
    const snapshot = new Snapshot();
    snapshot.setNode(aNode("node-1"));
    const old = aPod("old", { spec: port(80) });
    snapshot.setPod(old);
    snapshot.deletePod(old);
    const [info] = snapshot.nodes;
    expect(info?.isPortTaken({ ip: "0.0.0.0", protocol: "TCP", port: 80 })).toBe(false);
  });
});

describe("NodeResourcesFit", () => {
  const wanting = (requests: Record<string, string>): Partial<PodSpec> => ({
    containers: [{ name: "c", resources: { requests } }],
  });
  const small: Node = {
    ...aNode("node-1"),
    status: { allocatable: { cpu: "2", memory: "1Gi", pods: "3", "example.com/gpu": "1" } },
  };
  const used = aPod("old", { spec: wanting({ cpu: "1500m", memory: "512Mi", "example.com/gpu": "1" }) });
  it.each<[string, Record<string, string>, object | undefined]>([
    ["admits what is left", { cpu: "500m", memory: "512Mi" }, undefined],
    ["admits a pod that asks for nothing", {}, undefined],
    ["refuses more cpu", { cpu: "501m" }, { reason: "Insufficient cpu", others: [], preemptionHelps: true }],
    [
      "says when no node of the kind would do",
      { cpu: "3" },
      { reason: "Insufficient cpu", others: [], preemptionHelps: false },
    ],
    [
      "names all that is missing",
      { cpu: "1", memory: "1Gi", "example.com/gpu": "1" },
      {
        reason: "Insufficient cpu",
        others: ["Insufficient memory", "Insufficient example.com/gpu"],
        preemptionHelps: true,
      },
    ],
    [
      "refuses what the node has none of",
      { "ephemeral-storage": "1Gi" },
      { reason: "Insufficient ephemeral-storage", others: [], preemptionHelps: false },
    ],
  ])("%s", (_name, requests, expected) => {
    const { lacks: _, ...found } = filter(nodeResourcesFit(), wanting(requests), small, [used]) ?? {};
    expect(found).toEqual(expected ?? {});
  });

  it("refuses one pod too many", () => {
    const pods = ["a", "b", "c"].map((name) => aPod(name));
    expect(filter(nodeResourcesFit(), {}, small, pods)).toMatchObject({
      reason: "Too many pods",
      preemptionHelps: true,
    });
  });

  it("does not count the pod itself as one too many, when it lacks something else", () => {
    expect(filter(nodeResourcesFit(), wanting({ cpu: "3" }), small, [aPod("a"), aPod("b")])).toMatchObject({
      reason: "Insufficient cpu",
      others: [],
    });
  });

  it("prefers the node with most left, counting pods that ask for nothing as small ones", () => {
    const node = { ...aNode("node-1"), status: { allocatable: { cpu: "1", memory: "2000Mi", pods: "9" } } };
    expect(score(nodeResourcesFit(), {}, node)).toBe(90);
    expect(score(nodeResourcesFit(), {}, node, [aPod("a"), aPod("b")])).toBe(70);
    expect(score(nodeResourcesFit(), wanting({ cpu: "2", memory: "1Gi" }), node)).toBe(24);
  });
});
