import { describe, expect, it } from "vitest";
import { createInformers } from "../../../core/client/informers.ts";
import { type CronJob, type CronJobSpec, cronJob, event, type Job, job, pod } from "../../../core/kinds/mod.ts";
import { isPodActive } from "../../../core/kinds/pod_helpers.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { cronJobController } from "../../../master_daemon/controllers/cronjob.ts";
import { jobController } from "../../../master_daemon/controllers/job.ts";
import { type Controller, controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";
import { at, template } from "./fixtures.ts";

const key = { namespace: "default", name: "tick" };
const minute = 60_000;
/** After a jump of the clock: what began before it may rest for some milliseconds more, and jobs come a little late. */
const soon = { stepMs: 10 };

function aCronJob(spec: Partial<CronJobSpec> = {}): CronJob {
  const pods = { spec: { ...template().spec, restartPolicy: "Never" as const } };
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { ...key },
    spec: { schedule: "*/10 * * * *", timeZone: "Etc/UTC", jobTemplate: { spec: { template: pods } }, ...spec },
  };
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

async function openMaster(started?: readonly Controller[]): Promise<TestCluster> {
  const cluster = await openCluster();
  cluster.parts.defer(startControllers(cluster, started));
  return cluster;
}

function jobs({ all, until }: TestCluster, count: number): Promise<readonly Job[]> {
  return until(async () => {
    const found = await all(job, "default");
    return found.length === count && found;
  }, soon);
}

/** Ends the pods of the jobs, and waits until they are so. */
async function succeed(cluster: TestCluster): Promise<void> {
  await cluster.until(async () => {
    const running = (await cluster.all(pod, "default")).filter(isPodActive);
    for (const one of running)
      await cluster.client.updateStatus(pod, { ...one, status: { ...one.status, phase: "Succeeded" } }).catch(() => {});
    return (await cluster.all(job, "default")).every(({ status }) => status?.completionTime !== undefined);
  }, soon);
}

describe("cron job controller", () => {
  it("makes a job each time, keeps the last ones, and tells of them", async () => {
    const cluster = await openMaster([cronJobController(), jobController()]);
    const { client, clock } = cluster;
    await client.create(cronJob, aCronJob({ successfulJobsHistoryLimit: 2 }));
    await cluster.until(async () => (await client.get(cronJob, key)).status !== undefined);
    for (let round = 1; round <= 3; round++) {
      await clock.advance(10 * minute);
      await cluster.until(
        async () => (await client.get(cronJob, key)).status?.lastScheduleTime === at(round * 10 * minute),
        soon,
      );
      await succeed(cluster);
      await cluster.until(async () => (await client.get(cronJob, key)).status?.active === undefined, soon);
    }
    const left = await jobs(cluster, 2);
    expect(left.map(({ metadata }) => metadata.ownerReferences?.[0]?.name)).toEqual(["tick", "tick"]);
    await cluster.until(async () => {
      const seen = (await cluster.all(event, "default")).map(({ reason }) => reason);
      return ["SuccessfulCreate", "SawCompletedJob", "SuccessfulDelete"].every((reason) => seen.includes(reason));
    });
    expect(cluster.errors).toEqual([]);
  });

  it("replaces a job that still runs", async () => {
    const cluster = await openMaster();
    const { client, clock } = cluster;
    await client.create(cronJob, aCronJob({ concurrencyPolicy: "Replace" }));
    await clock.advance(10 * minute);
    const [first] = await cluster.until(async () => {
      const found = await cluster.all(job, "default");
      return found.length === 1 && found;
    }, soon);
    await cluster.until(async () => (await client.get(cronJob, key)).status?.active?.length === 1, soon);
    await clock.advance(10 * minute);
    await cluster.until(async () => {
      const found = await cluster.all(job, "default");
      return found.length === 1 && found[0]?.metadata.uid !== first?.metadata.uid;
    }, soon);
    expect((await client.get(cronJob, key)).status?.active).toHaveLength(1);
  });

  it("makes one job for each time, however often it is restarted", async () => {
    const cluster = await openCluster();
    await cluster.client.create(cronJob, aCronJob({ concurrencyPolicy: "Allow" }));
    for (let round = 1; round <= 4; round++) {
      await cluster.clock.advance(10 * minute);
      const stop = startControllers(cluster, [cronJobController()]);
      // Stopped as soon as the job is there, be it noted or not.
      await jobs(cluster, round);
      await stop();
    }
    cluster.parts.defer(startControllers(cluster, [cronJobController()]));
    await cluster.until(async () => (await cluster.client.get(cronJob, key)).status?.active?.length === 4, soon);
    const names = (await jobs(cluster, 4)).map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(4);
  });

  it("lets its jobs go when it is deleted", async () => {
    const cluster = await openMaster();
    await cluster.client.create(cronJob, aCronJob());
    await cluster.clock.advance(10 * minute);
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 1, soon);
    await cluster.client.delete(cronJob, key, { propagationPolicy: "Background" });
    await cluster.until(async () => (await cluster.all(pod, "default")).length === 0, soon);
    expect(await cluster.all(job, "default")).toEqual([]);
  });
});
