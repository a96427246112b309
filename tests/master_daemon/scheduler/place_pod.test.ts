import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node, Pod, PodSpec } from "../../../core/kinds/mod.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { placePod } from "../../../master_daemon/scheduler/place_pod.ts";
import { plugins } from "../../../master_daemon/scheduler/plugins/mod.ts";
import { Snapshot } from "../../../master_daemon/scheduler/snapshot.ts";
import { aNode, aPod } from "../controllers/fixtures.ts";

const random = () => 0;

function place(nodes: readonly Node[], spec: Partial<PodSpec> = {}, pods: readonly Pod[] = []) {
  const snapshot = new Snapshot();
  for (const node of nodes) snapshot.setNode(node);
  for (const pod of pods) snapshot.setPod(pod);
  return placePod(aPod("new", { nodeName: "", spec }), snapshot, { plugins, random });
}

const wanting = (cpu: string): Partial<PodSpec> => ({ containers: [{ name: "c", resources: { requests: { cpu } } }] });

describe("placePod()", () => {
  it("says so, when there is no node at all", () => {
    expect(place([])).toMatchObject({ node: undefined, message: "no nodes available to schedule pods" });
  });

  it("counts the reasons as Kubernetes words them", () => {
    const tainted = (name: string) =>
      aNode(name, { spec: { taints: [{ key: "key", value: "value", effect: "NoSchedule" }] } });
    const full = aPod("full", { nodeName: "a", spec: wanting("3900m") });
    expect(place([aNode("a"), tainted("b"), tainted("c")], wanting("1"), [full])).toMatchObject({
      node: undefined,
      message:
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {key: value}. preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
      refusedBy: [{ name: "NodeResourcesFit" }, { name: "TaintToleration" }],
    });
  });

  it("says that the pod may not displace others, when its policy is Never", () => {
    expect(place([aNode("a")], { ...wanting("9"), preemptionPolicy: "Never" })).toMatchObject({
      message: "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
    });
  });

  it("asks only the nodes that a pod names, and is helped by another one of that name", () => {
    const terms = [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }];
    const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } };
    const spec = { ...wanting("9"), affinity: { nodeAffinity: required } } as Partial<PodSpec>;
    expect(place([aNode("a"), aNode("b"), aNode("c")], spec)).toMatchObject({
      message:
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
      refusedBy: [{ name: "NodeResourcesFit" }, { name: "NodeAffinity" }],
    });
    expect(place([aNode("a"), aNode("b")], { ...spec, ...wanting("1") }).node?.name).toBe("b");
  });

  it("looks at few of many nodes, where an index says which those are, and goes on where it ended", () => {
    const nodes = Array.from({ length: 300 }, (_, at) =>
      aNode(`n${at}`, { metadata: { labels: { pool: at % 100 === 0 ? "small" : "large" } } }),
    );
    expect(place(nodes, { nodeSelector: { pool: "small" } })).toMatchObject({ visited: 3, feasible: 3 });
    expect(place(nodes, { nodeSelector: { pool: "none" } })).toMatchObject({
      visited: 300,
      message:
        "0/300 nodes are available: 300 node(s) didn't match Pod's node affinity/selector. preemption: 0/300 nodes are available: 300 Preemption is not helpful for scheduling.",
    });
    // 48 % of them.
    expect(place(nodes)).toMatchObject({ visited: 144, feasible: 144 });
  });

  it("chooses the node with most left, and among equals by chance", () => {
    const nodes = ["a", "b", "c"].map((name) => aNode(name));
    const pods = [aPod("x", { nodeName: "a", spec: wanting("1") }), aPod("y", { nodeName: "c", spec: wanting("2") })];
    expect(place(nodes, {}, pods).node?.name).toBe("b");
    const snapshot = new Snapshot();
    for (const node of nodes) snapshot.setNode(node);
    const seeded = seededRandom(3);
    const names = Array.from(
      { length: 60 },
      () => placePod(aPod("p", { nodeName: "" }), snapshot, { plugins, random: seeded }).node?.name,
    );
    expect(new Set(names)).toEqual(new Set(["a", "b", "c"]));
  });

  it("never overcommits a node, whatever pods come and go", () => {
    const step = fc.record({ milliCpu: fc.integer({ min: 1, max: 2500 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
        const snapshot = new Snapshot();
        for (const name of ["a", "b", "c"]) snapshot.setNode(aNode(name));
        const seeded = seededRandom(seed);
        const placed = new Map<Pod, { node: string; milliCpu: number }>();
        for (const [at, { milliCpu, remove }] of steps.entries()) {
          const [oldest] = placed.keys();
          if (remove && oldest) {
            snapshot.deletePod(oldest);
            placed.delete(oldest);
            continue;
          }
          const pod = aPod(`p${at}`, { nodeName: "", spec: wanting(`${milliCpu}m`) });
          const { node } = placePod(pod, snapshot, { plugins, random: seeded });
          const used = (name: string) =>
            [...placed.values()].reduce((sum, one) => sum + (one.node === name ? one.milliCpu : 0), 0);
          const fits = ["a", "b", "c"].some((name) => used(name) + milliCpu <= 4000);
          expect(node !== undefined).toBe(fits);
          if (!node) continue;
          expect(used(node.name) + milliCpu).toBeLessThanOrEqual(4000);
          snapshot.assume(pod, node.name);
          placed.set(pod, { node: node.name, milliCpu });
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("Snapshot", () => {
  it("counts an assumed pod until it is forgotten, and a confirmed one whatever is forgotten", () => {
    const snapshot = new Snapshot();
    snapshot.setNode(aNode("a"));
    const pod = aPod("p", { nodeName: "", spec: wanting("1") });
    snapshot.assume(pod, "a");
    expect([snapshot.isAssumed(pod), snapshot.nodes[0]?.requested.milliCpu]).toEqual([true, 1000]);
    snapshot.forget(pod);
    expect([snapshot.isAssumed(pod), snapshot.nodes[0]?.requested.milliCpu]).toEqual([false, 0]);
    snapshot.assume(pod, "a");
    snapshot.setPod({ ...pod, spec: { ...pod.spec, nodeName: "a" } });
    snapshot.forget(pod);
    expect([snapshot.isAssumed(pod), snapshot.nodes[0]?.podCount]).toEqual([false, 1]);
  });

  it("keeps the pods of a node that comes later or goes earlier", () => {
    const snapshot = new Snapshot();
    snapshot.setPod(aPod("p", { nodeName: "a", spec: wanting("1") }));
    expect(snapshot.nodes).toEqual([]);
    snapshot.setNode(aNode("a"));
    expect(snapshot.nodes[0]?.requested.milliCpu).toBe(1000);
    snapshot.deleteNode(aNode("a"));
    expect(snapshot.nodes).toEqual([]);
    snapshot.setNode(aNode("a"));
    expect(snapshot.nodes[0]?.podCount).toBe(1);
  });
});
