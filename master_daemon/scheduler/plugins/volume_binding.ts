import { controllerOf, keyOf } from "../../../core/api/meta.ts";
import { compareQuantities } from "../../../core/api/quantity.ts";
import {
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  type StorageClass,
} from "../../../core/kinds/mod.ts";
import { claimKeys } from "../../../core/kinds/pod_claims.ts";
import {
  boundVolume,
  findVolume,
  isFullyBound,
  isReachableFrom,
  noProvisioner,
  selectedNode,
  storageClassOf,
  storageOf,
  waitsForConsumer,
  withAnnotations,
} from "../../../core/kinds/volume_binding.ts";
import type { BindContext, CycleState, Rejection, SchedulerPlugin } from "../framework.ts";
import type { Snapshot } from "../snapshot.ts";

const name = "VolumeBinding";

/** Options of {@linkcode volumeBinding}. */
export interface VolumeBindingOptions {
  /** Milliseconds that binding a pod's volumes may take before the pod is tried anew. Default 600000. */
  readonly bindTimeoutMs?: number;
}

/** What a pod's claims come to. */
interface PodStorage {
  /** Volumes that are bound already. */
  readonly bound: readonly PersistentVolume[];
  /** Whether one of them is not there any more. */
  readonly isMissing: boolean;
  /** Claims that get their volume with the pod's node, those that ask for least first. */
  readonly delayed: readonly PersistentVolumeClaim[];
  readonly snapshot: Snapshot;
  /** By node. */
  readonly choices: Map<string, Choice>;
}

/** What the delayed claims get on one node. */
interface Choice {
  /** Volumes with their claims in them. */
  readonly volumes: readonly PersistentVolume[];
  /** Claims with the node on them, for their provisioners. */
  readonly claims: readonly PersistentVolumeClaim[];
}

/**
 * Keeps pods on nodes from which their volumes can be reached, and binds the claims that waited for it to the node that
 * was chosen.
 *
 * @see https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
 */
export function volumeBinding({ bindTimeoutMs = 600_000 }: VolumeBindingOptions = {}): SchedulerPlugin {
  return {
    name,
    helpedBy: ["node-added", "node-updated", "storage-changed"],
    preFilter(pod, snapshot, state) {
      const keys = claimKeys(pod);
      if (keys.length === 0) return "skip";
      const found = podStorage(pod, snapshot);
      if ("reason" in found) return found;
      state.once(name, () => found);
      return undefined;
    },
    filter(_pod, { node }, state) {
      const storage = storageIn(state);
      return storage && refusal(storage, node);
    },
    reserve(_pod, node, state) {
      const storage = storageIn(state);
      const choice = storage?.choices.get(node.name);
      for (const object of choice ? [...choice.volumes, ...choice.claims] : [])
        storage?.snapshot.storage.assume(object);
    },
    unreserve(_pod, node, state) {
      const storage = storageIn(state);
      const choice = storage?.choices.get(node.name);
      for (const object of choice ? [...choice.volumes, ...choice.claims] : [])
        storage?.snapshot.storage.forget(object);
    },
    preBind(_pod, { name: nodeName, node }, state) {
      const storage = storageIn(state);
      const choice = storage?.choices.get(nodeName);
      if (!storage || !choice || storage.delayed.length === 0) return undefined;
      return (context) => bindVolumes(storage, choice, node, { ...context, bindTimeoutMs });
    },
  };
}

function storageIn(state: CycleState): PodStorage | undefined {
  return state.once<PodStorage | undefined>(name, () => undefined);
}

function podStorage(pod: Pod, snapshot: Snapshot): PodStorage | Rejection {
  const { storage } = snapshot;
  const bound: PersistentVolume[] = [];
  const delayed: PersistentVolumeClaim[] = [];
  let [isMissing, isImmediate] = [false, false];
  for (const key of claimKeys(pod)) {
    const claim = storage.claim(key);
    const isEphemeral = (pod.spec.volumes ?? []).some(
      (volume) => volume.ephemeral && `${pod.metadata.name}-${volume.name}` === key.name,
    );
    if (!claim) {
      return isEphemeral
        ? { reason: `waiting for ephemeral volume controller to create the persistentvolumeclaim "${key.name}"` }
        : { reason: `persistentvolumeclaim "${key.name}" not found` };
    }
    const problem = claimProblem(claim, isEphemeral ? pod : undefined);
    if (problem !== undefined) return { reason: problem };
    if (isFullyBound(claim)) {
      const volume = storage.volume(claim.spec.volumeName ?? "");
      if (volume) bound.push(volume);
      else isMissing = true;
    } else if (!claim.spec.volumeName && waitsForConsumer(storage.storageClass(storageClassOf(claim)))) {
      delayed.push(claim);
    } else isImmediate = true;
  }
  if (isImmediate) return { reason: "pod has unbound immediate PersistentVolumeClaims" };
  delayed.sort((a, b) => compareQuantities(requested(a), requested(b)));
  return { bound, isMissing, delayed, snapshot, choices: new Map() };
}

function claimProblem({ metadata, spec, status }: PersistentVolumeClaim, owner: Pod | undefined): string | undefined {
  if (status?.phase === "Lost")
    return `persistentvolumeclaim "${metadata.name}" bound to non-existent persistentvolume "${spec.volumeName}"`;
  if (metadata.deletionTimestamp) return `persistentvolumeclaim "${metadata.name}" is being deleted`;
  if (!owner || controllerOf({ metadata })?.uid === owner.metadata.uid) return undefined;
  const { namespace } = metadata;
  return `PVC ${namespace}/${metadata.name} was not created for pod ${namespace}/${owner.metadata.name} (pod is not owner)`;
}

function requested(claim: PersistentVolumeClaim) {
  return storageOf(claim.spec.resources?.requests);
}

function refusal(storage: PodStorage, node: Node): Rejection | undefined {
  if (storage.isMissing) return { reason: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)" };
  if (!storage.bound.every((volume) => isReachableFrom(volume, node)))
    return { reason: "node(s) didn't match PersistentVolume's node affinity" };
  const choice = choose(storage, node);
  if (!choice) return { reason: "node(s) didn't find available persistent volumes to bind" };
  storage.choices.set(node.metadata.name ?? "", choice);
  return undefined;
}

/** Volumes on a node for the claims that wait, and those that would be made there; undefined when one can have neither. */
function choose({ delayed, snapshot: { storage } }: PodStorage, node: Node): Choice | undefined {
  const taken = new Set<string>();
  const volumes: PersistentVolume[] = [];
  const claims: PersistentVolumeClaim[] = [];
  const nodeName = node.metadata.name ?? "";
  for (const claim of delayed) {
    const selected = claim.metadata.annotations?.[selectedNode];
    // Its volume is being made somewhere already.
    if (selected !== undefined && selected !== nodeName) return undefined;
    const volume = selected === undefined ? findVolume(claim, storage.volumesFor(claim), { node, taken }) : undefined;
    if (volume) {
      taken.add(volume.metadata.name ?? "");
      volumes.push(boundVolume(volume, claim));
      continue;
    }
    if (!isProvisionedOn(storage.storageClass(storageClassOf(claim)), node)) return undefined;
    claims.push({ ...claim, metadata: withAnnotations(claim.metadata, { [selectedNode]: nodeName }) });
  }
  return { volumes, claims };
}

function isProvisionedOn(storageClass: StorageClass | undefined, { metadata: { labels = {} } }: Node): boolean {
  if (!storageClass?.provisioner || storageClass.provisioner === noProvisioner) return false;
  const { allowedTopologies = [] } = storageClass;
  const isAllowed = allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? "")),
  );
  return allowedTopologies.length === 0 || isAllowed;
}

/** Writes what was chosen, and waits until the cluster has bound it. */
async function bindVolumes(
  { delayed }: PodStorage,
  { volumes, claims }: Choice,
  node: Node,
  { client, storage, clock, bindTimeoutMs, signal }: BindContext & { readonly bindTimeoutMs: number },
): Promise<void> {
  for (const volume of volumes) await client.update(persistentVolume, volume, { signal });
  for (const claim of claims) await client.update(persistentVolumeClaim, claim, { signal });
  const wanted = new Set(claims.map(({ metadata }) => metadata.uid));
  const timeout = new AbortController();
  const cancel = clock.schedule(bindTimeoutMs, () =>
    timeout.abort(new Error("binding volumes: context deadline exceeded")),
  );
  const ending = AbortSignal.any([signal, timeout.signal]);
  try {
    for (;;) {
      if (delayed.every((claim) => isBoundTo(claim, node, { storage, isProvisioned: wanted.has(claim.metadata.uid) })))
        return;
      await storage.nextChange(ending);
    }
  } finally {
    cancel();
  }
}

/** @throws Error when it will not be bound to a volume on this node */
function isBoundTo(
  { metadata }: PersistentVolumeClaim,
  node: Node,
  { storage, isProvisioned }: Pick<BindContext, "storage"> & { readonly isProvisioned: boolean },
): boolean {
  const claim = storage.claim(keyOf({ metadata }));
  if (!claim || claim.metadata.uid !== metadata.uid)
    throw new Error(`binding volumes: persistentvolumeclaim "${metadata.name}" not found`);
  const nodeName = node.metadata.name ?? "";
  if (isFullyBound(claim)) {
    const volume = storage.volume(claim.spec.volumeName ?? "");
    if (!volume || isReachableFrom(volume, node)) return volume !== undefined;
    throw new Error(`binding volumes: pv "${claim.spec.volumeName}" node affinity doesn't match node "${nodeName}"`);
  }
  const selected = claim.metadata.annotations?.[selectedNode] ?? "";
  if (!isProvisioned || selected === nodeName) return false;
  throw new Error(
    `binding volumes: selectedNode annotation value "${selected}" not set to scheduled node "${nodeName}"`,
  );
}
