import { ensureFolder } from "./files.ts";
import { mountReadOnly } from "./mounts.ts";
import type { VolumeType } from "./volume.ts";

/**
 * The files of an image, which nobody may write to or run. Each container finds what the image was when it was made.
 *
 * @see https://kubernetes.io/docs/concepts/storage/volumes/#image
 */
export const imageVolume: VolumeType = {
  name: "image",
  matches: (volume) => volume.image !== undefined,
  updates: false,
  async setUp({ volume, folder, areRead, images }) {
    if (!images || !areRead) return { path: folder, readOnly: true };
    const id = await images.find(volume.image?.reference ?? "");
    const path = `${folder}/${id}`;
    // Says that the image is in use, before its files are looked for.
    await ensureFolder(path, 0o755);
    await mountReadOnly(await images.folder(id), path);
    // An engine that does not see this mount finds nothing, rather than an empty folder.
    return { path: `${path}/files`, readOnly: true, isMountedReadOnly: true };
  },
};
