import { selectorFromObject } from "../api/labels.ts";
import { compareQuantities, parseQuantity, type Quantity } from "../api/quantity.ts";
import type { Node } from "./node.ts";
import { matchesNodeTerm } from "./node_selection.ts";
import { betaStorageClass, type PersistentVolume } from "./persistent_volume.ts";
import type { PersistentVolumeClaim } from "./persistent_volume_claim.ts";
import type { StorageClass } from "./storage_class.ts";

/** On a claim: its binding is complete, and what it says of it is true. */
export const bindCompleted = "pv.kubernetes.io/bind-completed";
/** On a volume or claim: it was the cluster, not a person, that named the other side. */
export const boundByController = "pv.kubernetes.io/bound-by-controller";
/** On a volume: who made it. */
export const provisionedBy = "pv.kubernetes.io/provisioned-by";
/** On a claim: the node on which its first pod will run. */
export const selectedNode = "volume.kubernetes.io/selected-node";
/** On a claim: who is to make its volume. */
export const storageProvisioner = "volume.kubernetes.io/storage-provisioner";
/** The same, as provisioners read it before 1.23. */
export const betaStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner";
/** Provisioner of classes whose volumes are made by hand. */
export const noProvisioner = "kubernetes.io/no-provisioner";

/** Name of the class of a volume or claim; empty: none. */
export function storageClassOf({
  metadata,
  spec,
}: Pick<PersistentVolume | PersistentVolumeClaim, "metadata"> & {
  readonly spec: { readonly storageClassName?: string };
}): string {
  return metadata.annotations?.[betaStorageClass] ?? spec.storageClassName ?? "";
}

/** Whether claims of the class wait for the first pod that uses them. */
export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer";
}

/** Whether a claim has its volume for good. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return Boolean(spec.volumeName) && metadata.annotations?.[bindCompleted] !== undefined;
}

/** Whether a volume is meant for a claim, by whoever said so. */
export function isVolumeOf({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (!claimRef || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return !claimRef.uid || claimRef.uid === metadata.uid;
}

/** How much a volume has, or a claim asks for. */
export function storageOf(list: { readonly [name: string]: string | number } | undefined): Quantity {
  return parseQuantity(list?.["storage"] ?? "0");
}

/** Why a volume that a claim names does not do, in Kubernetes' words; undefined when it does. */
export function volumeMisfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp) return `the volume is marked for deletion "${volume.metadata.name}"`;
  if (compareQuantities(storageOf(volume.spec.capacity), storageOf(claim.spec.resources?.requests)) < 0)
    return "requested PV is too small";
  if (storageClassOf(volume) !== storageClassOf(claim)) return "storageClassName does not match";
  if ((volume.spec.volumeAttributesClassName ?? "") !== (claim.spec.volumeAttributesClassName ?? ""))
    return "volumeAttributesClassName does not match";
  if (!sameMode(volume, claim)) return "incompatible volumeMode";
  if (!hasAccessModes(volume, claim)) return "incompatible accessMode";
  return undefined;
}

/** Whether a volume can be used on a node. */
export function isReachableFrom({ spec }: PersistentVolume, node: Node): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  return !terms || terms.some((term) => matchesNodeTerm(term, node));
}

/** What {@linkcode findVolume} goes by. */
export interface FindVolumeOptions {
  /** The node on which it must be usable. Absent: on any. */
  readonly node?: Node;
  /** Whether only a volume will do that was set aside for the claim. Default false. */
  readonly onlyPrebound?: boolean;
  /** Names of volumes that are taken. */
  readonly taken?: ReadonlySet<string>;
}

/**
 * The volume that suits a claim best: the one that was set aside for it, else the smallest that is large enough.
 *
 * @see k8s.io/component-helpers/storage/volume, FindMatchingVolume
 */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { node, onlyPrebound = false, taken }: FindVolumeOptions = {},
): PersistentVolume | undefined {
  const selector = claim.spec.selector && selectorFromObject(claim.spec.selector);
  const wanted = storageOf(claim.spec.resources?.requests);
  let best: { readonly volume: PersistentVolume; readonly size: Quantity } | undefined;
  for (const volume of volumes) {
    const { metadata, spec, status } = volume;
    const isPrebound = isVolumeOf(volume, claim);
    if (taken?.has(metadata.name ?? "") || (spec.claimRef && !isPrebound) || metadata.deletionTimestamp) continue;
    const size = storageOf(spec.capacity);
    if (compareQuantities(size, wanted) < 0 || modeOf(volume) !== modeOf(claim)) continue;
    if (!hasAccessModes(volume, claim)) continue;
    if ((spec.volumeAttributesClassName ?? "") !== (claim.spec.volumeAttributesClassName ?? "")) continue;
    const isReachable = !node || isReachableFrom(volume, node);
    if (isPrebound) return isReachable ? volume : undefined;
    if (onlyPrebound || !isReachable || status?.phase !== "Available") continue;
    if (storageClassOf(volume) !== storageClassOf(claim)) continue;
    if (selector && !selector.matches(metadata.labels ?? {})) continue;
    const order = best ? compareQuantities(size, best.size) || compareNames(volume, best.volume) : -1;
    if (order < 0) best = { volume, size };
  }
  return best?.volume;
}

/** A volume with a claim in it, as the cluster binds it. */
export function boundVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const isPrebound = volume.spec.claimRef !== undefined;
  return {
    ...volume,
    metadata: isPrebound ? volume.metadata : withAnnotations(volume.metadata, { [boundByController]: "yes" }),
    spec: {
      ...volume.spec,
      claimRef: {
        kind: "PersistentVolumeClaim",
        ...(namespace === undefined ? {} : { namespace }),
        ...(name === undefined ? {} : { name }),
        ...(uid === undefined ? {} : { uid }),
        apiVersion: "v1",
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
    },
  };
}

/** Metadata with more annotations; `undefined` takes one away. */
export function withAnnotations<T extends { readonly annotations?: { readonly [name: string]: string } }>(
  metadata: T,
  added: { readonly [name: string]: string | undefined },
): T {
  const entries = { ...metadata.annotations, ...added };
  const annotations = Object.fromEntries(Object.entries(entries).filter(([, text]) => text !== undefined));
  return { ...metadata, annotations };
}

/** Whether a volume is used as its claim asks: as a file system, or as a block device. */
export function sameMode(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return modeOf(volume) === modeOf(claim);
}

function modeOf({ spec }: PersistentVolume | PersistentVolumeClaim): string {
  return spec.volumeMode ?? "Filesystem";
}

function hasAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode));
}

function compareNames(a: PersistentVolume, b: PersistentVolume): number {
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}
