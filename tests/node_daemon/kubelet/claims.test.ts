import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { node as nodeKind } from "../../../core/kinds/node.ts";
import { type PersistentVolumeSpec, persistentVolume } from "../../../core/kinds/persistent_volume.ts";
import { persistentVolumeClaim } from "../../../core/kinds/persistent_volume_claim.ts";
import { pod as podKind } from "../../../core/kinds/pod.ts";
import { openTestNode, type TestNode } from "./cluster.ts";

let disk = "";
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), "wherry-disk-"));
});
afterEach(() => rm(disk, { recursive: true, force: true }));

const key = { namespace: "default", name: "data" };
const uses = { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }] };

/** A claim that is bound to a volume of 1Gi. */
async function bind(node: TestNode, spec: Partial<PersistentVolumeSpec>): Promise<void> {
  const { accessModes = ["ReadWriteOnce"] } = spec;
  const claim = await node.client.create(persistentVolumeClaim, {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: key,
    spec: { accessModes, resources: { requests: { storage: "1Gi" } }, volumeName: "disk" },
  });
  await node.client.create(persistentVolume, {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "disk" },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes,
      claimRef: { ...key, uid: claim.metadata.uid ?? "" },
      ...spec,
    },
  });
  await node.client.updateStatus(persistentVolumeClaim, {
    ...claim,
    status: { phase: "Bound", accessModes, capacity: { storage: "1Gi" } },
  });
}

const runs = (pod: { readonly status?: { readonly phase?: string } }) => pod.status?.phase === "Running";

describe("a claim with ReadWriteOncePod", () => {
  const inUse =
    'FailedMount: MountVolume.SetUp failed for volume "d" : volume uses the ReadWriteOncePod access mode and is already in use by another pod';

  it("is refused to a second pod on the node until the first has gone", async () => {
    await using node = await openTestNode();
    await bind(node, { accessModes: ["ReadWriteOncePod"], hostPath: { path: disk } });
    await node.run(uses, { name: "first" });
    await node.until(runs, "first");
    await node.run(uses, { name: "second" });
    await node.soon(async () => (await node.events()).some((text) => text.includes(inUse)));
    await node.client.delete(podKind, { namespace: "default", name: "first" }, { gracePeriodSeconds: 0 });
    await node.gone("first");
    await node.advance(20_000);
    await node.until(runs, "second");
  });

  it("stays with the pod that has it when the kubelet starts again", async () => {
    await using node = await openTestNode();
    await bind(node, { accessModes: ["ReadWriteOncePod"], hostPath: { path: disk } });
    await node.run(uses, { name: "first" });
    await node.until(runs, "first");
    await node.stopKubelet();
    await node.startKubelet();
    await node.run(uses, { name: "second" });
    await node.soon(async () => (await node.events()).some((text) => text.includes(inUse)));
  });
});

// Only root may give files to any group.
describe.runIf(process.geteuid?.() === 0)("a local volume that two pods of a node use", () => {
  const nodeSelectorTerms = [{ matchFields: [{ key: "metadata.name", operator: "In" as const, values: ["node-1"] }] }];
  const ofGroup = (fsGroup: number) => ({ ...uses, securityContext: { fsGroup } });
  const group = async () => (await stat(disk)).gid;
  const mismatch =
    "AlreadyMountedVolume: The requested fsGroup is 3000, but the volume disk has GID 2000. The volume may not be shareable.";

  it("stays with the group of the first, which the second is told; once both have gone it is the next one's", async () => {
    await using node = await openTestNode();
    await node.client.create(nodeKind, { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } });
    await bind(node, { local: { path: disk }, nodeAffinity: { required: { nodeSelectorTerms } } });
    await node.run(ofGroup(2000), { name: "first" });
    await node.until(runs, "first");
    expect(await group()).toBe(2000);
    await node.run(ofGroup(2000), { name: "same" });
    await node.until(runs, "same");
    await node.run(ofGroup(3000), { name: "other" });
    await node.until(runs, "other");
    await node.soon(async () => (await node.events()).includes(mismatch));
    expect(await group()).toBe(2000);
    expect((await node.events()).filter((text) => text.startsWith("AlreadyMountedVolume"))).toEqual([mismatch]);
    for (const name of ["first", "same", "other"]) {
      await node.client.delete(podKind, { namespace: "default", name }, { gracePeriodSeconds: 0 });
      await node.gone(name);
    }
    await node.idle();
    await node.run(ofGroup(3000), { name: "next" });
    await node.until(runs, "next");
    expect(await group()).toBe(3000);
  });
});

describe("a claim whose volume was made larger", () => {
  const inTwoSizes = async (spec: Partial<PersistentVolumeSpec>) => {
    const node = await openTestNode();
    await node.client.create(nodeKind, { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } });
    await bind(node, { ...spec, capacity: { storage: "2Gi" } });
    await node.run(uses);
    await node.until(runs);
    await node.idle();
    return node;
  };

  it("has it once a pod on the node uses it, which is said to both", async () => {
    const nodeSelectorTerms = [
      { matchFields: [{ key: "metadata.name", operator: "In" as const, values: ["node-1"] }] },
    ];
    await using node = await inTwoSizes({
      local: { path: disk },
      nodeAffinity: { required: { nodeSelectorTerms } },
    });
    const { status } = await node.client.get(persistentVolumeClaim, key);
    expect(status?.capacity).toEqual({ storage: "2Gi" });
    const told = (await node.events()).filter((text) => text.includes("FileSystemResizeSuccessful"));
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('MountVolume.NodeExpandVolume succeeded for volume "disk"');
  });

  it("does not have it where its type cannot grow on a node", async () => {
    await using node = await inTwoSizes({ hostPath: { path: disk } });
    expect((await node.client.get(persistentVolumeClaim, key)).status?.capacity).toEqual({ storage: "1Gi" });
  });
});
