import { describe, expect, it } from "vitest";
import type { Pod, PodDisruptionBudget, PodSpec } from "../../../../core/kinds/mod.ts";
import { emptyCluster } from "../../../../master_daemon/scheduler/cluster_view.ts";
import { defaultPreemption } from "../../../../master_daemon/scheduler/plugins/default_preemption.ts";
import { plugins } from "../../../../master_daemon/scheduler/plugins/mod.ts";
import { aNode } from "../../controllers/fixtures.ts";
import { labelled, on, place, snapshotOf, waiting } from "../_place.ts";

const wanting = (cpu: string, priority: number, rest: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [{ name: "c", resources: { requests: { cpu } } }],
  priority,
  ...rest,
});
/** Nodes have 4 CPUs. */
const running = (
  node: string,
  name: string,
  cpu: string,
  priority: number,
  startTime = "2026-01-01T00:00:00Z",
): Pod => {
  const pod = on(node, name, { app: name }, wanting(cpu, priority));
  return { ...pod, status: { ...pod.status, startTime } };
};
const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: app, namespace: "default" },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

function preempt(
  spec: Partial<PodSpec>,
  pods: readonly Pod[],
  { nodes = ["a", "b"], budgets = [] }: { nodes?: readonly string[]; budgets?: readonly PodDisruptionBudget[] } = {},
) {
  const cluster = { ...emptyCluster, disruptionBudgets: () => budgets };
  const snapshot = snapshotOf(
    nodes.map((name) => aNode(name)),
    pods,
    { cluster },
  );
  const before = JSON.stringify(snapshot.nodes.map(({ requested, podCount }) => ({ requested, podCount })));
  const placement = place(waiting(spec), snapshot);
  expect(JSON.stringify(snapshot.nodes.map(({ requested, podCount }) => ({ requested, podCount })))).toBe(before);
  if (placement.node) throw new Error("it fits");
  const { postFilter } = placement;
  return {
    message: placement.message,
    nominated: postFilter?.nominatedNodeName,
    victims: postFilter?.victims?.map(({ metadata }) => metadata.name),
  };
}

describe("DefaultPreemption", () => {
  it.each<[string, Partial<PodSpec>, readonly Pod[], readonly PodDisruptionBudget[], string, readonly string[]]>([
    [
      "takes the node with the least important victims",
      wanting("3", 10),
      [running("a", "x", "4", 5), running("b", "y", "4", 3)],
      [],
      "b",
      ["y"],
    ],
    [
      "takes the fewest budgets' worth first",
      wanting("3", 10),
      [running("a", "x", "4", 5), running("b", "y", "4", 3)],
      [budget("y", 0)],
      "a",
      ["x"],
    ],
    [
      "takes a victim that its budget allows",
      wanting("3", 10),
      [running("a", "x", "4", 5), running("b", "y", "4", 3)],
      [budget("y", 1)],
      "b",
      ["y"],
    ],
    [
      "takes the least sum of priorities among equal greatest ones",
      wanting("3", 10),
      [running("a", "x1", "2", 3), running("a", "x2", "2", 3), running("b", "y1", "2", 3), running("b", "y2", "2", 1)],
      [],
      "b",
      ["y1", "y2"],
    ],
    [
      "takes fewer victims among those of negative priority",
      wanting("3", 10),
      [running("a", "x1", "2", -1), running("a", "x2", "2", -1), running("b", "y", "4", -1)],
      [],
      "b",
      ["y"],
    ],
    [
      "takes those who run least among equals",
      wanting("3", 10),
      [running("a", "x", "4", 3, "2026-01-01T00:00:00Z"), running("b", "y", "4", 3, "2026-01-02T00:00:00Z")],
      [],
      "b",
      ["y"],
    ],
    [
      "leaves as many as it can, the more important ones first",
      wanting("2", 10),
      [
        running("a", "high", "2", 9),
        running("a", "low", "1", 1),
        running("a", "mid", "1", 5),
        running("b", "full", "4", 20),
      ],
      [],
      "a",
      ["mid", "low"],
    ],
  ])("%s", (_, spec, pods, budgets, nominated, victims) => {
    expect(preempt(spec, pods, { budgets })).toMatchObject({
      nominated,
      victims,
      message: "0/2 nodes are available: 2 Insufficient cpu.",
    });
  });

  it.each<[string, Partial<PodSpec>, readonly Pod[], string, string | undefined]>([
    [
      "finds nobody of lower priority",
      wanting("3", 5),
      [running("a", "x", "4", 5), running("b", "y", "4", 9)],
      "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
      "",
    ],
    [
      "says what would still be missing without them",
      wanting("3", 5),
      [running("a", "x", "2", 5), running("a", "low", "1", 1), running("b", "y", "4", 9)],
      "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod.",
      "",
    ],
    [
      "cannot help where a node is too small",
      wanting("5", 5),
      [running("a", "low", "1", 1)],
      "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
      "",
    ],
    [
      "is not allowed to by its policy",
      wanting("3", 5, { preemptionPolicy: "Never" }),
      [running("a", "x", "4", 1), running("b", "y", "4", 1)],
      "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
      undefined,
    ],
  ])("%s", (_, spec, pods, message, nominated) => {
    expect(preempt(spec, pods)).toEqual({ message, nominated, victims: undefined });
  });

  it("displaces those who keep the pod off by their anti-affinity", () => {
    const shy = on(
      "a",
      "shy",
      {},
      {
        priority: 1,
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "web" } } },
            ],
          },
        },
      },
    );
    const placement = place(waiting({ priority: 5 }, { app: "web" }), snapshotOf([labelled("a")], [shy]));
    expect(placement).toMatchObject({
      postFilter: { nominatedNodeName: "a", victims: [{ metadata: { name: "shy" } }] },
    });
  });

  it("waits for those who are going already, and for nobody where the pod cannot go any more", () => {
    const victim = running("a", "x", "4", 1);
    const going: Pod = {
      ...victim,
      metadata: { ...victim.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
      status: {
        ...victim.status,
        conditions: [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }],
      },
    };
    const snapshot = snapshotOf([aNode("a"), aNode("b")], [going, running("b", "y", "4", 2)]);
    const pod = waiting(wanting("3", 5));
    snapshot.nominate(pod, "a");
    expect(place(pod, snapshot)).toMatchObject({
      message:
        "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.",
    });
    snapshot.setNode(aNode("a", { spec: { unschedulable: true } }));
    expect(place(pod, snapshot)).toMatchObject({ postFilter: { nominatedNodeName: "b" } });
  });

  it("does not wait for pods of the nominated node that go for another reason", () => {
    const victim = running("a", "x", "4", 1);
    const going = (reason: string): Pod => ({
      ...victim,
      metadata: { ...victim.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
      status: { ...victim.status, conditions: [{ type: "DisruptionTarget", status: "True", reason }] },
    });
    const nominated = (reason: string) => {
      const snapshot = snapshotOf([aNode("a")], [going(reason)]);
      const pod = waiting(wanting("3", 5));
      snapshot.nominate(pod, "a");
      return place(pod, snapshot);
    };
    expect(nominated("PreemptionByScheduler")).not.toHaveProperty("postFilter.victims");
    expect(nominated("EvictionByEvictionAPI")).toMatchObject({ postFilter: { nominatedNodeName: "a" } });
  });

  it("looks for no more candidates than it is told to, but for one that violates no budget", () => {
    const pods = ["a", "b", "c"].map((name) => running(name, name, "4", 1));
    const candidates = (budgets: readonly PodDisruptionBudget[], minCandidateNodesAbsolute = 1) => {
      const plugin = defaultPreemption({ minCandidateNodesPercentage: 0, minCandidateNodesAbsolute });
      const cluster = { ...emptyCluster, disruptionBudgets: () => budgets };
      const snapshot = snapshotOf(
        ["a", "b", "c"].map((name) => aNode(name)),
        pods,
        { cluster },
      );
      const placement = place(waiting(wanting("3", 5)), snapshot, {
        plugins: [...plugins.filter(({ plugin: { postFilter } }) => !postFilter), { plugin, weight: 0 }],
        random: () => 0,
      });
      return placement.node ? [] : placement.postFilter?.candidates?.map(({ node }) => node.name);
    };
    expect(candidates([])).toEqual(["a"]);
    expect(candidates([], 2)).toEqual(["a", "b"]);
    expect(candidates([budget("a", 0)])).toEqual(["a", "b"]);
  });

  it("keeps what was made free for pods of the same or a higher priority", () => {
    const snapshot = snapshotOf([aNode("a")]);
    const first = on("", "first", {}, wanting("3", 5));
    snapshot.nominate(first, "a");
    expect(place(waiting(wanting("2", 5)), snapshot).node).toBeUndefined();
    expect(place(waiting(wanting("2", 6)), snapshot).node?.name).toBe("a");
    expect(place(waiting(wanting("1", 1)), snapshot).node?.name).toBe("a");
    expect(place(first, snapshot).node?.name).toBe("a");
    expect(snapshot.nodes[0]?.podCount).toBe(0);
  });
});
