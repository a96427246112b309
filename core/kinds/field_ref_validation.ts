import { qualifiedNameErrors } from "../api/label_validation.ts";
import { formatQuantity, parseQuantity, quantityError } from "../api/quantity.ts";
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
  if (errors.length > 0) return errors;
  if (!reference.fieldPath) return [fieldError.required(`${field}.fieldPath`)];
  if (reference.apiVersion !== "v1") {
    const detail = `error converting fieldPath: unsupported pod version: ${reference.apiVersion}`;
    return [fieldError.invalid(`${field}.fieldPath`, reference.fieldPath, detail)];
  }
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
  else if (!reference.resource) errors.push(fieldError.required(`${field}.resource`));
  else if (!resourcePaths.includes(reference.resource) && !/^(limits|requests)\.hugepages-/.test(reference.resource))
    errors.push(fieldError.notSupported(`${field}.resource`, reference.resource, resourcePaths));
  return [...errors, ...checkDivisor(reference, `${field}.divisor`)];
}

const byteDivisors = [
  "1",
  ...["k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((unit) => `1${unit}`),
];
const byteResources: readonly (readonly [prefix: string, name: string])[] = [
  ["memory", "memory"],
  ["ephemeral-storage", "local ephemeral storage"],
  ["hugepages-", "hugepages"],
];

/** What an amount may be divided by depends on what it is an amount of. */
function checkDivisor({ resource = "", divisor }: ResourceFieldSelector, field: string): FieldErrors {
  if (divisor === undefined || quantityError(divisor) !== undefined) return [];
  const unit = formatQuantity(parseQuantity(divisor));
  const name = /^(?:limits|requests)\.(.*)$/s.exec(resource)?.[1];
  if (unit === "0" || name === undefined) return [];
  if (name === "cpu") {
    const detail = "only divisor's values 1m and 1 are supported with the cpu resource";
    return ["1m", "1"].includes(unit) ? [] : [fieldError.invalid(field, resource, detail)];
  }
  const bytes = byteResources.find(([prefix]) => (prefix.endsWith("-") ? name.startsWith(prefix) : name === prefix));
  if (!bytes || byteDivisors.includes(unit)) return [];
  const detail = `only divisor's values ${byteDivisors.join(", ")} are supported with the ${bytes[1]} resource`;
  return [fieldError.invalid(field, resource, detail)];
}
