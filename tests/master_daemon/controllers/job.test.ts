import { describe, expect, it } from "vitest";
import { controllerOf, findCondition, keyOf } from "../../../core/api/meta.ts";
import { createInformers } from "../../../core/client/informers.ts";
import { event, type Job, job, type Pod, pod } from "../../../core/kinds/mod.ts";
import { isPodActive } from "../../../core/kinds/pod_helpers.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { jobController } from "../../../master_daemon/controllers/job.ts";
import { type Controller, controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";
import { at, start, template } from "./fixtures.ts";

const key = { namespace: "default", name: "work" };
/** After a jump of the clock: what began before it may rest for some milliseconds more. */
const soon = { stepMs: 5 };
const tracking = "batch.kubernetes.io/job-tracking";

function aJob(spec: Partial<Job["spec"]> = {}): Job {
  const { spec: podSpec } = template();
  const pods = { spec: { ...podSpec, restartPolicy: "Never" as const } };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { ...key }, spec: { template: pods, ...spec } };
}

/** Starts controllers with caches of their own; returns how to stop them. */
function startControllers(
  { client, clock, log, random }: TestCluster,
  started: readonly Controller[] = controllers(),
): () => Promise<void> {
  const parts = new DisposalStack();
  const informers = parts.use(createInformers({ client, clock, log, random }));
  parts.use(runControllers(started, { client, clock, informers, log, random }));
  return () => parts[Symbol.asyncDispose]();
}

async function openMaster(): Promise<TestCluster> {
  const cluster = await openCluster();
  cluster.parts.defer(startControllers(cluster));
  return cluster;
}

/** Waits until that many pods run, or wait to. */
function active({ until, all }: TestCluster, count: number, options = {}): Promise<readonly Pod[]> {
  return until(async () => {
    const pods = (await all(pod, "default")).filter(isPodActive);
    return pods.length === count && pods;
  }, options);
}

/** Plays the daemon of a node: the pod has ended. */
async function end({ client, clock }: TestCluster, one: Pod, exitCode = 0): Promise<void> {
  const finishedAt = at(clock.now() - start);
  const phase = exitCode === 0 ? "Succeeded" : "Failed";
  const ended = { name: "app", ready: false, restartCount: 0, image: "a", imageID: "a" };
  const containerStatuses = [{ ...ended, state: { terminated: { exitCode, finishedAt } } }];
  await client.updateStatus(pod, { ...(await client.get(pod, keyOf(one))), status: { phase, containerStatuses } });
}

function hasCondition({ client, until }: TestCluster, type: string, stepMs = 0): Promise<Job> {
  return until(
    async () => {
      const found = await client.get(job, key);
      return findCondition(found.status?.conditions, type)?.status === "True" && found;
    },
    { stepMs },
  );
}

async function reasons({ all }: TestCluster): Promise<readonly (string | undefined)[]> {
  return (await all(event, "default"))
    .filter(({ involvedObject }) => involvedObject.kind === "Job")
    .map((one) => one.reason);
}

describe("job controller", () => {
  it("runs pods until enough have succeeded, and counts each once", async () => {
    const cluster = await openMaster();
    await cluster.client.create(job, aJob({ completions: 3, parallelism: 2 }));
    const [first] = await active(cluster, 2);
    expect(first?.metadata.finalizers).toEqual([tracking]);
    expect(first?.metadata.labels).toMatchObject({ "batch.kubernetes.io/job-name": "work", "job-name": "work" });
    for (let round = 0; round < 3; round++) {
      const [one] = await active(cluster, Math.min(2, 3 - round));
      if (one) await end(cluster, one);
      await cluster.until(async () => (await cluster.client.get(job, key)).status?.succeeded === round + 1);
    }
    const { status } = await hasCondition(cluster, "Complete");
    expect(status).toMatchObject({ succeeded: 3, ready: 0, terminating: 0, startTime: at(0), completionTime: at(0) });
    expect(status?.active ?? 0).toBe(0);
    expect(findCondition(status?.conditions, "SuccessCriteriaMet")?.status).toBe("True");
    expect((await cluster.all(pod, "default")).flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);
    await cluster.until(async () => (await reasons(cluster)).includes("Completed"));
    expect(cluster.errors).toEqual([]);
  });

  it("looks at the news of many pods together", async () => {
    const cluster = await openCluster();
    let looks = 0;
    const counted = controllers().map((one) => ({
      ...one,
      reconcile: (...args: Parameters<typeof one.reconcile>) => {
        if (one.name === "job-controller") looks++;
        return one.reconcile(...args);
      },
    }));
    cluster.parts.defer(startControllers(cluster, counted));
    await cluster.client.create(job, aJob({ completions: 100, parallelism: 100 }));
    const pods = await active(cluster, 100, { stepMs: 1000 });
    await cluster.until(async () => (await cluster.client.get(job, key)).status?.active === 100, { stepMs: 1000 });
    looks = 0;
    for (const one of pods) await end(cluster, one);
    await hasCondition(cluster, "Complete", 500);
    expect(looks).toBeLessThan(20);
    expect((await cluster.client.get(job, key)).status?.succeeded).toBe(100);
  });

  it("replaces failed pods with back-off, and gives up after as many as may fail", async () => {
    const cluster = await openMaster();
    await cluster.client.create(job, aJob({ backoffLimit: 1 }));
    const [one] = await active(cluster, 1);
    if (one) await end(cluster, one, 1);
    await cluster.until(async () => (await cluster.client.get(job, key)).status?.failed === 1);
    expect((await cluster.all(pod, "default")).filter(isPodActive)).toEqual([]);
    await cluster.clock.advance(10_000);
    const [two] = await active(cluster, 1, soon);
    if (two) await end(cluster, two, 1);
    const { status } = await hasCondition(cluster, "Failed", soon.stepMs);
    expect(status?.failed).toBe(2);
    expect(findCondition(status?.conditions, "Failed")).toMatchObject({ reason: "BackoffLimitExceeded" });
    expect(findCondition(status?.conditions, "FailureTarget")).toMatchObject({ reason: "BackoffLimitExceeded" });
    expect(status?.completionTime).toBeUndefined();
  });

  it("ends what runs when the time is over", async () => {
    const cluster = await openMaster();
    await cluster.client.create(job, aJob({ activeDeadlineSeconds: 30, parallelism: 2, completions: 2 }));
    await active(cluster, 2);
    await cluster.clock.advance(30_000);
    const { status } = await hasCondition(cluster, "Failed", soon.stepMs);
    expect(status?.failed).toBe(2);
    expect(findCondition(status?.conditions, "Failed")).toMatchObject({ reason: "DeadlineExceeded" });
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 0, soon);
  });

  it("gives each pod of an indexed job its index, and tells which are done", async () => {
    const cluster = await openMaster();
    await cluster.client.create(job, aJob({ completionMode: "Indexed", completions: 3, parallelism: 3 }));
    const pods = await active(cluster, 3);
    expect(pods.map(({ spec }) => spec.hostname).toSorted()).toEqual(["work-0", "work-1", "work-2"]);
    const byHostname = (name: string) => pods.find(({ spec }) => spec.hostname === name);
    for (const name of ["work-2", "work-0"]) {
      const one = byHostname(name);
      if (one) await end(cluster, one);
    }
    await cluster.until(async () => (await cluster.client.get(job, key)).status?.completedIndexes === "0,2");
    const last = byHostname("work-1");
    if (last) await end(cluster, last);
    expect((await hasCondition(cluster, "Complete")).status?.completedIndexes).toBe("0-2");
  });

  it("suspends and goes on", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    await client.create(job, aJob({ parallelism: 2, completions: 2 }));
    await active(cluster, 2);
    const suspend = (is: boolean) => client.patch(job, key, { type: "merge", body: { spec: { suspend: is } } });
    await suspend(true);
    const { status } = await hasCondition(cluster, "Suspended");
    expect([status?.active ?? 0, status?.failed ?? 0]).toEqual([0, 0]);
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 0);
    await cluster.clock.advance(60_000);
    await suspend(false);
    await active(cluster, 2, soon);
    const resumed = await cluster.until(async () => {
      const found = await client.get(job, key);
      return findCondition(found.status?.conditions, "Suspended")?.status === "False" && found;
    }, soon);
    expect(resumed.status?.startTime).toBe(at(60_000));
    await cluster.until(
      async () => (await reasons(cluster)).filter((one) => /Suspended|Resumed/.test(one ?? "")).length === 2,
    );
  });

  it("adopts pods that it selects, and releases those that it no longer does", async () => {
    const cluster = await openMaster();
    const { client } = cluster;
    await client.create(job, aJob());
    const [one] = await active(cluster, 1);
    const podKey = keyOf(one as Pod);
    await client.patch(pod, podKey, { type: "merge", body: { metadata: { ownerReferences: null } } });
    await cluster.until(async () => controllerOf(await client.get(pod, podKey))?.name === "work");
    expect((await client.get(pod, podKey)).metadata.finalizers).toEqual([tracking]);
    const labels = Object.fromEntries(Object.keys(one?.metadata.labels ?? {}).map((name) => [name, null]));
    await client.patch(pod, podKey, { type: "merge", body: { metadata: { labels } } });
    const released = await cluster.until(async () => {
      const found = await client.get(pod, podKey);
      return found.metadata.finalizers === undefined && found;
    });
    expect(controllerOf(released)).toBeUndefined();
  });

  it("lets its pods go when it is deleted", async () => {
    const cluster = await openMaster();
    await cluster.client.create(job, aJob({ parallelism: 2, completions: 2 }));
    await active(cluster, 2);
    await cluster.client.delete(job, key, { propagationPolicy: "Background" });
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 0);
  });

  it("takes the finalizer from pods that it is told to leave behind", async () => {
    const cluster = await openMaster();
    await cluster.client.create(job, aJob({ parallelism: 2, completions: 2 }));
    await active(cluster, 2);
    await cluster.client.delete(job, key, { propagationPolicy: "Orphan" });
    await cluster.until(async () => {
      const pods = await cluster.all(pod, "default");
      return pods.length === 2 && pods.every(({ metadata }) => !metadata.finalizers && !metadata.ownerReferences);
    });
  });

  it("counts exactly, however often it is restarted", async () => {
    const cluster = await openCluster();
    await cluster.client.create(job, aJob({ completions: 4, parallelism: 3, backoffLimit: 100 }));
    for (let round = 0; round < 8; round++) {
      const stop = startControllers(cluster, [jobController()]);
      const running = await cluster.until(
        async () => {
          const { status } = await cluster.client.get(job, key);
          const pods = (await cluster.all(pod, "default")).filter(isPodActive);
          return (pods.length > 0 || findCondition(status?.conditions, "Complete")) && pods;
        },
        { stepMs: 1000 },
      );
      // Stopped wherever it happens to be.
      const ending = running[0] && end(cluster, running[0], round % 3 === 2 ? 1 : 0);
      await cluster.clock.advance(round * 7);
      await stop();
      await ending;
    }
    cluster.parts.defer(startControllers(cluster, [jobController()]));
    const { status } = await hasCondition(cluster, "Complete", 1000);
    const ended = await cluster.all(pod, "default");
    const count = (phase: string) => ended.filter((one) => one.status?.phase === phase).length;
    expect([status?.succeeded, status?.failed ?? 0]).toEqual([4, count("Failed")]);
    expect(count("Succeeded")).toBe(4);
  });

  it("leaves jobs alone that somebody else looks after", async () => {
    const cluster = await openMaster();
    await cluster.client.create(job, aJob({ managedBy: "example.com/queue" }));
    await cluster.client.create(job, { ...aJob(), metadata: { ...key, name: "other" } });
    const pods = await active(cluster, 1);
    expect(controllerOf(pods[0] as Pod)?.name).toBe("other");
  });
});
