import { ensureFolder } from "./files.ts";
import type { VolumeType } from "./volume.ts";

/** A folder that lives as long as its pod. */
export const emptyDirVolume: VolumeType = {
  name: "emptyDir",
  matches: (volume) => volume.emptyDir !== undefined,
  updates: false,
  async setUp({ folder }) {
    // Containers may run as any user.
    await ensureFolder(folder, 0o777);
    return { path: folder, readOnly: false, takesFsGroup: true };
  },
};
