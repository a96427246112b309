import { writeAtomically } from "./atomic_writer.ts";
import { fsGroupOf } from "./fs_group.ts";
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
    await writeAtomically(context.folder, payload, { now: context.now, gid: fsGroupOf(context.pod) });
    return { path: context.folder, readOnly: true };
  },
};
