import { stat } from "node:fs/promises";
import { ensureFolder } from "./files.ts";
import type { VolumeType } from "./volume.ts";

/**
 * A folder that lives as long as its pod; with the medium Memory in the machine's memory. What it may hold at most
 * (`sizeLimit`) is watched over by the node's eviction manager.
 *
 * @see https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
 */
export const emptyDirVolume: VolumeType = {
  name: "emptyDir",
  matches: (volume) => volume.emptyDir !== undefined,
  updates: false,
  async setUp({ volume, folder, memoryFolder }) {
    const { medium = "" } = volume.emptyDir ?? {};
    if (medium !== "" && medium !== "Memory") throw new Error(`unknown storage medium ${JSON.stringify(medium)}`);
    const path = medium === "Memory" ? memoryFolder : folder;
    if (medium === "Memory") await checkMemory();
    // Containers may run as any user.
    await ensureFolder(path, 0o777);
    return { path, readOnly: false, takesFsGroup: true };
  },
};

/** Where Linux has a file system in memory that everybody may use. */
export const sharedMemory = "/dev/shm";

async function checkMemory(): Promise<void> {
  const found = await stat(sharedMemory).catch(() => undefined);
  if (!found?.isDirectory())
    throw new Error(`emptyDir with medium Memory is not supported on this node: it has no ${sharedMemory}`);
}
