import { describe, expect, it } from "vitest";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../../core/kinds/mod.ts";
import { boundVolume, findVolume, isVolumeOf, volumeMisfit } from "../../../core/kinds/volume_binding.ts";

const volume = (name: string, storage: string, rest: Partial<PersistentVolume["spec"]> = {}): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name, labels: { name } },
  spec: {
    capacity: { storage },
    accessModes: ["ReadWriteOnce", "ReadOnlyMany"],
    storageClassName: "fast",
    hostPath: { path: "/data" },
    ...rest,
  },
  status: { phase: "Available" },
});
const claim = (rest: Partial<PersistentVolumeClaim["spec"]> = {}): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { namespace: "default", name: "data", uid: "u1" },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "fast",
    resources: { requests: { storage: "5Gi" } },
    ...rest,
  },
});
const node = (name: string): Node => ({ apiVersion: "v1", kind: "Node", metadata: { name, labels: { host: name } } });
const onHost = (name: string) => ({
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "host", operator: "In" as const, values: [name] }] }] },
  },
});

describe("findVolume()", () => {
  it.each([
    ["the smallest that is large enough", [volume("a", "10Gi"), volume("b", "6Gi"), volume("c", "1Gi")], {}, "b"],
    ["the first by name of equals", [volume("b", "6Gi"), volume("a", "6Gi")], {}, "a"],
    ["none of another class", [volume("a", "6Gi", { storageClassName: "slow" })], {}, undefined],
    ["none that lacks an access mode", [volume("a", "6Gi", { accessModes: ["ReadOnlyMany"] })], {}, undefined],
    ["none of another mode", [volume("a", "6Gi", { volumeMode: "Block" })], {}, undefined],
    ["none that is taken", [volume("a", "6Gi", { claimRef: { namespace: "x", name: "y" } })], {}, undefined],
    [
      "what its selector selects",
      [volume("a", "6Gi"), volume("b", "7Gi")],
      { selector: { matchLabels: { name: "b" } } },
      "b",
    ],
    [
      "the one that was set aside for it, though another is smaller",
      [volume("a", "6Gi"), volume("b", "9Gi", { claimRef: { namespace: "default", name: "data" } })],
      {},
      "b",
    ],
    [
      "none that was set aside for one of its name that is gone",
      [volume("b", "9Gi", { claimRef: { namespace: "default", name: "data", uid: "u0" } })],
      {},
      undefined,
    ],
  ])("finds %s", (_, volumes, spec, expected) => {
    expect(findVolume(claim(spec), volumes)?.metadata.name).toBe(expected);
  });

  it("looks only at volumes that the node reaches, and leaves those that are taken", () => {
    const volumes = [volume("a", "6Gi", onHost("n1")), volume("b", "7Gi", onHost("n2")), volume("c", "8Gi")];
    expect(findVolume(claim(), volumes, { node: node("n2") })?.metadata.name).toBe("b");
    expect(findVolume(claim(), volumes, { node: node("n2"), taken: new Set(["b"]) })?.metadata.name).toBe("c");
  });

  it("finds only what was set aside when the claim waits for its first pod", () => {
    const own = volume("b", "9Gi", { claimRef: { namespace: "default", name: "data" } });
    expect(findVolume(claim(), [volume("a", "6Gi")], { onlyPrebound: true })).toBeUndefined();
    expect(findVolume(claim(), [volume("a", "6Gi"), own], { onlyPrebound: true })).toBe(own);
  });

  it("leaves volumes that are not available, or on their way out", () => {
    const released: PersistentVolume = { ...volume("a", "6Gi"), status: { phase: "Released" } };
    const leaving = { ...volume("b", "6Gi"), metadata: { name: "b", deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(findVolume(claim(), [released, leaving])).toBeUndefined();
  });
});

it("boundVolume() names the claim, and says whether the cluster chose it", () => {
  const bound = boundVolume(volume("a", "6Gi"), claim());
  expect(bound.spec.claimRef).toMatchObject({
    kind: "PersistentVolumeClaim",
    namespace: "default",
    name: "data",
    uid: "u1",
  });
  expect(bound.metadata.annotations).toEqual({ "pv.kubernetes.io/bound-by-controller": "yes" });
  expect(isVolumeOf(bound, claim())).toBe(true);
  const prebound = volume("a", "6Gi", { claimRef: { namespace: "default", name: "data" } });
  expect(boundVolume(prebound, claim()).metadata.annotations).toBeUndefined();
});

it.each([
  [volume("a", "1Gi"), "requested PV is too small"],
  [volume("a", "6Gi", { storageClassName: "slow" }), "storageClassName does not match"],
  [volume("a", "6Gi", { volumeMode: "Block" }), "incompatible volumeMode"],
  [volume("a", "6Gi", { accessModes: ["ReadOnlyMany"] }), "incompatible accessMode"],
  [volume("a", "6Gi"), undefined],
])("volumeMisfit() says why a named volume does not do (%#)", (one, expected) => {
  expect(volumeMisfit(one, claim())).toBe(expected);
});
