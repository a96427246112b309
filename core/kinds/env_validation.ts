import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkFieldRef, checkResourceFieldRef } from "./field_ref_validation.ts";
import type { EnvFromSource, EnvVar, FileKeySelector, Volume } from "./pod.ts";
import {
  backstepError,
  check,
  checkOptional,
  checkRequired,
  dataKeyError,
  envNameError,
  type FieldErrors,
} from "./validators.ts";

/** Fields that environment variables may show. */
const envFieldPaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

/** What is wrong with a container's environment. */
export function checkEnv(
  variables: readonly EnvVar[],
  volumes: ReadonlyMap<string, Volume>,
  field: string,
): FieldErrors {
  return variables.flatMap((variable, index) => [
    ...checkRequired(`${field}[${index}].name`, variable.name, envNameError),
    ...checkValueFrom(variable, volumes, `${field}[${index}].valueFrom`),
  ]);
}

function checkValueFrom(
  { value, valueFrom }: EnvVar,
  volumes: ReadonlyMap<string, Volume>,
  field: string,
): FieldErrors {
  if (!valueFrom) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const errors: FieldError[] = [];
  if (fieldRef) errors.push(...checkFieldRef(fieldRef, `${field}.fieldRef`, envFieldPaths));
  if (resourceFieldRef) {
    errors.push(...checkResourceFieldRef(resourceFieldRef, `${field}.resourceFieldRef`, { ofVolume: false }));
  }
  if (configMapKeyRef) {
    errors.push(...checkName(`${field}.configMapKeyRef.name`, configMapKeyRef.name));
    errors.push(...checkRequired(`${field}.configMapKeyRef.key`, configMapKeyRef.key, dataKeyError));
  }
  if (secretKeyRef) {
    errors.push(...checkName(`${field}.secretKeyRef.name`, secretKeyRef.name));
    errors.push(...checkRequired(`${field}.secretKeyRef.key`, secretKeyRef.key, dataKeyError));
  }
  if (fileKeyRef) errors.push(...checkFileKey(fileKeyRef, volumes, `${field}.fileKeyRef`));
  const sources = Object.keys(valueFrom).length;
  if (sources === 0) {
    const detail =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    errors.push(fieldError.invalid(field, "", detail));
  } else if (value) {
    errors.push(fieldError.invalid(field, "", "may not be specified when `value` is not empty"));
  } else if (sources > 1) {
    errors.push(fieldError.invalid(field, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

function checkName(field: string, name = ""): FieldErrors {
  return check(field, name, dnsSubdomainError(name));
}

/** @see k8s.io/kubernetes/pkg/apis/core/validation, validateFileKeySelector and validateFileKeyRefVolumes */
function checkFileKey(
  { key, volumeName, path }: FileKeySelector,
  volumes: ReadonlyMap<string, Volume>,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [
    ...checkRequired(`${field}.key`, key, envNameError),
    ...checkRequired(`${field}.volumeName`, volumeName, dnsLabelError),
    ...checkRequired(`${field}.path`, path, backstepError),
  ];
  const volume = volumes.get(volumeName);
  if (!volume) errors.push(fieldError.notFound(`${field}.volumeName`, volumeName ?? ""));
  else if (!volume.emptyDir)
    errors.push(fieldError.invalid(`${field}.volumeName`, volumeName, "referenced volume must be of type emptyDir"));
  return errors;
}

/** What is wrong with the objects that a container takes its environment from. */
export function checkEnvFrom(sources: readonly EnvFromSource[], field: string): FieldErrors {
  return sources.flatMap((source, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [...checkOptional(`${at}.prefix`, source.prefix, envNameError)];
    const { configMapRef, secretRef } = source;
    if (configMapRef) errors.push(...checkRequired(`${at}.configMapRef.name`, configMapRef.name, dnsSubdomainError));
    if (secretRef) errors.push(...checkRequired(`${at}.secretRef.name`, secretRef.name, dnsSubdomainError));
    // Kubernetes does not say which of the sources it means.
    if (!configMapRef && !secretRef) {
      errors.push(fieldError.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"));
    } else if (configMapRef && secretRef) {
      errors.push(fieldError.invalid(field, "", "may not have more than one field specified at a time"));
    }
    return errors;
  });
}
