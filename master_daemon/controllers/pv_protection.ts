import type { ObjectKey } from "../../core/api/meta.ts";
import { persistentVolume } from "../../core/kinds/mod.ts";
import { withFinalizer, withoutFinalizer } from "./_finalizers.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

const finalizer = "kubernetes.io/pv-protection";

/**
 * Lets a volume that is to go, go once no claim is bound to it.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
 */
export const pvProtectionController: Controller = {
  name: "pv-protection-controller",
  reconciles: persistentVolume,
  reconcile,
};

async function reconcile(key: ObjectKey, { client, lister, signal }: ControllerContext): Promise<ReconcileResult> {
  const volume = lister(persistentVolume).get(key);
  if (!volume) return undefined;
  const { deletionTimestamp, finalizers = [] } = volume.metadata;
  const isProtected = finalizers.includes(finalizer);
  // One that a person took away comes back.
  if (!deletionTimestamp && !isProtected)
    await client.update(persistentVolume, withFinalizer(volume, finalizer), { signal });
  if (deletionTimestamp && isProtected && volume.status?.phase !== "Bound")
    await client.update(persistentVolume, withoutFinalizer(volume, finalizer), { signal });
  return undefined;
}
