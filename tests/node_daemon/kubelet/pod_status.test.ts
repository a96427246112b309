import { describe, expect, it } from "vitest";
import type { ContainerStatus, Pod, PodStatus } from "../../../core/kinds/pod.ts";
import { podStatus, sameStatus } from "../../../node_daemon/kubelet/pod_status.ts";
import type { StatusInput } from "../../../node_daemon/kubelet/status_input.ts";
import { ended, makeContainer, makePod, makeSandbox, now, spec1, view } from "./fixtures.ts";

function status(pod: Pod, rest: Partial<StatusInput> = {}): PodStatus {
  return podStatus({
    ...view(pod),
    previous: undefined,
    messages: new Map(),
    ending: "no",
    failure: undefined,
    nodeIPs: ["192.0.2.1"],
    runtimeName: "fake",
    ...rest,
  });
}

const first = (result: PodStatus): ContainerStatus | undefined => result.containerStatuses?.[0];
const condition = (result: PodStatus, type: string) => result.conditions?.find((entry) => entry.type === type);
const failure = (reason: string, rest: object = {}) =>
  new Map([["app", { reason, message: "why", at: now, retryAt: now + 5000, attempt: 0, ...rest }]]);
const sidecar = spec1("proxy", { restartPolicy: "Always" });
const init = { notes: { kind: "init" as const } };

describe("podStatus()", () => {
  it.each<[string, Pod, Partial<StatusInput>, string, object]>([
    ["a new pod", makePod(), { sandboxes: [] }, "Pending", { waiting: { reason: "ContainerCreating" } }],
    [
      "one with init containers",
      makePod({ initContainers: [spec1("i")] }),
      {},
      "Pending",
      { waiting: { reason: "PodInitializing" } },
    ],
    [
      "a running one",
      makePod(),
      { containers: [makeContainer("app")] },
      "Running",
      { running: { startedAt: "2026-01-01T11:59:10Z" } },
    ],
    [
      "an image that is missing",
      makePod(),
      { failures: failure("ErrImagePull") },
      "Pending",
      { waiting: { reason: "ErrImagePull", message: "why" } },
    ],
    [
      "and still is",
      makePod(),
      { failures: failure("ErrImagePull", { at: now - 2000 }) },
      "Pending",
      { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "img:1": ErrImagePull: why' } },
    ],
    [
      "missing configuration",
      makePod(),
      { failures: failure("CreateContainerConfigError") },
      "Pending",
      { waiting: { reason: "CreateContainerConfigError", message: "why" } },
    ],
    [
      "a start that failed",
      makePod(),
      {
        containers: [ended("app", 128, { reason: "StartError", message: "no such file" })],
        failures: failure("RunContainerError"),
      },
      "Running",
      { waiting: { reason: "RunContainerError", message: "why" } },
    ],
    [
      "back-off",
      makePod(),
      { containers: [ended("app", 1, { attempt: 3, notes: { backOffMs: 80_000 } })] },
      "Running",
      {
        waiting: {
          reason: "CrashLoopBackOff",
          message: "back-off 1m20s restarting failed container=app pod=web_default(uid-1)",
        },
      },
    ],
    [
      "between the end and the restart",
      makePod(),
      { containers: [ended("app", 0)] },
      "Running",
      { terminated: { reason: "Completed", exitCode: 0 } },
    ],
    [
      "out of memory",
      makePod(),
      { containers: [ended("app", 137, { oomKilled: true })] },
      "Running",
      { terminated: { reason: "OOMKilled", exitCode: 137 } },
    ],
    [
      "success",
      makePod({ restartPolicy: "Never" }),
      { containers: [ended("app", 0)], ending: "ended" },
      "Succeeded",
      {
        terminated: {
          reason: "Completed",
          startedAt: "2026-01-01T11:59:54Z",
          finishedAt: "2026-01-01T11:59:59Z",
          containerID: "fake://app-0",
        },
      },
    ],
    [
      "failure, with last words",
      makePod({ restartPolicy: "Never" }),
      { containers: [ended("app", 1)], ending: "ended", messages: new Map([["app-0", "bye"]]) },
      "Failed",
      { terminated: { reason: "Error", message: "bye" } },
    ],
    [
      "on its way out",
      makePod({ restartPolicy: "Never" }),
      { containers: [ended("app", 0)], ending: "stopping" },
      "Running",
      { terminated: {} },
    ],
    [
      "deleted before it ran",
      makePod(),
      { sandboxes: [], ending: "ended" },
      "Failed",
      { waiting: { reason: "ContainerCreating" } },
    ],
    [
      "lost by the runtime",
      makePod(),
      {
        sandboxes: [],
        ending: "ended",
        previous: {
          containerStatuses: [
            {
              name: "app",
              ready: true,
              restartCount: 2,
              image: "",
              imageID: "",
              containerID: "fake://x",
              state: { running: {} },
            },
          ],
        },
      },
      "Failed",
      { terminated: { exitCode: 137, reason: "ContainerStatusUnknown" } },
    ],
  ])("tells of %s", (_, pod, rest, phase, state) => {
    const result = status(pod, rest);
    expect(result.phase).toBe(phase);
    expect(first(result)?.state).toMatchObject(state);
  });

  it("keeps the run before in lastState", () => {
    const containers = [ended("app", 3, { attempt: 0 }), makeContainer("app", { attempt: 1 })];
    const result = first(status(makePod(), { containers }));
    expect(result).toMatchObject({
      restartCount: 1,
      ready: true,
      containerID: "fake://app-1",
      lastState: { terminated: { exitCode: 3, containerID: "fake://app-0" } },
    });
  });

  it("keeps restart count and last state that only the API remembers", () => {
    const reported = {
      name: "app",
      ready: false,
      restartCount: 4,
      image: "img:1",
      imageID: "i",
      containerID: "fake://gone",
      state: { terminated: { exitCode: 9 } },
    };
    const result = first(
      status(makePod(), {
        previous: { containerStatuses: [reported] },
        containers: [makeContainer("app", { attempt: 5 })],
      }),
    );
    expect(result).toMatchObject({ restartCount: 5, lastState: { terminated: { exitCode: 9 } } });
  });

  it("tells what a container was given once it is made, what is in force while it runs, and what was told when it is lost", () => {
    const resources = { requests: { cpu: "200m", memory: "1Mi" }, limits: { cpu: "1" } };
    const pod = makePod({ containers: [spec1("app", { resources })] });
    const told = (rest: Partial<StatusInput>) => {
      const { allocatedResources, resources } = first(status(pod, rest)) ?? {};
      return { allocatedResources, resources };
    };
    const given = { allocatedResources: resources.requests, resources };
    const limits = { milliCpuRequest: 100, milliCpuLimit: 1000, memoryBytesLimit: undefined };
    const nothing = { allocatedResources: undefined, resources: undefined };
    expect(told({})).toEqual(nothing);
    expect(told({ containers: [makeContainer("app", { state: "created", limits })] })).toEqual(given);
    expect(told({ containers: [makeContainer("app", { limits })] })).toEqual({
      ...given,
      resources: { ...resources, requests: { cpu: "100m", memory: "1Mi" } },
    });
    expect(told({ containers: [ended("app", 0, { limits })] })).toEqual(given);
    const before = { name: "app", ready: false, restartCount: 0, image: "", imageID: "", ...given };
    const lost = (state: object) => told({ previous: { containerStatuses: [{ ...before, state }] } });
    expect(lost({ terminated: { exitCode: 0 } })).toEqual(given);
    expect(lost({ waiting: {} })).toEqual(nothing);
  });

  it("lists ephemeral containers by their names, as it does the others, and init containers as they come", () => {
    const two = [spec1("b"), spec1("a")];
    const result = status(makePod({ containers: two, initContainers: two, ephemeralContainers: two }));
    const names = (list: readonly ContainerStatus[] = []) => list.map(({ name }) => name).join("");
    expect(names(result.ephemeralContainerStatuses)).toBe("ab");
    expect(names(result.containerStatuses)).toBe("ab");
    expect(names(result.initContainerStatuses)).toBe("ba");
  });

  it("gives a pod on its node's network all addresses of the node, others their own", () => {
    const nodeIPs = ["192.0.2.1", "2001:db8::1"];
    const addresses = (hostNetwork: boolean, rest: Partial<StatusInput> = {}) => {
      const { podIP, podIPs, hostIP, hostIPs } = status(makePod({ hostNetwork }), { nodeIPs, ...rest });
      return [podIP, podIPs?.map(({ ip }) => ip), hostIP, hostIPs?.map(({ ip }) => ip)];
    };
    expect(addresses(true)).toEqual([nodeIPs[0], nodeIPs, nodeIPs[0], nodeIPs]);
    expect(addresses(false)).toEqual(["127.64.1.2", ["127.64.1.2"], nodeIPs[0], nodeIPs]);
    expect(addresses(true, { sandboxes: [] })).toEqual([undefined, undefined, nodeIPs[0], nodeIPs]);
  });

  it("tells of a container that somebody only looks through that it was given nothing", () => {
    const pod = makePod({ ephemeralContainers: [spec1("debug")] });
    const result = status(pod, { containers: [makeContainer("debug", { notes: { kind: "ephemeral" } })] });
    expect(result.ephemeralContainerStatuses?.[0]).toMatchObject({ resources: {} });
  });

  it("is ready only when every container is", () => {
    const pod = makePod({ containers: [spec1("a"), spec1("b", { readinessProbe: {} })] });
    const containers = [makeContainer("a"), makeContainer("b")];
    const unready = status(pod, { containers });
    expect(condition(unready, "Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [b]",
    });
    const probes = new Map([["b-0", { started: true, ready: true, failed: undefined }]]);
    expect(condition(status(pod, { containers, probes }), "Ready")).toMatchObject({ status: "True" });
  });

  it("is ready while it ends, for as long as its probes say so and its container runs", () => {
    const pod = makePod({ containers: [spec1("app", { readinessProbe: {} })] });
    const containers = [makeContainer("app")];
    const probes = (isReady: boolean) => new Map([["app-0", { started: true, ready: isReady, failed: undefined }]]);
    const result = status(pod, { containers, probes: probes(true), ending: "stopping" });
    expect(result.phase).toBe("Running");
    expect(condition(result, "Ready")?.status).toBe("True");
    expect(first(result)?.ready).toBe(true);
    expect(first(status(pod, { containers, probes: probes(false), ending: "stopping" }))?.ready).toBe(false);
    expect(first(status(pod, { containers: [ended("app", 0)], ending: "stopping" }))?.ready).toBe(false);
  });

  it("is not started before its startup probe has succeeded", () => {
    const pod = makePod({ containers: [spec1("app", { startupProbe: {} })] });
    expect(first(status(pod, { containers: [makeContainer("app")] }))).toMatchObject({ started: false, ready: false });
  });

  it("waits for readiness gates", () => {
    const gated = (conditions: PodStatus["conditions"]) =>
      condition(
        status(
          makePod(
            { readinessGates: [{ conditionType: "example.com/up" }] },
            { status: { conditions: conditions ?? [] } },
          ),
          {
            containers: [makeContainer("app")],
          },
        ),
        "Ready",
      );
    expect(gated([])).toMatchObject({
      status: "False",
      reason: "ReadinessGatesNotReady",
      message: 'corresponding condition of pod readiness gate "example.com/up" does not exist.',
    });
    expect(gated([{ type: "example.com/up", status: "True" }])).toMatchObject({ status: "True" });
  });

  it("keeps transition times while a condition stays", () => {
    const containers = [makeContainer("app")];
    const before = status(makePod(), { containers });
    const after = status(makePod(), { containers, previous: before, now: now + 60_000 });
    expect(sameStatus(before, after)).toBe(true);
    const unready = status(makePod(), { containers: [ended("app", 1)], previous: before, now: now + 60_000 });
    expect(condition(unready, "Ready")?.lastTransitionTime).toBe("2026-01-01T12:01:00Z");
    expect(condition(unready, "PodScheduled")?.lastTransitionTime).toBe("2026-01-01T12:00:00Z");
  });

  it("never takes an end back", () => {
    expect(
      status(makePod(), { containers: [makeContainer("app")], previous: { phase: "Failed", reason: "Evicted" } }),
    ).toMatchObject({
      phase: "Failed",
      reason: "Evicted",
    });
  });

  it("gives the reason of a failure once it has ended", () => {
    const why = { reason: "DeadlineExceeded", message: "late" };
    const containers = [makeContainer("app")];
    expect(status(makePod(), { containers, failure: why, ending: "stopping" })).toMatchObject({ phase: "Running" });
    const over = status(makePod(), { containers: [ended("app", 143)], failure: why, ending: "ended" });
    expect(over).toMatchObject({ phase: "Failed", ...why });
  });

  it("tells of ephemeral containers, which make nothing ready or unready", () => {
    const pod = makePod({ ephemeralContainers: [spec1("look")] });
    const app = makeContainer("app");
    const waiting = status(pod, { containers: [app] });
    expect(waiting.ephemeralContainerStatuses).toMatchObject([{ name: "look", state: { waiting: {} }, ready: false }]);
    const over = status(pod, { containers: [app, ended("look", 3, { notes: { kind: "ephemeral" } })] });
    expect(over.ephemeralContainerStatuses).toMatchObject([
      { name: "look", state: { terminated: { exitCode: 3, reason: "Error" } }, ready: false, restartCount: 0 },
    ]);
    for (const one of [waiting, over]) {
      expect(one.phase).toBe("Running");
      expect(one.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
    }
  });

  it("is pending until init containers are through, sidecars included", () => {
    const pod = makePod({ initContainers: [spec1("one"), sidecar] });
    const done = ended("one", 0, init);
    const cases: readonly (readonly [StatusInput["containers"], string, string])[] = [
      [[], "Pending", "containers with incomplete status: [one proxy]"],
      [[makeContainer("one", init)], "Pending", "containers with incomplete status: [one proxy]"],
      [[done], "Pending", "containers with incomplete status: [proxy]"],
    ];
    for (const [containers, phase, message] of cases) {
      const result = status(pod, { containers });
      expect(result.phase).toBe(phase);
      expect(condition(result, "Initialized")).toMatchObject({ status: "False", message });
    }
    const up = status(pod, { containers: [done, makeContainer("proxy", init), makeContainer("app")] });
    expect(up.phase).toBe("Running");
    expect(condition(up, "Initialized")).toMatchObject({ status: "True" });
    expect(up.initContainerStatuses?.map(({ ready }) => ready)).toEqual([true, true]);
  });

  it("gives the addresses of the sandbox, or of the node with hostNetwork", () => {
    expect(status(makePod())).toMatchObject({ podIP: "127.64.1.2", hostIPs: [{ ip: "192.0.2.1" }] });
    expect(status(makePod({ hostNetwork: true }))).toMatchObject({ podIP: "192.0.2.1" });
    expect(status(makePod(), { sandboxes: [], previous: { podIP: "127.64.1.9" } }).podIP).toBe("127.64.1.9");
    expect(
      condition(status(makePod(), { sandboxes: [makeSandbox({ ready: false })] }), "PodReadyToStartContainers")?.status,
    ).toBe("False");
  });
});
