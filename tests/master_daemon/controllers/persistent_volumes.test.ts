import { describe, expect, it } from "vitest";
import {
  event,
  node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  type StorageClass,
  storageClass,
} from "../../../core/kinds/mod.ts";
import { planVolume } from "../../../master_daemon/controllers/_plan_volume.ts";
import { planVolumeClaim } from "../../../master_daemon/controllers/_plan_volume_claim.ts";
import { ephemeralVolumeController } from "../../../master_daemon/controllers/ephemeral_volume.ts";
import {
  localPathProvisionerController,
  localPathRemoverController,
} from "../../../master_daemon/controllers/local_path_provisioner.ts";
import {
  persistentVolumeClaimBinder,
  persistentVolumeReclaimer,
} from "../../../master_daemon/controllers/persistent_volume_binder.ts";
import { pvProtectionController } from "../../../master_daemon/controllers/pv_protection.ts";
import { pvcProtectionController } from "../../../master_daemon/controllers/pvc_protection.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { volumeExpandController } from "../../../master_daemon/controllers/volume_expand.ts";
import { runScheduler } from "../../../master_daemon/scheduler/scheduler.ts";
import { openCluster } from "./_cluster.ts";

const claim = (name: string, spec: Partial<PersistentVolumeClaim["spec"]> = {}): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { namespace: "default", name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
});
const volume = (name: string, spec: Partial<PersistentVolume["spec"]> = {}): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: { capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" }, ...spec },
});
const classOf = (name: string, rest: Partial<StorageClass> = {}): StorageClass => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name },
  provisioner: "wherry.dev/local-path",
  volumeBindingMode: "WaitForFirstConsumer",
  ...rest,
});

async function open() {
  const cluster = await openCluster();
  const { client, parts, until, all, ...common } = cluster;
  parts.use(
    runControllers(
      [
        persistentVolumeClaimBinder,
        persistentVolumeReclaimer,
        localPathProvisionerController,
        localPathRemoverController,
        volumeExpandController,
        ephemeralVolumeController,
        pvcProtectionController,
        pvProtectionController,
      ],
      { client, ...common },
    ),
  );
  const claimIs = (name: string, phase: string) =>
    until(async () => {
      const found = await client.get(persistentVolumeClaim, { namespace: "default", name });
      return found.status?.phase === phase && found;
    });
  const volumeIs = (name: string, phase: string) =>
    until(async () => {
      const found = await client.get(persistentVolume, { name });
      return found.status?.phase === phase && found;
    });
  const told = (reason: string) =>
    until(async () => (await all(event)).find((one) => one.reason === reason)?.message ?? false);
  return { ...cluster, claimIs, volumeIs, told };
}

describe("planVolume()", () => {
  it("says of a volume that was set aside for a claim of the other mode that they do not fit", () => {
    const claimRef = { namespace: "default", name: "raw", uid: "c1" };
    const held = (spec: Partial<PersistentVolumeClaim["spec"]>) => {
      const { metadata, ...rest } = claim("raw", spec);
      return { ...rest, metadata: { ...metadata, uid: "c1" } };
    };
    const plan = (mode: "Block" | "Filesystem") => planVolume(volume("disk", { claimRef }), held({ volumeMode: mode }));
    expect(plan("Filesystem")).toEqual({ action: "none" });
    const told = { type: "Warning", reason: "VolumeMismatch" };
    const [ofVolume, ofClaim] = [
      'Cannot bind PersistentVolume to requested PersistentVolumeClaim "raw" due to incompatible volumeMode.',
      'Cannot bind PersistentVolume "disk" to requested PersistentVolumeClaim due to incompatible volumeMode.',
    ];
    expect(plan("Block")).toEqual({
      action: "mismatch",
      volumeEvent: { ...told, message: ofVolume },
      claimEvent: { ...told, message: ofClaim },
    });
  });
});

describe("planVolume(), when its claim has another volume", () => {
  const claimRef = { namespace: "default", name: "data", uid: "c1" };
  const { metadata, ...rest } = claim("data", { volumeName: "other" });
  const held = { ...rest, metadata: { ...metadata, uid: "c1" } };
  const plan = (persistentVolumeReclaimPolicy: "Delete" | "Retain", isMade: boolean) =>
    planVolume(
      {
        ...volume("disk", { claimRef, persistentVolumeReclaimPolicy }),
        metadata: { name: "disk", annotations: isMade ? { "pv.kubernetes.io/provisioned-by": "x" } : {} },
      },
      held,
    );

  it("goes where it was made for the claim and is to be deleted, and is free again otherwise", () => {
    expect(plan("Delete", true)).toEqual({ action: "release", failure: undefined });
    for (const freed of [plan("Retain", true), plan("Delete", false), plan("Retain", false)])
      expect(freed).toEqual({ action: "unbind" });
  });
});

describe("planVolumeClaim()", () => {
  const held = (spec: Partial<PersistentVolumeClaim["spec"]>, annotations: Record<string, string> = {}) => {
    const { metadata, ...rest } = claim("data", spec);
    return { ...rest, metadata: { ...metadata, uid: "c1", annotations } };
  };
  const completed = { "pv.kubernetes.io/bind-completed": "yes" };
  const refOf = (uid: string, name = "data") => ({ claimRef: { namespace: "default", name, uid } });
  const free: PersistentVolume = { ...volume("free"), status: { phase: "Available" } };
  const waiting = classOf("slow");
  const immediate = classOf("fast", { volumeBindingMode: "Immediate" });
  const plan = (one: PersistentVolumeClaim, volumes: readonly PersistentVolume[], pods: readonly string[] = []) =>
    planVolumeClaim(one, {
      volume: (name) => volumes.find(({ metadata }) => metadata.name === name),
      storageClass: (name) => [waiting, immediate].find(({ metadata }) => metadata.name === name),
      candidates: () => volumes,
      waitingPods: () => pods,
    });
  const told = (type: "Normal" | "Warning", reason: string, message: string) => ({ event: { type, reason, message } });

  it.each<[string, ReturnType<typeof held>, readonly PersistentVolume[], readonly string[], object]>([
    ["takes a volume that fits", held({}), [free], [], { action: "bind", volume: free }],
    [
      "takes the one that it names, which is set aside for it",
      held({ volumeName: "mine" }),
      [volume("mine", { claimRef: { namespace: "default", name: "data" } })],
      [],
      { action: "bind", volume: { metadata: { name: "mine" } } },
    ],
    [
      "takes the one that is set aside for it",
      held({}),
      [free, volume("mine", { claimRef: { namespace: "default", name: "data" } })],
      [],
      { action: "bind", volume: { metadata: { name: "mine" } } },
    ],
    [
      "waits where there is none and no class",
      held({}),
      [],
      [],
      {
        action: "wait",
        ...told(
          "Normal",
          "FailedBinding",
          "no persistent volumes available for this claim and no storage class is set",
        ),
      },
    ],
    [
      "waits for a class that is not there",
      held({ storageClassName: "none" }),
      [],
      [],
      { action: "wait", ...told("Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "none" not found') },
    ],
    ["asks for one of its class", held({ storageClassName: "fast" }), [], [], { action: "provision" }],
    [
      "waits for its first pod",
      held({ storageClassName: "slow" }),
      [volume("slow", { storageClassName: "slow" })],
      [],
      {
        action: "wait",
        ...told("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding"),
      },
    ],
    [
      "waits for its pods to be placed",
      held({ storageClassName: "slow" }),
      [],
      ["a", "b"],
      { action: "wait", ...told("Normal", "WaitForPodScheduled", "waiting for pods a,b to be scheduled") },
    ],
    [
      "asks for one once a node is chosen",
      held({ storageClassName: "slow" }, { "volume.kubernetes.io/selected-node": "n" }),
      [],
      ["a"],
      { action: "provision" },
    ],
    ["waits for the volume that it names", held({ volumeName: "disk" }), [free], [], { action: "wait" }],
    [
      "does not take one that is another's",
      held({ volumeName: "disk" }),
      [volume("disk", refOf("c2", "other"))],
      [],
      {
        action: "wait",
        ...told("Warning", "FailedBinding", 'volume "disk" already bound to a different claim.'),
      },
    ],
    [
      "does not take one that is too small",
      held({ volumeName: "disk" }),
      [volume("disk", { capacity: { storage: "1Mi" } })],
      [],
      { action: "wait", event: { type: "Warning", reason: "VolumeMismatch" } },
    ],
    [
      "binds itself again to a volume that lost its claim",
      held({ volumeName: "disk" }, completed),
      [volume("disk")],
      [],
      { action: "bind" },
    ],
    [
      "is lost with its volume",
      held({ volumeName: "disk" }, completed),
      [],
      [],
      {
        action: "lose",
        ...told("Warning", "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"),
      },
    ],
    [
      "is lost without its volume's name",
      held({}, completed),
      [],
      [],
      {
        action: "lose",
        ...told(
          "Warning",
          "ClaimLost",
          "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
        ),
      },
    ],
    [
      "is lost when its volume is another's",
      held({ volumeName: "disk" }, completed),
      [volume("disk", refOf("c2"))],
      [],
      {
        action: "lose",
        ...told("Warning", "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"),
      },
    ],
  ])("%s", (_, one, volumes, pods, wanted) => {
    expect(plan(one, volumes, pods)).toMatchObject(wanted);
  });
});

describe("claims and volumes", () => {
  it("are bound to each other, and the volume is kept when the claim goes", async () => {
    const { client, claimIs, volumeIs } = await open();
    await client.create(persistentVolume, volume("large", { capacity: { storage: "10Gi" } }));
    await client.create(persistentVolume, volume("small"));
    await volumeIs("large", "Available");
    await volumeIs("small", "Available");
    await client.create(persistentVolumeClaim, claim("data"));
    const bound = await claimIs("data", "Bound");
    expect(bound.spec.volumeName).toBe("small");
    expect(bound.status).toEqual({ phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "2Gi" } });
    expect(bound.metadata.annotations).toEqual({
      "pv.kubernetes.io/bind-completed": "yes",
      "pv.kubernetes.io/bound-by-controller": "yes",
    });
    expect((await volumeIs("small", "Bound")).spec.claimRef).toMatchObject({ name: "data", uid: bound.metadata.uid });
    await client.delete(persistentVolumeClaim, { namespace: "default", name: "data" });
    const kept = await volumeIs("small", "Released");
    expect(kept.spec.claimRef?.uid).toBe(bound.metadata.uid);
    expect((await volumeIs("large", "Available")).spec.claimRef).toBeUndefined();
  });

  it("wait for each other in either order", async () => {
    const { client, claimIs, told } = await open();
    await client.create(persistentVolumeClaim, claim("data"));
    expect(await told("FailedBinding")).toBe(
      "no persistent volumes available for this claim and no storage class is set",
    );
    await client.create(persistentVolume, volume("late"));
    expect((await claimIs("data", "Bound")).spec.volumeName).toBe("late");
  });

  it("of two claims that want the same volume one gets it", async () => {
    const { client, all, until } = await open();
    for (const name of ["a", "b"]) await client.create(persistentVolumeClaim, claim(name));
    await client.create(persistentVolume, volume("only"));
    await until(async () => (await all(persistentVolumeClaim)).some(({ status }) => status?.phase === "Bound"));
    await client.create(persistentVolume, volume("other"));
    await until(async () => (await all(persistentVolumeClaim)).every(({ status }) => status?.phase === "Bound"));
    const names = (await all(persistentVolumeClaim)).map(({ spec }) => spec.volumeName);
    expect(new Set(names)).toEqual(new Set(["only", "other"]));
  });

  it("say why a volume that was asked for by name will not do", async () => {
    const { client, claimIs, told } = await open();
    await client.create(persistentVolume, volume("tiny", { capacity: { storage: "1Mi" } }));
    await client.create(persistentVolumeClaim, claim("data", { volumeName: "tiny" }));
    expect(await told("VolumeMismatch")).toBe('Cannot bind to requested volume "tiny": requested PV is too small');
    await claimIs("data", "Pending");
  });

  it("a claim whose volume is gone is lost, until it comes back", async () => {
    const { client, claimIs, volumeIs, told } = await open();
    await client.create(persistentVolume, volume("disk"));
    await client.create(persistentVolumeClaim, claim("data"));
    await claimIs("data", "Bound");
    await volumeIs("disk", "Bound");
    const key = { name: "disk" };
    await client.delete(persistentVolume, key);
    await client.patch(persistentVolume, key, { type: "merge", body: { metadata: { finalizers: null } } });
    await claimIs("data", "Lost");
    expect(await told("ClaimLost")).toBe("Bound claim has lost its PersistentVolume. Data on the volume is lost!");
    await client.create(persistentVolume, volume("disk"));
    await claimIs("data", "Bound");
  });

  it("a volume of which nobody can make away says so", async () => {
    const { client, claimIs, volumeIs, told } = await open();
    await client.create(persistentVolume, volume("disk", { persistentVolumeReclaimPolicy: "Delete" }));
    await client.create(persistentVolumeClaim, claim("data"));
    await claimIs("data", "Bound");
    await client.delete(persistentVolumeClaim, { namespace: "default", name: "data" });
    const message = 'error getting deleter volume plugin for volume "disk": no deletable volume plugin matched';
    expect((await volumeIs("disk", "Failed")).status?.message).toBe(message);
    expect(await told("VolumeFailedDelete")).toBe(message);
  });

  it("a claim without a class gets the default one that comes later, and waits for its first pod", async () => {
    const { client, claimIs, told, until } = await open();
    await client.create(persistentVolumeClaim, claim("data"));
    await told("FailedBinding");
    const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
    await client.create(storageClass, { ...classOf("local"), metadata: { name: "local", annotations } });
    await until(async () => (await claimIs("data", "Pending")).spec.storageClassName === "local");
    expect(await told("WaitForFirstConsumer")).toBe("waiting for first consumer to be created before binding");
  });

  it("a claim of a foreign class names who is to make its volume", async () => {
    const { client, told, claimIs, until } = await open();
    await client.create(
      storageClass,
      classOf("cloud", { provisioner: "example.com/disks", volumeBindingMode: "Immediate" }),
    );
    await client.create(persistentVolumeClaim, claim("data", { storageClassName: "cloud" }));
    await client.create(persistentVolumeClaim, claim("none", { storageClassName: "missing" }));
    expect(await told("ExternalProvisioning")).toContain(
      "either by the external provisioner 'example.com/disks' or manually",
    );
    await until(async () => {
      const { annotations } = (await claimIs("data", "Pending")).metadata;
      return annotations?.["volume.kubernetes.io/storage-provisioner"] === "example.com/disks";
    });
    expect(await told("ProvisioningFailed")).toBe('storageclass.storage.k8s.io "missing" not found');
  });
});

describe("local-path", () => {
  const podWith = (name: string, volumes: readonly object[]) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name },
    spec: { containers: [{ name: "c", image: "app" }], volumes: volumes as [] },
  });
  const annotate = async (client: Awaited<ReturnType<typeof open>>["client"], annotations: Record<string, string>) =>
    await client.patch(
      node,
      { name: "node-1" },
      { type: "merge", body: { metadata: { annotations, labels: { "kubernetes.io/hostname": "node-1" } } } },
    );

  /** A claim that a pod uses, and the folder of the only node that is its volume. */
  async function openWithFolder() {
    const cluster = await open();
    const { client, claimIs, addNode, told, parts, clock, informers, log, random } = cluster;
    parts.use(runScheduler({ client, clock, informers, log, random }));
    await client.create(storageClass, classOf("local"));
    await addNode("node-1");
    await annotate(client, { "wherry.dev/local-path": "/var/volumes" });
    await client.create(persistentVolumeClaim, claim("data", { storageClassName: "local" }));
    await told("WaitForFirstConsumer");
    await client.create(pod, podWith("user", [{ name: "d", persistentVolumeClaim: { claimName: "data" } }]));
    const bound = await claimIs("data", "Bound");
    return { ...cluster, bound, name: `pvc-${bound.metadata.uid}` };
  }

  it("makes a folder's volume where the first pod goes, and removes it with the claim", async () => {
    const { client, bound, name, until, all, told } = await openWithFolder();
    expect(bound.spec.volumeName).toBe(name);
    const [made] = await all(persistentVolume);
    expect(made?.spec).toMatchObject({
      local: { path: `/var/volumes/${name}` },
      persistentVolumeReclaimPolicy: "Delete",
    });
    await until(async () => (await client.get(pod, { namespace: "default", name: "user" })).spec.nodeName === "node-1");
    await client.delete(pod, { namespace: "default", name: "user" }, { gracePeriodSeconds: 0 });
    await client.delete(persistentVolumeClaim, { namespace: "default", name: "data" });
    const removal = `local-path.wherry.dev/${name}`;
    const said = async () => (await client.get(node, { name: "node-1" })).metadata.annotations?.[removal];
    await until(async () => (await said()) === "remove");
    await annotate(client, { [removal]: "failed: busy" });
    expect(await told("VolumeFailedDelete")).toBe("busy");
    expect(await all(persistentVolume)).toHaveLength(1);
    await annotate(client, { [removal]: "removed" });
    await until(async () => (await all(persistentVolume)).length === 0);
    await until(async () => (await said()) === undefined);
  });

  it.each(["Delete", "Retain"] as const)("with the policy %s, knows of data until they are gone", async (policy) => {
    const { client, name, until, all } = await openWithFolder();
    const finalizers = async () => (await client.get(persistentVolume, { name })).metadata.finalizers ?? [];
    const finalizer = "external-provisioner.volume.kubernetes.io/finalizer";
    expect(await finalizers()).toContain(finalizer);
    const body = { spec: { persistentVolumeReclaimPolicy: policy } };
    await client.patch(persistentVolume, { name }, { type: "merge", body });
    await until(async () => (await finalizers()).includes(finalizer) === (policy === "Delete"));
    // Deleted before its claim, as it had better not be.
    await client.delete(persistentVolume, { name });
    await client.delete(pod, { namespace: "default", name: "user" }, { gracePeriodSeconds: 0 });
    await client.delete(persistentVolumeClaim, { namespace: "default", name: "data" });
    const removal = `local-path.wherry.dev/${name}`;
    const said = async () => (await client.get(node, { name: "node-1" })).metadata.annotations?.[removal];
    if (policy === "Delete") {
      await until(async () => (await said()) === "remove");
      expect(await finalizers()).toContain(finalizer);
      await annotate(client, { [removal]: "removed" });
    }
    await until(async () => (await all(persistentVolume)).length === 0);
    await until(async () => (await said()) === undefined);
  });

  it("places pods where their volumes are", async () => {
    const { client, addNode, until, parts, clock, informers, log, random } = await open();
    parts.use(runScheduler({ client, clock, informers, log, random }));
    for (const name of ["node-1", "node-2", "node-3"]) {
      await addNode(name);
      const body = { metadata: { labels: { "kubernetes.io/hostname": name } } };
      await client.patch(node, { name }, { type: "merge", body });
    }
    await client.create(storageClass, classOf("by-hand", { provisioner: "kubernetes.io/no-provisioner" }));
    const nodeSelectorTerms = [
      { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In" as const, values: ["node-2"] }] },
    ];
    const { hostPath: _, ...spec } = volume("disk").spec;
    const local = {
      storageClassName: "by-hand",
      local: { path: "/disk" },
      nodeAffinity: { required: { nodeSelectorTerms } },
    };
    await client.create(persistentVolume, { ...volume("disk"), spec: { ...spec, ...local } });
    await client.create(persistentVolumeClaim, claim("data", { storageClassName: "by-hand" }));
    await client.create(persistentVolumeClaim, claim("more", { storageClassName: "by-hand" }));
    await client.create(pod, podWith("user", [{ name: "d", persistentVolumeClaim: { claimName: "data" } }]));
    const placed = async (name: string) => (await client.get(pod, { namespace: "default", name })).spec.nodeName;
    await until(async () => (await placed("user")) === "node-2", { stepMs: 100 });
    await client.create(pod, podWith("late", [{ name: "d", persistentVolumeClaim: { claimName: "more" } }]));
    const condition = await until(async () => {
      const { status } = await client.get(pod, { namespace: "default", name: "late" });
      return status?.conditions?.find(({ reason }) => reason === "Unschedulable");
    });
    expect(condition.message).toMatch(
      /^0\/3 nodes are available: 3 node\(s\) didn't find available persistent volumes to bind\./,
    );
  });

  it("pods wait for claims that are not there, or not bound", async () => {
    const { client, addNode, until, parts, clock, informers, log, random } = await open();
    parts.use(runScheduler({ client, clock, informers, log, random }));
    await addNode("node-1");
    await client.create(pod, podWith("user", [{ name: "d", persistentVolumeClaim: { claimName: "data" } }]));
    const message = (expected: string) =>
      until(
        async () => {
          const { status } = await client.get(pod, { namespace: "default", name: "user" });
          return status?.conditions?.some((condition) =>
            condition.message?.startsWith(`0/1 nodes are available: ${expected}.`),
          );
        },
        { stepMs: 500 },
      );
    await message('persistentvolumeclaim "data" not found');
    await client.create(persistentVolumeClaim, claim("data"));
    await message("pod has unbound immediate PersistentVolumeClaims");
    await client.create(persistentVolume, volume("disk"));
    await until(async () => (await client.get(pod, { namespace: "default", name: "user" })).spec.nodeName, {
      stepMs: 500,
    });
  });

  describe("grow", () => {
    const grown = { allowVolumeExpansion: true };
    /** A claim that is bound, of a class that may grow. */
    async function bound(provisioner: string) {
      const cluster = await open();
      const { client, claimIs } = cluster;
      await client.create(storageClass, classOf("local", { ...grown, provisioner }));
      await client.create(persistentVolumeClaim, claim("data", { storageClassName: "local" }));
      const { metadata } = await client.get(persistentVolumeClaim, { namespace: "default", name: "data" });
      const claimRef = { namespace: "default", name: "data", uid: metadata.uid ?? "" };
      const made = volume("disk", { storageClassName: "local", claimRef, capacity: { storage: "1Gi" } });
      const annotations = { "pv.kubernetes.io/provisioned-by": provisioner };
      await client.create(persistentVolume, { ...made, metadata: { name: "disk", annotations } });
      await claimIs("data", "Bound");
      const ask = (storage: string) =>
        client.patch(
          persistentVolumeClaim,
          { namespace: "default", name: "data" },
          { type: "merge", body: { spec: { resources: { requests: { storage } } } } },
        );
      return { ...cluster, ask };
    }
    const data = { namespace: "default", name: "data" };

    it("where this cluster made them", async () => {
      const { client, ask, until, all, told } = await bound("wherry.dev/local-path");
      await ask("3Gi");
      const { status } = await until(async () => {
        const found = await client.get(persistentVolumeClaim, data);
        return found.status?.capacity?.["storage"] === "3Gi" && found;
      });
      expect(status).toEqual({
        phase: "Bound",
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "3Gi" },
        allocatedResources: { storage: "3Gi" },
      });
      expect((await all(persistentVolume))[0]?.spec.capacity).toEqual({ storage: "3Gi" });
      expect(await told("Resizing")).toBe("External resizer is resizing volume disk");
      expect(await told("VolumeResizeSuccessful")).toBe("Resize volume succeeded");
    });

    it("from where another controller stopped", async () => {
      const { client, ask, until, all } = await bound("example.com/other");
      const claimed = await ask("3Gi");
      const status = {
        ...claimed.status,
        conditions: [
          { type: "Resizing", status: "True" as const, lastTransitionTime: "2026-01-01T00:00:00Z" },
          { type: "Other", status: "True" as const, lastTransitionTime: "2026-01-01T00:00:00Z" },
        ],
        allocatedResources: { storage: "3Gi" },
        allocatedResourceStatuses: { storage: "ControllerResizeInProgress" },
      };
      await client.updateStatus(persistentVolumeClaim, { ...claimed, status });
      const [disk] = await all(persistentVolume);
      if (!disk) throw new Error("no volume");
      const annotations = { "pv.kubernetes.io/provisioned-by": "wherry.dev/local-path" };
      const spec = { ...disk.spec, capacity: { storage: "3Gi" } };
      await client.update(persistentVolume, { ...disk, spec, metadata: { ...disk.metadata, annotations } });
      await ask("3Gi");
      const claimIsDone = async () => {
        const found = await client.get(persistentVolumeClaim, data);
        return found.status?.capacity?.["storage"] === "3Gi" && found;
      };
      await client.patch(persistentVolumeClaim, data, {
        type: "merge",
        body: { metadata: { labels: { again: "yes" } } },
      });
      const done = await until(claimIsDone);
      expect(done.status?.conditions?.map(({ type }) => type)).toEqual(["Other"]);
      expect(done.status?.allocatedResourceStatuses).toBeUndefined();
    });

    it("not where somebody else has to, which is said", async () => {
      const { client, ask, told } = await bound("example.com/other");
      await ask("3Gi");
      expect(await told("ExternalExpanding")).toBe(
        "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.",
      );
      expect((await client.get(persistentVolumeClaim, data)).status?.capacity).toEqual({ storage: "1Gi" });
    });
  });

  it("with ReadWriteOncePod are for one pod at a time", async () => {
    const { client, addNode, until, parts, clock, informers, log, random } = await open();
    parts.use(runScheduler({ client, clock, informers, log, random }));
    for (const name of ["node-1", "node-2"]) await addNode(name);
    const accessModes = ["ReadWriteOncePod" as const];
    await client.create(persistentVolume, volume("disk", { accessModes }));
    await client.create(persistentVolumeClaim, claim("data", { accessModes }));
    const uses = [{ name: "d", persistentVolumeClaim: { claimName: "data" } }];
    const find = (name: string) => client.get(pod, { namespace: "default", name });
    await client.create(pod, podWith("first", uses));
    await until(async () => (await find("first")).spec.nodeName, { stepMs: 500 });
    await client.create(pod, podWith("second", uses));
    const refused = await until(async () =>
      (await find("second")).status?.conditions?.find(({ reason }) => reason === "Unschedulable"),
    );
    expect(refused.message).toMatch(
      /^0\/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode\./,
    );
    await client.delete(pod, { namespace: "default", name: "first" }, { gracePeriodSeconds: 0 });
    await until(async () => (await find("second")).spec.nodeName, { stepMs: 500 });
  });

  it("makes the claims of pods' own volumes, and minds those of others", async () => {
    const { client, until, told } = await open();
    const ephemeral = { volumeClaimTemplate: { metadata: { labels: { a: "b" } }, spec: claim("x").spec } };
    const one = await client.create(pod, podWith("user", [{ name: "scratch", ephemeral }]));
    const made = await until(async () =>
      client.get(persistentVolumeClaim, { namespace: "default", name: "user-scratch" }).catch(() => false as const),
    );
    expect(made.metadata).toMatchObject({
      labels: { a: "b" },
      ownerReferences: [{ uid: one.metadata.uid, controller: true }],
    });
    await client.create(persistentVolumeClaim, claim("other-scratch"));
    await client.create(pod, podWith("other", [{ name: "scratch", ephemeral }]));
    expect(await told("EphemeralVolumeConflict")).toContain("pod is not owner");
  });
});
