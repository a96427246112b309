import { describe, expect, it } from "vitest";
import type { NodeStatus } from "../../../core/kinds/node.ts";
import { machineFacts } from "../../../core/platform/machine.ts";
import { statusNews } from "../../../node_daemon/kubelet/node_events.ts";
import { type NodeIdentity, nodeImages, nodeStatus } from "../../../node_daemon/kubelet/node_object.ts";

const identity: NodeIdentity = {
  name: "node-1",
  machine: machineFacts(),
  addresses: ["127.0.0.1"],
  labels: {},
  annotations: {},
  taints: [],
  diskBytes: 2048,
  maxPods: 110,
  allocatable: { cpu: "1", memory: "1Ki", "ephemeral-storage": "1Ki", pods: "110" },
  port: 10_250,
  runtimeVersion: "fake://1",
  runtimeFeatures: { supplementalGroupsPolicy: true, recursiveReadOnlyMounts: false },
  kubeletVersion: "v1",
};
const healthy = {
  runtimeProblem: undefined,
  shuttingDown: false,
  memoryPressure: false,
  diskPressure: false,
  pidPressure: false,
  images: [],
  now: "2026-01-01T00:00:00Z",
};

describe("nodeStatus()", () => {
  it.each([
    ["memoryPressure", "MemoryPressure", "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory"],
    ["diskPressure", "DiskPressure", "KubeletHasDiskPressure", "KubeletHasNoDiskPressure"],
    ["pidPressure", "PIDPressure", "KubeletHasInsufficientPID", "KubeletHasSufficientPID"],
  ])("tells of %s as Kubernetes does", (member, type, pressed, well) => {
    const condition = (pressure: boolean) =>
      nodeStatus(undefined, identity, { ...healthy, [member]: pressure }).conditions?.find((one) => one.type === type);
    expect(condition(true)).toMatchObject({ status: "True", reason: pressed });
    expect(condition(false)).toMatchObject({ status: "False", reason: well });
  });

  it("tells capacity, ephemeral storage included, and images", () => {
    const images = [{ names: ["a:1"], sizeBytes: 5 }];
    const status = nodeStatus(undefined, identity, { ...healthy, images });
    expect(status.capacity).toMatchObject({ "ephemeral-storage": "2Ki", pods: "110" });
    expect(status.allocatable).toEqual(identity.allocatable);
    expect(status.images).toEqual(images);
  });
});

it("nodeStatus() tells what the runtime can do, and of swap space where there is any", () => {
  const status = (swapBytes: number) =>
    nodeStatus(undefined, { ...identity, machine: { ...identity.machine, swapBytes } }, healthy);
  expect(status(2048).nodeInfo?.swap).toEqual({ capacity: 2048 });
  expect(status(0).nodeInfo).not.toHaveProperty("swap");
  expect(status(0).runtimeHandlers).toEqual([
    { name: "", features: { recursiveReadOnlyMounts: false, userNamespaces: false } },
  ]);
  expect(status(0).features).toEqual({ supplementalGroupsPolicy: true });
});

it("statusNews() tells every condition of the first status, and later those that changed", () => {
  const first = nodeStatus(undefined, identity, healthy);
  const reasons = (before: NodeStatus | undefined, after: NodeStatus) =>
    statusNews("node-1", before, after).map(({ reason }) => reason);
  expect(reasons(undefined, first)).toEqual([
    "NodeHasSufficientMemory",
    "NodeHasNoDiskPressure",
    "NodeHasSufficientPID",
    "NodeReady",
  ]);
  expect(reasons(first, nodeStatus(first, identity, healthy))).toEqual([]);
  const short = nodeStatus(first, identity, { ...healthy, memoryPressure: true, runtimeProblem: "no engine" });
  expect(statusNews("node-1", first, short).map(({ message }) => message)).toEqual([
    "Node node-1 status is now: NodeHasInsufficientMemory",
    "Node node-1 status is now: NodeNotReady",
  ]);
  const rebooted = { ...identity, machine: { ...identity.machine, bootId: "another" } };
  expect(reasons(first, nodeStatus(first, rebooted, healthy))).toEqual(["Rebooted"]);
});

describe("nodeStatus() over what others wrote", () => {
  const over = (current: NodeStatus) => nodeStatus(current, identity, healthy).allocatable;

  it("lets pods have a resource that somebody advertises, until they take it back", () => {
    expect(over({ capacity: { "example.com/dongle": "4" } })).toMatchObject({ "example.com/dongle": "4", pods: "110" });
    const advertised = { "example.com/dongle": "5" };
    expect(over({ capacity: advertised, allocatable: { "example.com/dongle": "4" } })).toMatchObject(advertised);
    expect(over({ capacity: {}, allocatable: advertised })).not.toHaveProperty(["example.com/dongle"]);
  });

  it("keeps what is Kubernetes' own", () => {
    expect(over({ allocatable: { "hugepages-2Mi": "1Gi" } })).toMatchObject({ "hugepages-2Mi": "1Gi" });
  });
});

describe("nodeImages()", () => {
  it("lists the 50 largest with 5 names each, and none without a name", () => {
    const names = (image: number) => Array.from({ length: 7 }, (_, name) => `image-${image}:${name}`);
    const all = Array.from({ length: 60 }, (_, image) => ({ names: names(image), sizeBytes: image }));
    const listed = nodeImages([{ names: [], sizeBytes: 1000 }, ...all]);
    expect(listed).toHaveLength(50);
    expect(listed[0]).toEqual({ names: names(59).slice(0, 5), sizeBytes: 59 });
    expect(listed.at(-1)?.sizeBytes).toBe(10);
  });
});
