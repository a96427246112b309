import { defineKind, dnsSubdomainError, type Kind } from "../api/kind.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkDriverName } from "./csi_validation.ts";
import type { PersistentVolumeSpec } from "./persistent_volume.ts";
import { checkInlineVolumeSpec } from "./persistent_volume_validation.ts";
import { check, checkImmutable, type FieldErrors } from "./validators.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** What went wrong with attaching or detaching. */
export interface VolumeError {
  readonly time?: string;
  readonly message?: string;
  readonly errorCode?: number;
}

/** A volume that is to be attached to a node. */
export interface VolumeAttachment extends KubeObject {
  readonly spec: {
    readonly attacher: string;
    readonly nodeName: string;
    readonly source: { readonly persistentVolumeName?: string; readonly inlineVolumeSpec?: PersistentVolumeSpec };
  };
  readonly status?: {
    readonly attached: boolean;
    readonly attachmentMetadata?: StringMap;
    readonly attachError?: VolumeError;
    readonly detachError?: VolumeError;
  };
}

const maxMetadata = 256 * 1024;
const maxMessage = 1024;
const exactlyOne = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";

/** The kind VolumeAttachment. */
export const volumeAttachment: Kind<VolumeAttachment> = defineKind<VolumeAttachment>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.VolumeAttachment",
  subresources: { status: true },
  generation: "none",
  conditionalUpdate: true,
  statusKeepsMetadata: true,
  strategy: {
    prepareForCreate: withoutStatus,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: ({ spec }) => checkSpec(spec ?? {}),
    validateUpdate: (next, previous) => checkImmutable("spec", next.spec, previous.spec),
    validateStatusUpdate: ({ status }) => [
      ...checkMetadata(status?.attachmentMetadata ?? {}, "status.attachmentMetadata"),
      ...checkError(status?.attachError, "status.attachError"),
      ...checkError(status?.detachError, "status.detachError"),
    ],
  },
  columns: [
    nameColumn,
    { name: "Attacher", type: "string", description: "The driver that attaches.", cell: ({ spec }) => spec.attacher },
    {
      name: "PV",
      type: "string",
      description: "The volume.",
      cell: ({ spec }) => spec.source.persistentVolumeName ?? "",
    },
    { name: "Node", type: "string", description: "The node.", cell: ({ spec }) => spec.nodeName },
    {
      name: "Attached",
      type: "boolean",
      description: "Whether it is attached.",
      cell: ({ status }) => status?.attached ?? false,
    },
    ageColumn,
  ],
});

function checkSpec({ attacher, nodeName = "", source = {} }: Partial<VolumeAttachment["spec"]>): FieldErrors {
  return [
    ...checkDriverName(attacher, "spec.attacher"),
    ...checkSource(source, "spec.source"),
    ...check("spec.nodeName", nodeName, dnsSubdomainError(nodeName)),
  ];
}

function checkSource(
  { inlineVolumeSpec, persistentVolumeName }: VolumeAttachment["spec"]["source"],
  field: string,
): FieldErrors {
  if (inlineVolumeSpec && persistentVolumeName !== undefined) return [fieldError.forbidden(field, exactlyOne)];
  if (inlineVolumeSpec) return checkInlineVolumeSpec(inlineVolumeSpec, `${field}.inlineVolumeSpec`);
  if (persistentVolumeName === undefined) return [fieldError.required(field, exactlyOne)];
  const at = `${field}.persistentVolumeName`;
  const reason = dnsSubdomainError(persistentVolumeName);
  return [
    ...(persistentVolumeName ? [] : [fieldError.required(at, "must specify non empty persistentVolumeName")]),
    ...check(at, persistentVolumeName, reason),
  ];
}

function checkMetadata(metadata: StringMap, field: string): FieldErrors {
  const size = Object.entries(metadata).reduce((total, [key, value]) => total + key.length + value.length, 0);
  return size > maxMetadata ? [fieldError.tooLong(field, maxMetadata)] : [];
}

function checkError(error: VolumeError | undefined, field: string): FieldErrors {
  return (error?.message?.length ?? 0) > maxMessage ? [fieldError.tooLong(`${field}.message`, maxMessage)] : [];
}
