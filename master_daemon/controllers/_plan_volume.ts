import type { EventText } from "../../core/client/event_recorder.ts";
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeStatus } from "../../core/kinds/mod.ts";
import { boundByController, provisionedBy, sameMode } from "../../core/kinds/volume_binding.ts";

/** What to do about a volume. */
export type VolumePlan =
  | { readonly action: "none" }
  /** It was set aside for a claim that it cannot serve. */
  | { readonly action: "mismatch"; readonly volumeEvent: EventText; readonly claimEvent: EventText }
  | { readonly action: "phase"; readonly phase: PersistentVolumeStatus["phase"] }
  /** Its claim is for another volume: it is free again. */
  | { readonly action: "unbind" }
  /** Its claim is gone. */
  | { readonly action: "release"; readonly failure: EventText | undefined };

/**
 * What to do about a volume whose claim, by name, is `claim`. Pure.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go
 */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumePlan {
  const { claimRef, persistentVolumeReclaimPolicy } = volume.spec;
  if (!claimRef?.uid) return { action: "phase", phase: "Available" };
  if (!claim || claim.metadata.uid !== claimRef.uid) return { action: "release", failure: reclaimFailure(volume) };
  // The claim's own turn brings the two together.
  if (!claim.spec.volumeName) return sameMode(volume, claim) ? { action: "none" } : mismatch(volume, claim);
  if (claim.spec.volumeName === volume.metadata.name) return { action: "phase", phase: "Bound" };
  const wasMadeForIt = volume.metadata.annotations?.[provisionedBy] !== undefined;
  if (wasMadeForIt && persistentVolumeReclaimPolicy === "Delete")
    return { action: "release", failure: reclaimFailure(volume) };
  return { action: "unbind" };
}

/** The volume without its claim; one that a person set aside for the claim stays so. */
export function unboundVolume(volume: PersistentVolume): PersistentVolume {
  const { claimRef, ...spec } = volume.spec;
  const { [boundByController]: byController, ...annotations } = volume.metadata.annotations ?? {};
  if (byController !== undefined) return { ...volume, metadata: { ...volume.metadata, annotations }, spec };
  const { uid: _uid, resourceVersion: _resourceVersion, ...prebound } = claimRef ?? {};
  return { ...volume, spec: { ...spec, claimRef: prebound } };
}

/** Why a volume that nobody claims cannot be made away with; undefined when it stays, or its provisioner sees to it. */
function reclaimFailure({ metadata, spec }: PersistentVolume): EventText | undefined {
  switch (spec.persistentVolumeReclaimPolicy) {
    case "Delete": {
      if (metadata.annotations?.[provisionedBy] !== undefined) return undefined;
      const message = `error getting deleter volume plugin for volume "${metadata.name}": no deletable volume plugin matched`;
      return { type: "Warning", reason: "VolumeFailedDelete", message };
    }
    case "Recycle":
      return { type: "Warning", reason: "VolumeFailedRecycle", message: "No recycler plugin found for the volume!" };
    default:
      return undefined;
  }
}

function mismatch({ metadata }: PersistentVolume, claim: PersistentVolumeClaim): VolumePlan {
  const told = { type: "Warning", reason: "VolumeMismatch" } as const;
  const why = "due to incompatible volumeMode.";
  const [ofVolume, ofClaim] = [metadata.name, claim.metadata.name].map((name) => JSON.stringify(name));
  return {
    action: "mismatch",
    volumeEvent: {
      ...told,
      message: `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${ofClaim} ${why}`,
    },
    claimEvent: {
      ...told,
      message: `Cannot bind PersistentVolume ${ofVolume} to requested PersistentVolumeClaim ${why}`,
    },
  };
}
