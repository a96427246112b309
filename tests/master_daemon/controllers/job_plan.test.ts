import { describe, expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import type { ContainerStatus, Job, JobStatus, Pod } from "../../../core/kinds/mod.ts";
import { nextBackoff, remainingBackoffMs } from "../../../master_daemon/controllers/_job_backoff.ts";
import {
  firstMissing,
  hasIndex,
  indexesText,
  indexSet,
  readIndexes,
  sizeOfBoth,
  union,
} from "../../../master_daemon/controllers/_job_indexes.ts";
import { completionIndex, finishedAtMs, jobPod } from "../../../master_daemon/controllers/_job_pods.ts";
import { judgeFailure, metSuccessRule } from "../../../master_daemon/controllers/_job_policies.ts";
import { countReleased, finishedStatus, trackPods } from "../../../master_daemon/controllers/_job_status.ts";
import { planJob } from "../../../master_daemon/controllers/_plan_job.ts";
import { aPod, at, start, template } from "./fixtures.ts";

const minute = 60_000;
const nowMs = start + 10 * minute;
const tracking = "batch.kubernetes.io/job-tracking";
const indexKey = "batch.kubernetes.io/job-completion-index";
const failureCount = "batch.kubernetes.io/job-index-failure-count";

function aJob(spec: Partial<Job["spec"]> = {}, status: JobStatus = {}, metadata: Job["metadata"] = {}): Job {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "work", namespace: "default", uid: "j1", ...metadata },
    spec: { completions: 1, parallelism: 1, backoffLimit: 6, template: template(), ...spec },
    status: { startTime: at(0), ...status },
  };
}

interface PodOptions {
  phase?: "Pending" | "Running" | "Succeeded" | "Failed";
  index?: number;
  failures?: number;
  finishedAt?: number;
  exitCode?: number;
  deleted?: boolean;
  tracked?: boolean;
}

function jobsPod(name: string, options: PodOptions = {}): Pod {
  const { phase = "Running", index, failures, finishedAt = 0, exitCode = 1, deleted = false, tracked = true } = options;
  const pod = aPod(name, {
    phase,
    metadata: {
      finalizers: tracked ? [tracking] : [],
      annotations: {
        ...(index === undefined ? {} : { [indexKey]: String(index) }),
        ...(failures === undefined ? {} : { [failureCount]: String(failures) }),
      },
      ...(deleted ? { deletionTimestamp: at(finishedAt) } : {}),
    },
  });
  const terminated = { exitCode: phase === "Succeeded" ? 0 : exitCode, finishedAt: at(finishedAt) };
  const container: ContainerStatus = {
    name: "app",
    ready: false,
    restartCount: 0,
    image: "",
    imageID: "",
    state: phase === "Succeeded" || phase === "Failed" ? { terminated } : { running: {} },
  };
  return { ...pod, status: { ...pod.status, containerStatuses: [container] } };
}

const onFailure = { ...template(), spec: { ...template().spec, restartPolicy: "OnFailure" } } as const;

const perIndex = {
  completionMode: "Indexed",
  completions: 3,
  parallelism: 3,
  backoffLimitPerIndex: 5,
  backoffLimit: 100,
} as const;

/** A rule that speaks of every pod that failed with exit code 1. */
const rule = (action: "FailIndex" | "Ignore") => ({ action, onExitCodes: { operator: "In", values: [1] } }) as const;

/** A pod whose first container was restarted. */
function restarted(name: string, phase: "Pending" | "Running" | "Succeeded", restartCount: number): Pod {
  const pod = jobsPod(name, { phase });
  const [container] = pod.status?.containerStatuses ?? [];
  const statuses = container ? [{ ...container, restartCount }] : [];
  // Of a pod that begins it is an init container.
  const { containerStatuses: _, ...status } = pod.status ?? {};
  const list = phase === "Pending" ? "initContainerStatuses" : "containerStatuses";
  return { ...pod, status: { ...status, [list]: statuses } };
}

const plan = (job: Job, pods: readonly Pod[] = [], time = nowMs) =>
  planJob({ job, pods, backoff: undefined, nowMs: time });
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
const indexes = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.annotations?.[indexKey]);

describe("planJob()", () => {
  it.each<[string, Job, readonly Pod[], { create?: number; remove?: readonly string[] }]>([
    ["starts as many as may run at once", aJob({ completions: 5, parallelism: 3 }), [], { create: 3 }],
    [
      "starts as many as may run at once, when one success is enough",
      aJob({ completions: undefined as never, parallelism: 3 }),
      [],
      { create: 3 },
    ],
    [
      "starts no more than are still to succeed",
      aJob({ completions: 3, parallelism: 3 }, { succeeded: 2 }),
      [],
      { create: 1 },
    ],
    [
      "lets those that run go on after the first success, when one is enough",
      aJob({ completions: undefined as never, parallelism: 3 }),
      [jobsPod("a", { phase: "Succeeded" }), jobsPod("b")],
      {},
    ],
    [
      "removes what is too much, the youngest state first",
      aJob({ completions: 5, parallelism: 1 }),
      [jobsPod("a"), jobsPod("b", { phase: "Pending" })],
      { remove: ["b"] },
    ],
    ["removes all when suspended", aJob({ suspend: true }), [jobsPod("a")], { remove: ["a"] }],
    ["does nothing while it is being deleted", aJob({}, {}, { deletionTimestamp: at(0) }), [], {}],
    ["replaces a pod that is being deleted at once", aJob(), [jobsPod("a", { deleted: true })], { create: 1 }],
    [
      "waits for the end of a pod that is being deleted, when only failed ones are replaced",
      aJob({ podReplacementPolicy: "Failed" }),
      [jobsPod("a", { deleted: true })],
      {},
    ],
    [
      "waits for it, too, when rules judge how pods failed",
      aJob({ podFailurePolicy: { rules: [] } }),
      [jobsPod("a", { deleted: true })],
      {},
    ],
  ])("%s", (_, job, pods, { create = 0, remove = [] }) => {
    const planned = plan(job, pods);
    expect(indexes(planned.create)).toEqual(Array.from({ length: create }, () => undefined));
    expect(names(planned.remove)).toEqual(remove);
    expect(planned.outcome).toBeUndefined();
  });

  it.each<[string, Job, readonly Pod[], [string, string, string] | undefined]>([
    [
      "enough have succeeded",
      aJob(),
      [jobsPod("a", { phase: "Succeeded" })],
      ["SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"],
    ],
    [
      "enough have succeeded, though it is being deleted",
      aJob({}, {}, { deletionTimestamp: at(0) }),
      [jobsPod("a", { phase: "Succeeded" })],
      ["SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"],
    ],
    [
      "some are still active",
      aJob({ completions: undefined as never }),
      [jobsPod("a", { phase: "Succeeded" }), jobsPod("b")],
      undefined,
    ],
    [
      "too many have failed",
      aJob({ backoffLimit: 1 }),
      [jobsPod("a", { phase: "Failed" }), jobsPod("b", { phase: "Failed" })],
      ["FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"],
    ],
    [
      "too many have failed, with those that were counted and those that are being counted",
      aJob({ backoffLimit: 2 }, { failed: 1, uncountedTerminatedPods: { failed: ["gone"] } }),
      [jobsPod("a", { phase: "Failed" })],
      ["FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"],
    ],
    [
      "as many have failed as may, one of which is being counted",
      aJob({ backoffLimit: 2 }, { failed: 1, uncountedTerminatedPods: { failed: ["uid-a"] } }),
      [jobsPod("a", { phase: "Failed" })],
      undefined,
    ],
    [
      "pods that are for none of its indexes have failed",
      aJob({ completionMode: "Indexed", completions: 3, backoffLimit: 0 }),
      [jobsPod("a", { phase: "Failed" }), jobsPod("b", { phase: "Failed", index: 3 })],
      undefined,
    ],
    [
      "as many have failed as may",
      aJob({ backoffLimit: 2 }),
      [jobsPod("a", { phase: "Failed" }), jobsPod("b", { phase: "Failed" })],
      undefined,
    ],
    [
      "containers were restarted in their pods as often as they may, those of pods that begin included",
      aJob({ backoffLimit: 3, template: onFailure }),
      [restarted("a", "Running", 2), restarted("b", "Pending", 1)],
      ["FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"],
    ],
    [
      "they were restarted less often, or before their pods succeeded",
      aJob({ backoffLimit: 3, completions: 9, template: onFailure }),
      [restarted("a", "Running", 2), restarted("b", "Succeeded", 5)],
      undefined,
    ],
    [
      "no container may be restarted, and none was",
      aJob({ backoffLimit: 0, template: onFailure }),
      [restarted("a", "Running", 0)],
      undefined,
    ],
    [
      "no container may be restarted, and one was",
      aJob({ backoffLimit: 0, template: onFailure }),
      [restarted("a", "Running", 1)],
      ["FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"],
    ],
    [
      "it was active for too long",
      aJob({ activeDeadlineSeconds: 600 }),
      [jobsPod("a")],
      ["FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline"],
    ],
    [
      "a rule says so",
      aJob({ podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }] } }),
      [jobsPod("a", { phase: "Failed", exitCode: 42 })],
      [
        "FailureTarget",
        "PodFailurePolicy",
        "Container app for pod default/a failed with exit code 42 matching FailJob rule at index 0",
      ],
    ],
    [
      "too many indexes have failed",
      aJob({
        completionMode: "Indexed",
        completions: 3,
        backoffLimitPerIndex: 0,
        maxFailedIndexes: 0,
        backoffLimit: 100,
      }),
      [jobsPod("a", { phase: "Failed", index: 1 })],
      ["FailureTarget", "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"],
    ],
    [
      "a rule gives up the index that failed, which may be replaced otherwise",
      aJob({ ...perIndex, maxFailedIndexes: 0, podFailurePolicy: { rules: [rule("FailIndex")] } }),
      [jobsPod("a", { phase: "Failed", index: 1 })],
      ["FailureTarget", "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"],
    ],
    [
      "a rule ignores that it failed, though nothing may fail",
      aJob({
        ...perIndex,
        backoffLimitPerIndex: 0,
        maxFailedIndexes: 0,
        podFailurePolicy: { rules: [rule("Ignore")] },
      }),
      [jobsPod("a", { phase: "Failed", index: 1 })],
      undefined,
    ],
    [
      "every index is settled, and one has failed",
      aJob(
        { completionMode: "Indexed", completions: 2, backoffLimitPerIndex: 0, backoffLimit: 100 },
        { completedIndexes: "0" },
      ),
      [jobsPod("a", { phase: "Failed", index: 1 })],
      ["FailureTarget", "FailedIndexes", "Job has failed indexes"],
    ],
    [
      "a rule of success is met",
      aJob({
        completionMode: "Indexed",
        completions: 3,
        successPolicy: { rules: [{ succeededIndexes: "2", succeededCount: 1 }] },
      }),
      [jobsPod("a", { phase: "Succeeded", index: 2 })],
      ["SuccessCriteriaMet", "SuccessPolicy", "Matched rules at index 0"],
    ],
  ])("ends the job, or not, when %s", (_, job, pods, expected) => {
    const { outcome } = plan(job, pods);
    expect(outcome && [outcome.type, outcome.reason, outcome.message]).toEqual(expected);
  });

  it("waits after a failure, twice as long after the next", () => {
    const job = aJob({ backoffLimit: 6 });
    const one = [jobsPod("a", { phase: "Failed", finishedAt: 0 })];
    expect(plan(job, one, start + 4000)).toMatchObject({ create: [], requeueAfterMs: 6000 });
    expect(plan(job, one, start + 10_000).create).toHaveLength(1);
    const two = [...one, jobsPod("b", { phase: "Failed", finishedAt: 12_000 })];
    expect(plan(job, two, start + 20_000)).toMatchObject({ create: [], requeueAfterMs: 12_000 });
  });

  it("gives the first missing indexes to new pods, and removes doubles and strangers", () => {
    const spec = { completionMode: "Indexed", completions: 6, parallelism: 3 } as const;
    const made = plan(aJob(spec, { completedIndexes: "0,2" }), [jobsPod("a", { index: 1 })]);
    expect(indexes(made.create)).toEqual(["3", "4"]);
    const doubled = [jobsPod("a", { index: 1 }), jobsPod("b", { index: 1, phase: "Pending" }), jobsPod("c")];
    expect(names(plan(aJob(spec), doubled).remove).toSorted()).toEqual(["b", "c"]);
  });

  it("carries the count of an index on to its next pod, and keeps the failed one until then", () => {
    const job = aJob({
      completionMode: "Indexed",
      completions: 2,
      parallelism: 2,
      backoffLimitPerIndex: 3,
      backoffLimit: 100,
    });
    const failed = jobsPod("a", { phase: "Failed", index: 0, failures: 1 });
    const state = { job, pods: [failed, jobsPod("b", { index: 1 })], backoff: undefined };
    const early = planJob({ ...state, nowMs: start + 5000 });
    expect(early).toMatchObject({ create: [], requeueAfterMs: 15_000 });
    expect(trackPods({ ...state, nowMs: start + 5000 }, early, { created: 0, removed: [] }).release).toEqual([]);
    const [next] = planJob({ ...state, nowMs: start + 20_000 }).create;
    expect(next?.metadata.annotations).toEqual({ [indexKey]: "0", [failureCount]: "2" });
    const replaced = { ...state, pods: [...state.pods, jobsPod("c", { index: 0, failures: 2 })], nowMs };
    expect(names(trackPods(replaced, planJob(replaced), { created: 0, removed: [] }).release)).toEqual(["a"]);
  });
});

describe("trackPods()", () => {
  const track = (job: Job, pods: readonly Pod[], done = { created: 0, removed: [] as readonly Pod[] }) => {
    const state = { job, pods, backoff: undefined, nowMs };
    return trackPods(state, planJob(state), done);
  };

  it("names ended pods first, and counts them once their finalizer is gone", () => {
    const pods = [jobsPod("a", { phase: "Succeeded" }), jobsPod("b", { phase: "Failed" }), jobsPod("c")];
    const job = aJob({ completions: 5, parallelism: 3 }, { succeeded: 1 });
    const tracked = track(job, pods);
    expect(names(tracked.release)).toEqual(["a", "b"]);
    expect(tracked.status).toMatchObject({
      active: 1,
      succeeded: 1,
      uncountedTerminatedPods: { succeeded: ["uid-a"], failed: ["uid-b"] },
    });
    const untracked = (name: string, options: PodOptions) => jobsPod(name, { ...options, tracked: false });
    // A restart may come between: what is named is not named again, and one that is gone counts.
    expect(track({ ...job, status: tracked.status }, pods).status).toEqual(tracked.status);
    const after = [untracked("a", { phase: "Succeeded" }), jobsPod("c")];
    expect(countReleased(tracked.status, after)).toMatchObject({
      succeeded: 2,
      failed: 1,
      uncountedTerminatedPods: {},
    });
  });

  it("does not count what a rule ignores", () => {
    const rules = [{ action: "Ignore", onPodConditions: [{ type: "Ready", status: "False" }] }] as const;
    const tracked = track(aJob({ podFailurePolicy: { rules } }), [jobsPod("a", { phase: "Failed" })]);
    expect(names(tracked.release)).toEqual(["a"]);
    expect(tracked.status.uncountedTerminatedPods).toEqual({});
  });

  it("takes the indexes that succeeded together", () => {
    const job = aJob({ completionMode: "Indexed", completions: 9, parallelism: 9 }, { completedIndexes: "0,1,4" });
    const pods = [2, 8].map((index) => jobsPod(`p${index}`, { phase: "Succeeded", index }));
    expect(track(job, pods).status).toMatchObject({ succeeded: 5, completedIndexes: "0-2,4,8" });
  });

  it("names the indexes that have failed for good", () => {
    const job = aJob({ ...perIndex, backoffLimitPerIndex: 0 });
    expect(track(job, [jobsPod("a", { phase: "Failed", index: 1 })]).status.failedIndexes).toBe("1");
    expect(track(aJob(), [jobsPod("a", { phase: "Failed" })]).status).not.toHaveProperty("failedIndexes");
    const withoutLimit = aJob({ completionMode: "Indexed", completions: 3, parallelism: 3 });
    const pods = [jobsPod("a", { phase: "Failed", index: 1 })];
    expect(track(withoutLimit, pods).status).not.toHaveProperty("failedIndexes");
  });

  it("counts the pods as ready that are, and stay", () => {
    const isReady = (pod: Pod): Pod => ({
      ...pod,
      status: { ...pod.status, conditions: [{ type: "Ready", status: "True" }] },
    });
    const [a, b, c] = [isReady(jobsPod("a")), isReady(jobsPod("b")), jobsPod("c")];
    const job = aJob({ completions: 3, parallelism: 3 });
    expect(track(job, [a, b, c]).status).toMatchObject({ active: 3, ready: 2 });
    expect(track(job, [a, b, c], { created: 0, removed: [b] }).status).toMatchObject({ active: 2, ready: 1 });
  });

  it("says when the job is suspended, and when it goes on", () => {
    const suspended = track(aJob({ suspend: true }, {}), []);
    expect(suspended.turn).toBe("Suspended");
    expect(findCondition(suspended.status.conditions, "Suspended")).toMatchObject({
      status: "True",
      reason: "JobSuspended",
      message: "Job suspended",
    });
    expect(suspended.status.startTime).toBeUndefined();
    expect(track({ ...aJob({ suspend: true }), status: suspended.status }, []).turn).toBeUndefined();
    const resumed = track({ ...aJob(), status: suspended.status }, []);
    expect(resumed.turn).toBe("Resumed");
    expect(resumed.status.startTime).toBe(at(10 * minute));
    expect(findCondition(resumed.status.conditions, "Suspended")).toMatchObject({
      status: "False",
      reason: "JobResumed",
    });
  });

  it("gives a job that goes on its whole time anew", () => {
    const spec = { activeDeadlineSeconds: 60 };
    const suspended = track(aJob({ ...spec, suspend: true }), [jobsPod("a")]);
    const job = { ...aJob(spec), status: suspended.status };
    expect(plan(job)).toMatchObject({ outcome: undefined, requeueAfterMs: minute });
  });

  it("says no more of a job that is being deleted whether it is suspended", () => {
    const tracked = track(aJob({ suspend: true }, {}, { deletionTimestamp: at(0) }), []);
    expect([tracked.turn, tracked.status.conditions]).toEqual([undefined, undefined]);
  });

  it("says again that a job is suspended when somebody else gave another reason", () => {
    const said = (reason: string, message: string) => {
      const conditions = [{ type: "Suspended", status: "True", reason, message }] as const;
      const { turn, status } = track(aJob({ suspend: true }, { conditions }), []);
      return [turn, status.conditions?.map((one) => [one.reason, one.message])];
    };
    const [own, message] = ["JobSuspended", "Job suspended"];
    expect(said("Queued", "waits")).toEqual(["Suspended", [[own, message]]]);
    expect(said(own, "waits")).toEqual(["Suspended", [[own, message]]]);
    expect(said(own, message)).toEqual([undefined, [[own, message]]]);
  });

  it("counts the active pods of a failed job as failed, and names no more than 500 at once", () => {
    const pods = Array.from({ length: 700 }, (_, index) => jobsPod(`p${index}`));
    const job = aJob({ completions: 700, parallelism: 700, activeDeadlineSeconds: 1 });
    const tracked = track(job, pods, { created: 0, removed: pods });
    expect(tracked.status.uncountedTerminatedPods?.failed).toHaveLength(500);
    expect([tracked.isAll, tracked.status.terminating]).toEqual([false, 700]);
    expect(findCondition(tracked.status.conditions, "FailureTarget")?.reason).toBe("DeadlineExceeded");
  });
});

describe("countReleased()", () => {
  it("leaves numbers alone to which nothing is added", () => {
    expect(countReleased({ active: 1 }, [])).toEqual({ active: 1, uncountedTerminatedPods: {} });
  });
});

describe("finishedStatus()", () => {
  const outcome = { type: "FailureTarget", status: "True", reason: "DeadlineExceeded", message: "too long" } as const;
  it.each<[string, JobStatus]>([
    ["a pod is still active", { active: 1 }],
    ["a pod is still on its way out", { terminating: 1 }],
    ["a pod is not counted yet", { uncountedTerminatedPods: { failed: ["x"] } }],
  ])("does not end the job while %s", (_, status) => {
    expect(finishedStatus(status, outcome, nowMs)).toBeUndefined();
  });

  it("says what the outcome said", () => {
    const last = finishedStatus({ terminating: 0 }, outcome, nowMs)?.conditions?.at(-1);
    expect(last).toMatchObject({ type: "Failed", status: "True", reason: "DeadlineExceeded", message: "too long" });
    const done = finishedStatus({}, { type: "SuccessCriteriaMet", status: "True" }, nowMs);
    expect(done).toMatchObject({ completionTime: at(10 * minute), conditions: [{ type: "Complete" }] });
  });
});

describe("completionIndex()", () => {
  const job = aJob({ completionMode: "Indexed", completions: 3 });
  const of = (text: string, one = job) =>
    completionIndex(one, aPod("a", { metadata: { annotations: { [indexKey]: text } } }));

  it("is a number below that of completions, and nothing else", () => {
    expect(["0", "2", "3", "-1", "1e0", " 1", "0x1", ""].map((text) => of(text))).toEqual([0, 2, ...Array(6)]);
  });

  it("is none in a job without indexes", () => {
    expect(of("1", aJob({ completions: 3 }))).toBeUndefined();
  });
});

describe("jobPod()", () => {
  it("carries on how often its index failed, and how often that was ignored", () => {
    const job = aJob({ ...perIndex, podFailurePolicy: { rules: [rule("Ignore")] } });
    const [ignored, counted] = [1, 2].map((exitCode) =>
      jobsPod("a", { phase: "Failed", index: 1, failures: 1, exitCode }),
    );
    const ignoredCount = "batch.kubernetes.io/job-index-ignored-failure-count";
    const first = jobPod(job, 1, ignored);
    expect(first.metadata.annotations).toMatchObject({ [failureCount]: "1", [ignoredCount]: "1" });
    expect(jobPod(job, 1, counted).metadata.annotations).toEqual({ [indexKey]: "1", [failureCount]: "2" });
    const again = { ...first, status: ignored?.status ?? {} };
    expect(jobPod(job, 1, again).metadata.annotations).toMatchObject({ [failureCount]: "1", [ignoredCount]: "2" });
  });

  it("leaves a variable of that name alone", () => {
    const own = { name: "JOB_COMPLETION_INDEX", value: "mine" };
    const spec = { ...template().spec, containers: [{ name: "app", image: "app:1", env: [own] }] };
    const job = aJob({ completionMode: "Indexed", completions: 3, template: { ...template(), spec } });
    expect(jobPod(job, 1).spec.containers[0]?.env).toEqual([own]);
  });

  it("names index and finalizer where Kubernetes' programs look for them", () => {
    const job = aJob({ completionMode: "Indexed", completions: 3 });
    expect(jobPod(job, 2)).toEqual({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        generateName: "work-2-",
        namespace: "default",
        labels: { app: "web", [indexKey]: "2" },
        annotations: { [indexKey]: "2" },
        finalizers: [tracking],
        ownerReferences: [
          { apiVersion: "batch/v1", kind: "Job", name: "work", uid: "j1", controller: true, blockOwnerDeletion: true },
        ],
      },
      spec: {
        hostname: "work-2",
        containers: [
          {
            name: "app",
            image: "app:1",
            env: [
              {
                name: "JOB_COMPLETION_INDEX",
                valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexKey}']` } },
              },
            ],
          },
        ],
      },
    });
    const long = jobPod({ ...job, metadata: { ...job.metadata, name: "n".repeat(63) } }, 12);
    expect(long.metadata.generateName).toBe(`${"n".repeat(54)}-12-`);
  });
});

describe("judgeFailure()", () => {
  const failed = jobsPod("a", { phase: "Failed", exitCode: 7 });
  it.each([
    [
      "the first that fits",
      [
        { action: "Ignore", onExitCodes: { operator: "NotIn", values: [1] } },
        { action: "FailJob", onExitCodes: { operator: "In", values: [7] } },
      ],
      "Ignore",
    ],
    [
      "only of the named container",
      [{ action: "Ignore", onExitCodes: { containerName: "other", operator: "In", values: [7] } }],
      undefined,
    ],
    ["by conditions", [{ action: "Count", onPodConditions: [{ type: "Ready", status: "False" }] }], "Count"],
    ["none that fits", [{ action: "FailIndex", onPodConditions: [{ type: "DisruptionTarget" }] }], undefined],
  ] as const)("takes %s", (_, rules, expected) => {
    expect(judgeFailure(aJob({ podFailurePolicy: { rules } }), failed).action).toBe(expected);
  });
});

describe("metSuccessRule()", () => {
  const succeeded = indexSet([0, 2, 3]);
  it.each([
    [{ succeededIndexes: "0,2-3" }, 0],
    [{ succeededIndexes: "0-3" }, undefined],
    [{ succeededIndexes: "0-9", succeededCount: 3 }, 0],
    [{ succeededCount: 4 }, undefined],
    [{ succeededCount: 3 }, 0],
  ])("%j of 0,2-3", (rule, expected) => {
    expect(metSuccessRule(aJob({ completions: 10, successPolicy: { rules: [rule] } }), succeeded)).toBe(expected);
  });
});

describe("sets of indexes", () => {
  it("are read, joined and written as Kubernetes writes them", () => {
    expect(indexesText(union(readIndexes("1,3-5,7", 10), indexSet([2, 9, 8])))).toBe("1-5,7-9");
    expect(indexesText(indexSet([4, 1, 0]))).toBe("0,1,4");
    expect(indexesText(readIndexes("1,3-8", 5))).toBe("1,3,4");
    expect(readIndexes("nonsense", 5)).toEqual([]);
    expect(firstMissing(readIndexes("0,2-3", 9), 3, 6)).toEqual([1, 4, 5]);
    expect(firstMissing(readIndexes("0-5", 6), 3, 6)).toEqual([]);
    const set = readIndexes("1,3-5,9", 10);
    expect(
      Array.from({ length: 11 }, (_, index) => hasIndex(set, index))
        .map(Number)
        .join(""),
    ).toBe("01011100010");
    expect(hasIndex([], 0)).toBe(false);
    expect(sizeOfBoth(readIndexes("0-4", 9), readIndexes("3-8", 9))).toBe(2);
  });
});

describe("nextBackoff()", () => {
  const failedAt = (ms: number) => jobsPod(`f${ms}`, { phase: "Failed", finishedAt: ms });
  const succeededAt = (ms: number) => jobsPod(`s${ms}`, { phase: "Succeeded", finishedAt: ms });
  it("counts failures on, and only those after the last success", () => {
    const first = nextBackoff(undefined, { succeeded: [], failed: [failedAt(1000), failedAt(5000)] });
    expect(first).toEqual({ failures: 2, lastFailureMs: start + 5000 });
    expect(nextBackoff(first, { succeeded: [], failed: [] })).toEqual(first);
    expect(nextBackoff(first, { succeeded: [], failed: [failedAt(9000)] })?.failures).toBe(3);
    expect(nextBackoff(first, { succeeded: [succeededAt(7000)], failed: [failedAt(6000), failedAt(8000)] })).toEqual({
      failures: 1,
      lastFailureMs: start + 8000,
    });
    expect(nextBackoff(first, { succeeded: [succeededAt(7000)], failed: [] })).toBeUndefined();
  });

  it("takes for the end of a pod what is known of it, the best first", () => {
    const pod = jobsPod("a", { phase: "Failed", finishedAt: 5000 });
    const { containerStatuses: _, conditions: __, ...status } = pod.status ?? {};
    const unready = [{ type: "Ready", status: "False", lastTransitionTime: at(4000) }] as const;
    expect(finishedAtMs(pod)).toBe(start + 5000);
    expect(finishedAtMs({ ...pod, status: { ...status, conditions: unready } })).toBe(start + 4000);
    const metadata = { ...pod.metadata, deletionTimestamp: at(33_000), deletionGracePeriodSeconds: 30 };
    expect(finishedAtMs({ ...pod, metadata, status })).toBe(start + 3000);
    expect(finishedAtMs({ ...pod, status })).toBe(start);
    const [container] = pod.status?.containerStatuses ?? [];
    const running = container ? [container, { ...container, name: "other", state: { running: {} } }] : [];
    const half = { ...status, containerStatuses: running, conditions: unready };
    expect(finishedAtMs({ ...pod, status: half })).toBe(start + 4000);
  });

  it("takes the end of sidecars for the end of a pod, and not that of other init containers", () => {
    const pod = jobsPod("a", { phase: "Failed", finishedAt: 1000 });
    const ended = (name: string, finishedAt: number): ContainerStatus => ({
      name,
      ready: false,
      restartCount: 0,
      image: "",
      imageID: "",
      state: { terminated: { exitCode: 0, finishedAt: at(finishedAt) } },
    });
    const withInits: Pod = {
      ...pod,
      spec: {
        ...pod.spec,
        initContainers: [
          { name: "setup", image: "a" },
          { name: "proxy", image: "a", restartPolicy: "Always" },
        ],
      },
      status: { ...pod.status, initContainerStatuses: [ended("setup", 9000), ended("proxy", 5000)] },
    };
    expect(finishedAtMs(withInits)).toBe(start + 5000);
  });

  it("never waits longer than ten minutes", () => {
    expect(remainingBackoffMs({ failures: 99, lastFailureMs: 0 }, 0)).toBe(600_000);
    expect(remainingBackoffMs({ failures: 1, lastFailureMs: 0 }, 20_000)).toBe(0);
  });
});
