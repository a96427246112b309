import { describe, expect, it } from "vitest";
import type { Pod } from "../../../core/kinds/pod.ts";
import { type PodPlan, planPod, prunable } from "../../../node_daemon/kubelet/plan_pod.ts";
import type { PodView } from "../../../node_daemon/kubelet/pod_view.ts";
import { ended, makeContainer, makePod, makeSandbox, now, spec1, view } from "./fixtures.ts";

/** A plan in one line. */
function text(plan: PodPlan): string {
  switch (plan.step) {
    case "stop":
      return `stop ${plan.cause} ${plan.gracePeriodSeconds}s${plan.failure ? ` ${plan.failure.reason}` : ""}`;
    case "createSandbox":
      return `createSandbox ${plan.attempt}`;
    case "kill":
      return `kill ${plan.kills.map(({ container, message, gracePeriodSeconds }) => `${container.id} ${gracePeriodSeconds}s (${message})`).join(", ")}`;
    case "start": {
      const { spec, attempt, backOffMs, resume, kind } = plan.start;
      return `start ${kind} ${spec.name} #${attempt} then ${backOffMs / 1000}s${resume ? ` resume ${resume.id}` : ""}`;
    }
    case "wait":
      return `wait ${plan.wakeAfterMs ?? "-"}`;
    default:
      return plan.step;
  }
}

const sidecar = spec1("proxy", { restartPolicy: "Always" });
const inits = makePod({ initContainers: [spec1("one"), spec1("two")] });
const withSidecar = makePod({ initContainers: [spec1("one"), sidecar, spec1("two")], containers: [spec1("app")] });
const init = { notes: { kind: "init" as const } };
const probes = (state: { started?: boolean; ready?: boolean; failed?: "liveness" | "startup" }) => ({
  started: true,
  ready: true,
  failed: undefined,
  ...state,
});
const app = makeContainer("app");
const deleting = { deletionTimestamp: "2026-01-01T12:00:30Z", deletionGracePeriodSeconds: 30 };

const cases: readonly (readonly [name: string, pod: Pod, rest: Partial<PodView>, expected: string])[] = [
  ["a new pod gets a sandbox", makePod(), { sandboxes: [] }, "createSandbox 0"],
  ["a sandbox that failed to be made waits", makePod(), { sandboxes: [], failures: failure("", 4000) }, "wait 4000"],
  ["a ready sandbox gets its container", makePod(), {}, "start main app #0 then 0s"],
  ["a running pod is left alone", makePod(), { containers: [makeContainer("app")] }, "wait -"],
  [
    "containers start one after another",
    makePod({ containers: [spec1("a"), spec1("b")] }),
    { containers: [makeContainer("a")] },
    "start main b #0 then 0s",
  ],
  [
    "a container that could not be made does not hold up the next",
    makePod({ containers: [spec1("a"), spec1("b")] }),
    { failures: failure("a", 9000) },
    "start main b #0 then 0s",
  ],
  ["an image error waits for its back-off", makePod(), { failures: failure("app", 9000) }, "wait 9000"],
  [
    "a container that was made but not started is started",
    makePod(),
    { containers: [created()] },
    "start main app #0 then 0s resume app-0",
  ],

  // restart policies
  ["Always restarts after success", makePod(), { containers: [ended("app", 0)] }, "start main app #1 then 10s"],
  ["Always restarts after failure", makePod(), { containers: [ended("app", 1)] }, "start main app #1 then 10s"],
  [
    "OnFailure ends after success",
    makePod({ restartPolicy: "OnFailure" }),
    { containers: [ended("app", 0)] },
    "stop finished 30s",
  ],
  [
    "OnFailure restarts after failure",
    makePod({ restartPolicy: "OnFailure" }),
    { containers: [ended("app", 1)] },
    "start main app #1 then 10s",
  ],
  [
    "Never ends after failure",
    makePod({ restartPolicy: "Never" }),
    { containers: [ended("app", 1)] },
    "stop finished 30s",
  ],
  [
    "Never waits for the container that still runs",
    makePod({ restartPolicy: "Never", containers: [spec1("a"), spec1("b")] }),
    { containers: [ended("a", 1), makeContainer("b")] },
    "wait -",
  ],
  [
    "a finished pod whose sandbox is down stays finished",
    makePod({ restartPolicy: "Never" }),
    { sandboxes: [makeSandbox({ ready: false })], containers: [ended("app", 0)] },
    "finished",
  ],
  [
    "a completed container is not run again because its sandbox was lost",
    makePod({ restartPolicy: "OnFailure" }),
    { sandboxes: [], containers: [ended("app", 0)] },
    "finished",
  ],
  ["counts on from the API when the runtime forgot", reported(3), {}, "start main app #4 then 0s"],

  // back-off
  ["the second restart waits 10 s", makePod(), { containers: [crashed(1, 10_000, 4000)] }, "wait 6000"],
  [
    "and then comes, the next being 20 s",
    makePod(),
    { containers: [crashed(1, 10_000, 10_000)] },
    "start main app #2 then 20s",
  ],
  [
    "the back-off ends at 5 min",
    makePod(),
    { containers: [crashed(7, 300_000, 300_000)] },
    "start main app #8 then 300s",
  ],
  [
    "a run of more than 10 min forgets it",
    makePod(),
    { containers: [crashed(7, 300_000, 0, 600_001)] },
    "start main app #8 then 10s",
  ],
  [
    "a clock set back does not make it longer",
    makePod(),
    { containers: [crashed(1, 10_000, -3_600_000)] },
    "wait 10000",
  ],
  [
    "a start that failed counts as an end",
    makePod(),
    { containers: [{ ...created(), reason: "StartError", exitCode: 127 }] },
    "start main app #1 then 10s",
  ],

  // probes
  [
    "a failed liveness probe ends the container",
    makePod(),
    { containers: [makeContainer("app")], probes: new Map([["app-0", probes({ failed: "liveness" })]]) },
    "kill app-0 30s (Container app failed liveness probe, will be restarted)",
  ],
  [
    "with the grace period of the probe",
    makePod({ containers: [spec1("app", { livenessProbe: { terminationGracePeriodSeconds: 3 } })] }),
    { containers: [makeContainer("app")], probes: new Map([["app-0", probes({ failed: "liveness" })]]) },
    "kill app-0 3s (Container app failed liveness probe, will be restarted)",
  ],
  [
    "a failed startup probe too; with Never it is not restarted",
    makePod({ restartPolicy: "Never" }),
    { containers: [makeContainer("app")], probes: new Map([["app-0", probes({ failed: "startup", started: false })]]) },
    "kill app-0 30s (Container app failed startup probe)",
  ],
  [
    "a changed image replaces the container",
    makePod({ containers: [spec1("app", { image: "img:2" })] }),
    { containers: [makeContainer("app")] },
    "kill app-0 30s (Container app definition changed, will be restarted)",
  ],
  [
    "any other change of the spec does not",
    makePod({ containers: [spec1("app", { args: ["other"], env: [{ name: "A", value: "b" }] })] }),
    { containers: [makeContainer("app")] },
    "wait -",
  ],

  // init containers
  ["init containers come first", inits, {}, "start init one #0 then 0s"],
  ["one at a time", inits, { containers: [makeContainer("one", init)] }, "wait -"],
  ["in order", inits, { containers: [ended("one", 0, init)] }, "start init two #0 then 0s"],
  [
    "then the others",
    inits,
    { containers: [ended("one", 0, init), ended("two", 0, init)] },
    "start main app #0 then 0s",
  ],
  ["one that failed is repeated", inits, { containers: [ended("one", 1, init)] }, "start init one #1 then 10s"],
  [
    "with back-off",
    inits,
    { containers: [ended("one", 1, { attempt: 1, notes: { kind: "init", backOffMs: 10_000 } })] },
    "wait 9000",
  ],
  [
    "with Never it fails the pod",
    makePod({ restartPolicy: "Never", initContainers: [spec1("one")] }),
    { containers: [ended("one", 1, init)] },
    "stop failed 30s",
  ],
  [
    "and it stays failed",
    makePod({ restartPolicy: "Never", initContainers: [spec1("one")] }),
    { containers: [ended("one", 1, init)], sandboxes: [makeSandbox({ ready: false })] },
    "finished",
  ],
  [
    "they are not repeated when a main container restarts",
    inits,
    { containers: [ended("app", 1)] },
    "start main app #1 then 10s",
  ],
  [
    "they are repeated in a new sandbox",
    inits,
    {
      sandboxes: [makeSandbox({ ready: false }), makeSandbox({ id: "sb1", attempt: 1 })],
      containers: [ended("one", 0, init), ended("two", 0, init), ended("app", 137)],
    },
    "start init one #1 then 10s",
  ],

  // sidecars
  ["a sidecar starts in its turn", withSidecar, { containers: [ended("one", 0, init)] }, "start init proxy #0 then 0s"],
  [
    "the next waits until it has started",
    makePod({ initContainers: [spec1("proxy", { restartPolicy: "Always", startupProbe: {} }), spec1("two")] }),
    { containers: [makeContainer("proxy", init)] },
    "wait -",
  ],
  [
    "and goes on once it has",
    withSidecar,
    { containers: [ended("one", 0, init), makeContainer("proxy", init)] },
    "start init two #0 then 0s",
  ],
  [
    "a sidecar that ended is restarted even with Never",
    makePod({ restartPolicy: "Never", initContainers: [sidecar] }),
    { containers: [ended("proxy", 0, init), makeContainer("app")] },
    "start init proxy #1 then 10s",
  ],
  [
    "sidecars do not keep a pod alive whose containers are done",
    makePod({ restartPolicy: "Never", initContainers: [sidecar] }),
    { containers: [makeContainer("proxy", init), ended("app", 0)] },
    "stop finished 30s",
  ],

  // sandbox lost
  [
    "containers of a lost sandbox are ended first",
    makePod(),
    { sandboxes: [makeSandbox({ ready: false })], containers: [makeContainer("app")] },
    "stop sandbox 30s",
  ],
  [
    "then there is a new one",
    makePod(),
    { sandboxes: [makeSandbox({ ready: false })], containers: [ended("app", 137)] },
    "createSandbox 1",
  ],
  [
    "not with Never once something ran",
    makePod({ restartPolicy: "Never" }),
    { sandboxes: [makeSandbox({ ready: false })], containers: [ended("app", 137)] },
    "finished",
  ],

  // the end
  [
    "a deleted pod is stopped",
    makePod({}, { metadata: deleting }),
    { containers: [makeContainer("app")] },
    "stop deleted 30s",
  ],
  [
    "with the grace period of the deletion",
    makePod({}, { metadata: { ...deleting, deletionGracePeriodSeconds: 5 } }),
    { containers: [makeContainer("app")] },
    "stop deleted 5s",
  ],
  [
    "of at least a second",
    makePod({}, { metadata: { ...deleting, deletionGracePeriodSeconds: 0 } }),
    { containers: [makeContainer("app")] },
    "stop deleted 1s",
  ],
  [
    "and removed when nothing runs",
    makePod({}, { metadata: deleting }),
    { sandboxes: [makeSandbox({ ready: false })] },
    "remove",
  ],
  [
    "a pod that is gone from the API is stopped",
    makePod(),
    { removed: true, containers: [makeContainer("app")] },
    "stop deleted 1s",
  ],
  [
    "however long it had to end before",
    makePod({ terminationGracePeriodSeconds: 600 }, { metadata: { ...deleting, deletionGracePeriodSeconds: 600 } }),
    { removed: true, containers: [makeContainer("app")] },
    "stop deleted 1s",
  ],
  [
    "a pod of the node's own that is gone from its source has its time",
    makePod({}, { metadata: { annotations: { "kubernetes.io/config.source": "file" } } }),
    { removed: true, containers: [makeContainer("app")] },
    "stop deleted 30s",
  ],
  ["and removed", makePod(), { removed: true, sandboxes: [] }, "remove"],
  ["a pod that never ran is removed at once", makePod({}, { metadata: deleting }), { sandboxes: [] }, "remove"],
  [
    "an evicted pod is stopped",
    makePod({}, { status: { phase: "Failed" } }),
    { containers: [makeContainer("app")] },
    "stop failed 30s",
  ],
  [
    "a pod that succeeded never runs again",
    makePod({}, { status: { phase: "Succeeded" } }),
    { sandboxes: [] },
    "finished",
  ],
  [
    "the active deadline wakes",
    makePod({ activeDeadlineSeconds: 60 }, { status: { startTime: "2026-01-01T11:59:30Z" } }),
    { containers: [makeContainer("app")] },
    "wait 30000",
  ],
  [
    "and ends the pod",
    makePod({ activeDeadlineSeconds: 60 }, { status: { startTime: "2026-01-01T11:59:00Z" } }),
    { containers: [makeContainer("app")] },
    "stop failed 30s DeadlineExceeded",
  ],

  // containers that were put in to look around
  [
    "an ephemeral container starts beside the others",
    looking(),
    { containers: [app] },
    "start ephemeral look #0 then 0s",
  ],
  [
    "and while the pod is initialised",
    makePod({ ...inits.spec, ephemeralContainers: [spec1("look")] }),
    { containers: [makeContainer("one", init)] },
    "start ephemeral look #0 then 0s",
  ],
  ["it is left alone", looking(), { containers: [app, makeContainer("look")] }, "wait -"],
  ["and does not start again", looking(), { containers: [app, ended("look", 1)] }, "wait -"],
  [
    "it does not keep a pod alive",
    makePod({ restartPolicy: "Never", ephemeralContainers: [spec1("look")] }),
    { containers: [ended("app", 0), makeContainer("look")] },
    "stop finished 30s",
  ],
];

function looking(): Pod {
  return makePod({ ephemeralContainers: [spec1("look")] });
}

function failure(name: string, retryInMs: number): PodView["failures"] {
  const entry = { reason: "ErrImagePull", message: "no", at: now - 2000, retryAt: now + retryInMs, attempt: 0 };
  return new Map([[name, entry]]);
}

function created() {
  return makeContainer("app", { state: "created", startedAt: undefined });
}

function crashed(attempt: number, backOffMs: number, agoMs: number, ranMs = 1000) {
  return ended("app", 1, { attempt, agoMs, ranMs, notes: { backOffMs } });
}

function reported(restartCount: number): Pod {
  const status = { name: "app", ready: false, restartCount, image: "", imageID: "", containerID: "fake://gone" };
  return makePod({}, { status: { containerStatuses: [status] } });
}

describe("planPod()", () => {
  it.each(cases)("%s", (_, pod, rest, expected) => {
    expect(text(planPod(view(pod, rest)))).toBe(expected);
  });

  it("asks again after the shortest wait", () => {
    const pod = makePod({ containers: [spec1("a"), spec1("b")] });
    const containers = [
      ended("a", 1, { attempt: 1, agoMs: 3000, notes: { backOffMs: 10_000 } }),
      ended("b", 1, { attempt: 1, agoMs: 5000, notes: { backOffMs: 10_000 } }),
    ];
    expect(text(planPod(view(pod, { containers })))).toBe("wait 5000");
  });
});

describe("prunable()", () => {
  it("keeps the newest of each name and the one before it", () => {
    const containers = [0, 1, 2, 3].map((attempt) => ended("app", 1, { attempt })).concat(ended("other", 0));
    expect(prunable(containers).map(({ id }) => id)).toEqual(["app-1", "app-0"]);
  });
});
