import { qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { ObjectFieldSelector, ResourceFieldSelector } from "./pod.ts";
import { checkAll, checkRequired, type FieldErrors } from "./validators.ts";

const knownFields = new Set([
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.phase",
  "status.podIP",
  "status.podIPs",
]);

const resources = ["cpu", "ephemeral-storage", "memory"];
const resourcePaths = ["limits", "requests"].flatMap((side) => resources.map((name) => `${side}.${name}`));

/** Splits `metadata.labels['app']` into its path and its key. */
export function splitFieldPath(path: string): { readonly path: string; readonly key?: string } {
  const match = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(path);
  return match ? { path: match[1] ?? "", key: match[2] ?? "" } : { path };
}

/** A reference to a field of the pod: one of `supported`, or one label or annotation. */
export function checkFieldRef(
  reference: ObjectFieldSelector,
  field: string,
  supported: readonly string[],
): FieldErrors {
  const errors: FieldError[] = [...checkRequired(`${field}.apiVersion`, reference.apiVersion)];
  if (!reference.fieldPath) return [...errors, fieldError.required(`${field}.fieldPath`)];
  const { path, key } = splitFieldPath(reference.fieldPath);
  if (key !== undefined) {
    const name = path === "metadata.annotations" ? key.toLowerCase() : key;
    return [...errors, ...checkAll(field, key, qualifiedNameErrors(name))];
  }
  if (!knownFields.has(path)) {
    const detail = `error converting fieldPath: field label not supported: ${path}`;
    return [...errors, fieldError.invalid(`${field}.fieldPath`, reference.fieldPath, detail)];
  }
  if (!supported.includes(path)) errors.push(fieldError.notSupported(`${field}.fieldPath`, path, supported));
  return errors;
}

/** A reference to a container's requests or limits. */
export function checkResourceFieldRef(
  reference: ResourceFieldSelector,
  field: string,
  { ofVolume }: { readonly ofVolume: boolean },
): FieldErrors {
  const errors: FieldError[] = [];
  if (ofVolume && !reference.containerName) errors.push(fieldError.required(`${field}.containerName`));
  if (!reference.resource) errors.push(fieldError.required(`${field}.resource`));
  else if (!resourcePaths.includes(reference.resource) && !/^(limits|requests)\.hugepages-/.test(reference.resource))
    errors.push(fieldError.notSupported(`${field}.resource`, reference.resource, resourcePaths));
  return errors;
}
