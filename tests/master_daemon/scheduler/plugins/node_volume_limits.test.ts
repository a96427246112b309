import { describe, expect, it } from "vitest";
import type {
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from "../../../../core/kinds/mod.ts";
import { noStorage, type StorageView } from "../../../../master_daemon/scheduler/storage.ts";
import { aPod } from "../../controllers/fixtures.ts";
import { feasible, labelled, on, place, snapshotOf } from "../_place.ts";

const driver = "disks.example.com";

/** Claims that are bound to a volume of the same name, and those that are to be made by a class. */
function storageOf({
  limits,
  bound = [],
  unbound = [],
  attached = {},
}: {
  readonly limits: Readonly<Record<string, number>>;
  readonly bound?: readonly string[];
  readonly unbound?: readonly string[];
  readonly attached?: Readonly<Record<string, readonly string[]>>;
}): StorageView {
  const volume = (name: string): PersistentVolume => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: { csi: { driver, volumeHandle: `handle-${name}` } },
  });
  const claim = (name: string, spec: PersistentVolumeClaim["spec"]): PersistentVolumeClaim => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: "default", annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
    spec: { accessModes: ["ReadWriteOnce"], ...spec },
    status: { phase: "Bound" },
  });
  const storageClass: StorageClass = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "fast" },
    provisioner: driver,
    volumeBindingMode: "WaitForFirstConsumer",
  };
  return {
    ...noStorage,
    claim: ({ name }) =>
      bound.includes(name)
        ? claim(name, { volumeName: name })
        : unbound.includes(name)
          ? claim(name, { storageClassName: "fast" })
          : undefined,
    volume: (name) => (bound.includes(name) ? volume(name) : undefined),
    storageClass: (name) => (name === "fast" ? storageClass : undefined),
    csiNode: (name): CSINode | undefined =>
      limits[name] === undefined
        ? undefined
        : {
            apiVersion: "storage.k8s.io/v1",
            kind: "CSINode",
            metadata: { name },
            spec: { drivers: [{ name: driver, nodeID: name, allocatable: { count: limits[name] } }] },
          },
    attachedTo: (name) => (attached[name] ?? []).map(volume),
  };
}

const volumesOf = (claims: readonly string[]) => ({
  volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
});
const using = (nodeName: string, name: string, ...claims: readonly string[]): Pod =>
  on(nodeName, name, {}, volumesOf(claims));
const asking = (...claims: readonly string[]): Pod => aPod("new", { nodeName: "", spec: volumesOf(claims) });
const nodes = [labelled("a"), labelled("b")];

describe("NodeVolumeLimits", () => {
  it("keeps pods off nodes that take no more volumes of a driver, and says so", () => {
    const storage = storageOf({ limits: { a: 1, b: 2 }, bound: ["one", "two", "three"] });
    const snapshot = snapshotOf(nodes, [using("a", "p", "one"), using("b", "q", "two")], { storage });
    expect(feasible(asking("three"), snapshot)).toEqual(["b"]);
    const full = snapshotOf([labelled("a")], [using("a", "p", "one")], { storage });
    expect(place(asking("three"), full)).toMatchObject({
      node: undefined,
      message: expect.stringContaining("0/1 nodes are available: 1 node(s) exceed max volume count."),
    });
  });

  it("counts a volume once, however many pods use it", () => {
    const storage = storageOf({ limits: { a: 1, b: 1 }, bound: ["one", "two"] });
    const pods = [using("a", "p", "one"), using("a", "q", "one"), using("b", "r", "two")];
    expect(feasible(asking("one"), snapshotOf(nodes, pods, { storage }))).toEqual(["a"]);
  });

  it("counts volumes that are still attached, and those that are not made yet", () => {
    const options = { limits: { a: 2, b: 2 }, bound: ["one", "two"], unbound: ["new-one", "new-two"] };
    const storage = storageOf({ ...options, attached: { a: ["one"] } });
    const snapshot = snapshotOf(nodes, [], { storage });
    expect(feasible(asking("new-one", "new-two"), snapshot)).toEqual(["b"]);
    expect(feasible(asking("one", "two"), snapshot)).toEqual(["a", "b"]);
  });

  it("lets pods onto nodes that tell no limit", () => {
    const storage = storageOf({ limits: { a: 0 }, bound: ["one"] });
    expect(feasible(asking("one"), snapshotOf(nodes, [], { storage }))).toEqual(["b"]);
    expect(feasible(asking(), snapshotOf(nodes, [], { storage }))).toEqual(["a", "b"]);
  });
});
