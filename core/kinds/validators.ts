/** Checks of single values that several kinds share. Each returns the errors it found, with Kubernetes' wording. */
import { dnsSubdomainError } from "../api/kind.ts";
import { formatQuantity, parseQuantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { semanticEqual } from "./semantic_equal.ts";

export { dns1035LabelError } from "../api/kind.ts";

/** What {@linkcode check} and its like return. */
export type FieldErrors = readonly FieldError[];

/** An Invalid error when `reason` is there: for functions that return why a value is wrong. */
export function check(field: string, value: unknown, reason: string | undefined): FieldErrors {
  return reason === undefined ? [] : [fieldError.invalid(field, value, reason)];
}

/** An Invalid error for each reason: for functions that return all that is wrong with a value. */
export function checkAll(field: string, value: unknown, reasons: readonly string[]): FieldErrors {
  return reasons.map((reason) => fieldError.invalid(field, value, reason));
}

/** Required when empty, else whatever `reasonOf` says. */
export function checkRequired(
  field: string,
  value: string | undefined,
  reasonOf: (value: string) => string | undefined = () => undefined,
): FieldErrors {
  return value ? check(field, value, reasonOf(value)) : [fieldError.required(field)];
}

/** Like {@linkcode checkRequired}, but absent and `""` are fine. */
export function checkOptional(
  field: string,
  value: string | undefined,
  reasonOf: (value: string) => string | undefined,
): FieldErrors {
  return value ? check(field, value, reasonOf(value)) : [];
}

/** The value must be one of `supported`; absent is fine. */
export function checkOneOf(field: string, value: string | undefined, supported: readonly string[]): FieldErrors {
  return value === undefined || supported.includes(value) ? [] : [fieldError.notSupported(field, value, supported)];
}

/** The value must be there and one of `supported`. */
export function checkRequiredOneOf(
  field: string,
  value: string | undefined,
  supported: readonly string[],
): FieldErrors {
  return value ? checkOneOf(field, value, supported) : [fieldError.required(field)];
}

/** Absent or at least 0. */
export function checkNonNegative(field: string, value: number | undefined): FieldErrors {
  return value !== undefined && value < 0
    ? [fieldError.invalid(field, value, "must be greater than or equal to 0")]
    : [];
}

/** Absent, or an amount of at least 0. */
export function checkNonNegativeQuantity(field: string, amount: string | number | undefined): FieldErrors {
  if (amount === undefined) return [];
  const reason = quantityError(amount);
  if (reason !== undefined) return [fieldError.invalid(field, amount, reason)];
  const parsed = parseQuantity(amount);
  return parsed.nano < 0n
    ? [fieldError.invalid(field, formatQuantity(parsed), "must be greater than or equal to 0")]
    : [];
}

/** Absent or at least 1. */
export function checkPositive(field: string, value: number | undefined): FieldErrors {
  return value !== undefined && value <= 0 ? [fieldError.invalid(field, value, "must be greater than 0")] : [];
}

/** Absent or from `min` to `max`. */
export function checkRange(field: string, value: number | undefined, min: number, max: number): FieldErrors {
  return value !== undefined && (value < min || value > max)
    ? [fieldError.invalid(field, value, `must be between ${min} and ${max}, inclusive`)]
    : [];
}

/** The value must be what it was. */
export function checkImmutable(field: string, next: unknown, previous: unknown): FieldErrors {
  return semanticEqual(next, previous) ? [] : [fieldError.invalid(field, next ?? null, "field is immutable")];
}

/** Names that occur twice, each under the path that `fieldOf` gives for its position. */
export function checkUnique(values: readonly (string | undefined)[], fieldOf: (index: number) => string): FieldErrors {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  values.forEach((value, index) => {
    if (!value) return;
    if (seen.has(value)) errors.push(fieldError.duplicate(fieldOf(index), value));
    seen.add(value);
  });
  return errors;
}

/** Why `port` is no port number. */
export function portNumberError(port: number): string | undefined {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? undefined : "must be between 1 and 65535, inclusive";
}

/** All the reasons why `name` is no IANA service name. @see https://www.rfc-editor.org/rfc/rfc6335#section-5.1 */
export function portNameErrors(name: string): string[] {
  const reasons: string[] = [];
  if (name.length > 15) reasons.push("must be no more than 15 bytes");
  if (!/^[-a-z0-9]+$/.test(name))
    reasons.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) reasons.push("must contain at least one letter (a-z)");
  if (name.includes("--")) reasons.push("must not contain consecutive hyphens");
  if (name.startsWith("-") || name.endsWith("-")) reasons.push("must not begin or end with a hyphen");
  return reasons;
}

/** A required port number. */
export function checkPortNumber(field: string, port: number | undefined): FieldErrors {
  return check(field, port ?? 0, portNumberError(port ?? 0));
}

/** A port by number or by name. */
export function checkPortNumberOrName(field: string, port: number | string | undefined): FieldErrors {
  return typeof port === "string" ? checkAll(field, port, portNameErrors(port)) : checkPortNumber(field, port);
}

/** Why `name` is no name of an environment variable. */
export function envNameError(name: string): string | undefined {
  return /^[ -<>-~]+$/.test(name)
    ? undefined
    : "a valid environment variable name must consist only of printable ASCII characters other than '='";
}

/** Why `key` is no key of a ConfigMap or Secret. */
export function dataKeyError(key: string): string | undefined {
  if (key.length > 253) return "must be no more than 253 bytes";
  if (!/^[-._a-zA-Z0-9]+$/.test(key))
    return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  if (key === ".") return "must not be '.'";
  if (key === "..") return "must not be '..'";
  return key.startsWith("..") ? "must not start with '..'" : undefined;
}

/** Why `path` may leave the folder that it is relative to. */
export function descendingPathErrors(path: string): string[] {
  const backstep = backstepError(path);
  return [...(path.startsWith("/") ? ["must be a relative path"] : []), ...(backstep === undefined ? [] : [backstep])];
}

/** Why `path` climbs. */
export function backstepError(path: string): string | undefined {
  return path.split("/").includes("..") ? "must not contain '..'" : undefined;
}

/** Why `path` is no place for a projected file. */
export function projectedPathErrors(path: string): string[] {
  const isReserved = path.startsWith("..") && !path.startsWith("../");
  return [...descendingPathErrors(path), ...(isReserved ? ["must not start with '..'"] : [])];
}

/** What is wrong with a path below a domain, as `acme.io/foo`. @see k8s.io/apimachinery/pkg/util/validation, IsDomainPrefixedPath */
export function domainPrefixedPathErrors(field: string, text: string): FieldErrors {
  if (text === "") return [fieldError.required(field)];
  const slash = text.indexOf("/");
  const [domain, path] = [text.slice(0, Math.max(slash, 0)), text.slice(slash + 1)];
  if (slash < 0 || domain === "" || path === "")
    return [fieldError.invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const errors = check(field, domain, dnsSubdomainError(domain));
  if (/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path)) return errors;
  const detail = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
  return [...errors, fieldError.invalid(field, path, detail)];
}
