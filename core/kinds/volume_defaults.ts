import { foreignDefaults } from "./foreign_volume_defaults.ts";
import { imageTag } from "./image_tag.ts";
import { defaultClaimSpec } from "./persistent_volume_claim_validation.ts";
import type { DownwardApiFile, ObjectFieldSelector, ResourceFieldSelector, Volume, VolumeProjection } from "./pod.ts";
import { canonicalAmount } from "./pod_resources.ts";
import { withMembers } from "./with_members.ts";

/** Permissions of projected files: 0644. */
const defaultMode = 0o644;

/** Fills what Kubernetes documents for volumes; a volume without a source is an emptyDir. */
export function defaultVolume(volume: Volume): Volume {
  if (Object.keys(volume).every((key) => key === "name")) return { ...volume, emptyDir: {} };
  return withMembers(volume, {
    emptyDir:
      volume.emptyDir && withMembers(volume.emptyDir, { sizeLimit: canonicalAmount(volume.emptyDir.sizeLimit) }),
    ephemeral: volume.ephemeral?.volumeClaimTemplate && {
      ...volume.ephemeral,
      volumeClaimTemplate: {
        ...volume.ephemeral.volumeClaimTemplate,
        metadata: volume.ephemeral.volumeClaimTemplate.metadata ?? {},
        spec: defaultClaimSpec(volume.ephemeral.volumeClaimTemplate.spec),
      },
    },
    ...foreignDefaults(volume),
    image: volume.image && {
      ...volume.image,
      pullPolicy:
        volume.image.pullPolicy || (imageTag(volume.image.reference ?? "") === "latest" ? "Always" : "IfNotPresent"),
    },
    hostPath: volume.hostPath && { ...volume.hostPath, type: volume.hostPath.type ?? "" },
    configMap: volume.configMap && { defaultMode, ...volume.configMap },
    secret: volume.secret && { defaultMode, ...volume.secret },
    downwardAPI:
      volume.downwardAPI &&
      withMembers({ defaultMode, ...volume.downwardAPI }, { items: volume.downwardAPI.items?.map(defaultFile) }),
    projected:
      volume.projected &&
      withMembers({ defaultMode, ...volume.projected }, { sources: volume.projected.sources?.map(defaultProjection) }),
  });
}

function defaultProjection(source: VolumeProjection): VolumeProjection {
  return withMembers(source, {
    downwardAPI:
      source.downwardAPI && withMembers(source.downwardAPI, { items: source.downwardAPI.items?.map(defaultFile) }),
    serviceAccountToken: source.serviceAccountToken && { expirationSeconds: 3600, ...source.serviceAccountToken },
  });
}

function defaultFile(file: DownwardApiFile): DownwardApiFile {
  return withMembers(file, {
    fieldRef: file.fieldRef && defaultFieldRef(file.fieldRef),
    resourceFieldRef: file.resourceFieldRef && defaultResourceFieldRef(file.resourceFieldRef),
  });
}

/** A reference to a field of the pod, with the version of its path. */
export function defaultFieldRef(reference: ObjectFieldSelector): ObjectFieldSelector {
  return { ...reference, apiVersion: reference.apiVersion || "v1" };
}

/** A reference to a container's resources, with the unit that results are given in. */
export function defaultResourceFieldRef(reference: ResourceFieldSelector): ResourceFieldSelector {
  return { ...reference, divisor: String(canonicalAmount(reference.divisor ?? "0")) };
}
