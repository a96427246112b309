import type { StringMap } from "../../../core/api/meta.ts";
import { bytesValue } from "../../../core/api/quantity.ts";
import type { Pod, Volume } from "../../../core/kinds/pod.ts";
import { hasSharedMemory, sharedMemory } from "../../../core/platform/shared_memory.ts";
import { limitsTogether } from "../resources/pod_limits.ts";
import { ensureFolder } from "./files.ts";
import { mountMemory, share } from "./mounts.ts";
import type { VolumeType } from "./volume.ts";

/**
 * A folder that lives as long as its pod; with the medium Memory a file system in the machine's memory, which holds no more
 * than it may. Where the daemon may not mount it is a folder there, and like any emptyDir watched over by the node's eviction
 * manager.
 *
 * @see https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
 */
export const emptyDirVolume: VolumeType = {
  name: "emptyDir",
  matches: (volume) => volume.emptyDir !== undefined,
  updates: false,
  async setUp({ pod, volume, folder, memoryFolder, areRead, facts }) {
    const { medium = "" } = volume.emptyDir ?? {};
    if (medium !== "" && medium !== "Memory") throw new Error(`unknown storage medium ${JSON.stringify(medium)}`);
    const path = medium === "Memory" ? memoryFolder : folder;
    if (medium === "Memory") await checkMemory();
    if (!areRead) return { path, readOnly: false };
    // Containers may run as any user.
    await ensureFolder(path, 0o777);
    if (medium === "Memory") await mountMemory(path, memoryVolumeBytes(pod, volume, facts.allocatable));
    if (isPropagated(pod, volume)) await share(path);
    return { path, readOnly: false, takesFsGroup: true };
  },
};

/**
 * How much an emptyDir in memory holds: what the volume says, or all that the pod's containers may use together, or all that
 * pods may have of the node, whichever is least. Pure.
 *
 * @see k8s.io/kubernetes/pkg/volume/emptydir, calculateEmptyDirMemorySize
 */
export function memoryVolumeBytes(pod: Pod, { emptyDir }: Volume, allocatable: StringMap): number {
  const limits = [limitsTogether(pod).memoryBytesLimit, bytesValue(emptyDir?.sizeLimit)];
  return limits.reduce<number>(
    (least, limit) => (limit !== undefined && limit > 0 && limit < least ? limit : least),
    bytesValue(allocatable["memory"]),
  );
}

/** Whether a container is to see, or to show others, what is mounted in the volume. */
function isPropagated({ spec }: Pod, { name }: Volume): boolean {
  const mounts = [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ volumeMounts = [] }) => volumeMounts);
  return mounts.some((mount) => mount.name === name && (mount.mountPropagation ?? "None") !== "None");
}

async function checkMemory(): Promise<void> {
  if (!(await hasSharedMemory()))
    throw new Error(`emptyDir with medium Memory is not supported on this node: it has no ${sharedMemory}`);
}
