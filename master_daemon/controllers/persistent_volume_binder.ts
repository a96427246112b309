import { keyOf, keyText, type ObjectKey } from "../../core/api/meta.ts";
import type { EventText } from "../../core/client/event_recorder.ts";
import type { Lister } from "../../core/client/informer.ts";
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  type PersistentVolumeClaimStatus,
  type PersistentVolumeStatus,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  type StorageClass,
  storageClass,
} from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { isDefaultClass } from "../../core/kinds/storage_class.ts";
import {
  betaStorageProvisioner,
  boundVolume,
  isFullyBound,
  storageClassOf,
  storageProvisioner,
  withAnnotations,
} from "../../core/kinds/volume_binding.ts";
import { timestamp } from "../../core/util/clock.ts";
import { unlessGone } from "./_errors.ts";
import { planVolume, unboundVolume } from "./_plan_volume.ts";
import { bindingAnnotations, planVolumeClaim, saysBound, type VolumeClaimView } from "./_plan_volume_claim.ts";
import { claimIndex, defaultStorageClass, podsByClaim } from "./_volume_claims.ts";
import { type Controller, type ControllerContext, type Mapping, type ReconcileResult, watching } from "./controller.ts";

const name = "persistentvolume-controller";
const account = "persistent-volume-binder";
/** Volumes by class, claims without a volume by class. */
const classIndex = "storage-class";
/** Claims that are not bound by the volume that they name. */
const volumeNameIndex = "volume-name";
/** Volumes by the claim that they are for. */
const claimRefIndex = "claim-ref";

const volumeIndexes: NonNullable<Mapping<PersistentVolume>["indexes"]> = {
  [classIndex]: (volume) => [storageClassOf(volume)],
  [claimRefIndex]: ({ spec: { claimRef } }) => (claimRef ? [keyText(claimRefKey(claimRef))] : []),
};
const claimIndexes: NonNullable<Mapping<PersistentVolumeClaim>["indexes"]> = {
  [classIndex]: (claim) => (isFullyBound(claim) ? [] : [storageClassOf(claim)]),
  [volumeNameIndex]: ({ spec, status }) => (spec.volumeName && status?.phase !== "Bound" ? [spec.volumeName] : []),
};

/**
 * Gives claims their volumes: one that is there and fits, else it names who is to make one.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding
 */
export const persistentVolumeClaimBinder: Controller = {
  name,
  account,
  reconciles: persistentVolumeClaim,
  watches: [
    watching<PersistentVolumeClaim>({ kind: persistentVolumeClaim, indexes: claimIndexes, keys: () => [] }),
    watching<PersistentVolume>({
      kind: persistentVolume,
      indexes: volumeIndexes,
      // A free volume is for whoever waits for one of its class, or for this one.
      keys: ({ metadata, spec }, lister) =>
        spec.claimRef
          ? [claimRefKey(spec.claimRef)]
          : [
              ...pendingClaims(lister(persistentVolumeClaim), storageClassOf({ metadata, spec })),
              ...lister(persistentVolumeClaim)
                .byIndex(volumeNameIndex, metadata.name ?? "")
                .map(keyOf),
            ],
    }),
    watching<StorageClass>({
      kind: storageClass,
      keys: (one, lister) => [
        ...pendingClaims(lister(persistentVolumeClaim), one.metadata.name ?? ""),
        ...(isDefaultClass(one) ? pendingClaims(lister(persistentVolumeClaim), "") : []),
      ],
    }),
    watching<Pod>({ kind: pod, indexes: podsByClaim, keys: () => [] }),
  ],
  workers: 1,
  reconcile: reconcileClaim,
};

/**
 * Keeps the phases of volumes true, and frees those whose claims are gone.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming
 */
export const persistentVolumeReclaimer: Controller = {
  name,
  account,
  reconciles: persistentVolume,
  watches: [
    watching<PersistentVolume>({ kind: persistentVolume, indexes: volumeIndexes, keys: () => [] }),
    watching<PersistentVolumeClaim>({
      kind: persistentVolumeClaim,
      keys: ({ metadata, spec }, lister) => [
        ...lister(persistentVolume)
          .byIndex(claimRefIndex, keyText(keyOf({ metadata })))
          .map(keyOf),
        ...(spec.volumeName ? [{ name: spec.volumeName }] : []),
      ],
    }),
  ],
  workers: 1,
  reconcile: reconcileVolume,
};

function claimRefKey({
  namespace = "",
  name = "",
}: {
  readonly namespace?: string;
  readonly name?: string;
}): ObjectKey {
  return { namespace, name };
}

function pendingClaims(claims: Lister<PersistentVolumeClaim>, className: string): readonly ObjectKey[] {
  return claims.byIndex(classIndex, className).map(keyOf);
}

async function reconcileClaim(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult> {
  const { lister, client, event, signal } = context;
  const found = lister(persistentVolumeClaim).get(key);
  if (!found) return undefined;
  const claim = await withDefaultClass(found, context);
  const plan = planVolumeClaim(claim, viewOf(claim, context));
  switch (plan.action) {
    case "bind":
      await bind(plan.volume, claim, context);
      return undefined;
    case "lose":
      // Told once; it is bound again when its volume comes back.
      if (claim.status?.phase === "Lost") return undefined;
      event(claim, plan.event);
      await setClaimStatus(claim, { phase: "Lost" }, context);
      return undefined;
    case "wait":
      if (plan.event) event(claim, plan.event);
      await setClaimStatus(claim, { phase: "Pending" }, context);
      return undefined;
    case "provision": {
      const { provisioner } = plan.storageClass;
      const asked = { [storageProvisioner]: provisioner, [betaStorageProvisioner]: provisioner };
      const metadata = withAnnotations(claim.metadata, asked);
      if (!semanticEqual(metadata, claim.metadata))
        await client.update(persistentVolumeClaim, { ...claim, metadata }, { signal });
      event(claim, provisioningEvent(provisioner));
      return undefined;
    }
  }
}

function provisioningEvent(provisioner: string): EventText {
  if (provisioner.startsWith("kubernetes.io/")) {
    const message = `no volume plugin matched name: ${provisioner}`;
    return { type: "Warning", reason: "ProvisioningFailed", message };
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    "If volume creation is delayed, please verify that the provisioner is running and correctly registered.";
  return { type: "Normal", reason: "ExternalProvisioning", message };
}

/** The claim with the default class, when it names none and there is one now. */
async function withDefaultClass(
  claim: PersistentVolumeClaim,
  { lister, client, signal }: ControllerContext,
): Promise<PersistentVolumeClaim> {
  if (claim.spec.volumeName || claim.spec.storageClassName !== undefined || storageClassOf(claim) !== "") return claim;
  const storageClassName = defaultStorageClass(lister(storageClass).list());
  if (storageClassName === undefined) return claim;
  return await client.update(
    persistentVolumeClaim,
    { ...claim, spec: { ...claim.spec, storageClassName } },
    { signal },
  );
}

function viewOf(claim: PersistentVolumeClaim, { lister }: ControllerContext): VolumeClaimView {
  const key = keyText(keyOf(claim));
  const volumes = lister(persistentVolume);
  return {
    volume: (volumeName) => volumes.get({ name: volumeName }),
    storageClass: (className) => lister(storageClass).get({ name: className }),
    candidates: () =>
      new Set([...volumes.byIndex(claimRefIndex, key), ...volumes.byIndex(classIndex, storageClassOf(claim))]),
    waitingPods: () =>
      lister(pod)
        .byIndex(claimIndex, key)
        .filter(({ spec }) => !spec.nodeName)
        .map(({ metadata }) => metadata.name ?? ""),
  };
}

/** Ties volume and claim to each other: first the volume, so that nobody else takes it. */
async function bind(volume: PersistentVolume, claim: PersistentVolumeClaim, context: ControllerContext): Promise<void> {
  const { client, signal } = context;
  const isTied = volume.spec.claimRef?.uid === claim.metadata.uid;
  const tied = isTied ? volume : await client.update(persistentVolume, boundVolume(volume, claim), { signal });
  await setPhase(tied, { phase: "Bound" }, context);
  const bound = saysBound(claim, volume)
    ? claim
    : await client.update(
        persistentVolumeClaim,
        {
          ...claim,
          metadata: withAnnotations(claim.metadata, bindingAnnotations(claim)),
          spec: { ...claim.spec, volumeName: volume.metadata.name ?? "" },
        },
        { signal },
      );
  const { accessModes = [], capacity = {}, volumeAttributesClassName } = volume.spec;
  // What a claim has grown to is not taken back.
  const storage = capacity["storage"];
  const status: PersistentVolumeClaimStatus = {
    phase: "Bound",
    accessModes,
    ...(storage === undefined ? {} : { capacity: { ...bound.status?.capacity, storage } }),
    ...(volumeAttributesClassName ? { currentVolumeAttributesClassName: volumeAttributesClassName } : {}),
  };
  await setClaimStatus(bound, bound.status?.phase === "Bound" ? { ...status, ...bound.status } : status, context);
}

async function setClaimStatus(
  claim: PersistentVolumeClaim,
  status: PersistentVolumeClaimStatus,
  { client, signal }: ControllerContext,
): Promise<void> {
  const { accessModes: _modes, capacity: _capacity, phase: _phase, ...rest } = claim.status ?? {};
  const next = { ...rest, ...status };
  if (!semanticEqual(next, claim.status))
    await client.updateStatus(persistentVolumeClaim, { ...claim, status: next }, { signal });
}

async function setPhase(
  volume: PersistentVolume,
  status: Omit<PersistentVolumeStatus, "lastPhaseTransitionTime">,
  { client, clock, signal }: ControllerContext,
): Promise<PersistentVolume> {
  if (volume.status?.phase === status.phase && volume.status?.message === status.message) return volume;
  const lastPhaseTransitionTime = timestamp(clock);
  return await client.updateStatus(
    persistentVolume,
    { ...volume, status: { ...status, lastPhaseTransitionTime } },
    { signal },
  );
}

async function reconcileVolume(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult> {
  const { lister, client, event, signal } = context;
  const volume = lister(persistentVolume).get(key);
  if (!volume) return undefined;
  const claim = await claimOf(volume, context);
  const plan = planVolume(volume, claim);
  switch (plan.action) {
    case "none":
      return undefined;
    case "mismatch":
      event(volume, plan.volumeEvent);
      if (claim) event(claim, plan.claimEvent);
      return undefined;
    case "phase":
      await setPhase(volume, { phase: plan.phase ?? "Available" }, context);
      return undefined;
    case "unbind":
      await setPhase(
        await client.update(persistentVolume, unboundVolume(volume), { signal }),
        { phase: "Available" },
        context,
      );
      return undefined;
    case "release": {
      const { failure } = plan;
      const isFree = volume.status?.phase === "Released" || volume.status?.phase === "Failed";
      const released = isFree ? volume : await setPhase(volume, { phase: "Released" }, context);
      if (!failure || released.status?.phase === "Failed") return undefined;
      event(volume, failure);
      await setPhase(released, { phase: "Failed", message: failure.message }, context);
      return undefined;
    }
  }
}

/** The claim that a volume names; asked for once more before the volume is given up for its lack. */
async function claimOf(
  { spec: { claimRef }, status }: PersistentVolume,
  { lister, client, signal }: ControllerContext,
): Promise<PersistentVolumeClaim | undefined> {
  if (!claimRef?.uid) return undefined;
  const key = claimRefKey(claimRef);
  const known = lister(persistentVolumeClaim).get(key);
  if (known || status?.phase === "Released" || status?.phase === "Failed") return known;
  return await unlessGone(client.get(persistentVolumeClaim, key, { signal }));
}
