import { describe, expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import {
  deployment,
  event,
  job,
  type Pod,
  type PodDisruptionBudget,
  pod,
  podDisruptionBudget,
  statefulSet,
} from "../../../core/kinds/mod.ts";
import { planDisruption } from "../../../master_daemon/controllers/_plan_disruption.ts";
import { controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { runScheduler } from "../../../master_daemon/scheduler/mod.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";
import { aDeployment, aPod, at, start, template } from "./fixtures.ts";

const key = { namespace: "default", name: "guard" };

function aBudget(
  spec: PodDisruptionBudget["spec"] = {},
  status?: Partial<NonNullable<PodDisruptionBudget["status"]>>,
): PodDisruptionBudget {
  const zero = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { ...key, generation: 3 },
    spec: { selector: { matchLabels: { app: "web" } }, ...spec },
    ...(status ? { status: { ...zero, ...status } } : {}),
  };
}

const ready = (count: number): readonly Pod[] =>
  Array.from({ length: count }, (_, index) => aPod(`p${index}`, { readySince: 0 }));

describe("planDisruption()", () => {
  const plan = (budget: PodDisruptionBudget, pods: readonly Pod[], expectedScale = pods.length, nowMs = start) =>
    planDisruption({ budget, pods, expectedScale, nowMs });

  it.each<[string, PodDisruptionBudget["spec"], readonly Pod[], number, [number, number, number, number]]>([
    ["a number that must stay", { minAvailable: 2 }, ready(3), 3, [1, 3, 2, 3]],
    ["a part that must stay, rounded up", { minAvailable: "50%" }, ready(3), 3, [1, 3, 2, 3]],
    ["a number that may be missing, of those that are wanted", { maxUnavailable: 1 }, ready(3), 4, [0, 3, 3, 4]],
    ["a part that may be missing, rounded up", { maxUnavailable: "34%" }, ready(3), 3, [2, 3, 1, 3]],
    ["more than there are", { maxUnavailable: 9 }, ready(3), 3, [3, 3, 0, 3]],
    ["pods that are not ready", { minAvailable: 1 }, [...ready(2), aPod("x")], 3, [1, 2, 1, 3]],
    [
      "pods that are going",
      { minAvailable: 1 },
      [...ready(1), aPod("x", { readySince: 0, metadata: { deletionTimestamp: at(0) } })],
      2,
      [0, 1, 1, 2],
    ],
    ["no pods", { minAvailable: 0 }, [], 0, [0, 0, 0, 0]],
    ["nothing said", {}, ready(2), 2, [0, 2, 0, 0]],
  ])("counts with %s", (_, spec, pods, scale, expected) => {
    const { status } = plan(aBudget(spec), pods, scale);
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, conditions } = status;
    expect([disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods]).toEqual(expected);
    expect(status.observedGeneration).toBe(3);
    const allowed = disruptionsAllowed > 0;
    expect(findCondition(conditions, "DisruptionAllowed")).toMatchObject({
      status: allowed ? "True" : "False",
      reason: allowed ? "SufficientPods" : "InsufficientPods",
    });
  });

  it("does not count pods on the list of evictions, until they are not gone for too long", () => {
    const budget = aBudget({ minAvailable: 1 }, { disruptedPods: { p0: at(0), gone: at(0) } });
    const early = plan(budget, ready(3), 3, start + 30_000);
    expect(early.status).toMatchObject({ disruptedPods: { p0: at(0) }, currentHealthy: 2 });
    expect([early.requeueAfterMs, early.notDeleted]).toEqual([90_000, []]);
    const late = plan(budget, ready(3), 3, start + 121_000);
    expect(late.status.disruptedPods).toBeUndefined();
    expect(late.status.currentHealthy).toBe(3);
    expect(late.notDeleted.map(({ metadata }) => metadata.name)).toEqual(["p0"]);
  });

  it("keeps the time of a condition that stays", () => {
    const first = plan(aBudget({ minAvailable: 1 }), ready(2)).status;
    expect(plan(aBudget({ minAvailable: 1 }, first), ready(2), 2, start + 60_000).status).toEqual(first);
    // Whose words or generation are others it says anew, and keeps the time as long as the answer stays.
    for (const stale of [{ message: "as it was" }, { observedGeneration: 2 }]) {
      const conditions = first.conditions?.map((one) => ({ ...one, ...stale }));
      const next = plan(aBudget({ minAvailable: 1 }, { ...first, conditions: conditions ?? [] }), ready(2), 2, start);
      expect(next.status.conditions).toEqual(first.conditions);
    }
  });
});

async function openMaster(): Promise<TestCluster> {
  const cluster = await openCluster();
  const { client, clock, informers, log, parts, random } = cluster;
  parts.use(runControllers(controllers(), { client, clock, informers, log, random }));
  parts.use(runScheduler({ client, clock, informers, log, random }));
  await cluster.addNode("node-1");
  return cluster;
}

const fresh = <T extends { readonly metadata: object }>(object: T): T => {
  const { uid: _, generation: __, ...metadata } = object.metadata as Record<string, unknown>;
  return { ...object, metadata };
};

function allowed({ client, until }: TestCluster, count: number): Promise<PodDisruptionBudget> {
  return until(async () => {
    const found = await client.get(podDisruptionBudget, key);
    const { status, metadata } = found;
    return status?.observedGeneration === metadata.generation && status?.disruptionsAllowed === count && found;
  });
}

/** @returns the status code */
async function evict({ client }: TestCluster, name: string | undefined): Promise<number> {
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: name ?? "" } };
  const answer = await client.raw({
    method: "POST",
    path: `/api/v1/namespaces/default/pods/${name}/eviction`,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(eviction)),
  });
  return answer.status;
}

describe("disruption controller", () => {
  it("spares as many pods of a deployment as its budget says, again and again", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    await client.create(deployment, fresh(aDeployment({ replicas: 3 })));
    await client.create(podDisruptionBudget, fresh(aBudget({ maxUnavailable: "30%" })));
    for (let round = 0; round < 3; round++) {
      await allowed(cluster, 1);
      const [one, two] = (await cluster.all(pod, "default")).filter(({ metadata }) => !metadata.deletionTimestamp);
      expect(await evict(cluster, one?.metadata.name)).toBe(201);
      expect(await evict(cluster, two?.metadata.name)).toBe(429);
    }
    const { status } = await allowed(cluster, 1);
    expect(status).toMatchObject({ currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 });
    expect(status?.disruptedPods).toBeUndefined();
    expect(cluster.errors).toEqual([]);
  });

  it.each<[string, string, string | undefined, "True" | "False"]>([
    ["two minutes after it was to be evicted", "EvictionByEvictionAPI", undefined, "False"],
    ["not when its node ends it", "TerminationByKubelet", undefined, "True"],
    ["not when it has ended", "EvictionByEvictionAPI", "Succeeded", "True"],
  ])("takes back what a pod says of its disruption %s", async (_, reason, phase, expected) => {
    const cluster = await openMaster();
    const { client, clock } = cluster;
    await client.create(pod, fresh(aPod("p", { nodeName: "", spec: { schedulerName: "nobody" } })));
    const name = { namespace: "default", name: "p" };
    const lastTransitionTime = at(0);
    const isTarget = { type: "DisruptionTarget", status: "True", reason, message: "m", lastTransitionTime } as const;
    const body = { status: { phase: phase ?? "Pending", conditions: [isTarget] } };
    await client.patch(pod, name, { type: "strategic", body }, { subresource: "status" });
    const condition = async () => findCondition((await client.get(pod, name)).status?.conditions, isTarget.type);
    await cluster.until(async () => clock.now() >= start + 119_000, { stepMs: 1000 });
    expect(await condition()).toEqual(isTarget);
    await cluster.until(async () => clock.now() >= start + 125_000, { stepMs: 1000 });
    await cluster.until(async () => (await condition())?.status === expected);
    if (expected === "False")
      expect(await condition()).toEqual({
        type: isTarget.type,
        status: "False",
        lastTransitionTime: expect.any(String),
      });
  });

  it("asks a stateful set how many it wants", async () => {
    const cluster = await openMaster();
    await cluster.client.create(statefulSet, {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { namespace: "default", name: "db" },
      spec: { replicas: 4, selector: { matchLabels: { app: "web" } }, template: template() },
    });
    await cluster.client.create(podDisruptionBudget, fresh(aBudget({ minAvailable: "75%" })));
    expect((await allowed(cluster, 1)).status).toMatchObject({ desiredHealthy: 3, expectedPods: 4 });
  });

  it("says once which pods several budgets select, and which have no controller", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    const { spec } = template();
    for (const name of ["one", "two"]) {
      const metadata = { namespace: "default", name, labels: { app: "web" } };
      await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata, spec });
    }
    for (const name of ["b", "a"])
      await client.create(podDisruptionBudget, {
        ...fresh(aBudget({ maxUnavailable: 1 })),
        metadata: { ...key, name },
      });
    const told = async () =>
      (await cluster.all(event, "default"))
        .filter(({ reason = "" }) => ["MultiplePodDisruptionBudgets", "UnmanagedPods"].includes(reason))
        .map(
          ({ message = "", involvedObject, reason, count }) =>
            `${involvedObject.name} ${reason === "UnmanagedPods" ? message.split(" were")[0] : `${message} ${count}`}`,
        )
        .sort();
    const unmanaged =
      "Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},})";
    const wanted = [
      `a ${unmanaged}`,
      `b ${unmanaged}`,
      'one Pod "default"/"one" matches multiple PodDisruptionBudgets.  Chose "a" arbitrarily. 1',
      'two Pod "default"/"two" matches multiple PodDisruptionBudgets.  Chose "a" arbitrarily. 1',
    ];
    await cluster.until(async () => (await told()).length === wanted.length);
    expect(await told()).toEqual(wanted);
    const healthy = async () => (await client.get(podDisruptionBudget, { ...key, name: "a" })).status?.currentHealthy;
    await cluster.until(async () => (await healthy()) === 2);
    // What changes afterwards is nothing new.
    const body = { metadata: { labels: { more: "1" } } };
    await client.patch(pod, { namespace: "default", name: "one" }, { type: "merge", body });
    await client.delete(pod, { namespace: "default", name: "two" });
    await cluster.until(async () => (await healthy()) === 1);
    expect(await told()).toEqual(wanted);
  });

  it("says so when pods have nobody to ask", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    const restartPolicy = "Never" as const;
    const pods = { ...template(), spec: { ...template().spec, restartPolicy } };
    await client.create(job, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { ...key, name: "work" },
      spec: { template: pods },
    });
    await client.create(podDisruptionBudget, fresh(aBudget({ maxUnavailable: 1 })));
    const failed = await cluster.until(async () => {
      const { status } = await client.get(podDisruptionBudget, key);
      const condition = findCondition(status?.conditions, "DisruptionAllowed");
      return condition?.reason === "SyncFailed" && condition;
    });
    expect(failed.message).toBe("jobs.batch does not implement the scale subresource");
    await cluster.until(async () =>
      (await cluster.all(event, "default")).some(({ reason }) => reason === "CalculateExpectedPodCountFailed"),
    );
  });
});

describe("ttl after finished controller", () => {
  it("deletes ended jobs with their pods, each when its time is over", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    const restartPolicy = "Never" as const;
    const pods = { ...template(), spec: { ...template().spec, restartPolicy } };
    cluster.stopNode("node-1");
    for (const [name, ttlSecondsAfterFinished] of [
      ["soon", 30],
      ["later", 300],
    ] as const) {
      const spec = { template: pods, ttlSecondsAfterFinished };
      await client.create(job, { apiVersion: "batch/v1", kind: "Job", metadata: { ...key, name }, spec });
    }
    const running = await cluster.until(async () => {
      const found = await cluster.all(pod, "default");
      return found.length === 2 && found;
    });
    for (const { metadata } of running) {
      const latest = await client.get(pod, { ...key, name: metadata.name ?? "" });
      await client.updateStatus(pod, { ...latest, status: { phase: "Succeeded" } });
    }
    const left = async () => (await cluster.all(job, "default")).map(({ metadata }) => metadata.name);
    await cluster.until(async () => (await cluster.all(job, "default")).every(({ status }) => status?.completionTime));
    // What began before a jump of the clock may rest for some milliseconds more.
    const soon = { stepMs: 5 };
    await cluster.clock.advance(59_000);
    await cluster.until(async () => (await left()).length < 2, soon);
    expect(await left()).toEqual(["later"]);
    await cluster.clock.advance(241_000);
    await cluster.until(async () => (await left()).length === 0, soon);
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 0, soon);
  });
});
