import { type FieldError, fieldError } from "../api/status.ts";
import { addressError } from "./addresses.ts";
import type { ServiceSpec } from "./service.ts";
import { check, checkOneOf, type FieldErrors } from "./validators.ts";

const families = ["IPv4", "IPv6"];
const policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];

/**
 * What is wrong with the addresses of a service and their families. Services of an external name have none.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateServiceClusterIPsRelatedFields
 */
export function checkAddresses(spec: ServiceSpec): FieldErrors {
  if (spec.type === "ExternalName") return [];
  const { clusterIP, clusterIPs = [], ipFamilies = [] } = spec;
  const field = "spec.clusterIPs";
  const errors: FieldError[] = [];
  if (clusterIPs.length > 0 && !clusterIP)
    errors.push(fieldError.invalid(field, clusterIPs, "must be empty when `clusterIP` is not specified"));
  else if (clusterIPs.length > 0 && clusterIP !== clusterIPs[0])
    errors.push(fieldError.invalid(field, clusterIPs, "first value must match `clusterIP`"));
  for (const [index, family] of ipFamilies.entries()) {
    errors.push(...checkOneOf(`spec.ipFamilies[${index}]`, family, families));
    if (ipFamilies.indexOf(family) < index) errors.push(fieldError.duplicate(`spec.ipFamilies[${index}]`, family));
  }
  errors.push(...checkOneOf("spec.ipFamilyPolicy", spec.ipFamilyPolicy, policies));
  const all = clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : [];
  const isHeadless = all[0] === "None";
  if (isHeadless && all.length > 1)
    errors.push(fieldError.invalid(field, all, "'None' must be the first and only value"));
  const malformed = all.flatMap((address, index) =>
    isHeadless && index === 0 ? [] : check(`${field}[${index}]`, address, addressError(address)),
  );
  errors.push(...malformed);
  if (all.length > 2) errors.push(fieldError.invalid(field, all, "may only hold up to 2 values"));
  if (malformed.length > 0 || isHeadless) return errors;
  if (all.length > 1 && new Set(all.map(familyOf)).size === 1)
    errors.push(fieldError.invalid(field, all, "may specify no more than one IP for each IP family"));
  for (const [index, address] of all.entries()) {
    const expected = ipFamilies[index];
    if (!expected || expected === familyOf(address) || !families.includes(expected)) continue;
    const detail = `expected an ${expected} value as indicated by \`ipFamilies[${index}]\``;
    errors.push(fieldError.invalid(`${field}[${index}]`, address, detail));
  }
  return errors;
}

/**
 * What may not change in the addresses that a service was given, and in their families: one of the second family may
 * come and go, the first stays.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, validateUpgradeDowngradeClusterIPs and
 * validateUpgradeDowngradeIPFamilies
 */
export function checkAddressesUpdate(spec: ServiceSpec, old: ServiceSpec): FieldErrors {
  if (old.type === "ExternalName" || spec.type === "ExternalName") return [];
  const [isHeadless, wasHeadless] = [spec.clusterIP === "None", old.clusterIP === "None"];
  if (isHeadless && wasHeadless) return [];
  return [
    ...checkClusterIPsUpdate(spec, old),
    ...(isHeadless === wasHeadless ? checkFamiliesUpdate(spec.ipFamilies ?? [], old.ipFamilies ?? [], spec) : []),
  ];
}

function checkClusterIPsUpdate(spec: ServiceSpec, old: ServiceSpec): FieldErrors {
  const [next, previous] = [addressesOf(spec), addressesOf(old)];
  const at = (index: number, detail: string) => [fieldError.invalid(`spec.clusterIPs[${index}]`, next, detail)];
  if (previous.length === next.length)
    return previous.flatMap((address, index) => (address === next[index] ? [] : at(index, "may not change once set")));
  if (next.length === 0) return at(0, "primary clusterIP can not be unset");
  if (previous.length === 0) return [];
  return [
    ...(next[0] === previous[0] ? [] : at(0, "may not change once set")),
    ...(previous.length > 1 && next.length === 1 && spec.ipFamilyPolicy !== "SingleStack"
      ? at(0, "`ipFamilyPolicy` must be set to 'SingleStack' when releasing the secondary clusterIP")
      : []),
  ];
}

function checkFamiliesUpdate(
  next: readonly string[],
  previous: readonly string[],
  { clusterIPs, ipFamilyPolicy }: ServiceSpec,
): FieldErrors {
  const first = "spec.ipFamilies[0]";
  if (previous.length === next.length)
    return previous.flatMap((family, index) =>
      family === next[index] ? [] : [fieldError.invalid(first, next, "may not change once set")],
    );
  const errors: FieldError[] = [];
  // Kubernetes shows the addresses here.
  if (next.length > 0 && previous.length > 0 && next[0] !== previous[0])
    errors.push(fieldError.invalid(first, clusterIPs ?? [], "may not change once set"));
  if (previous.length > next.length && next.length === 1 && ipFamilyPolicy !== "SingleStack") {
    const detail = "must be set to 'SingleStack' when releasing the secondary ipFamily";
    errors.push(fieldError.invalid("spec.ipFamilyPolicy", ipFamilyPolicy ?? null, detail));
  }
  return errors;
}

function addressesOf({ clusterIP, clusterIPs }: ServiceSpec): readonly string[] {
  return clusterIPs?.length ? clusterIPs : clusterIP ? [clusterIP] : [];
}

function familyOf(address: string): string {
  return address.includes(":") ? "IPv6" : "IPv4";
}
