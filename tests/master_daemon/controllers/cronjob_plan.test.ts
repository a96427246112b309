import { describe, expect, it } from "vitest";
import type { CronJob, CronJobSpec, CronJobStatus, Job } from "../../../core/kinds/mod.ts";
import { planCronJob } from "../../../master_daemon/controllers/_plan_cron_job.ts";
import { at, start, template } from "./fixtures.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
/** Minutes since the epoch at the start: what names of jobs end with. */
const minutes = start / minute;

function aCronJob(
  spec: Partial<CronJobSpec> = {},
  status: CronJobStatus = {},
  metadata: CronJob["metadata"] = {},
): CronJob {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "tick", namespace: "default", uid: "c1", creationTimestamp: at(0), ...metadata },
    spec: {
      schedule: "*/10 * * * *",
      concurrencyPolicy: "Allow",
      jobTemplate: { metadata: { labels: { app: "web" }, annotations: { note: "x" } }, spec: { template: template() } },
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      ...spec,
    },
    status,
  };
}

function aJob(name: string, state?: "Complete" | "Failed", startedAt = 0): Job {
  const end = at(startedAt + minute);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "default", uid: `uid-${name}` },
    spec: { template: template() },
    status: {
      startTime: at(startedAt),
      ...(state === "Complete" ? { completionTime: end } : {}),
      ...(state ? { conditions: [{ type: state, status: "True", lastTransitionTime: end }] } : {}),
    },
  };
}

const active = (...jobs: readonly Job[]): CronJobStatus => ({
  active: jobs.map(({ metadata: { name = "", uid = "" } }) => ({ kind: "Job", namespace: "default", name, uid })),
});

function plan(cronJob: CronJob, nowMs: number, jobs: readonly Job[] = [], scheduledSinceMs?: number) {
  return planCronJob({ cronJob, jobs, nowMs: start + nowMs, defaultZone: "UTC", scheduledSinceMs });
}

const reasons = ({ events }: ReturnType<typeof plan>) => events.map(({ reason }) => reason);

describe("planCronJob()", () => {
  it("waits for the next time, and a little longer", () => {
    expect(plan(aCronJob(), 4 * minute)).toMatchObject({ create: undefined, requeueAfterMs: 6 * minute + 100 });
  });

  it("makes a job of the template, named after its time", () => {
    const { create, requeueAfterMs } = plan(aCronJob(), 10 * minute + 100);
    expect(create?.scheduled).toBe(at(10 * minute));
    expect(create?.job).toEqual({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: `tick-${minutes + 10}`,
        namespace: "default",
        labels: { app: "web" },
        annotations: { note: "x", "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:10:00Z" },
        ownerReferences: [
          {
            apiVersion: "batch/v1",
            kind: "CronJob",
            name: "tick",
            uid: "c1",
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: { template: template() },
    });
    expect(requeueAfterMs).toBe(10 * minute);
  });

  it("reads the schedule in its time zone", () => {
    const cronJob = aCronJob({ schedule: "30 9 * * *", timeZone: "Asia/Tokyo" });
    const { create } = plan(cronJob, 31 * minute);
    expect(create?.scheduled).toBe("2026-01-01T00:30:00Z");
    expect(create?.job.metadata.annotations).toMatchObject({
      "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T09:30:00+09:00",
    });
  });

  it.each<[string, CronJob, number, string[], string | undefined]>([
    ["only the last of several missed times counts", aCronJob(), 35 * minute, [], at(30 * minute)],
    ["of a hundred missed times it says nothing", aCronJob(), 1005 * minute, [], at(1000 * minute)],
    ["of one more it does", aCronJob(), 1015 * minute, ["TooManyMissedTimes"], at(1010 * minute)],
    ["of very many missed times it says so", aCronJob(), 60 * day + 5 * minute, ["TooManyMissedTimes"], at(60 * day)],
    [
      "a deadline bounds how far back it looks",
      aCronJob({ startingDeadlineSeconds: 60 }),
      30 * minute + 61_000,
      [],
      undefined,
    ],
    [
      "within the deadline it starts",
      aCronJob({ startingDeadlineSeconds: 60 }),
      30 * minute + 59_000,
      [],
      at(30 * minute),
    ],
    [
      "what was started is not started again",
      aCronJob({}, { lastScheduleTime: at(30 * minute) }),
      35 * minute,
      [],
      undefined,
    ],
    ["nothing starts while it is suspended", aCronJob({ suspend: true }), 35 * minute, [], undefined],
    [
      "nothing starts while it is being deleted",
      aCronJob({}, {}, { deletionTimestamp: at(0) }),
      35 * minute,
      [],
      undefined,
    ],
    [
      "every so often counts from the last time",
      aCronJob({ schedule: "@every 7m" }, { lastScheduleTime: at(minute) }),
      35 * minute,
      [],
      at(29 * minute),
    ],
    [
      "a schedule that never comes is told",
      aCronJob({ schedule: "0 0 31 2 *" }),
      35 * minute,
      ["InvalidSchedule"],
      undefined,
    ],
    [
      "a schedule that is none is told",
      aCronJob({ schedule: "soon" }),
      35 * minute,
      ["UnparseableSchedule"],
      undefined,
    ],
    ["an unknown zone is told", aCronJob({ timeZone: "Nowhere/Else" }), 35 * minute, ["UnknownTimeZone"], undefined],
    [
      "a zone in the schedule is told",
      aCronJob({ schedule: "TZ=Asia/Tokyo */10 * * * *" }),
      35 * minute,
      ["UnsupportedSchedule"],
      at(30 * minute),
    ],
  ])("%s", (_, cronJob, nowMs, events, scheduled) => {
    const planned = plan(cronJob, nowMs);
    expect(reasons(planned)).toEqual(events);
    expect(planned.create?.scheduled).toBe(scheduled);
  });

  it("finds the last time quickly, however unevenly times lie", () => {
    const cronJob = aCronJob(
      { schedule: "* * * 1 *", timeZone: "Europe/Berlin" },
      { lastScheduleTime: "2026-01-31T22:58:00Z" },
    );
    expect(plan(cronJob, 700 * day).create?.scheduled).toBe("2027-01-31T22:59:00Z");
  });

  it("does not make up for times of a schedule that came later", () => {
    expect(plan(aCronJob(), 35 * minute, [], start + 34 * minute).create).toBeUndefined();
    expect(plan(aCronJob(), 41 * minute, [], start + 34 * minute).create?.scheduled).toBe(at(40 * minute));
  });

  describe("while a job still runs", () => {
    const running = aJob(`tick-${minutes + 10}`);
    const status = { ...active(running), lastScheduleTime: at(10 * minute) };
    it.each([
      ["Allow", [], 0, true],
      ["Forbid", ["JobAlreadyActive"], 0, false],
      ["Replace", [], 1, true],
    ] as const)("%s", (concurrencyPolicy, events, replaced, created) => {
      const planned = plan(aCronJob({ concurrencyPolicy }, status), 20 * minute, [running]);
      expect(reasons(planned)).toEqual(events);
      expect(planned.replace).toHaveLength(replaced);
      expect(planned.create !== undefined).toBe(created);
      expect(planned.requeueAfterMs).toBe(10 * minute + 100);
    });
  });

  it("notes a job that was made before a restart, and makes no second one", () => {
    const made = aJob(`tick-${minutes + 10}`);
    const planned = plan(aCronJob(), 11 * minute, [made]);
    expect(planned.create).toBeUndefined();
    expect(planned.status).toMatchObject({
      active: [{ name: `tick-${minutes + 10}` }],
      lastScheduleTime: at(10 * minute),
    });
  });

  it("tells what became of its jobs", () => {
    const [done, gone, strange] = [aJob("done", "Complete"), aJob("gone"), aJob("strange")];
    const planned = plan(aCronJob({ suspend: true }, active(done, gone)), 5 * minute, [done, strange]);
    expect(planned.events).toEqual([
      { type: "Normal", reason: "SawCompletedJob", message: "Saw completed job: done, condition: Complete" },
      {
        type: "Warning",
        reason: "UnexpectedJob",
        message: "Saw a job that the controller did not create or forgot: strange",
      },
      { type: "Normal", reason: "MissingJob", message: "Active job went missing: gone" },
    ]);
    expect(planned.status).toEqual({ lastSuccessfulTime: at(minute) });
  });

  it("keeps as many ended jobs as its limits say, the newest of each sort", () => {
    const jobs = [
      aJob("a", "Complete", 5 * minute),
      aJob("b", "Complete", 1 * minute),
      aJob("c", "Complete", 3 * minute),
      aJob("d", "Failed", 2 * minute),
      aJob("e", "Failed", 4 * minute),
      aJob("f"),
    ];
    const cronJob = aCronJob({ suspend: true, successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 });
    expect(plan(cronJob, 0, jobs).cleanUp.map(({ metadata }) => metadata.name)).toEqual(["b", "c", "d"]);
  });
});
