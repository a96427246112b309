import { compact } from "../../../core/util/compact.ts";
import { writeAtomically } from "./atomic_writer.ts";
import { fsGroupOf } from "./fs_group.ts";
import { defaultFileMode, objectPayload } from "./payload.ts";
import type { VolumeType } from "./volume.ts";

/** The entries of a Secret as files, kept up to date. */
export const secretVolume: VolumeType = {
  name: "secret",
  matches: (volume) => volume.secret !== undefined,
  updates: true,
  async setUp(context) {
    const { secretName, items, optional, defaultMode = defaultFileMode } = context.volume.secret ?? {};
    const source = compact({ name: secretName, items, optional });
    const payload = await objectPayload("secret", source, defaultMode, context);
    await writeAtomically(context.folder, payload, { now: context.now, gid: fsGroupOf(context.pod) });
    return { path: context.folder, readOnly: true };
  },
};
