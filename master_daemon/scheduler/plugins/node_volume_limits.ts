import { parseKey } from "../../../core/api/meta.ts";
import type { CSINode, PersistentVolume, PersistentVolumeClaim } from "../../../core/kinds/mod.ts";
import { claimKeys } from "../../../core/kinds/pod_claims.ts";
import { storageClassOf } from "../../../core/kinds/volume_binding.ts";
import type { SchedulerPlugin } from "../framework.ts";
import type { StorageView } from "../storage.ts";

const name = "NodeVolumeLimits";

/** A volume of a storage driver; one that is not made yet goes by its claim. */
interface DriverVolume {
  readonly driver: string;
  readonly id: string;
}

/** What a pod asks for, and where it is looked up. */
interface Asked {
  readonly volumes: readonly DriverVolume[];
  readonly storage: StorageView;
}

/**
 * Keeps a pod from nodes to which its volumes cannot be attached any more: a CSINode says how many of each driver's a node
 * takes. A volume counts once, however many pods use it, and as long as it is attached.
 *
 * @see https://kubernetes.io/docs/concepts/storage/storage-limits/
 */
export const nodeVolumeLimits: SchedulerPlugin = {
  name,
  helpedBy: ["pod-deleted", "storage-changed"],
  preFilter(pod, { storage }, state) {
    const volumes = claimKeys(pod).flatMap((key) => volumeOf(storage.claim(key), storage) ?? []);
    if (volumes.length === 0) return "skip";
    state.once<Asked>(name, () => ({ volumes, storage }));
    return undefined;
  },
  filter(_pod, node, state) {
    const asked = state.get<Asked>(name);
    const limits = asked && limitsOf(asked.storage.csiNode(node.name));
    if (!asked || !limits || !asked.volumes.some(({ driver }) => limits.has(driver))) return undefined;
    const { volumes, storage } = asked;
    const attached = new Map(storage.attachedTo(node.name).flatMap((volume) => entryOf(volumeOfVolume(volume))));
    for (const { claims } of node.pods)
      for (const key of claims)
        for (const [id, driver] of entryOf(volumeOf(storage.claim(parseKey(key)), storage))) attached.set(id, driver);
    const wanted = new Map(volumes.flatMap(entryOf));
    for (const [id, driver] of attached) {
      wanted.delete(id);
      const left = limits.get(driver);
      if (left !== undefined) limits.set(driver, left - 1);
    }
    for (const driver of wanted.values()) {
      const left = limits.get(driver);
      if (left === undefined) continue;
      if (left <= 0) return { reason: "node(s) exceed max volume count", preemptionHelps: true };
      limits.set(driver, left - 1);
    }
    return undefined;
  },
};

function entryOf(volume: DriverVolume | undefined): readonly (readonly [string, string])[] {
  return volume ? [[`${volume.driver}/${volume.id}`, volume.driver]] : [];
}

/** How many volumes of which driver a node takes; undefined: as many as there are. */
function limitsOf(node: CSINode | undefined): Map<string, number> | undefined {
  const limited = (node?.spec.drivers ?? []).flatMap(({ name, allocatable }) =>
    allocatable?.count === undefined ? [] : [[name, allocatable.count] as const],
  );
  return limited.length > 0 ? new Map(limited) : undefined;
}

function volumeOf(claim: PersistentVolumeClaim | undefined, storage: StorageView): DriverVolume | undefined {
  if (!claim) return undefined;
  const volume = storage.volume(claim.spec.volumeName ?? "");
  if (volume) return volumeOfVolume(volume);
  const driver = storage.storageClass(storageClassOf(claim))?.provisioner;
  const { namespace, name } = claim.metadata;
  return driver ? { driver, id: `claim-${namespace}/${name}` } : undefined;
}

function volumeOfVolume({ spec: { csi } }: PersistentVolume): DriverVolume | undefined {
  return csi && { driver: csi.driver, id: csi.volumeHandle };
}
