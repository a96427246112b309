import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { accessModesText, ageColumn, nameColumn } from "./cells.ts";
import { type AccessMode, storageClassColumns } from "./persistent_volume.ts";
import {
  defaultClaim,
  validateClaim,
  validateClaimStatus,
  validateClaimUpdate,
} from "./persistent_volume_claim_validation.ts";
import type { ResourceList } from "./pod.ts";

/** Points at what a volume is to be filled from. */
export interface TypedObjectReference {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** What a claim asks for. */
export interface PersistentVolumeClaimSpec {
  readonly accessModes?: readonly AccessMode[];
  readonly selector?: LabelSelector;
  readonly resources?: { readonly limits?: ResourceList; readonly requests?: ResourceList };
  readonly volumeName?: string;
  readonly storageClassName?: string;
  readonly volumeMode?: "Filesystem" | "Block";
  readonly dataSource?: TypedObjectReference;
  readonly dataSourceRef?: TypedObjectReference;
  readonly volumeAttributesClassName?: string;
}

/** What has become of a claim. */
export interface PersistentVolumeClaimStatus {
  readonly phase?: "Pending" | "Bound" | "Lost";
  readonly accessModes?: readonly AccessMode[];
  readonly capacity?: ResourceList;
  readonly conditions?: readonly Condition[];
  readonly allocatedResources?: ResourceList;
  readonly allocatedResourceStatuses?: { readonly [name: string]: string };
  readonly currentVolumeAttributesClassName?: string;
  readonly modifyVolumeStatus?: { readonly targetVolumeAttributesClassName?: string; readonly status: string };
}

/** Asks for storage. @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#persistentvolumeclaims */
export interface PersistentVolumeClaim extends KubeObject {
  readonly spec: PersistentVolumeClaimSpec;
  readonly status?: PersistentVolumeClaimStatus;
}

/** The kind PersistentVolumeClaim. */
export const persistentVolumeClaim: Kind<PersistentVolumeClaim> = defineKind<PersistentVolumeClaim>({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  namespaced: true,
  shortNames: ["pvc"],
  schema: "io.k8s.api.core.v1.PersistentVolumeClaim",
  generation: "none",
  subresources: { status: true },
  strategy: {
    applyDefaults: defaultClaim,
    prepareForCreate: (object) => ({ ...object, status: { phase: "Pending" } }),
    validate: validateClaim,
    validateUpdate: validateClaimUpdate,
    validateStatusUpdate: validateClaimStatus,
  },
  columns: [
    nameColumn,
    {
      name: "Status",
      type: "string",
      description: "Whether it is bound.",
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? "Terminating" : (status?.phase ?? "")),
    },
    {
      name: "Volume",
      type: "string",
      description: "The volume that it is bound to.",
      cell: ({ spec }) => spec.volumeName ?? "",
    },
    {
      name: "Capacity",
      type: "string",
      description: "How much the volume holds.",
      cell: ({ spec, status }) => (spec.volumeName ? String(status?.capacity?.["storage"] ?? "0") : ""),
    },
    {
      name: "Access Modes",
      type: "string",
      description: "Who may mount it how.",
      cell: ({ spec, status }) => (spec.volumeName ? accessModesText(status?.accessModes) : ""),
    },
    ...storageClassColumns<PersistentVolumeClaim>("The class of volume that it asks for."),
    ageColumn,
    {
      name: "VolumeMode",
      type: "string",
      priority: 1,
      description: "Files or a device.",
      cell: ({ spec }) => spec.volumeMode ?? "<unset>",
    },
  ],
});
