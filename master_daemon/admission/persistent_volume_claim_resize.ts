import { parseQuantity } from "../../core/api/quantity.ts";
import { isReason } from "../../core/api/status.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import { storageClass as storageClassKind } from "../../core/kinds/storage_class.ts";
import { storageClassOf } from "../../core/kinds/volume_binding.ts";
import type { Registries } from "../registry/registry.ts";
import { isAbout, refusal } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Lets claims grow only when they are bound and their storage class allows it.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
 */
export function persistentVolumeClaimResize({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const classes = registries.for(storageClassKind);

  async function mayGrow(name: string): Promise<boolean> {
    try {
      return (await classes.get({ name })).object.allowVolumeExpansion === true;
    } catch (error) {
      if (isReason(error, "NotFound")) return false;
      throw error;
    }
  }

  return {
    name: "PersistentVolumeClaimResize",
    operations: ["UPDATE"],
    async validate(request) {
      if (!isAbout(request, "", "persistentvolumeclaims")) return;
      const claim = request.object as PersistentVolumeClaim;
      const previous = request.previous as PersistentVolumeClaim;
      if (sizeOf(claim) <= sizeOf(previous)) return;
      if (previous.status?.phase !== "Bound")
        throw refusal(request, "Only bound persistent volume claims can be expanded");
      const name = storageClassOf(claim);
      if (name === "" || name !== storageClassOf(previous) || !(await mayGrow(name)))
        throw refusal(
          request,
          "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        );
    },
  };
}

function sizeOf({ spec }: PersistentVolumeClaim): bigint {
  return parseQuantity(spec?.resources?.requests?.["storage"] ?? 0).nano;
}
