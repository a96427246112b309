import { describe, expect, it } from "vitest";
import type { Pod, ResourceRequirements } from "../../../../core/kinds/pod.ts";
import {
  containerLimits,
  limitChanges,
  resourcesInForce,
} from "../../../../node_daemon/kubelet/resources/container_limits.ts";
import {
  memoryRefusal,
  needsRestart,
  resizeOrder,
  resizeRefusal,
  resizeSteps,
} from "../../../../node_daemon/kubelet/resources/plan_resize.ts";
import { resizeMessage } from "../../../../node_daemon/kubelet/resources/resize_events.ts";
import type { ContainerLimits } from "../../../../node_daemon/runtime/runtime.ts";
import { makeContainer, makePod, spec1 } from "../fixtures.ts";

const Mi = 1024 ** 2;
const limits = (milliCpuRequest?: number, milliCpuLimit?: number, memoryBytesLimit?: number): ContainerLimits => ({
  milliCpuRequest,
  milliCpuLimit,
  memoryBytesLimit,
});
const asking = (requests: Record<string, string>, name = "web", rest: Partial<Pod["spec"]> = {}): Pod =>
  makePod({ containers: [spec1("app", { resources: { requests } })], ...rest }, { metadata: { name, uid: name } });

describe("containerLimits()", () => {
  it.each<[string, ResourceRequirements, ResourceRequirements | undefined, ContainerLimits]>([
    ["nothing but the least of the processor", {}, undefined, limits(0)],
    ["both", { requests: { cpu: "100m" }, limits: { cpu: "1", memory: "1Mi" } }, undefined, limits(100, 1000, Mi)],
    ["what its pod may use as a whole", {}, { limits: { cpu: "2", memory: "2Mi" } }, limits(2000, 2000, 2 * Mi)],
    ["its own before that", { limits: { cpu: "1" } }, { limits: { cpu: "2" } }, limits(1000, 1000)],
  ])("gives %s", (_, resources, whole, expected) => {
    expect(containerLimits(spec1("app", { resources }), whole)).toEqual(expected);
  });
});

describe("limitChanges()", () => {
  it.each([
    ["the same", limits(100, 200, Mi), limits(100, 200, Mi), []],
    [
      "more of each",
      limits(100, 200, Mi),
      limits(101, 201, Mi + 1),
      ["milliCpuRequest", "milliCpuLimit", "memoryBytesLimit"],
    ],
    ["a limit where there was none", limits(), limits(undefined, 200), ["milliCpuLimit"]],
    ["no limit where there was one: it stays", limits(100, 200, Mi), limits(), []],
    ["amounts that are too small to differ", limits(2, 10), limits(1, 5), []],
  ])("tells of %s", (_, present, wanted, expected) => {
    expect(limitChanges(present, wanted)).toEqual(expected);
  });
});

describe("resourcesInForce()", () => {
  const container = spec1("app", {
    resources: {
      requests: { cpu: "500m", memory: "64Mi", "ephemeral-storage": "1Gi" },
      limits: { cpu: "1", memory: "128Mi" },
    },
  });
  it("is what is set aside, where the runtime says the same or cannot tell", () => {
    expect(resourcesInForce(container, undefined)).toBe(container.resources);
    expect(resourcesInForce(container, limits(500, 1000, 128 * Mi))).toEqual(container.resources);
    expect(resourcesInForce(spec1("app"), limits())).toEqual({});
  });

  it("is what the runtime says, where that is something else", () => {
    expect(resourcesInForce(container, limits(250, 1500, 256 * Mi))).toEqual({
      requests: { cpu: "250m", memory: "64Mi", "ephemeral-storage": "1Gi" },
      limits: { cpu: "1500m", memory: "256Mi" },
    });
  });
});

describe("resizeRefusal()", () => {
  const allocatable = { cpu: "2", memory: "4Gi" };
  it.each([
    ["there is room", { cpu: "1" }, [], undefined],
    [
      "others have it",
      { cpu: "1500m" },
      [asking({ cpu: "1" }, "other")],
      {
        reason: "Deferred",
        message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
      },
    ],
    [
      "the node has no such amount",
      { cpu: "3" },
      [],
      { reason: "Infeasible", message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000" },
    ],
    [
      "it has neither, memory is named",
      { cpu: "3", memory: "5Gi" },
      [],
      {
        reason: "Infeasible",
        message: "Node didn't have enough capacity: memory, requested: 5368709120, capacity: 4294967296",
      },
    ],
  ])("when %s", (_, requests, others, expected) => {
    expect(resizeRefusal(asking(requests), { allocatable, others })).toEqual(expected);
  });

  it("counts what another's container still has while it gives it up", () => {
    const other: Pod = {
      ...asking({ cpu: "500m" }, "other"),
      status: {
        containerStatuses: [
          {
            name: "app",
            ready: true,
            restartCount: 0,
            image: "",
            imageID: "",
            allocatedResources: { cpu: "500m" },
            resources: { requests: { cpu: "1500m" } },
          },
        ],
      },
    };
    expect(resizeRefusal(asking({ cpu: "1" }), { allocatable, others: [other] })).toMatchObject({ reason: "Deferred" });
  });
});

it("resizeOrder() puts what needs nothing more first, then by priority, class and time", () => {
  const waiting = (name: string, since: number, rest: Partial<Pod["spec"]> = {}, cpu = "1") => ({
    pod: asking({ cpu }, name, rest),
    allocated: asking({ cpu: "500m" }, name),
    since,
  });
  const guaranteed = {
    containers: [
      spec1("app", { resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } } }),
    ],
  };
  const order = resizeOrder([
    waiting("late", 5),
    waiting("early", 1),
    waiting("guaranteed", 4, guaranteed),
    waiting("important", 6, { priority: 10 }),
    waiting("less", 7, {}, "200m"),
  ]);
  expect(order.map(({ pod }) => pod.metadata.name)).toEqual(["less", "important", "guaranteed", "early", "late"]);
});

it.each([
  ["NotRequired", "RestartContainer", limits(200), false],
  ["NotRequired", "RestartContainer", limits(100, undefined, 2 * Mi), true],
  ["RestartContainer", "NotRequired", limits(200), true],
  ["RestartContainer", "NotRequired", limits(100, undefined, 2 * Mi), false],
])("needsRestart() with %s for cpu and %s for memory", (cpu, memory, wanted, expected) => {
  const resizePolicy = [
    { resourceName: "cpu", restartPolicy: cpu },
    { resourceName: "memory", restartPolicy: memory },
  ];
  expect(needsRestart(spec1("app", { resizePolicy }), limits(100, undefined, Mi), wanted)).toBe(expected);
});

describe("resizeSteps()", () => {
  const resize = (name: string, present: ContainerLimits, wanted: ContainerLimits) => ({
    container: makeContainer(name, { limits: present }),
    limits: wanted,
  });

  it("takes from all before it gives to any", () => {
    const steps = resizeSteps([
      resize("a", limits(100, 100, Mi), limits(200, 200, 2 * Mi)),
      resize("b", limits(200, 200, 2 * Mi), limits(100, 100, Mi)),
    ]);
    expect(steps).toEqual([
      { id: "b-0", limits: limits(100, 100, Mi) },
      { id: "a-0", limits: limits(200, 200, 2 * Mi) },
    ]);
  });

  it("takes one resource of a container and gives it another in two steps", () => {
    const steps = resizeSteps([resize("a", limits(100, 100, 2 * Mi), limits(200, 200, Mi))]);
    expect(steps).toEqual([
      { id: "a-0", limits: limits(100, 100, Mi) },
      { id: "a-0", limits: limits(200, 200, Mi) },
    ]);
  });
});

describe("resizeSteps() of a pod as a whole", () => {
  const steps = (present: ContainerLimits, wanted: ContainerLimits) =>
    resizeSteps(
      [
        { container: makeContainer("a", { limits: limits(1, 100, Mi) }), limits: limits(1, 200, 2 * Mi) },
        { container: makeContainer("b", { limits: limits(1, 200, 2 * Mi) }), limits: limits(1, 100, Mi) },
      ],
      { sandboxId: "pod", present, limits: wanted },
    ).map(({ id, limits, isPod }) => [id, isPod ?? false, limits.milliCpuLimit, limits.memoryBytesLimit]);
  const [less, more] = [
    ["b-0", false, 100, Mi],
    ["a-0", false, 200, 2 * Mi],
  ];

  it.each<[string, ContainerLimits, ContainerLimits, readonly unknown[]]>([
    ["grows first", limits(1, 300, 3 * Mi), limits(1, 600, 6 * Mi), [["pod", true, 600, 6 * Mi], less, more]],
    ["shrinks between", limits(1, 600, 6 * Mi), limits(1, 300, 3 * Mi), [less, ["pod", true, 300, 3 * Mi], more]],
    [
      "does both",
      limits(1, 300, 6 * Mi),
      limits(1, 600, 3 * Mi),
      [["pod", true, 600, 6 * Mi], less, ["pod", true, 600, 3 * Mi], more],
    ],
    ["is limited at last", limits(), limits(1, 600), [less, ["pod", true, 600, undefined], more]],
  ])("that %s", (_, present, wanted, expected) => {
    expect(steps(present, wanted)).toEqual(expected);
  });
});

describe("memoryRefusal()", () => {
  const container = makeContainer("app", { limits: limits(undefined, undefined, 200) });
  const stats = (usageBytes: number) => [
    { id: "app-0", podUid: "uid-1", name: "app", at: 0, cpuNanoseconds: 0, memoryBytes: 1, memory: { usageBytes } },
  ];
  const to = (bytes: number) => [{ container, limits: limits(undefined, undefined, bytes) }];
  const refusal = (bytes: number, used: number, others: readonly (typeof container)[] = []) =>
    memoryRefusal(to(bytes), { containers: [container, ...others], stats: stats(used) });

  it("lets memory be taken that is not used, and given always", () => {
    expect(refusal(100, 100)).toBeUndefined();
    expect(refusal(300, 250)).toBeUndefined();
  });

  it("says in Kubernetes' words what is used", () => {
    expect(refusal(100, 150)).toBe(
      'cannot decrease memory limits: [attempting to set pod memory limit (100) below current usage (150), attempting to set container "app" memory limit (100) below current usage (150)]',
    );
    const whole = { sandboxId: "pod", present: limits(0, 0, 300), limits: limits(0, 0, 120) };
    expect(memoryRefusal([], { containers: [container], stats: stats(150), whole })).toBe(
      "cannot decrease memory limits: attempting to set pod memory limit (120) below current usage (150)",
    );
    const unlimited = makeContainer("other", { limits: limits() });
    expect(refusal(100, 150, [unlimited])).toBe(
      'cannot decrease memory limits: attempting to set container "app" memory limit (100) below current usage (150)',
    );
  });
});

it("resizeMessage() names containers and sidecars with what they are to have", () => {
  const pod = makePod({
    initContainers: [
      spec1("setup", { resources: { requests: { cpu: "1" } } }),
      spec1("sidecar", { restartPolicy: "Always", resources: { limits: { cpu: "200m" }, requests: { cpu: "100m" } } }),
    ],
    containers: [spec1("app", { resources: { requests: { cpu: "1", memory: "1Gi", "example.com/gpu": "1" } } })],
  });
  expect(resizeMessage("Infeasible", pod, 3, "no room")).toBe(
    'Pod resize Infeasible: {"initContainers":[{"name":"sidecar","resources":{"limits":{"cpu":"200m"},"requests":{"cpu":"100m"}}}],"containers":[{"name":"app","resources":{"requests":{"cpu":"1","memory":"1Gi"}}}],"generation":3,"error":"no room"}',
  );
});
