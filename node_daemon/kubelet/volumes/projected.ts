import type { VolumeProjection } from "../../../core/kinds/pod.ts";
import { type Payload, writeAtomically } from "./atomic_writer.ts";
import { fsGroupOf } from "./fs_group.ts";
import { defaultFileMode, downwardPayload, objectPayload } from "./payload.ts";
import type { VolumeContext, VolumeType } from "./volume.ts";

/** Several sources in one folder, kept up to date. */
export const projectedVolume: VolumeType = {
  name: "projected",
  matches: (volume) => volume.projected !== undefined,
  updates: true,
  async setUp(context) {
    const { sources = [], defaultMode = defaultFileMode } = context.volume.projected ?? {};
    const payload = new Map();
    for (const source of sources) {
      for (const [path, file] of await sourcePayload(source, defaultMode, context)) payload.set(path, file);
    }
    await writeAtomically(context.folder, payload, { now: context.now, gid: fsGroupOf(context.pod) });
    return { path: context.folder, readOnly: true };
  },
};

async function sourcePayload(source: VolumeProjection, mode: number, context: VolumeContext): Promise<Payload> {
  if (source.configMap) return await objectPayload("configMap", source.configMap, mode, context);
  if (source.secret) return await objectPayload("secret", source.secret, mode, context);
  if (source.downwardAPI) return downwardPayload(source.downwardAPI.items, mode, context.facts);
  if (source.serviceAccountToken) {
    const { path, ...wanted } = source.serviceAccountToken;
    // Who runs as somebody else than root could not read it otherwise.
    const isShared = context.pod.spec.securityContext?.fsGroup !== undefined;
    const token = await context.data.token(wanted);
    return new Map([[path, { data: new TextEncoder().encode(token), mode: isShared ? 0o640 : mode }]]);
  }
  throw new Error(`projected volume source is not supported: ${Object.keys(source)[0] ?? "none"}`);
}
