import { dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { parseAddress } from "./addresses.ts";
import type { PodSpec } from "./pod.ts";
import { check, checkRequiredOneOf, type FieldErrors } from "./validators.ts";

const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const maxServers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

/** What is wrong with how a pod finds names. @see k8s.io/kubernetes/pkg/apis/core/validation, validatePodDNSConfig */
export function checkDns({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldErrors {
  const at = `${field}.dnsConfig`;
  const errors: FieldError[] = [...checkRequiredOneOf(`${field}.dnsPolicy`, dnsPolicy, policies)];
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
    if (!parseAddress(server))
      errors.push(fieldError.invalid(`${at}.nameservers[${index}]`, server, "must be valid IP address"));
  }
  if (searches.length > maxSearches)
    errors.push(fieldError.invalid(`${at}.searches`, searches, `must not have more than ${maxSearches} search paths`));
  if (searches.join(" ").length > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.push(fieldError.invalid(`${at}.searches`, searches, detail));
  }
  for (const [index, search] of searches.entries()) {
    // One dot is the root itself, and underscores are names of services.
    const name = search === "." ? "a" : search.replace(/\.$/, "").replaceAll("_", "-");
    errors.push(...check(`${at}.searches[${index}]`, search, dnsSubdomainError(name)));
  }
  for (const [index, option] of options.entries()) {
    if (!option.name) errors.push(fieldError.required(`${at}.options[${index}]`, "must not be empty"));
  }
  return errors;
}
