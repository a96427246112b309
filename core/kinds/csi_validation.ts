import { dnsSubdomainError } from "../api/kind.ts";
import { fieldError } from "../api/status.ts";
import { check, type FieldErrors } from "./validators.ts";

const maxDriverName = 63;

/** What is wrong with the name of a storage driver. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateCSIDriverName */
export function checkDriverName(name = "", field: string): FieldErrors {
  return [
    ...(name ? [] : [fieldError.required(field)]),
    ...(name.length > maxDriverName ? [fieldError.tooLong(field, maxDriverName)] : []),
    ...check(field, name, dnsSubdomainError(name.toLowerCase())),
  ];
}
