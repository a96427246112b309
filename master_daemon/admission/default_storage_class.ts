import { betaStorageClass } from "../../core/kinds/persistent_volume.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import { isDefaultClass, storageClass as storageClassKind } from "../../core/kinds/storage_class.ts";
import type { Registries } from "../registry/registry.ts";
import { defaultClassName } from "./_default_class.ts";
import { isAbout } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Gives claims that name no storage class the default one, if there is one.
 *
 * @see https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass
 */
export function defaultStorageClass({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const classes = registries.for(storageClassKind);
  return {
    name: "DefaultStorageClass",
    operations: ["CREATE"],
    async mutate(request) {
      if (!isAbout(request, "", "persistentvolumeclaims")) return request.object;
      const claim = request.object as PersistentVolumeClaim;
      // An empty name is a choice, too: that of no class.
      if (claim.metadata.annotations?.[betaStorageClass] !== undefined || claim.spec?.storageClassName !== undefined)
        return claim;
      const storageClassName = await defaultClassName(classes, isDefaultClass);
      return storageClassName === undefined ? claim : { ...claim, spec: { ...claim.spec, storageClassName } };
    },
  };
}
