import { controllerOf, controllerReference, keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { type PersistentVolumeClaim, type Pod, persistentVolumeClaim, pod } from "../../core/kinds/mod.ts";
import { ephemeralClaimName } from "../../core/kinds/pod_claims.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { isNamespaceTerminating } from "./_errors.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

/**
 * Makes the claims of pods' ephemeral volumes; they go with their pods.
 *
 * @see https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
 */
export const ephemeralVolumeController: Controller = {
  name: "ephemeral_volume",
  account: "ephemeral-volume-controller",
  reconciles: pod,
  owns: [persistentVolumeClaim],
  reconcile,
};

async function reconcile(
  key: ObjectKey,
  { client, lister, event, signal }: ControllerContext,
): Promise<ReconcileResult> {
  const one = lister(pod).get(key);
  if (!one || one.metadata.deletionTimestamp || isPodTerminal(one)) return undefined;
  for (const claim of ephemeralClaims(one)) {
    const present = lister(persistentVolumeClaim).get(keyOf(claim));
    if (present) {
      if (isOf(present, one)) continue;
      const { name, namespace } = claim.metadata;
      const message = `PVC ${namespace}/${name} was not created for pod ${namespace}/${one.metadata.name} (pod is not owner)`;
      event(one, { type: "Warning", reason: "EphemeralVolumeConflict", message });
      continue;
    }
    try {
      await client.create(persistentVolumeClaim, claim, { signal });
    } catch (error) {
      if (isReason(error, "AlreadyExists") || isNamespaceTerminating(error)) continue;
      const message = `ephemeral volume ${claim.metadata.name}: create PVC: ${error instanceof Error ? error.message : error}`;
      event(one, { type: "Warning", reason: "ProvisioningFailed", message });
      throw error;
    }
  }
  return undefined;
}

/** The claims that a pod's ephemeral volumes stand for. Pure. */
function ephemeralClaims(one: Pod): readonly PersistentVolumeClaim[] {
  return (one.spec.volumes ?? []).flatMap(({ name, ephemeral }): readonly PersistentVolumeClaim[] => {
    const template = ephemeral?.volumeClaimTemplate;
    if (!template) return [];
    const { labels, annotations } = template.metadata ?? {};
    const metadata = {
      name: ephemeralClaimName(one, name),
      namespace: one.metadata.namespace ?? "",
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ownerReferences: [controllerReference(one)],
    };
    return [{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata, spec: template.spec }];
  });
}

function isOf(claim: PersistentVolumeClaim, owner: Pod): boolean {
  return controllerOf(claim)?.uid === owner.metadata.uid;
}
