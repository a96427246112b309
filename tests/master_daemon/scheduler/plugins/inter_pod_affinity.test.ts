import { describe, expect, it } from "vitest";
import type { LabelSelector } from "../../../../core/api/labels.ts";
import type { Pod, PodAffinityTerm, PodSpec } from "../../../../core/kinds/mod.ts";
import { emptyCluster } from "../../../../master_daemon/scheduler/cluster_view.ts";
import { CycleState } from "../../../../master_daemon/scheduler/framework.ts";
import { interPodAffinity } from "../../../../master_daemon/scheduler/plugins/inter_pod_affinity.ts";
import { feasible, labelled, on, place, snapshotOf, waiting } from "../_place.ts";

const zone = "topology.kubernetes.io/zone";
const hostname = "kubernetes.io/hostname";
const nodes = [labelled("a", { [zone]: "z1" }), labelled("b", { [zone]: "z1" }), labelled("c", { [zone]: "z2" })];
const app = (value: string): LabelSelector => ({ matchLabels: { app: value } });
const term = (value: string, topologyKey = zone, rest: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey,
  labelSelector: app(value),
  ...rest,
});
const near = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const apart = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const inNamespace = (pod: Pod, namespace: string): Pod => ({ ...pod, metadata: { ...pod.metadata, namespace } });

describe("InterPodAffinity", () => {
  it.each<[string, Pod, readonly Pod[], readonly string[]]>([
    [
      "keeps a pod in the zone of those that it wants",
      waiting(near(term("db"))),
      [on("a", "db", { app: "db" })],
      ["a", "b"],
    ],
    [
      "keeps a pod on their node, when that is the topology",
      waiting(near(term("db", hostname))),
      [on("a", "db", { app: "db" })],
      ["a"],
    ],
    ["refuses all nodes, when there are none of them", waiting(near(term("db"))), [on("a", "x", { app: "x" })], []],
    [
      "lets the first of a group in",
      waiting(near(term("web")), { app: "web" }),
      [on("a", "x", { app: "x" })],
      ["a", "b", "c"],
    ],
    [
      "keeps the second of a group with the first",
      waiting(near(term("web")), { app: "web" }),
      [on("c", "w", { app: "web" })],
      ["c"],
    ],
    [
      "wants one pod that all terms select",
      waiting(near(term("db"), { topologyKey: zone, labelSelector: { matchLabels: { tier: "back" } } })),
      [on("a", "db", { app: "db" }), on("c", "both", { app: "db", tier: "back" })],
      ["c"],
    ],
    [
      "keeps a pod out of the zone of those that it avoids",
      waiting(apart(term("web"))),
      [on("a", "w", { app: "web" })],
      ["c"],
    ],
    ["keeps it off their node only", waiting(apart(term("web", hostname))), [on("a", "w", { app: "web" })], ["b", "c"]],
    ["is symmetric", waiting({}, { app: "web" }), [on("a", "w", {}, apart(term("web")))], ["c"]],
    [
      "looks at its own namespace only",
      waiting(apart(term("web"))),
      [inNamespace(on("a", "w", { app: "web" }), "other")],
      ["a", "b", "c"],
    ],
    [
      "looks at the namespaces that it names",
      waiting(apart(term("web", zone, { namespaces: ["other"] }))),
      [inNamespace(on("a", "w", { app: "web" }), "other")],
      ["c"],
    ],
    [
      "looks at all namespaces with an empty selector",
      waiting(apart(term("web", zone, { namespaceSelector: {} }))),
      [inNamespace(on("a", "w", { app: "web" }), "other")],
      ["c"],
    ],
    [
      "looks at the namespaces that are selected",
      waiting(apart(term("web", zone, { namespaceSelector: { matchLabels: { team: "red" } } }))),
      [inNamespace(on("a", "w", { app: "web" }), "red"), inNamespace(on("c", "v", { app: "web" }), "blue")],
      ["c"],
    ],
    [
      "wants equal values of matchLabelKeys",
      waiting(apart(term("web", zone, { matchLabelKeys: ["hash"] })), { app: "web", hash: "2" }),
      [on("a", "old", { app: "web", hash: "1" })],
      ["a", "b", "c"],
    ],
    [
      "wants other values of mismatchLabelKeys",
      waiting(apart(term("web", zone, { mismatchLabelKeys: ["tenant"] })), { app: "web", tenant: "1" }),
      [on("a", "own", { app: "web", tenant: "1" }), on("c", "foreign", { app: "web", tenant: "2" })],
      ["a", "b"],
    ],
    [
      "takes no harm from what every object inherits",
      waiting(near(term("db", "constructor"))),
      [on("a", "db", { app: "db" })],
      [],
    ],
  ])("%s", (_, pod, pods, expected) => {
    const labels = new Map([
      ["red", { team: "red" }],
      ["blue", { team: "blue" }],
    ]);
    const cluster = { ...emptyCluster, namespaceLabels: (name: string) => labels.get(name) };
    expect(feasible(pod, snapshotOf(nodes, pods, { cluster }))).toEqual(expected);
  });

  it("counts pods that come, go and change their labels, and nodes that change theirs", () => {
    const snapshot = snapshotOf(nodes);
    const pod = waiting(near(term("db")));
    const db = on("a", "db", { app: "db" });
    expect(feasible(pod, snapshot)).toEqual([]);
    snapshot.setPod(db);
    expect(feasible(pod, snapshot)).toEqual(["a", "b"]);
    snapshot.setNode(labelled("a", { [zone]: "z2" }));
    expect(feasible(pod, snapshot)).toEqual(["a", "c"]);
    snapshot.setPod({ ...db, metadata: { ...db.metadata, labels: { app: "other" } } });
    expect(feasible(pod, snapshot)).toEqual([]);
    snapshot.setPod(db);
    snapshot.deleteNode(labelled("a"));
    expect(feasible(pod, snapshot)).toEqual([]);
    snapshot.setNode(labelled("a", { [zone]: "z1" }));
    expect(feasible(pod, snapshot)).toEqual(["a", "b"]);
    snapshot.deletePod(db);
    expect(feasible(pod, snapshot)).toEqual([]);
  });

  it.each<[string, Pod, readonly Pod[], string]>([
    [
      "affinity",
      waiting(near(term("db"))),
      [],
      "3 node(s) didn't match pod affinity rules. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    ],
    [
      "anti-affinity",
      waiting(apart(term("web", hostname))),
      ["a", "b", "c"].map((node) => on(node, `w-${node}`, { app: "web" })),
      "3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    ],
    [
      "others' anti-affinity",
      waiting({}, { app: "web" }),
      ["a", "b", "c"].map((node) => on(node, `w-${node}`, {}, apart(term("web", hostname)))),
      "3 node(s) didn't satisfy existing pods anti-affinity rules. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    ],
  ])("says which rule of %s was not met", (_, pod, pods, message) => {
    expect(place(pod, snapshotOf(nodes, pods))).toMatchObject({ message: `0/3 nodes are available: ${message}` });
  });

  it.each<[string, PodSpec["affinity"], readonly Pod[], string]>([
    [
      "prefers to be near",
      {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: term("db", hostname) }],
        },
      },
      [on("b", "db", { app: "db" })],
      "b",
    ],
    [
      "prefers to be apart",
      {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: term("db") }],
        },
      },
      [on("b", "db", { app: "db" })],
      "c",
    ],
    ["is drawn by those that want it", undefined, [on("b", "w", {}, near(term("web", hostname)))], "b"],
    [
      "is drawn by those that prefer it",
      undefined,
      [
        on(
          "c",
          "w",
          {},
          {
            affinity: {
              podAffinity: {
                preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term("web") }],
              },
            },
          },
        ),
      ],
      "c",
    ],
  ])("%s", (_, affinity, pods, expected) => {
    const snapshot = snapshotOf(nodes, pods);
    const pod = waiting(affinity ? { affinity } : {}, { app: "web" });
    expect(place(pod, snapshot, { plugins: [{ plugin: interPodAffinity(), weight: 2 }] }).node?.name).toBe(expected);
  });

  it("scales scores to 0 to 100, also negative ones", () => {
    expect(interPodAffinity().normalizeScores?.([-10, 0, 30])).toEqual([0, 25, 100]);
    expect(interPodAffinity().normalizeScores?.([5, 5])).toEqual([0, 0]);
  });

  it("is woken by pods only that have to do with it", () => {
    const { isHelpedBy } = interPodAffinity();
    const pod = waiting(near(term("db")));
    expect(isHelpedBy?.({ type: "pod-added", pod: on("a", "db", { app: "db" }) }, pod)).toBe(true);
    expect(isHelpedBy?.({ type: "pod-added", pod: on("a", "x", { app: "x" }) }, pod)).toBe(false);
    const shy = on("a", "shy", {}, apart(term("web")));
    expect(isHelpedBy?.({ type: "pod-deleted", pod: shy }, waiting({}, { app: "web" }))).toBe(true);
    expect(isHelpedBy?.({ type: "pod-deleted", pod: shy }, waiting({}, { app: "db" }))).toBe(false);
    const [db, other] = [on("a", "db", { app: "db" }), on("a", "db", { app: "x" })];
    const avoiding = waiting(apart(term("db")));
    // One that came is no help for who keeps off it; one that went, or is another now, is.
    expect(isHelpedBy?.({ type: "pod-added", pod: db }, avoiding)).toBe(false);
    expect(isHelpedBy?.({ type: "pod-deleted", pod: db }, avoiding)).toBe(true);
    expect(isHelpedBy?.({ type: "pod-updated", pod: other, previous: db }, avoiding)).toBe(true);
    expect(isHelpedBy?.({ type: "pod-updated", pod: db, previous: other }, pod)).toBe(true);
    expect(isHelpedBy?.({ type: "pod-updated", pod: other, previous: other }, pod)).toBe(false);
    expect(isHelpedBy?.({ type: "node-added", node: labelled("d") }, pod)).toBe(true);
  });

  it("is woken by any pod, where the labels of its namespace may say that it matters", () => {
    const { isHelpedBy } = interPodAffinity();
    const asking = term("db", zone, { namespaceSelector: { matchLabels: { team: "red" } } });
    const other = on("a", "x", { app: "x" });
    expect(isHelpedBy?.({ type: "pod-added", pod: other }, waiting(near(asking)))).toBe(true);
    expect(isHelpedBy?.({ type: "pod-deleted", pod: other }, waiting(near(asking)))).toBe(true);
    expect(isHelpedBy?.({ type: "pod-deleted", pod: other }, waiting(apart(asking)))).toBe(true);
    expect(isHelpedBy?.({ type: "pod-deleted", pod: on("a", "x", {}, apart(asking)) }, waiting())).toBe(true);
  });

  it("has no say in the choice, when nobody asks for anything that is there", () => {
    const snapshot = snapshotOf(nodes, [on("a", "x", { app: "x" })]);
    const { preScore } = interPodAffinity();
    expect(preScore?.(waiting(), snapshot.nodes, snapshot, new CycleState())).toBe(false);
    const wishes = { podAffinityTerm: term("db"), weight: 1 };
    const affinity = { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [wishes] } };
    expect(preScore?.(waiting({ affinity }), snapshot.nodes, snapshot, new CycleState())).toBe(false);
  });
});
