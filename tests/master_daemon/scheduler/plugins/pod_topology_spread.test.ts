import { describe, expect, it } from "vitest";
import { selectorFromMap } from "../../../../core/api/labels.ts";
import type { Pod, PodSpec } from "../../../../core/kinds/mod.ts";
import { emptyCluster } from "../../../../master_daemon/scheduler/cluster_view.ts";
import { podTopologySpread } from "../../../../master_daemon/scheduler/plugins/pod_topology_spread.ts";
import { feasible, labelled, on, place, snapshotOf, waiting } from "../_place.ts";

type Constraint = NonNullable<PodSpec["topologySpreadConstraints"]>[number];
const zone = "topology.kubernetes.io/zone";
const hostname = "kubernetes.io/hostname";
const nodes = [
  labelled("a", { [zone]: "z1" }),
  labelled("b", { [zone]: "z1" }),
  labelled("c", { [zone]: "z2" }),
  labelled("d", { [zone]: "z3", pool: "special" }),
];
const spread = (rest: Partial<Constraint> = {}): Constraint => ({
  maxSkew: 1,
  topologyKey: zone,
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: { matchLabels: { app: "web" } },
  ...rest,
});
const web = { app: "web" };
const pod = (constraints: readonly Constraint[], spec: Partial<PodSpec> = {}, labels: Record<string, string> = web) =>
  waiting({ topologySpreadConstraints: constraints, ...spec }, labels);
const webs = (...places: string[]) => places.map((node, at) => on(node, `w${at}`, web));

describe("PodTopologySpread", () => {
  it.each<[string, Pod, readonly Pod[], readonly string[]]>([
    ["admits all nodes, when there are no pods", pod([spread()]), [], ["a", "b", "c", "d"]],
    ["keeps off the fullest domain", pod([spread()]), webs("a"), ["c", "d"]],
    ["admits as much skew as is allowed", pod([spread({ maxSkew: 2 })]), webs("a"), ["a", "b", "c", "d"]],
    ["evens out", pod([spread()]), webs("a", "c"), ["d"]],
    ["does not count a pod that does not count itself", pod([spread()], {}, {}), webs("a"), ["a", "b", "c", "d"]],
    [
      "counts its own namespace only",
      pod([spread()]),
      [{ ...on("a", "w", web), metadata: { name: "w", uid: "w", namespace: "other", labels: web } }],
      ["a", "b", "c", "d"],
    ],
    [
      "does not count pods that are going",
      pod([spread()]),
      [
        {
          ...on("a", "w", web),
          metadata: {
            name: "w",
            uid: "w",
            namespace: "default",
            labels: web,
            deletionTimestamp: "2026-01-01T00:00:00Z",
          },
        },
      ],
      ["a", "b", "c", "d"],
    ],
    [
      "wants both of two constraints",
      pod([spread(), spread({ topologyKey: hostname, maxSkew: 1 })]),
      webs("a", "c", "d"),
      ["b"],
    ],
    [
      "counts nothing as the least, while there are too few domains",
      pod([spread({ minDomains: 4 })]),
      webs("a", "c", "d"),
      [],
    ],
    ["takes enough domains as they are", pod([spread({ minDomains: 3 })]), webs("a", "c", "d"), ["a", "b", "c", "d"]],
    [
      "leaves out nodes that the pod cannot go to",
      pod([spread()], { nodeSelector: { pool: "special" } }),
      webs("d"),
      ["d"],
    ],
    [
      "counts them, when it is told to",
      pod([spread({ nodeAffinityPolicy: "Ignore" })], { nodeSelector: { pool: "special" } }),
      webs("d"),
      [],
    ],
    [
      "wants equal values of matchLabelKeys",
      pod([spread({ matchLabelKeys: ["hash"] })], {}, { ...web, hash: "2" }),
      [on("a", "old", { ...web, hash: "1" })],
      ["a", "b", "c", "d"],
    ],
  ])("%s", (_, one, pods, expected) => {
    expect(feasible(one, snapshotOf(nodes, pods))).toEqual(expected);
  });

  it("leaves tainted nodes out, when it is told to", () => {
    const tainted = {
      ...labelled("d", { [zone]: "z3" }),
      spec: { taints: [{ key: "k", effect: "NoSchedule" } as const] },
    };
    const snapshot = () => snapshotOf([...nodes.slice(0, 3), tainted], webs("a", "c"));
    expect(feasible(pod([spread()]), snapshot())).toEqual([]);
    expect(feasible(pod([spread({ nodeTaintsPolicy: "Honor" })]), snapshot())).toEqual(["a", "b", "c"]);
  });

  it("says what is not met, and which nodes lack the label", () => {
    const snapshot = snapshotOf([...nodes.slice(0, 3), labelled("e")], webs("a", "b", "c", "c"));
    const { message } = place(pod([spread({ minDomains: 3 })]), snapshot) as { message: string };
    expect(message).toBe(
      "0/4 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label), 3 node(s) didn't match pod topology spread constraints. preemption: 0/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod.",
    );
  });

  it("prefers emptier domains, with equal labels of a workload by default", () => {
    const plugins = [{ plugin: podTopologySpread(), weight: 2 }];
    const soft = pod([spread({ whenUnsatisfiable: "ScheduleAnyway" })]);
    expect(place(soft, snapshotOf(nodes, webs("a", "d")), { plugins }).node?.name).toBe("c");
    const cluster = { ...emptyCluster, workloadSelector: () => selectorFromMap(web) };
    const plain = waiting({}, web);
    expect(place(plain, snapshotOf(nodes, webs("a", "c", "d"), { cluster }), { plugins }).node?.name).toBe("b");
    expect(place(plain, snapshotOf(nodes, webs("b", "c", "d"), { cluster }), { plugins }).node?.name).toBe("a");
  });

  it("scores the emptiest 100, and nodes without the label 0", () => {
    expect(podTopologySpread().normalizeScores?.([2, 4, Number.NaN])).toEqual([100, 50, 0]);
    expect(podTopologySpread().normalizeScores?.([0, 0])).toEqual([100, 100]);
  });
});
