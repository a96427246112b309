import { describe, expect, it } from "vitest";
import type { Node } from "../../../../core/kinds/mod.ts";
import { CycleState, type SchedulerPlugin } from "../../../../master_daemon/scheduler/framework.ts";
import { imageLocality } from "../../../../master_daemon/scheduler/plugins/image_locality.ts";
import { nodeResourcesBalancedAllocation } from "../../../../master_daemon/scheduler/plugins/node_resources_balanced_allocation.ts";
import { nodeResourcesFit } from "../../../../master_daemon/scheduler/plugins/node_resources_fit.ts";
import type { Snapshot } from "../../../../master_daemon/scheduler/snapshot.ts";
import { aNode } from "../../controllers/fixtures.ts";
import { labelled, on, snapshotOf, waiting } from "../_place.ts";

const asking = (requests: Record<string, string>) => ({
  containers: [{ name: "c", image: "app:1", resources: { requests } }],
});

function scores(
  plugin: SchedulerPlugin,
  requests: Record<string, string>,
  snapshot: Snapshot,
): readonly number[] | undefined {
  const state = new CycleState();
  const pod = waiting(asking(requests));
  if (plugin.preScore?.(pod, snapshot.nodes, snapshot, state) === false) return undefined;
  return snapshot.nodes.map((node) => plugin.score?.(pod, node, state) ?? 0);
}

describe("NodeResourcesFit", () => {
  const nodes = [aNode("a"), aNode("b")];
  const pods = [on("a", "x", {}, asking({ cpu: "2", memory: "2Gi" }))];
  const resources = [
    { name: "cpu", weight: 1 },
    { name: "memory", weight: 1 },
  ];
  // Of 4 CPUs and 8 GiB.
  it.each<[string, Parameters<typeof nodeResourcesFit>[0], readonly number[]]>([
    ["likes nodes with most left", {}, [37, 75]],
    ["likes nodes with least left", { scoringStrategy: { type: "MostAllocated", resources } }, [62, 25]],
    [
      "weighs resources",
      {
        scoringStrategy: {
          type: "LeastAllocated",
          resources: [
            { name: "cpu", weight: 3 },
            { name: "memory", weight: 1 },
          ],
        },
      },
      [31, 75],
    ],
    [
      "follows a shape",
      {
        scoringStrategy: {
          type: "RequestedToCapacityRatio",
          resources: [{ name: "cpu", weight: 1 }],
          shape: [
            { utilization: 0, score: 0 },
            { utilization: 50, score: 10 },
            { utilization: 100, score: 0 },
          ],
        },
      },
      [50, 50],
    ],
  ])("%s", (_, options, expected) => {
    expect(scores(nodeResourcesFit(options), { cpu: "1", memory: "2Gi" }, snapshotOf(nodes, pods))).toEqual(expected);
  });

  it("looks past resources that it is told to ignore", () => {
    const snapshot = snapshotOf(nodes);
    const [node] = snapshot.nodes;
    const refused = (options: Parameters<typeof nodeResourcesFit>[0]) =>
      node && nodeResourcesFit(options).filter?.(waiting(asking({ "example.com/gpu": "1" })), node, new CycleState());
    expect(refused({})).toMatchObject({ reason: "Insufficient example.com/gpu" });
    expect(refused({ ignoredResources: ["example.com/gpu"] })).toBeUndefined();
    expect(refused({ ignoredResourceGroups: ["example.com"] })).toBeUndefined();
    expect(refused({ ignoredResourceGroups: ["example.org"] })).toMatchObject({
      reason: "Insufficient example.com/gpu",
    });
  });

  it("is woken by nodes only that have enough at all", () => {
    const { isHelpedBy } = nodeResourcesFit();
    const pod = waiting(asking({ cpu: "5" }));
    expect(isHelpedBy?.({ type: "node-added", node: aNode("a") }, pod)).toBe(false);
    const large: Node = { ...aNode("a"), status: { allocatable: { cpu: "8", memory: "8Gi", pods: "110" } } };
    expect(isHelpedBy?.({ type: "node-added", node: large }, pod)).toBe(true);
    expect(isHelpedBy?.({ type: "pod-deleted", pod: on("a", "x") }, pod)).toBe(true);
    const shrunk = { pod: on("a", "x", {}, asking({ cpu: "1" })), previous: on("a", "x", {}, asking({ cpu: "2" })) };
    expect(isHelpedBy?.({ type: "pod-updated", ...shrunk }, pod)).toBe(true);
    expect(isHelpedBy?.({ type: "pod-updated", pod: shrunk.previous, previous: shrunk.pod }, pod)).toBe(false);
  });
});

describe("NodeResourcesBalancedAllocation", () => {
  it("likes nodes of which equal shares are taken", () => {
    const pods = [on("a", "x", {}, asking({ cpu: "1" })), on("b", "y", {}, asking({ memory: "2Gi" }))];
    // a: 2/4 and 2/8; b: 1/4 and 4/8; c: 1/4 and 2/8.
    const snapshot = snapshotOf([aNode("a"), aNode("b"), aNode("c")], pods);
    expect(scores(nodeResourcesBalancedAllocation(), { cpu: "1", memory: "2Gi" }, snapshot)).toEqual([87, 87, 100]);
  });

  it("does not compare a node by what it has none of", () => {
    const resources = [
      { name: "cpu", weight: 1 },
      { name: "example.com/gpu", weight: 1 },
    ];
    const gpus = { ...aNode("b"), status: { allocatable: { cpu: "4", pods: "9", "example.com/gpu": "2" } } };
    const nothing = { ...aNode("c"), status: { allocatable: { pods: "9" } } };
    const snapshot = snapshotOf([aNode("a"), gpus, nothing]);
    const requests = { cpu: "1", "example.com/gpu": "1" };
    // b: 1/4 and 1/2.
    expect(scores(nodeResourcesBalancedAllocation({ resources }), requests, snapshot)).toEqual([100, 87, 100]);
  });

  it("has no say about pods that ask for nothing", () => {
    expect(scores(nodeResourcesBalancedAllocation(), {}, snapshotOf([aNode("a")]))).toBeUndefined();
  });
});

describe("ImageLocality", () => {
  const withImages = (name: string, images: Record<string, number>): Node => ({
    ...labelled(name),
    status: {
      ...labelled(name).status,
      images: Object.entries(images).map(([image, mebibytes]) => ({ names: [image], sizeBytes: mebibytes * 2 ** 20 })),
    },
  });

  it("likes nodes that have much of what the pod runs, the more nodes have it the more", () => {
    const nodes = [
      withImages("a", { "app:1": 1000 }),
      withImages("b", { "app:1": 20 }),
      withImages("c", {}),
      withImages("d", { "app:2": 900 }),
    ];
    // Half of the nodes have it: 500 of 1000 MiB, and 23 MiB count for nothing.
    expect(scores(imageLocality, {}, snapshotOf(nodes))).toEqual([48, 0, 0, 0]);
  });

  it("has no say, when no node has an image of the pod", () => {
    expect(scores(imageLocality, {}, snapshotOf([withImages("a", { "app:2": 100 })]))).toBeUndefined();
  });

  it("counts what of an image is more than 23 MiB", () => {
    const of = (mebibytes: number) => scores(imageLocality, {}, snapshotOf([withImages("a", { "app:1": mebibytes })]));
    expect([of(32), of(33)]).toEqual([[0], [1]]);
  });

  it("takes a name without a tag for the latest, with or without a registry", () => {
    const snapshot = snapshotOf([withImages("a", { "app:latest": 1000 })]);
    const pod = waiting({ containers: [{ name: "c", image: "app" }] });
    expect(imageLocality.preScore?.(pod, snapshot.nodes, snapshot, new CycleState())).toBe(true);
  });

  it("takes a name without a tag for the latest, and forgets nodes that went", () => {
    const snapshot = snapshotOf([withImages("a", { "reg:5000/x:latest": 1000 })]);
    const pod = waiting({ containers: [{ name: "c", image: "reg:5000/x" }] });
    expect(imageLocality.preScore?.(pod, snapshot.nodes, snapshot, new CycleState())).toBe(true);
    snapshot.deleteNode(labelled("a"));
    expect(snapshot.nodesWithImage("reg:5000/x:latest")).toBe(0);
  });
});
