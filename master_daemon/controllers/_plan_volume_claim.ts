import type { EventText } from "../../core/client/event_recorder.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../core/kinds/mod.ts";
import {
  bindCompleted,
  boundByController,
  findVolume,
  isVolumeOf,
  selectedNode,
  storageClassOf,
  volumeMisfit,
  waitsForConsumer,
} from "../../core/kinds/volume_binding.ts";

/** What to do about a claim. */
export type VolumeClaimPlan =
  | { readonly action: "bind"; readonly volume: PersistentVolume }
  | { readonly action: "wait"; readonly event?: EventText }
  | { readonly action: "provision"; readonly storageClass: StorageClass }
  | { readonly action: "lose"; readonly event: EventText };

/** What is known about the cluster when a claim is looked at. */
export interface VolumeClaimView {
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  /** Volumes of the claim's class, and those set aside for it. */
  candidates(): Iterable<PersistentVolume>;
  /** Names of pods that use the claim and have no node yet. */
  waitingPods(): readonly string[];
}

/**
 * What to do about a claim. Pure.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go
 */
export function planVolumeClaim(claim: PersistentVolumeClaim, view: VolumeClaimView): VolumeClaimPlan {
  const isComplete = claim.metadata.annotations?.[bindCompleted] !== undefined;
  if (isComplete) return planBound(claim, view);
  return claim.spec.volumeName ? planNamed(claim, claim.spec.volumeName, view) : planUnbound(claim, view);
}

/** A claim that was bound once: it keeps its volume or is lost. */
function planBound({ metadata, spec }: PersistentVolumeClaim, view: VolumeClaimView): VolumeClaimPlan {
  if (!spec.volumeName)
    return lose("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  const volume = view.volume(spec.volumeName);
  if (!volume) return lose("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  const { claimRef } = volume.spec;
  if (!claimRef || claimRef.uid === metadata.uid) return { action: "bind", volume };
  return lose("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
}

/** A claim that asks for one volume by name. */
function planNamed(claim: PersistentVolumeClaim, name: string, view: VolumeClaimView): VolumeClaimPlan {
  const volume = view.volume(name);
  if (!volume) return { action: "wait" };
  if (volume.spec.claimRef && !isVolumeOf(volume, claim))
    return wait("Warning", "FailedBinding", `volume "${name}" already bound to a different claim.`);
  const misfit = volume.spec.claimRef ? undefined : volumeMisfit(volume, claim);
  if (misfit !== undefined)
    return wait("Warning", "VolumeMismatch", `Cannot bind to requested volume "${name}": ${misfit}`);
  return { action: "bind", volume };
}

function planUnbound(claim: PersistentVolumeClaim, view: VolumeClaimView): VolumeClaimPlan {
  const className = storageClassOf(claim);
  const storageClass = className === "" ? undefined : view.storageClass(className);
  const delayed = waitsForConsumer(storageClass);
  const volume = findVolume(claim, view.candidates(), { onlyPrebound: delayed });
  if (volume) return { action: "bind", volume };
  if (delayed && claim.metadata.annotations?.[selectedNode] === undefined) return planDelayed(view);
  if (className === "") {
    return wait(
      "Normal",
      "FailedBinding",
      "no persistent volumes available for this claim and no storage class is set",
    );
  }
  if (!storageClass)
    return wait("Warning", "ProvisioningFailed", `storageclass.storage.k8s.io "${className}" not found`);
  return { action: "provision", storageClass };
}

function planDelayed(view: VolumeClaimView): VolumeClaimPlan {
  const pods = view.waitingPods();
  if (pods.length === 0)
    return wait("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
  const noun = pods.length === 1 ? "pod" : "pods";
  return wait("Normal", "WaitForPodScheduled", `waiting for ${noun} ${pods.join(",")} to be scheduled`);
}

function wait(type: EventText["type"], reason: string, message: string): VolumeClaimPlan {
  return { action: "wait", event: { type, reason, message } };
}

function lose(reason: string, message: string): VolumeClaimPlan {
  return { action: "lose", event: { type: "Warning", reason, message } };
}

/** Whether a claim says already that it is bound to the volume. */
export function saysBound({ metadata, spec }: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return spec.volumeName === volume.metadata.name && metadata.annotations?.[bindCompleted] !== undefined;
}

/** The annotations of a claim that is bound now. */
export function bindingAnnotations({ spec }: PersistentVolumeClaim): { readonly [name: string]: string } {
  return { ...(spec.volumeName ? {} : { [boundByController]: "yes" }), [bindCompleted]: "yes" };
}
