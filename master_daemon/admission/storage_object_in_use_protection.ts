import { isAbout } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/** Finalizer of claims that pods may use. */
const claimProtection = "kubernetes.io/pvc-protection";
/** Finalizer of volumes that claims may be bound to. */
const volumeProtection = "kubernetes.io/pv-protection";
/** Finalizer of classes of attributes that volumes may have. */
const classProtection = "kubernetes.io/vac-protection";

/**
 * Keeps claims, volumes and classes of attributes that are in use from going away: a controller takes the finalizers off again.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
 */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  operations: ["CREATE"],
  async mutate(request) {
    const { object } = request;
    const finalizer = isAbout(request, "", "persistentvolumeclaims")
      ? claimProtection
      : isAbout(request, "", "persistentvolumes")
        ? volumeProtection
        : isAbout(request, "storage.k8s.io", "volumeattributesclasses")
          ? classProtection
          : undefined;
    const { finalizers = [] } = object.metadata;
    if (finalizer === undefined || finalizers.includes(finalizer)) return object;
    return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
  },
};
