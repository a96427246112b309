import { type Column, defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { accessModesText, ageColumn, nameColumn } from "./cells.ts";
import type { ObjectReference } from "./endpoints.ts";
import { foreignDefaults } from "./foreign_volume_defaults.ts";
import { validatePersistentVolume, validatePersistentVolumeUpdate } from "./persistent_volume_validation.ts";
import type { ForeignVolumeSources, NodeSelectorTerm, ResourceList } from "./pod.ts";
import { canonicalResources } from "./pod_resources.ts";
import { withMembers } from "./with_members.ts";

/** Who may mount a volume how. */
export type AccessMode = "ReadWriteOnce" | "ReadOnlyMany" | "ReadWriteMany" | "ReadWriteOncePod";

/** Names a secret of a namespace. */
export interface SecretReference {
  readonly name?: string;
  readonly namespace?: string;
}

/** A volume of a CSI driver. */
export interface CsiPersistentVolumeSource {
  readonly driver: string;
  readonly volumeHandle: string;
  readonly readOnly?: boolean;
  readonly fsType?: string;
  readonly volumeAttributes?: { readonly [name: string]: string };
  readonly controllerPublishSecretRef?: SecretReference;
  readonly nodeStageSecretRef?: SecretReference;
  readonly nodePublishSecretRef?: SecretReference;
  readonly controllerExpandSecretRef?: SecretReference;
  readonly nodeExpandSecretRef?: SecretReference;
}

/** What a persistent volume is. Exactly one source is set. */
export interface PersistentVolumeSpec extends ForeignVolumeSources {
  readonly capacity?: ResourceList;
  readonly accessModes?: readonly AccessMode[];
  readonly claimRef?: ObjectReference;
  readonly persistentVolumeReclaimPolicy?: "Retain" | "Delete" | "Recycle";
  readonly storageClassName?: string;
  readonly mountOptions?: readonly string[];
  readonly volumeMode?: "Filesystem" | "Block";
  readonly nodeAffinity?: { readonly required?: { readonly nodeSelectorTerms?: readonly NodeSelectorTerm[] } };
  readonly volumeAttributesClassName?: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly local?: { readonly path: string; readonly fsType?: string };
  readonly nfs?: { readonly server: string; readonly path: string; readonly readOnly?: boolean };
  readonly csi?: CsiPersistentVolumeSource;
}

/** What has become of a persistent volume. */
export interface PersistentVolumeStatus {
  readonly phase?: "Pending" | "Available" | "Bound" | "Released" | "Failed";
  readonly message?: string;
  readonly reason?: string;
  readonly lastPhaseTransitionTime?: string;
}

/** Storage of the cluster. @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/ */
export interface PersistentVolume extends KubeObject {
  readonly spec: PersistentVolumeSpec;
  readonly status?: PersistentVolumeStatus;
}

/** Class of a volume or claim in the form from before 1.6. */
export const betaStorageClass: string = "volume.beta.kubernetes.io/storage-class";

/** The kind PersistentVolume. */
export const persistentVolume: Kind<PersistentVolume> = defineKind<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  namespaced: false,
  shortNames: ["pv"],
  schema: "io.k8s.api.core.v1.PersistentVolume",
  generation: "none",
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => ({ ...object, spec: defaultSpec(object.spec ?? {}) }),
    prepareForCreate: (object) => ({ ...object, status: { phase: "Pending" } }),
    validate: validatePersistentVolume,
    validateUpdate: validatePersistentVolumeUpdate,
  },
  columns: [
    nameColumn,
    {
      name: "Capacity",
      type: "string",
      description: "How much it holds.",
      cell: ({ spec }) => String(spec.capacity?.["storage"] ?? "0"),
    },
    {
      name: "Access Modes",
      type: "string",
      description: "Who may mount it how.",
      cell: ({ spec }) => accessModesText(spec.accessModes),
    },
    {
      name: "Reclaim Policy",
      type: "string",
      description: "What becomes of it when its claim goes.",
      cell: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? "",
    },
    {
      name: "Status",
      type: "string",
      description: "Whether it is bound.",
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? "Terminating" : (status?.phase ?? "")),
    },
    {
      name: "Claim",
      type: "string",
      description: "The claim that it is bound to.",
      cell: ({ spec }) => (spec.claimRef ? `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}` : ""),
    },
    ...storageClassColumns<PersistentVolume>("Its class."),
    { name: "Reason", type: "string", description: "Why it is so.", cell: ({ status }) => status?.reason ?? "" },
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

function defaultSpec(spec: PersistentVolumeSpec): PersistentVolumeSpec {
  return withMembers(spec, {
    ...foreignDefaults(spec),
    capacity: spec.capacity && canonicalResources(spec.capacity),
    persistentVolumeReclaimPolicy: spec.persistentVolumeReclaimPolicy || "Retain",
    volumeMode: spec.volumeMode ?? "Filesystem",
    hostPath: spec.hostPath && { ...spec.hostPath, type: spec.hostPath.type ?? "" },
  });
}

type Stored = KubeObject & {
  readonly spec: { readonly storageClassName?: string; readonly volumeAttributesClassName?: string };
};

/** The classes that volumes and claims are of. */
export function storageClassColumns<T extends Stored>(description: string): readonly Column<T>[] {
  return [
    {
      name: "StorageClass",
      type: "string",
      description,
      cell: ({ metadata, spec }) => metadata.annotations?.[betaStorageClass] ?? spec.storageClassName ?? "",
    },
    {
      name: "VolumeAttributesClass",
      type: "string",
      description: "The class of its attributes.",
      cell: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>",
    },
  ];
}
