import { describe, expect, it } from "vitest";
import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from "../../../core/kinds/mod.ts";
import { pod } from "../../../core/kinds/mod.ts";
import { isPodActive, isPodAvailable, isPodReady, podStatusText } from "../../../core/kinds/pod_helpers.ts";
import { noResources, podRequests, qosClass } from "../../../core/kinds/pod_resources.ts";
import { cellsOf, nginx, now, podOf, podWith } from "./fixtures.ts";

function statusOf(name: string, status: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name, ready: false, restartCount: 0, image: "nginx", imageID: "", ...status };
}

const running = statusOf("nginx", { ready: true, state: { running: {} } });
const ended = (exitCode: number, reason?: string) => ({ terminated: { exitCode, ...(reason ? { reason } : {}) } });
const init: Container = { name: "init", image: "busybox" };

const texts: [string, string, Pod][] = [
  ["the phase", "Pending", podOf({}, { phase: "Pending" })],
  ["the reason of the status", "Evicted", podOf({}, { phase: "Failed", reason: "Evicted" })],
  [
    "what a container waits for",
    "CrashLoopBackOff",
    podOf(
      {},
      {
        phase: "Running",
        containerStatuses: [statusOf("nginx", { state: { waiting: { reason: "CrashLoopBackOff" } } })],
      },
    ),
  ],
  [
    "how a container ended",
    "Error",
    podOf({}, { phase: "Failed", containerStatuses: [statusOf("nginx", { state: ended(1, "Error") })] }),
  ],
  [
    "an exit code without a reason",
    "ExitCode:3",
    podOf({}, { phase: "Failed", containerStatuses: [statusOf("nginx", { state: ended(3) })] }),
  ],
  [
    "Running when one container completed and the pod is ready",
    "Running",
    podOf(
      {},
      {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [statusOf("job", { state: ended(0, "Completed") }), running],
      },
    ),
  ],
  [
    "NotReady when one container completed and the pod is not ready",
    "NotReady",
    podOf({}, { phase: "Running", containerStatuses: [statusOf("job", { state: ended(0, "Completed") }), running] }),
  ],
  [
    "the init container it is at",
    "Init:0/1",
    podOf(
      { initContainers: [init] },
      { phase: "Pending", initContainerStatuses: [statusOf("init", { state: { running: {} } })] },
    ),
  ],
  [
    "why an init container waits",
    "Init:ErrImagePull",
    podOf(
      { initContainers: [init] },
      {
        phase: "Pending",
        initContainerStatuses: [statusOf("init", { state: { waiting: { reason: "ErrImagePull" } } })],
      },
    ),
  ],
  [
    "how an init container failed",
    "Init:Error",
    podOf(
      { initContainers: [init] },
      { phase: "Pending", initContainerStatuses: [statusOf("init", { state: ended(1, "Error") })] },
    ),
  ],
  [
    "PodInitializing when init containers are done",
    "PodInitializing",
    podOf(
      { initContainers: [init] },
      {
        phase: "Pending",
        initContainerStatuses: [statusOf("init", { state: ended(0) })],
        containerStatuses: [statusOf("nginx", { state: { waiting: { reason: "PodInitializing" } } })],
      },
    ),
  ],
  [
    "SchedulingGated",
    "SchedulingGated",
    podOf({}, { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] }),
  ],
];

function deleted(object: Pod): Pod {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-31T12:00:00Z" } };
}

describe("pod status", () => {
  it.each(texts)("podStatusText() says %s: %s", (_, text, object) => {
    expect(podStatusText(object)).toBe(text);
  });

  it("podStatusText() says Terminating of deleted pods that have not ended", () => {
    expect(podStatusText(deleted(podOf({}, { phase: "Running" })))).toBe("Terminating");
    expect(podStatusText(deleted(podOf({}, { phase: "Succeeded" })))).toBe("Succeeded");
    expect(podStatusText(deleted(podOf({}, { phase: "Running", reason: "NodeLost" })))).toBe("Unknown");
  });

  it("columns of a restarted pod with a sidecar are kubectl's", () => {
    const restarted = {
      ...running,
      restartCount: 3,
      lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-31T11:58:00Z" } },
    };
    const sidecar: Container = { ...init, restartPolicy: "Always" };
    const object = podOf(
      { initContainers: [sidecar], nodeName: "n1", readinessGates: [{ conditionType: "a" }] },
      {
        phase: "Running",
        podIP: "10.0.0.1",
        initContainerStatuses: [statusOf("init", { started: true, ready: true, state: { running: {} } })],
        containerStatuses: [restarted],
      },
    );
    expect(cellsOf(pod, object)).toEqual({
      Name: "web",
      Ready: "2/2",
      Status: "Running",
      Restarts: "3 (2m ago)",
      Age: "60m",
      IP: "10.0.0.1",
      Node: "n1",
      "Nominated Node": "<none>",
      "Readiness Gates": "0/1",
    });
  });

  it("isPodReady(), isPodActive() and isPodAvailable() read conditions, phase and deletion", () => {
    const ready = podOf(
      {},
      { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-31T11:59:55Z" }] },
    );
    expect(isPodReady(ready)).toBe(true);
    expect(isPodActive(ready)).toBe(true);
    expect(isPodActive(deleted(ready))).toBe(false);
    expect(isPodActive(podOf({}, { phase: "Failed" }))).toBe(false);
    expect(isPodAvailable(ready, { now })).toBe(true);
    expect(isPodAvailable(ready, { minReadySeconds: 5, now })).toBe(true);
    expect(isPodAvailable(ready, { minReadySeconds: 6, now })).toBe(false);
    expect(isPodAvailable(podOf(), { now })).toBe(false);
  });
});

describe("pod resources", () => {
  const asking = (cpu: string, memory: string, more: Partial<Container> = {}): Container => ({
    ...nginx,
    ...more,
    resources: { requests: { cpu, memory } },
  });

  it("podRequests() takes the containers together, or the greediest init container", () => {
    const object = podOf({
      containers: [asking("100m", "1Mi"), asking("200m", "1Mi", { name: "b" })],
      initContainers: [asking("250m", "10Mi", { name: "i" })],
    });
    expect(podRequests(object)).toMatchObject({ milliCpu: 300, memoryBytes: 10 * 1024 ** 2 });
  });

  it("podRequests() adds sidecars to the containers and to the init containers after them, and the overhead", () => {
    const object = podOf({
      containers: [asking("100m", "1Mi")],
      initContainers: [
        asking("50m", "1Mi", { name: "s", restartPolicy: "Always" }),
        asking("500m", "1Mi", { name: "i" }),
      ],
      overhead: { cpu: "10m", "example.com/gpu": 1 },
    });
    expect(podRequests(object)).toMatchObject({
      milliCpu: 560,
      memoryBytes: 2 * 1024 ** 2,
      other: new Map([["example.com/gpu", 1]]),
    });
  });

  it("podRequests() is the same nothing for all who ask for nothing: it is held for each pod", () => {
    const sidecar: Container = { ...init, restartPolicy: "Always" };
    expect(podRequests(podOf({ containers: [nginx, nginx], initContainers: [init, sidecar] }))).toBe(noResources);
  });

  it("podRequests() counts what a container was given and has, while it is resized", () => {
    const status = (rest: Partial<ContainerStatus>, conditions: readonly PodCondition[] = []) => ({
      conditions,
      containerStatuses: [{ name: "nginx", ready: true, restartCount: 0, image: "", imageID: "", ...rest }],
    });
    const resized = (cpu: string, of: PodStatus) =>
      podRequests({ ...podOf({ containers: [asking(cpu, "1Mi")] }), status: of });
    const has = { resources: { requests: { cpu: "200m", memory: "3Mi" } }, allocatedResources: { cpu: "300m" } };
    expect(resized("100m", status(has))).toMatchObject({ milliCpu: 300, memoryBytes: 3 * 1024 ** 2 });
    expect(resized("400m", status(has))).toMatchObject({ milliCpu: 400 });
    const infeasible = { type: "PodResizePending", status: "True", reason: "Infeasible" } as const;
    expect(resized("400m", status(has, [infeasible]))).toMatchObject({ milliCpu: 300 });
    expect(resized("100m", status({}))).toMatchObject({ milliCpu: 100, memoryBytes: 1024 ** 2 });
  });

  it("podRequests() takes what the pod asks for as a whole in place of what its containers do", () => {
    const whole = { requests: { cpu: "1", "hugepages-2Mi": "4Mi", "example.com/gpu": "1" } };
    const object = podOf({ containers: [asking("100m", "1Mi")], resources: whole, overhead: { cpu: "10m" } });
    expect(podRequests(object)).toMatchObject({
      milliCpu: 1010,
      memoryBytes: 1024 ** 2,
      other: new Map([["hugepages-2Mi", 4 * 1024 ** 2]]),
    });
  });

  it.each([
    ["BestEffort", { requests: { "example.com/gpu": "1" } }],
    ["Burstable", { requests: { cpu: "1" } }],
    ["Guaranteed", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } }],
  ])("qosClass() is %s for a pod that asks for %j as a whole", (expected, resources) => {
    expect(qosClass({ spec: { containers: [nginx], resources } })).toBe(expected);
  });

  it.each([
    ["BestEffort", {}],
    ["Burstable", { requests: { cpu: "1" } }],
    ["Burstable", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } }],
    ["Burstable", { limits: { cpu: "1" }, requests: { cpu: "1" } }],
    ["Guaranteed", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1000m", memory: "1024Mi" } }],
  ])("qosClass() is %s for %j", (expected, resources) => {
    expect(qosClass(podWith({ resources }))).toBe(expected);
  });
});

describe("pod strategy", () => {
  it("prepareForCreate() sets phase and QoS class and forgets any other status", () => {
    const created = pod.strategy.prepareForCreate(podOf({}, { phase: "Running", podIP: "10.0.0.1" }));
    expect(created.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
  });

  it("prepareForUpdate() keeps the status", () => {
    const next = pod.strategy.prepareForUpdate(podOf({}, { phase: "Failed" }), podOf({}, { phase: "Running" }));
    expect(next.status).toEqual({ phase: "Running" });
  });

  it.each([
    ["not scheduled", podOf(), undefined, 0],
    ["ended", podOf({ nodeName: "n" }, { phase: "Failed" }), 10, 0],
    ["its own", podOf({ nodeName: "n", terminationGracePeriodSeconds: 7 }), undefined, 7],
    ["asked for", podOf({ nodeName: "n", terminationGracePeriodSeconds: 7 }), 3, 3],
    ["at once", podOf({ nodeName: "n", terminationGracePeriodSeconds: 7 }), 0, 0],
  ] as [string, Pod, number | undefined, number][])(
    "gracePeriodSeconds() of a pod: %s",
    (_, object, requested, seconds) => {
      expect(pod.strategy.gracePeriodSeconds(object, requested)).toBe(seconds);
    },
  );

  it("fields() offers what field selectors may ask for", () => {
    expect(pod.strategy.fields(podOf({ nodeName: "n1" }, { phase: "Running", podIP: "10.0.0.1" }))).toMatchObject({
      "spec.nodeName": "n1",
      "status.phase": "Running",
      "status.podIP": "10.0.0.1",
      "status.nominatedNodeName": "",
    });
  });
});
