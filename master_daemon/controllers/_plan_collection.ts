import type { KubeObject, OwnerReference } from "../../core/api/meta.ts";

/** Holds an object back until its dependents are freed. */
export const orphanFinalizer = "orphan";
/** Holds an object back until its dependents are gone. */
export const foregroundFinalizer = "foregroundDeletion";

/** How the owners of an object stand. */
export interface OwnerStates {
  /** Exist, and do not wait for this object's end. */
  readonly solid: readonly OwnerReference[];
  /** Do not exist. */
  readonly dangling: readonly OwnerReference[];
  /** Are being deleted and wait for this object's end. */
  readonly waiting: readonly OwnerReference[];
}

/** What becomes of an object. */
export type Verdict =
  | { readonly type: "keep" }
  /** Some of its owners are gone, others are not. */
  | { readonly type: "release"; readonly ownerReferences: readonly OwnerReference[] }
  | { readonly type: "delete"; readonly propagationPolicy: "Background" | "Foreground" | "Orphan" };

/**
 * What becomes of an object with owners. Pure.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/garbagecollector/garbagecollector.go attemptToDeleteItem
 */
export function planCollection(
  object: KubeObject,
  { solid, dangling, waiting }: OwnerStates,
  { hasDependents }: { readonly hasDependents: boolean },
): Verdict {
  if (solid.length > 0) {
    return dangling.length + waiting.length === 0 ? { type: "keep" } : { type: "release", ownerReferences: solid };
  }
  if (dangling.length + waiting.length === 0) return { type: "keep" };
  if (waiting.length > 0 && hasDependents) return { type: "delete", propagationPolicy: "Foreground" };
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(orphanFinalizer)) return { type: "delete", propagationPolicy: "Orphan" };
  if (finalizers.includes(foregroundFinalizer)) return { type: "delete", propagationPolicy: "Foreground" };
  return { type: "delete", propagationPolicy: "Background" };
}
