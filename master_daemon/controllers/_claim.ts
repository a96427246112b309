import { asJson } from "../../core/api/json_object.ts";
import type { ResourceType } from "../../core/api/kind.ts";
import { type LabelSelector, selectorFromObject } from "../../core/api/labels.ts";
import {
  controllerOf,
  controllerReference,
  type Json,
  type KubeObject,
  keyOf,
  type ObjectKey,
} from "../../core/api/meta.ts";
import type { Lister } from "../../core/client/informer.ts";
import { unlessGone } from "./_errors.ts";
import type { ControllerContext } from "./controller.ts";

/** An object that controls others by a label selector. */
export interface SelectingOwner extends KubeObject {
  readonly spec: { readonly selector: LabelSelector };
}

/** Which candidates belong to an owner, and which references to change. */
export interface ClaimPlan<T> {
  /** Controlled and selected. */
  readonly owned: readonly T[];
  /** Selected and without a controller: to be adopted. */
  readonly adopt: readonly T[];
  /** Controlled but no longer selected: to be released. */
  readonly release: readonly T[];
}

/**
 * Sorts candidates by whom they belong to. An owner that is being deleted adopts and releases nothing.
 *
 * @param mayBelong what must be true of a candidate besides its labels
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/controller_ref_manager.go ClaimObject
 */
export function planClaims<T extends KubeObject>(
  owner: SelectingOwner,
  candidates: readonly T[],
  mayBelong: (candidate: T) => boolean = () => true,
): ClaimPlan<T> {
  const plan = { owned: [] as T[], adopt: [] as T[], release: [] as T[] };
  const active = !owner.metadata.deletionTimestamp;
  const selector = selectorFromObject(owner.spec.selector);
  for (const candidate of candidates) {
    const controller = controllerOf(candidate);
    const selected = selector.matches(candidate.metadata.labels ?? {}) && mayBelong(candidate);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (selected) plan.owned.push(candidate);
      else if (active) plan.release.push(candidate);
    } else if (selected && active && !candidate.metadata.deletionTimestamp) {
      plan.adopt.push(candidate);
    }
  }
  return plan;
}

/**
 * The objects of `kind` that `owner` controls, after adopting selected ones that nobody controls and releasing those that
 * its selector no longer covers.
 *
 * @param mayBelong what must be true of an object besides its labels
 */
export async function claim<T extends KubeObject>(
  kind: ResourceType<T>,
  owner: SelectingOwner,
  ownerKind: ResourceType,
  { client, lister, signal }: ControllerContext,
  mayBelong?: (candidate: T) => boolean,
): Promise<readonly T[]> {
  const orphans = lister(kind).byIndex(orphanIndex, owner.metadata.namespace ?? "");
  const candidates = [...lister(kind).ownedBy(owner), ...orphans];
  const { owned, adopt, release } = planClaims(owner, candidates, mayBelong);
  const patch = (object: T, ownerReferences: Json) =>
    client.patch(kind, keyOf(object), { type: "merge", body: referencesPatch(object, ownerReferences) }, { signal });

  for (const object of release) {
    const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
    await unlessGone(patch(object, others.length > 0 ? asJson(others) : null));
  }
  if (adopt.length === 0) return owned;
  // The cache may still hold an owner that is on its way out: such a one must not take what its successor will need.
  const live = await client.get(ownerKind, keyOf(owner), { signal });
  if (live.metadata.uid !== owner.metadata.uid || live.metadata.deletionTimestamp) return owned;
  const adopted: T[] = [];
  for (const object of adopt) {
    const references = [...(object.metadata.ownerReferences ?? []), controllerReference(owner)];
    const taken = await unlessGone(patch(object, asJson(references)));
    if (taken) adopted.push(taken);
  }
  return [...owned, ...adopted];
}

/** Index of objects without a controller, by namespace. */
export const orphanIndex = "orphan";

/** The indexes that {@linkcode claim} needs on the kind it claims. */
export const claimIndexes: { readonly [orphanIndex]: (object: KubeObject) => readonly string[] } = {
  [orphanIndex]: (object) => (controllerOf(object) ? [] : [object.metadata.namespace ?? ""]),
};

/** Keys of the owners that would adopt `object`, when nobody controls it. */
export function keysOfMatchingOwners(
  object: KubeObject,
  owners: Pick<Lister<SelectingOwner>, "list">,
): readonly ObjectKey[] {
  if (controllerOf(object)) return [];
  return owners
    .list(object.metadata.namespace)
    .filter((owner) => selectorFromObject(owner.spec.selector).matches(object.metadata.labels ?? {}))
    .map(keyOf);
}

/** uid and resourceVersion stand in the patch, so that it meets this very object in this very state or fails. */
function referencesPatch(object: KubeObject, ownerReferences: Json): { readonly metadata: Record<string, Json> } {
  const { uid, resourceVersion } = object.metadata;
  return { metadata: { ownerReferences, ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) } };
}
