import { defaultFileMode, objectPayload } from "./payload.ts";
import type { VolumeType } from "./volume.ts";

/** The entries of a ConfigMap as files, kept up to date. */
export const configMapVolume: VolumeType = {
  name: "configMap",
  matches: (volume) => volume.configMap !== undefined,
  updates: true,
  async setUp(context) {
    const source = context.volume.configMap ?? {};
    const payload = await objectPayload("configMap", source, source.defaultMode ?? defaultFileMode, context);
    await context.write(payload);
    return { path: context.folder, readOnly: true };
  },
};
