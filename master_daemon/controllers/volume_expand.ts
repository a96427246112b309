import type { ObjectKey } from "../../core/api/meta.ts";
import { compareQuantities, parseQuantity } from "../../core/api/quantity.ts";
import { resizedStatus, resizingStatus, wantsToGrow } from "../../core/kinds/claim_resize.ts";
import { localPathProvisioner } from "../../core/kinds/local_path.ts";
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
} from "../../core/kinds/mod.ts";
import { provisionedBy, storageOf } from "../../core/kinds/volume_binding.ts";
import { timestamp } from "../../core/util/clock.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

/**
 * Makes volumes larger whose claims ask for more than they have.
 *
 * Those of the class `local-path` are folders, which grow by being told so: nothing is left to do for their node. All
 * others are for whoever looks after them, which an event says.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
 */
export const volumeExpandController: Controller = {
  name: "volume_expand",
  account: "expand-controller",
  reconciles: persistentVolumeClaim,
  watches: [watching<PersistentVolume>({ kind: persistentVolume, keys: () => [] })],
  reconcile,
};

async function reconcile(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult> {
  const { lister, event } = context;
  const claim = lister(persistentVolumeClaim).get(key);
  if (!claim || claim.metadata.deletionTimestamp || !wantsToGrow(claim)) return undefined;
  const volume = lister(persistentVolume).get({ name: claim.spec.volumeName ?? "" });
  if (!volume || volume.spec.claimRef?.uid !== claim.metadata.uid) return undefined;
  if (volume.metadata.annotations?.[provisionedBy] === localPathProvisioner) {
    await expand(claim, volume, context);
    return undefined;
  }
  const message =
    "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.";
  event(claim, { type: "Normal", reason: "ExternalExpanding", message });
  return undefined;
}

/** Each step is written down before the next one, so that whoever takes over goes on from there. */
async function expand(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  { client, clock, event, signal }: ControllerContext,
): Promise<void> {
  const storage = claim.spec.resources?.requests?.["storage"] ?? "0";
  const { allocatedResources = {}, allocatedResourceStatuses = {} } = claim.status ?? {};
  const isMarked =
    allocatedResourceStatuses["storage"] === "ControllerResizeInProgress" &&
    compareQuantities(storageOf(allocatedResources), parseQuantity(storage)) === 0;
  const resizing = isMarked
    ? claim
    : await client.updateStatus(
        persistentVolumeClaim,
        { ...claim, status: resizingStatus(claim, { storage, at: timestamp(clock) }) },
        { signal },
      );
  const { name } = volume.metadata;
  event(claim, { type: "Normal", reason: "Resizing", message: `External resizer is resizing volume ${name}` });
  if (compareQuantities(storageOf(volume.spec.capacity), parseQuantity(storage)) < 0) {
    const spec = { ...volume.spec, capacity: { ...volume.spec.capacity, storage } };
    await client.update(persistentVolume, { ...volume, spec }, { signal });
  }
  await client.updateStatus(
    persistentVolumeClaim,
    { ...resizing, status: resizedStatus(resizing, storage) },
    { signal },
  );
  event(claim, { type: "Normal", reason: "VolumeResizeSuccessful", message: "Resize volume succeeded" });
}
