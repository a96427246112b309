import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import type { JsonObject } from "../api/meta.ts";
import { compareQuantities, formatQuantity, parseQuantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkNodeSelectorTerms } from "./affinity_validation.ts";
import { foreignDefaults } from "./foreign_volume_defaults.ts";
import type {
  AccessMode,
  CsiPersistentVolumeSource,
  PersistentVolume,
  PersistentVolumeSpec,
} from "./persistent_volume.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkImmutable, checkOneOf, checkOptional, checkRequired, type FieldErrors } from "./validators.ts";
import { checkDriverName, checkVolumeSource } from "./volume_source_validation.ts";

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const reclaimPolicies = ["Delete", "Recycle", "Retain"];

/** Files or a device. */
export const volumeModes: readonly string[] = ["Block", "Filesystem"];

/** Sources in the order in which Kubernetes looks for them: the first one counts. */
const sources = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "flocker",
  "nfs",
  "rbd",
  "quobyte",
  "cephfs",
  "iscsi",
  "cinder",
  "fc",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "scaleIO",
  "local",
  "storageos",
  "csi",
] as const;

/** What is wrong with a persistent volume. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePersistentVolumeSpec */
export function validatePersistentVolume({ metadata, spec }: PersistentVolume): FieldErrors {
  return [
    ...(spec.accessModes?.length ? [] : [fieldError.required("spec.accessModes")]),
    ...checkAccessModes(spec.accessModes ?? [], "spec.accessModes"),
    ...checkCapacity(spec),
    ...checkOneOf("spec.persistentVolumeReclaimPolicy", spec.persistentVolumeReclaimPolicy, reclaimPolicies),
    ...checkNodeAffinity(spec),
    ...checkSources(spec, metadata.name ?? ""),
    ...checkRecycledRoot(spec),
    ...checkOptional("spec.storageClassName", spec.storageClassName, dnsSubdomainError),
    ...checkOneOf("spec.volumeMode", spec.volumeMode, volumeModes),
    ...checkAttributesClass(spec),
  ];
}

/** What is wrong with a volume that stands in another object. A person who migrates one of the older types has such. */
export function checkInlineVolumeSpec({ nodeAffinity, ...spec }: PersistentVolumeSpec, field: string): FieldErrors {
  const context = "in the context of inline volumes";
  const refuse = (member: string, isThere: boolean, detail: string = "may not be specified") =>
    isThere ? [fieldError.forbidden(`spec.${member}`, `${detail} ${context}`)] : [];
  const { claimRef, capacity = {}, csi, accessModes: modes = [], persistentVolumeReclaimPolicy: policy } = spec;
  const errors = [
    ...refuse("claimRef", claimRef !== undefined),
    ...refuse("capacity", Object.keys(capacity).length > 0),
    ...(csi ? [] : [fieldError.required("spec.csi", `has to be specified ${context}`)]),
    ...(modes.length > 0 ? [] : [fieldError.required("spec.accessModes")]),
    ...checkAccessModes(modes, "spec.accessModes"),
    ...refuse("persistentVolumeReclaimPolicy", Boolean(policy) && policy !== "Retain", "may only be Retain"),
    ...refuse("nodeAffinity", nodeAffinity !== undefined),
    ...checkSources(spec, ""),
    ...checkRecycledRoot(spec),
    ...refuse("storageClassName", Boolean(spec.storageClassName)),
    ...refuse("volumeMode", spec.volumeMode === "Block", "may not specify volumeMode other than Filesystem"),
    ...checkAttributesClass(spec),
  ];
  return errors.map((error) => ({ ...error, field: error.field.replace(/^spec/, field) }));
}

function checkAttributesClass({ volumeAttributesClassName: name, csi }: PersistentVolumeSpec): FieldErrors {
  if (name === undefined) return [];
  const field = "spec.volumeAttributesClassName";
  return [
    ...(name === ""
      ? [fieldError.required(field, "an empty string is disallowed")]
      : checkOptional(field, name, dnsSubdomainError)),
    ...(csi ? [] : [fieldError.required("spec.csi", "has to be specified when using volumeAttributesClassName")]),
  ];
}

/** What may not change in a persistent volume: where its data is. */
export function validatePersistentVolumeUpdate(next: PersistentVolume, previous: PersistentVolume): FieldErrors {
  const [spec, old] = [next.spec, previous.spec];
  const errors: FieldError[] = [];
  if (!semanticEqual(sourceOf(spec, old), sourceOf(old, old))) {
    const detail = "spec.persistentvolumesource is immutable after creation";
    errors.push(fieldError.forbidden("spec.persistentvolumesource", detail));
  }
  return [
    ...errors,
    ...checkImmutable("volumeMode", spec.volumeMode, old.volumeMode),
    ...(old.nodeAffinity ? checkImmutable("nodeAffinity", spec.nodeAffinity, old.nodeAffinity) : []),
    ...(old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined
      ? [fieldError.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")]
      : []),
  ];
}

/** What is wrong with access modes that are there. */
export function checkAccessModes(modes: readonly AccessMode[], field: string): FieldErrors {
  const errors: FieldError[] = modes
    .filter((mode) => !accessModes.includes(mode))
    .map((mode) => fieldError.notSupported(field, mode, accessModes));
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod"))
    errors.push(fieldError.forbidden(field, "may not use ReadWriteOncePod with other access modes"));
  return errors;
}

/** An amount of storage must be more than nothing. */
export function checkPositiveAmount(field: string, amount: string | number): FieldErrors {
  const reason = quantityError(amount);
  if (reason !== undefined) return [fieldError.invalid(field, amount, reason)];
  const quantity = parseQuantity(amount);
  return compareQuantities(quantity, parseQuantity("0")) <= 0
    ? [fieldError.invalid(field, formatQuantity(quantity), "must be greater than zero")]
    : [];
}

function checkCapacity({ capacity = {} }: PersistentVolumeSpec): FieldErrors {
  const field = "spec.capacity";
  const names = Object.keys(capacity);
  const errors: FieldError[] = names.length === 0 ? [fieldError.required(field)] : [];
  if (!Object.hasOwn(capacity, "storage") || names.length > 1)
    errors.push(fieldError.notSupported(field, capacity, ["storage"]));
  return [
    ...errors,
    ...Object.entries(capacity).flatMap(([name, amount]) => {
      const isNegative = quantityError(amount) === undefined && parseQuantity(amount).nano < 0n;
      const detail = "must be a valid resource quantity";
      return [
        ...(isNegative ? [fieldError.invalid(`${field}[${name}]`, amount, detail)] : []),
        ...checkPositiveAmount(`${field}[${name}]`, amount),
      ];
    }),
  ];
}

function checkNodeAffinity({ nodeAffinity }: PersistentVolumeSpec): FieldErrors {
  if (!nodeAffinity) return [];
  const field = "spec.nodeAffinity.required";
  if (!nodeAffinity.required) return [fieldError.required(field, "must specify required node constraints")];
  const { nodeSelectorTerms = [] } = nodeAffinity.required;
  return checkNodeSelectorTerms(nodeSelectorTerms, `${field}.nodeSelectorTerms`);
}

function checkSources(spec: PersistentVolumeSpec, name: string): FieldErrors {
  const [first, ...others] = sources.filter((type) => spec[type] !== undefined);
  if (first === undefined) return [fieldError.required("spec", "must specify a volume type")];
  return [
    ...(first === "csi" && spec.csi
      ? checkCsi(spec.csi)
      : checkVolumeSource(first, spec[first] as JsonObject, fieldOf(first), { persistentVolume: name })),
    ...(first === "local" && !spec.nodeAffinity
      ? [fieldError.required("spec.nodeAffinity", "Local volume requires node affinity")]
      : []),
    ...others.flatMap((type) =>
      // Kubernetes does not mind one of this type beside another.
      type === "flexVolume"
        ? checkVolumeSource(type, spec[type] as JsonObject, fieldOf(type))
        : [
            fieldError.forbidden(
              `spec.${type === "cephfs" ? "cephFS" : type}`,
              "may not specify more than 1 volume type",
            ),
          ],
    ),
  ];
}

/** Kubernetes names one source by another name than its field has. */
function fieldOf(type: (typeof sources)[number]): string {
  return type === "gcePersistentDisk" ? "spec.persistentDisk" : `spec.${type}`;
}

function checkCsi(csi: CsiPersistentVolumeSource): FieldErrors {
  const secrets = [
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
  ] as const;
  return [
    ...checkDriverName("spec.csi.driver", csi.driver ?? ""),
    ...checkRequired("spec.csi.volumeHandle", csi.volumeHandle),
    ...secrets.flatMap((member) => {
      const secret = csi[member];
      if (!secret) return [];
      const at = `spec.csi.${member}`;
      return [
        ...checkRequired(`${at}.name`, secret.name, dnsSubdomainError),
        ...checkRequired(`${at}.namespace`, secret.namespace, dnsLabelError),
      ];
    }),
  ];
}

function checkRecycledRoot({ hostPath, persistentVolumeReclaimPolicy }: PersistentVolumeSpec): FieldErrors {
  if (!hostPath || persistentVolumeReclaimPolicy !== "Recycle" || !/^\/[/.]*$/.test(hostPath.path ?? "")) return [];
  const detail = "may not be 'recycle' for a hostPath mount of '/'";
  return [fieldError.forbidden("spec.persistentVolumeReclaimPolicy", detail)];
}

/** The source of a volume, with its defaults (older ones were stored without); secrets that `old` did not name yet may still be given. */
function sourceOf(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): unknown {
  const { csi } = spec;
  const { controllerExpandSecretRef, nodeExpandSecretRef, ...rest } = csi ?? {};
  const kept = {
    ...rest,
    ...(old.csi?.controllerExpandSecretRef ? { controllerExpandSecretRef } : {}),
    ...(old.csi?.nodeExpandSecretRef ? { nodeExpandSecretRef } : {}),
  };
  const complete = { ...spec, ...foreignDefaults(spec) };
  return sources.map((type) => (type === "csi" ? csi && kept : complete[type]));
}
