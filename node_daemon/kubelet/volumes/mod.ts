/**
 * Volumes: what a pod's containers find at their mount paths.
 *
 * - One type per file; it stands once in `volumeTypes`, nothing else registers it.
 * - A volume's folder lies below the pod's; nothing outside it is written or removed (hostPath aside).
 * - Containers may write into volumes: nothing found there is trusted, links are never followed out.
 */
import type { Volume } from "../../../core/kinds/pod.ts";
import { configMapVolume } from "./config_map.ts";
import { downwardApiVolume } from "./downward_api.ts";
import { emptyDirVolume } from "./empty_dir.ts";
import { hostPathVolume } from "./host_path.ts";
import { imageVolume } from "./image.ts";
import { persistentVolumeClaimVolume } from "./persistent_volume_claim.ts";
import { projectedVolume } from "./projected.ts";
import { secretVolume } from "./secret.ts";
import type { VolumeType } from "./volume.ts";

/** All volume types. */
const volumeTypes: readonly VolumeType[] = [
  configMapVolume,
  downwardApiVolume,
  emptyDirVolume,
  hostPathVolume,
  imageVolume,
  persistentVolumeClaimVolume,
  projectedVolume,
  secretVolume,
];

/** The type of a volume. @throws Error naming what is not supported */
export function volumeTypeOf(volume: Volume): VolumeType {
  const type = volumeTypes.find((candidate) => candidate.matches(volume));
  if (type) return type;
  const source = Object.keys(volume).find((member) => member !== "name") ?? "none";
  throw new Error(`volume type is not supported on this node: ${source}`);
}
