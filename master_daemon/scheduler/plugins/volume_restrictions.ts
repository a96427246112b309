import { claimKeys } from "../../../core/kinds/pod_claims.ts";
import type { SchedulerPlugin } from "../framework.ts";

const name = "VolumeRestrictions";

/**
 * Keeps a pod from every node while another pod uses a claim of its own with the access mode ReadWriteOncePod.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
 */
export const volumeRestrictions: SchedulerPlugin = {
  name,
  helpedBy: ["pod-deleted", "storage-changed"],
  looksAtPods: true,
  preFilter(pod, snapshot, state) {
    const keys = claimKeys(pod);
    if (keys.length === 0) return "skip";
    const isTaken = keys.some((key) => {
      const { accessModes = [] } = snapshot.storage.claim(key)?.spec ?? {};
      return accessModes.includes("ReadWriteOncePod") && snapshot.isClaimUsed(key);
    });
    state.once(name, () => isTaken);
    return undefined;
  },
  filter(_pod, _node, state) {
    if (!state.once(name, () => false)) return undefined;
    const reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
    return { reason, preemptionHelps: true };
  },
};
