import { expect, it } from "vitest";
import { keyOf } from "../../../core/api/meta.ts";
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  volumeAttributesClass,
} from "../../../core/kinds/mod.ts";
import { pvProtectionController } from "../../../master_daemon/controllers/pv_protection.ts";
import { pvcProtectionController } from "../../../master_daemon/controllers/pvc_protection.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { classesOfClaim, vacProtectionController } from "../../../master_daemon/controllers/vac_protection.ts";
import { openCluster } from "./_cluster.ts";

const claim: PersistentVolumeClaim = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { namespace: "default", name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};

it("a claim goes once no pod on a node uses it", async () => {
  const { client, parts, until, all, ...common } = await openCluster();
  parts.use(runControllers([pvcProtectionController], { client, ...common }));
  const { resourceVersion = "" } = (await client.create(persistentVolumeClaim, claim)).metadata;
  const metadata = { finalizers: null, resourceVersion };
  await client.patch(persistentVolumeClaim, keyOf(claim), { type: "merge", body: { metadata } });
  await until(async () => (await all(persistentVolumeClaim, "default"))[0]?.metadata.finalizers !== undefined);
  const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
  const spec = { nodeName: "node", containers: [{ name: "main", image: "busybox" }], volumes };
  const user = { apiVersion: "v1", kind: "Pod", metadata: { namespace: "default", name: "user" }, spec };
  await client.create(pod, user);
  await client.delete(persistentVolumeClaim, claim.metadata as { name: string });
  const present = async () => (await all(persistentVolumeClaim, "default"))[0];
  await until(async () => (await present())?.metadata.deletionTimestamp !== undefined);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect((await present())?.metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
  await client.delete(pod, { namespace: "default", name: "user" }, { gracePeriodSeconds: 0 });
  await until(async () => (await present()) === undefined);
});

it("a volume goes once no claim is bound to it", async () => {
  const { client, parts, until, all, ...common } = await openCluster();
  parts.use(runControllers([pvProtectionController], { client, ...common }));
  const volume: PersistentVolume = {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "disk" },
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
  };
  await client.create(persistentVolume, volume);
  await client.patch(persistentVolume, { name: "disk" }, { type: "merge", body: { metadata: { finalizers: null } } });
  const created = await until(async () => {
    const [found] = await all(persistentVolume);
    return found?.metadata.finalizers !== undefined && found;
  });
  const bound = await client.updateStatus(persistentVolume, { ...created, status: { phase: "Bound" } });
  await client.delete(persistentVolume, { name: "disk" });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const present = await client.get(persistentVolume, { name: "disk" });
  expect(present.metadata.finalizers).toEqual(["kubernetes.io/pv-protection"]);
  await client.updateStatus(persistentVolume, { ...present, status: { ...bound.status, phase: "Released" } });
  await until(async () => (await all(persistentVolume)).length === 0);
});

it("a class of attributes goes once no claim and no volume names it", async () => {
  const { client, parts, until, all, ...common } = await openCluster();
  parts.use(runControllers([vacProtectionController], { client, ...common }));
  const name = { name: "fast" };
  const body = { driverName: "example.com", parameters: { iops: "1" } };
  await client.create(volumeAttributesClass, {
    apiVersion: "storage.k8s.io/v1",
    kind: "VolumeAttributesClass",
    metadata: { ...name },
    ...body,
  });
  const present = async () => (await all(volumeAttributesClass))[0];
  // Put there when it was created; and put there again.
  expect((await present())?.metadata.finalizers).toEqual(["kubernetes.io/vac-protection"]);
  await client.patch(volumeAttributesClass, name, { type: "merge", body: { metadata: { finalizers: null } } });
  await until(async () => (await present())?.metadata.finalizers !== undefined);
  await client.create(persistentVolumeClaim, { ...claim, spec: { ...claim.spec, volumeAttributesClassName: "fast" } });
  await client.delete(volumeAttributesClass, name);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect((await present())?.metadata.finalizers).toEqual(["kubernetes.io/vac-protection"]);
  const metadata = { finalizers: null };
  await client.patch(persistentVolumeClaim, keyOf(claim), { type: "merge", body: { metadata } });
  await client.delete(persistentVolumeClaim, { namespace: "default", name: "data" });
  await until(async () => (await present()) === undefined);
});

it("classesOfClaim() names the class that a claim has, that its volume has still, and that it is about to have", () => {
  const status = {
    currentVolumeAttributesClassName: "slow",
    modifyVolumeStatus: { targetVolumeAttributesClassName: "faster", status: "InProgress" },
  };
  const wanted = { ...claim, spec: { ...claim.spec, volumeAttributesClassName: "fast" }, status };
  expect(classesOfClaim(wanted)).toEqual(["fast", "slow", "faster"]);
  expect(classesOfClaim(claim)).toEqual([]);
});
