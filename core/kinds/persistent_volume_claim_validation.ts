import { dnsSubdomainError } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import { compareQuantities, formatQuantity, parseQuantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { betaStorageClass } from "./persistent_volume.ts";
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  TypedObjectReference,
} from "./persistent_volume_claim.ts";
import { checkAccessModes, checkPositiveAmount, volumeModes } from "./persistent_volume_validation.ts";
import { canonicalResources } from "./pod_resources.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkImmutable, checkOneOf, checkOptional, checkRequired, type FieldErrors } from "./validators.ts";
import { withMembers } from "./with_members.ts";

/** Fills what Kubernetes documents for claims. */
export function defaultClaim(object: PersistentVolumeClaim): PersistentVolumeClaim {
  return { ...object, spec: defaultClaimSpec(object.spec) };
}

/** Fills what a claim asks for: of a claim, or of a template of one. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec = {}): PersistentVolumeClaimSpec {
  const { dataSource, dataSourceRef, resources } = spec;
  const fromRef = dataSourceRef && isOldSource(dataSourceRef) ? dataSourceRef : undefined;
  return withMembers(spec, {
    volumeMode: spec.volumeMode ?? "Filesystem",
    dataSource: dataSource ?? fromRef,
    dataSourceRef: dataSourceRef ?? dataSource,
    resources:
      resources &&
      withMembers(resources, {
        limits: resources.limits && canonicalResources(resources.limits),
        requests: resources.requests && canonicalResources(resources.requests),
      }),
  });
}

/** Whether the older field may name it too. */
function isOldSource({ apiGroup = "", kind, namespace }: TypedObjectReference): boolean {
  if (namespace !== undefined) return false;
  if (apiGroup === "") return kind === "PersistentVolumeClaim";
  return apiGroup === "snapshot.storage.k8s.io" && kind === "VolumeSnapshot";
}

/** What is wrong with a claim. */
export function validateClaim({ spec }: PersistentVolumeClaim): FieldErrors {
  return checkClaimSpec(spec, "spec");
}

/** What is wrong with what a claim asks for. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePersistentVolumeClaimSpec */
export function checkClaimSpec(spec: PersistentVolumeClaimSpec, field: string): FieldErrors {
  const { accessModes = [], dataSource, dataSourceRef } = spec;
  const requested = spec.resources?.requests?.["storage"];
  const at = `${field}.resources[storage]`;
  return [
    ...(accessModes.length === 0
      ? [fieldError.required(`${field}.accessModes`, "at least 1 access mode is required")]
      : []),
    ...validateLabelSelector(spec.selector, `${field}.selector`),
    ...checkAccessModes(accessModes, `${field}.accessModes`),
    ...(requested === undefined ? [fieldError.required(at)] : checkPositiveAmount(at, requested)),
    ...checkOptional(`${field}.storageClassName`, spec.storageClassName, dnsSubdomainError),
    ...checkOneOf(`${field}.volumeMode`, spec.volumeMode, volumeModes),
    ...(dataSource ? checkSource(dataSource, `${field}.dataSource`) : []),
    ...(dataSourceRef ? checkSource(dataSourceRef, `${field}.dataSourceRef`) : []),
    ...checkSourcesMatch(spec, field),
    ...checkOptional(`${field}.volumeAttributesClassName`, spec.volumeAttributesClassName, dnsSubdomainError),
  ];
}

function checkSource({ name, kind, apiGroup = "" }: TypedObjectReference, field: string): FieldErrors {
  const errors: FieldError[] = [...checkRequired(`${field}.name`, name), ...checkRequired(`${field}.kind`, kind)];
  if (apiGroup === "" && kind !== "PersistentVolumeClaim") {
    const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(fieldError.invalid(field, kind ?? "", detail));
  }
  return [...errors, ...checkOptional(`${field}.apiGroup`, apiGroup, dnsSubdomainError)];
}

function checkSourcesMatch({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, field: string): FieldErrors {
  if (!dataSource || !dataSourceRef) return [];
  if (dataSourceRef.namespace) {
    const detail = "may not be specified when dataSourceRef.namespace is specified";
    return [fieldError.invalid(field, `${field}.dataSource`, detail)];
  }
  return semanticEqual(dataSource, dataSourceRef)
    ? []
    : [fieldError.invalid(field, `${field}.dataSource`, "must match dataSourceRef")];
}

/**
 * What may not change in a claim: all but its volume's name, once, and how much a bound one asks for.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePersistentVolumeClaimUpdate
 */
export function validateClaimUpdate(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): FieldErrors {
  const [spec, old] = [next.spec, previous.spec];
  const [annotation, oldAnnotation] = [next, previous].map((claim) => claim.metadata.annotations?.[betaStorageClass]);
  const mayNameClass = old.storageClassName === undefined && spec.storageClassName !== undefined;
  const isUpgrade = mayNameClass && (oldAnnotation === undefined || oldAnnotation === spec.storageClassName);
  const errors: FieldError[] = [];
  if (!(isUpgrade && oldAnnotation !== undefined && annotation === undefined) && annotation !== oldAnnotation)
    errors.push(fieldError.invalid(`metadata.annotations.${betaStorageClass}`, annotation ?? "", "field is immutable"));
  const isBound = previous.status?.phase === "Bound";
  if (!semanticEqual(fixedPart(spec, old, { isBound, isUpgrade }), fixedPart(old, old, { isBound, isUpgrade }))) {
    const detail =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(fieldError.forbidden("spec", detail));
  }
  errors.push(...checkSize(next, previous), ...checkImmutable("volumeMode", spec.volumeMode, old.volumeMode));
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    const detail = "update from non-nil value to nil is forbidden";
    errors.push(fieldError.forbidden("spec.volumeAttributesClassName", detail));
  }
  return errors;
}

interface Freedom {
  readonly isBound: boolean;
  readonly isUpgrade: boolean;
}

function fixedPart(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec, free: Freedom): unknown {
  const { volumeName, storageClassName, volumeAttributesClassName, resources, ...rest } = spec;
  const { storage, ...requests } = resources?.requests ?? {};
  return {
    ...rest,
    volumeName: old.volumeName ? volumeName : undefined,
    storageClassName: free.isUpgrade ? undefined : storageClassName,
    volumeAttributesClassName: free.isBound ? undefined : volumeAttributesClassName,
    resources: { ...resources, requests: free.isBound ? requests : { ...requests, storage } },
  };
}

/** A claim can grow; it can shrink to more than what it has, where it grew in vain. */
function checkSize(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): FieldErrors {
  const [size, oldSize] = [next, previous].map(({ spec }) => spec.resources?.requests?.["storage"]);
  if (size === undefined || oldSize === undefined || quantityError(size) !== undefined) return [];
  const wanted = parseQuantity(size);
  if (compareQuantities(wanted, parseQuantity(oldSize)) >= 0) return [];
  const capacity = parseQuantity(previous.status?.capacity?.["storage"] ?? "0");
  if (compareQuantities(wanted, capacity) > 0) return [];
  return [fieldError.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")];
}

/** What is wrong with the status of a claim. */
export function validateClaimStatus({ status = {} }: PersistentVolumeClaim): FieldErrors {
  return Object.entries(status.capacity ?? {}).flatMap(([name, amount]) => {
    const field = `status.capacity[${name}]`;
    const reason = quantityError(amount);
    if (reason !== undefined) return [fieldError.invalid(field, amount, reason)];
    const quantity = parseQuantity(amount);
    return quantity.nano < 0n
      ? [fieldError.invalid(field, formatQuantity(quantity), "must be a valid resource quantity")]
      : [];
  });
}
