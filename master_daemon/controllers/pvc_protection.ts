import { keyText, type ObjectKey } from "../../core/api/meta.ts";
import { type Pod, persistentVolumeClaim, pod } from "../../core/kinds/mod.ts";
import { claimKeys } from "../../core/kinds/pod_claims.ts";
import { withFinalizer, withoutFinalizer } from "./_finalizers.ts";
import { claimIndex, podsByClaim } from "./_volume_claims.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

const finalizer = "kubernetes.io/pvc-protection";

/**
 * Lets a claim that is to go, go once no pod uses it any more.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
 */
export const pvcProtectionController: Controller = {
  name: "pvc-protection-controller",
  reconciles: persistentVolumeClaim,
  watches: [
    watching<Pod>({
      kind: pod,
      indexes: podsByClaim,
      keys: claimKeys,
    }),
  ],
  reconcile,
};

async function reconcile(key: ObjectKey, { client, lister, signal }: ControllerContext): Promise<ReconcileResult> {
  const claim = lister(persistentVolumeClaim).get(key);
  if (!claim) return undefined;
  const { deletionTimestamp, finalizers = [] } = claim.metadata;
  const isProtected = finalizers.includes(finalizer);
  // One that a person took away comes back.
  if (!deletionTimestamp && !isProtected)
    await client.update(persistentVolumeClaim, withFinalizer(claim, finalizer), { signal });
  if (!deletionTimestamp || !isProtected) return undefined;
  // A node does not start a pod whose claim is to go: only those that it has already keep it.
  const isKnown = lister(pod).byIndex(claimIndex, keyText(key)).some(isPlaced);
  if (isKnown || (await isUsed(key, { client, signal }))) return undefined;
  await client.update(persistentVolumeClaim, withoutFinalizer(claim, finalizer), { signal });
  return undefined;
}

/** Asks once more before it is too late: the cache may not have seen yet that a pod got its node. */
async function isUsed(
  key: ObjectKey,
  { client, signal }: Pick<ControllerContext, "client" | "signal">,
): Promise<boolean> {
  const { items } = await client.list(pod, { namespace: key.namespace ?? "", signal });
  return items.some((one) => isPlaced(one) && claimKeys(one).some((other) => keyText(other) === keyText(key)));
}

function isPlaced({ spec }: Pod): boolean {
  return Boolean(spec.nodeName);
}
