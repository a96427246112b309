import { describe, expect, it } from "vitest";
import { type Pod, pod, replicaSet } from "../../../core/kinds/mod.ts";
import { rankForDeletion } from "../../../master_daemon/controllers/_rank_pods.ts";
import {
  planReplicaSet,
  replicaSetController,
  replicaSetStatus,
} from "../../../master_daemon/controllers/replicaset.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { openCluster } from "./_cluster.ts";
import { aPod, aReplicaSet, at, start } from "./fixtures.ts";

const minute = 60_000;
const nowMs = start + 1000 * minute;

describe("planReplicaSet()", () => {
  it("creates what is missing from the template, not counting pods that ended or are ending", () => {
    const pods = [
      aPod("a", { readySince: 0 }),
      aPod("b", { phase: "Failed" }),
      aPod("c", { readySince: 0, metadata: { deletionTimestamp: at(0) } }),
    ];
    const { create, remove } = planReplicaSet({ replicaSet: aReplicaSet("rs"), pods, relatedPods: pods, nowMs });
    expect(remove).toEqual([]);
    expect(create).toHaveLength(2);
    expect(create[0]).toEqual({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        generateName: "rs-",
        namespace: "default",
        labels: { app: "web" },
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: "ReplicaSet",
            name: "rs",
            uid: "uid-rs",
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: { containers: [{ name: "app", image: "app:1" }] },
    });
  });

  it("changes nothing, when the ReplicaSet is being deleted", () => {
    const replicaSet = aReplicaSet("rs", {}, { metadata: { deletionTimestamp: at(0) } });
    expect(planReplicaSet({ replicaSet, pods: [], relatedPods: [], nowMs }).create).toEqual([]);
  });

  it("creates at most 500 at once", () => {
    const replicaSet = aReplicaSet("rs", { replicas: 2000 });
    const { create, requeueAfterMs } = planReplicaSet({ replicaSet, pods: [], relatedPods: [], nowMs });
    expect(create).toHaveLength(500);
    // The rest does not wait for news of these.
    expect(requeueAfterMs).toBe(0);
  });

  it("removes the pod that shares its node with a sibling of another ReplicaSet, when all else is equal", () => {
    const one = aPod("a", { readySince: 0, nodeName: "node-1" });
    const two = aPod("b", { readySince: 0, nodeName: "node-2" });
    const sibling = aPod("other", { readySince: 0, nodeName: "node-2" });
    const replicaSet = aReplicaSet("rs", { replicas: 1 });
    const plan = planReplicaSet({ replicaSet, pods: [one, two], relatedPods: [one, two, sibling], nowMs });
    expect(plan.remove).toEqual([two]);
  });

  it("looks again when the next pod will have been ready for long enough", () => {
    const pods = [aPod("a", { readySince: 0 }), aPod("b", { readySince: 4000 }), aPod("c", { readySince: 7000 })];
    const replicaSet = aReplicaSet("rs", { minReadySeconds: 10 });
    const state = { replicaSet, pods, relatedPods: pods, nowMs: start + 10_000 };
    expect(planReplicaSet(state).requeueAfterMs).toBe(4000);
    expect(replicaSetStatus(state, undefined)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 1,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
  });
});

describe("replicaSetController", () => {
  it("counts the pods of a large set once for many that change, and goes on making them at once", async () => {
    const { client, clock, informers, log, parts, random, all, until } = await openCluster();
    parts.use(runControllers([replicaSetController], { client, clock, informers, log, random }));
    const { metadata, spec } = aReplicaSet("many", { replicas: 1000 });
    const { uid: _, ownerReferences: __, ...named } = metadata;
    const startedAt = clock.monotonic();
    await client.create(replicaSet, { ...aReplicaSet("many"), metadata: named, spec });
    const key = { namespace: "default", name: "many" };
    const status = async () => (await client.get(replicaSet, key)).status;
    await until(async () => (await all(pod)).length === 1000);
    expect(clock.monotonic()).toBe(startedAt);
    await until(async () => (await status())?.replicas === 1000, { stepMs: 5 });
    // What is left of its own writes to look at.
    await clock.advance(1000);

    const written: (number | undefined)[] = [];
    parts.defer(
      informers.informer(replicaSet).onChange(({ type, object }) => {
        if (type === "updated") written.push(object.status?.readyReplicas);
      }),
    );
    const isTwenty = async () => (await status())?.readyReplicas === 20;
    for (const one of (await all(pod)).slice(0, 20)) {
      const conditions = [{ type: "Ready", status: "True", lastTransitionTime: at(0) } as const];
      await client.updateStatus(pod, { ...one, status: { ...one.status, phase: "Running", conditions } });
    }
    await until(isTwenty, { stepMs: 5 });
    expect(written).toEqual([20]);
  });
});

describe("rankForDeletion()", () => {
  const cost = (value: string) => ({ annotations: { "controller.kubernetes.io/pod-deletion-cost": value } });
  const restarted = (pod: Pod, restartCount: number): Pod => ({
    ...pod,
    status: {
      ...pod.status,
      containerStatuses: [{ name: "app", ready: true, restartCount, image: "", imageID: "" }],
    },
  });
  const ready = { readySince: 0 };
  it.each<[string, Pod, Pod]>([
    ["an unscheduled pod goes first", aPod("x", { nodeName: "" }), aPod("y")],
    ["a pending pod goes before a running one", aPod("x"), aPod("y", { phase: "Running" })],
    [
      "a pending pod goes before one that nobody knows of",
      aPod("x"),
      { ...aPod("y"), status: { ...aPod("y").status, phase: "Unknown" } },
    ],
    [
      "one that nobody knows of goes before a running one",
      { ...aPod("x"), status: { ...aPod("x").status, phase: "Unknown" } },
      aPod("y", { phase: "Running" }),
    ],
    ["a pod that is not ready goes first", aPod("x", { phase: "Running" }), aPod("y", ready)],
    [
      "the lower deletion cost goes first",
      aPod("x", { ...ready, metadata: cost("-5") }),
      aPod("y", { ...ready, metadata: cost("3") }),
    ],
    ["the pod that is ready for a shorter time goes first", aPod("x", { readySince: 990 * minute }), aPod("y", ready)],
    ["the pod that restarted more often goes first", restarted(aPod("x", ready), 3), restarted(aPod("y", ready), 1)],
    [
      "a deletion cost that is none counts as 0",
      aPod("x", { ...ready, metadata: cost("-1") }),
      aPod("y", { ...ready, metadata: cost("+7") }),
    ],
    [
      "of pods of about one age the first by uid goes",
      aPod("x", { ...ready, metadata: { uid: "1", creationTimestamp: at(minute) } }),
      aPod("y", { ...ready, metadata: { uid: "2", creationTimestamp: at(0) } }),
    ],
    [
      "of pods of about one age the first by uid goes, though it is older",
      aPod("x", { ...ready, metadata: { uid: "1", creationTimestamp: at(0) } }),
      aPod("y", { ...ready, metadata: { uid: "2", creationTimestamp: at(minute) } }),
    ],
    [
      "the younger pod goes first",
      aPod("x", { ...ready, metadata: { creationTimestamp: at(990 * minute) } }),
      aPod("y", ready),
    ],
  ])("%s", (_, first, second) => {
    const options = { podsOnNode: () => 1, nowMs };
    expect(rankForDeletion([second, first], options)).toEqual([first, second]);
    expect(rankForDeletion([first, second], options)).toEqual([first, second]);
  });

  it("takes first from where most of them are, before it looks at how long they have been ready", () => {
    const [crowded, alone] = [aPod("x", { ...ready, nodeName: "n1" }), aPod("y", { readySince: 990 * minute })];
    const podsOnNode = (name: string) => (name === "n1" ? 2 : 1);
    expect(rankForDeletion([alone, crowded], { podsOnNode, nowMs })).toEqual([crowded, alone]);
    expect(rankForDeletion([crowded, alone], { podsOnNode: () => 1, nowMs })).toEqual([alone, crowded]);
  });
});

describe("replicaSetStatus()", () => {
  it("tells of a failure and keeps the time at which it began", () => {
    const failure = { reason: "FailedCreate", message: "quota" } as const;
    const replicaSet = aReplicaSet("rs");
    const first = replicaSetStatus({ replicaSet, pods: [], nowMs: start }, failure);
    expect(first.conditions).toEqual([
      { type: "ReplicaFailure", status: "True", ...failure, lastTransitionTime: at(0) },
    ]);
    const later = replicaSetStatus({ replicaSet: { ...replicaSet, status: first }, pods: [], nowMs }, failure);
    expect(later.conditions).toEqual(first.conditions);
    const cleared = replicaSetStatus({ replicaSet: { ...replicaSet, status: first }, pods: [], nowMs }, undefined);
    expect(cleared.conditions).toBeUndefined();
  });
});
