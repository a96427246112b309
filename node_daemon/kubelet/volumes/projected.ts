import type { VolumeProjection } from "../../../core/kinds/pod.ts";
import type { Payload } from "./atomic_writer.ts";
import { fsGroupOf, fsUserOf } from "./fs_group.ts";
import { defaultFileMode, downwardPayload, objectPayload } from "./payload.ts";
import type { VolumeContext, VolumeType } from "./volume.ts";

/** Several sources in one folder, kept up to date. Most are for tokens: as in Kubernetes none lies on a disk. */
export const projectedVolume: VolumeType = {
  name: "projected",
  matches: (volume) => volume.projected !== undefined,
  updates: true,
  isSecret: true,
  async setUp(context) {
    const { sources = [], defaultMode = defaultFileMode } = context.volume.projected ?? {};
    const payload = new Map();
    for (const source of sources) {
      for (const [path, file] of await sourcePayload(source, defaultMode, context)) payload.set(path, file);
    }
    await context.write(payload);
    return { path: context.folder, readOnly: true };
  },
};

async function sourcePayload(source: VolumeProjection, mode: number, context: VolumeContext): Promise<Payload> {
  if (source.configMap) return await objectPayload("configMap", source.configMap, mode, context);
  if (source.secret) return await objectPayload("secret", source.secret, mode, context);
  if (source.downwardAPI) return downwardPayload(source.downwardAPI.items, mode, context.facts);
  if (source.serviceAccountToken) {
    const { path, ...wanted } = source.serviceAccountToken;
    // Where somebody is known to whom it can be given, nobody else is to read it.
    const [user, group] = [fsUserOf(context.pod), fsGroupOf(context.pod)];
    const own = user === undefined && group === undefined ? mode : 0o600;
    const token = context.areRead ? await context.data.token(wanted) : "";
    const data = new TextEncoder().encode(token);
    return new Map([[path, { data, mode: own, ...(user === undefined ? {} : { uid: user }) }]]);
  }
  throw new Error(`projected volume source is not supported: ${Object.keys(source)[0] ?? "none"}`);
}
