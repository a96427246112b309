import { controllerReference, type OwnerReference } from "../../core/api/meta.ts";
import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../core/kinds/mod.ts";

/** A claim as a set's policy has it. */
export interface OwnedClaim {
  /** The very claim that was given, when nothing is to be changed. */
  readonly claim: PersistentVolumeClaim;
  /** Somebody else looks after the claim: the policy says nothing about it. */
  readonly isConflicting: boolean;
}

/**
 * A claim with the owner by whose end it goes, as the set's policy has it: its set, or its pod once that is to go. Claims
 * that belong to an earlier set or pod of the same name are left as they are.
 *
 * @param options.podName name of the pod that the claim is for, whether it is there or not
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
 */
export function withOwners(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  {
    podName,
    pod,
    scaledDown,
  }: { readonly podName: string; readonly pod: Pod | undefined; readonly scaledDown: boolean },
): OwnedClaim {
  const { whenDeleted = "Retain", whenScaled = "Retain" } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const hasPolicy = whenDeleted === "Delete" || whenScaled === "Delete";
  const present = claim.metadata.ownerReferences ?? [];
  if (present.some((one) => isEarlier(one, set, podName, pod))) return { claim, isConflicting: hasPolicy };
  const others = present.filter((one) => !isSet(one, set) && !isPod(one, podName));
  const isConflicting = hasPolicy && others.some(({ controller }) => controller === true);
  const byPod = whenScaled === "Delete" && scaledDown;
  const owner = byPod
    ? pod && { ...pod, apiVersion: "v1", kind: "Pod" }
    : whenDeleted === "Delete"
      ? asSet(set)
      : undefined;
  const wanted = owner && !isConflicting ? [...others, controllerReference(owner)] : others;
  if (textOf(wanted) === textOf(present)) return { claim, isConflicting };
  const { ownerReferences: _, ...metadata } = claim.metadata;
  const next = wanted.length > 0 ? { ...metadata, ownerReferences: wanted } : metadata;
  return { claim: { ...claim, metadata: next }, isConflicting };
}

function asSet(set: StatefulSet): StatefulSet {
  return { ...set, apiVersion: "apps/v1", kind: "StatefulSet" };
}

function isSet({ apiVersion, kind, name }: OwnerReference, { metadata }: StatefulSet): boolean {
  return apiVersion === "apps/v1" && kind === "StatefulSet" && name === metadata.name;
}

function isPod({ apiVersion, kind, name }: OwnerReference, podName: string): boolean {
  return apiVersion === "v1" && kind === "Pod" && name === podName;
}

function isEarlier(one: OwnerReference, set: StatefulSet, podName: string, pod: Pod | undefined): boolean {
  return (isSet(one, set) && one.uid !== set.metadata.uid) || (isPod(one, podName) && one.uid !== pod?.metadata.uid);
}

/** What matters of owners: who they are, and which of them is in charge. */
function textOf(references: readonly OwnerReference[]): string {
  return references
    .map(({ uid, controller = false }) => `${uid} ${controller}`)
    .toSorted()
    .join();
}

/**
 * Whether a claim is on its way out with an earlier pod of the same name: the next one must not use it. Where claims
 * outlive their pods, none is.
 */
export function isStale({ spec }: StatefulSet, claim: PersistentVolumeClaim, podName: string): boolean {
  if (spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== "Delete") return false;
  return (claim.metadata.ownerReferences ?? []).some((one) => isPod(one, podName));
}
