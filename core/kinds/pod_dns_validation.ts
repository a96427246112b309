import { type FieldError, fieldError } from "../api/status.ts";
import { addressError } from "./addresses.ts";
import type { PodSpec } from "./pod.ts";
import { check, checkRequiredOneOf, type FieldErrors } from "./validators.ts";

const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const maxServers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

const maxSearchLength = 253;
const searchFormat = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const searchPattern = /^_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/;

function searchError(name: string): string | undefined {
  if (name.length > maxSearchLength) return `must be no more than ${maxSearchLength} bytes`;
  if (searchPattern.test(name)) return undefined;
  return `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${searchFormat}')`;
}

/** Whom a pod asks for names. */
export function checkDnsPolicy({ dnsPolicy }: PodSpec, field: string): FieldErrors {
  return checkRequiredOneOf(field, dnsPolicy, policies);
}

/** What is wrong with how a pod finds names. @see k8s.io/kubernetes/pkg/apis/core/validation, validatePodDNSConfig */
export function checkDns({ dnsPolicy, dnsConfig }: PodSpec, at: string): FieldErrors {
  const errors: FieldError[] = [];
  if (dnsPolicy === "None" && !dnsConfig)
    return [...errors, fieldError.required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === "None" && nameservers.length === 0) {
    const detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    return [...errors, fieldError.required(`${at}.nameservers`, detail)];
  }
  if (nameservers.length > maxServers)
    errors.push(
      fieldError.invalid(`${at}.nameservers`, nameservers, `must not have more than ${maxServers} nameservers`),
    );
  for (const [index, server] of nameservers.entries()) {
    errors.push(...check(`${at}.nameservers[${index}]`, server, addressError(server)));
  }
  if (searches.length > maxSearches)
    errors.push(fieldError.invalid(`${at}.searches`, searches, `must not have more than ${maxSearches} search paths`));
  if (searches.join(" ").length > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.push(fieldError.invalid(`${at}.searches`, searches, detail));
  }
  for (const [index, search] of searches.entries()) {
    // One dot is the root itself, and underscores are names of services.
    const name = search.replace(/\.$/, "");
    if (search !== ".") errors.push(...check(`${at}.searches[${index}]`, name, searchError(name)));
  }
  for (const [index, option] of options.entries()) {
    if (!option.name) errors.push(fieldError.required(`${at}.options[${index}]`, "must not be empty"));
  }
  return errors;
}
