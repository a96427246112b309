import { type FieldError, fieldError } from "../api/status.ts";
import type { Container, Volume, VolumeMount } from "./pod.ts";
import { backstepError, checkAll, checkOneOf, descendingPathErrors, type FieldErrors } from "./validators.ts";

/** What is wrong with where a container mounts volumes. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateVolumeMounts */
export function checkVolumeMounts(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  field: string,
): FieldErrors {
  const devices = container.volumeDevices ?? [];
  const paths = new Set<string>();
  return (container.volumeMounts ?? []).flatMap((mount, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(fieldError.required(`${at}.name`));
    if (!volumes.has(mount.name)) errors.push(fieldError.notFound(`${at}.name`, mount.name ?? ""));
    if (!mount.mountPath) errors.push(fieldError.required(`${at}.mountPath`));
    // As the field's documentation says; a runtime might take what follows for a place or an option.
    if (mount.mountPath?.includes(":"))
      errors.push(fieldError.invalid(`${at}.mountPath`, mount.mountPath, "must not contain ':'"));
    if (paths.has(mount.mountPath))
      errors.push(fieldError.invalid(`${at}.mountPath`, mount.mountPath, "must be unique"));
    paths.add(mount.mountPath);
    if (devices.some(({ name }) => name === mount.name))
      errors.push(fieldError.invalid(`${at}.name`, mount.name, "must not already exist in volumeDevices"));
    if (devices.some(({ devicePath }) => devicePath === mount.mountPath)) {
      const detail = "must not already exist as a path in volumeDevices";
      errors.push(fieldError.invalid(`${at}.mountPath`, mount.mountPath, detail));
    }
    return [
      ...errors,
      ...checkSubPaths(mount, { field, at }),
      ...checkPropagation(mount, container, `${field}.mountPropagation`),
      ...checkRecursion(mount, `${field}.recursiveReadOnly`),
    ];
  });
}

/** Kubernetes names these fields, and those below, without the place of the mount in the list. */
function checkSubPaths(
  { subPath, subPathExpr }: VolumeMount,
  { field, at }: { readonly field: string; readonly at: string },
): FieldErrors {
  const errors: FieldError[] = subPath ? [...checkAll(`${field}.subPath`, subPath, descendingPathErrors(subPath))] : [];
  if (!subPathExpr) return errors;
  if (subPath) {
    const detail = "subPathExpr and subPath are mutually exclusive";
    errors.push(fieldError.invalid(`${at}.subPathExpr`, subPathExpr, detail));
  }
  return [...errors, ...checkAll(`${field}.subPathExpr`, subPathExpr, descendingPathErrors(subPathExpr))];
}

function checkPropagation({ mountPropagation }: VolumeMount, container: Container, field: string): FieldErrors {
  const errors: FieldError[] = [...checkOneOf(field, mountPropagation, ["Bidirectional", "HostToContainer", "None"])];
  if (mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true) {
    const detail = "Bidirectional mount propagation is available only to privileged containers";
    errors.push(fieldError.forbidden(field, detail));
  }
  return errors;
}

function checkRecursion({ recursiveReadOnly, readOnly, mountPropagation }: VolumeMount, field: string): FieldErrors {
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return [];
  if (recursiveReadOnly !== "Enabled" && recursiveReadOnly !== "IfPossible")
    return [fieldError.notSupported(field, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"])];
  const errors: FieldError[] = [];
  if (readOnly !== true) errors.push(fieldError.forbidden(field, "may only be specified when readOnly is true"));
  if (mountPropagation !== undefined && mountPropagation !== "None") {
    const detail = "may only be specified when mountPropagation is None or not specified";
    errors.push(fieldError.forbidden(field, detail));
  }
  return errors;
}

/** What is wrong with the volumes that a container uses as devices. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateVolumeDevices */
export function checkVolumeDevices(
  { volumeDevices = [], volumeMounts = [] }: Container,
  volumes: ReadonlyMap<string, Volume>,
  field: string,
): FieldErrors {
  const names = new Set<string>();
  const paths = new Set<string>();
  return volumeDevices.flatMap(({ name = "", devicePath = "" }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = name ? [] : [fieldError.required(`${at}.name`)];
    if (names.has(name)) errors.push(fieldError.invalid(`${at}.name`, name, "must be unique"));
    const volume = volumes.get(name);
    if (!volume) errors.push(fieldError.notFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
      errors.push(fieldError.invalid(`${at}.name`, name, detail));
    }
    if (!devicePath) errors.push(fieldError.required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(fieldError.invalid(`${at}.devicePath`, devicePath, "must be unique"));
    if (devicePath && backstepError(devicePath) !== undefined)
      errors.push(fieldError.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (volumeMounts.some((mount) => mount.name === name))
      errors.push(fieldError.invalid(`${at}.name`, name, "must not already exist in volumeMounts"));
    if (volumeMounts.some(({ mountPath }) => mountPath === devicePath)) {
      const detail = "must not already exist as a path in volumeMounts";
      errors.push(fieldError.invalid(`${at}.devicePath`, devicePath, detail));
    }
    if (name) names.add(name);
    return errors;
  });
}
