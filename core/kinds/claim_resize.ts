import { compareQuantities } from "../api/quantity.ts";
import type { PersistentVolume } from "./persistent_volume.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimStatus } from "./persistent_volume_claim.ts";
import { storageOf } from "./volume_binding.ts";

/** Conditions of a claim that say how far it is with growing. */
const resizeConditions: ReadonlySet<string> = new Set(["Resizing", "FileSystemResizePending"]);

/** Whether a bound claim asks for more than it has. */
export function wantsToGrow({ spec, status }: PersistentVolumeClaim): boolean {
  if (status?.phase !== "Bound") return false;
  return compareQuantities(storageOf(spec.resources?.requests), storageOf(status.capacity)) > 0;
}

/** Whether the volume of a claim has more than the claim knows of. */
export function hasGrown({ spec }: PersistentVolume, { status }: PersistentVolumeClaim): boolean {
  return compareQuantities(storageOf(spec.capacity), storageOf(status?.capacity)) > 0;
}

/** The status of a claim whose volume is being made larger. */
export function resizingStatus(
  { status = {} }: PersistentVolumeClaim,
  { storage, at }: { readonly storage: string | number; readonly at: string },
): PersistentVolumeClaimStatus {
  const others = (status.conditions ?? []).filter(({ type }) => !resizeConditions.has(type));
  return {
    ...status,
    conditions: [...others, { type: "Resizing", status: "True", lastTransitionTime: at }],
    allocatedResources: { ...status.allocatedResources, storage },
    allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: "ControllerResizeInProgress" },
  };
}

/**
 * The status of a claim that has all of its larger volume.
 *
 * @see k8s.io/kubernetes/pkg/volume/util, MarkFSResizeFinished
 */
export function resizedStatus(
  { status = {} }: PersistentVolumeClaim,
  storage: string | number,
): PersistentVolumeClaimStatus {
  const { conditions = [], allocatedResourceStatuses, ...rest } = status;
  const others = conditions.filter(({ type }) => !resizeConditions.has(type));
  const { storage: _, ...unfinished } = allocatedResourceStatuses ?? {};
  return {
    ...rest,
    capacity: { ...status.capacity, storage },
    ...(others.length > 0 ? { conditions: others } : {}),
    ...(Object.keys(unfinished).length > 0 ? { allocatedResourceStatuses: unfinished } : {}),
  };
}
