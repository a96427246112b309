import { stat } from "node:fs/promises";
import { isLocalPathVolume } from "../../../core/kinds/local_path.ts";
import type { PersistentVolume } from "../../../core/kinds/persistent_volume.ts";
import { isReachableFrom } from "../../../core/kinds/volume_binding.ts";
import { wantedClaim } from "../claim_cache.ts";
import { ensureFolder, isCode } from "./files.ts";
import { checkHostPath } from "./host_path.ts";
import type { MountedVolume, VolumeContext, VolumeType } from "./volume.ts";

/**
 * A folder of this machine that a claim of the pod is bound to; also a claim that was made for this pod alone.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/
 */
export const persistentVolumeClaimVolume: VolumeType = {
  name: "persistentVolumeClaim",
  matches: ({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined,
  updates: false,
  async setUp(context) {
    const { pod, volume, data } = context;
    const wanted = wantedClaim(pod, volume);
    const bound = await data.boundVolume(wanted);
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
    return {
      ...(await mountable(bound, context)),
      readOnly,
      ...(readOnly ? { isReadOnlyAsked: true } : {}),
      ...(data.isShared(wanted) ? { sharedAs: bound.metadata.name ?? "" } : {}),
    };
  },
};

async function mountable(
  volume: PersistentVolume,
  { node, localPathFolder }: VolumeContext,
): Promise<Omit<MountedVolume, "readOnly">> {
  const { hostPath, local, volumeMode } = volume.spec;
  if (volumeMode === "Block") throw new Error("volumeMode Block is not supported on this node");
  if (volume.spec.nodeAffinity && (!node || !isReachableFrom(volume, node)))
    throw new Error(`volume ${volume.metadata.name} cannot be used on this node: no matching NodeSelectorTerms`);
  if (hostPath) {
    await checkHostPath(hostPath);
    return { path: hostPath.path };
  }
  if (local) {
    // Made when it is first used; containers may run as any user.
    if (isLocalPathVolume(volume, localPathFolder)) await ensureFolder(local.path, 0o777);
    await checkLocalPath(local.path);
    return { path: local.path, takesFsGroup: true };
  }
  const source = Object.keys(volume.spec).find((member) => !commonMembers.has(member)) ?? "none";
  throw new Error(`volume type is not supported on this node: ${source}`);
}

/** Members of a volume's spec that are no source. */
const commonMembers: ReadonlySet<string> = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);

async function checkLocalPath(path: string): Promise<void> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) throw new Error(`local volume source is not a directory: ${path}`);
  } catch (error) {
    if (isCode(error, "ENOENT", "ENOTDIR")) throw new Error(`path "${path}" does not exist`, { cause: error });
    throw error;
  }
}
