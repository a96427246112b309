/** Names that claims and slices of devices speak of. @see k8s.io/kubernetes/pkg/apis/resource/validation */
import { dnsSubdomainError } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { check, checkAll, type FieldErrors } from "./validators.ts";

const maxDriver = 63;
const maxPool = 253;
const maxId = 32;
const idRule =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
const uidRule =
  "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters";

/** What is wrong with the name of a driver. */
export function checkDriver(driver: string | undefined, field: string): FieldErrors {
  if (!driver) return [fieldError.required(field)];
  const tooLong = driver.length > maxDriver ? [fieldError.tooLong(field, maxDriver)] : [];
  return [...tooLong, ...check(field, driver, dnsSubdomainError(driver.toLowerCase()))];
}

/** What is wrong with the name of a pool: subdomains, separated by slashes. */
export function checkPoolName(name: string | undefined, field: string): FieldErrors {
  if (!name) return [fieldError.required(field)];
  const tooLong = name.length > maxPool ? [fieldError.tooLong(field, maxPool)] : [];
  return [...tooLong, ...name.split("/").flatMap((part) => check(field, part, dnsSubdomainError(part)))];
}

/** What is wrong with the name of an attribute or capacity: `name`, of the driver's domain, or `domain/name`. */
export function checkQualifiedName(name: string, field: string): FieldErrors {
  const [first = "", second, ...rest] = name.split("/");
  if (second === undefined) return checkIdentifier(first, field);
  if (rest.length > 0) return [fieldError.invalid(field, name, "must not contain more than one slash")];
  return [
    ...(first ? checkDriver(first, field) : [fieldError.invalid(field, "", "the domain must not be empty")]),
    ...(second ? checkIdentifier(second, field) : [fieldError.invalid(field, "", "the name must not be empty")]),
  ];
}

/** Like {@linkcode checkQualifiedName}, but the domain must be there. */
export function checkFullyQualifiedName(name: string, field: string): FieldErrors {
  const errors = checkQualifiedName(name, field);
  if (name.includes("/")) return errors;
  return [
    ...errors,
    fieldError.invalid(field, name, "a fully qualified name must be a domain and a name separated by a slash"),
  ];
}

function checkIdentifier(name: string, field: string): FieldErrors {
  const errors: FieldError[] = name.length > maxId ? [fieldError.tooLong(field, maxId)] : [];
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? errors : [...errors, fieldError.invalid(field, name, idRule)];
}

/** What is wrong with the number of a share of a device. */
export function checkShareId(uid: string | undefined, field: string): FieldErrors {
  if (uid === undefined || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) return [];
  const isUid = /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(uid);
  const reason = `error validating uid: invalid UUID ${uid.length === 36 ? "format" : `length: ${uid.length}`}`;
  return [fieldError.invalid(field, uid, isUid ? uidRule : reason)];
}

/** What is wrong with the key of a taint or the type of a condition. */
export function checkLabelName(name: string, field: string): FieldErrors {
  return checkAll(field, name, qualifiedNameErrors(name));
}
