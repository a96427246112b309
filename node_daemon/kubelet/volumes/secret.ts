import { compact } from "../../../core/util/compact.ts";
import { defaultFileMode, objectPayload } from "./payload.ts";
import type { VolumeType } from "./volume.ts";

/**
 * The entries of a Secret as files, kept up to date.
 *
 * @see https://kubernetes.io/docs/concepts/storage/volumes/#secret
 */
export const secretVolume: VolumeType = {
  name: "secret",
  matches: (volume) => volume.secret !== undefined,
  updates: true,
  isSecret: true,
  async setUp(context) {
    const { secretName, items, optional, defaultMode = defaultFileMode } = context.volume.secret ?? {};
    const source = compact({ name: secretName, items, optional });
    const payload = await objectPayload("secret", source, defaultMode, context);
    await context.write(payload);
    return { path: context.folder, readOnly: true };
  },
};
