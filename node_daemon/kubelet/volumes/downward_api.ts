import { defaultFileMode, downwardPayload } from "./payload.ts";
import type { VolumeType } from "./volume.ts";

/** Fields of the pod as files; labels and annotations are kept up to date. */
export const downwardApiVolume: VolumeType = {
  name: "downwardAPI",
  matches: (volume) => volume.downwardAPI !== undefined,
  updates: true,
  async setUp(context) {
    const { items, defaultMode = defaultFileMode } = context.volume.downwardAPI ?? {};
    await context.write(downwardPayload(items, defaultMode, context.facts));
    return { path: context.folder, readOnly: true };
  },
};
