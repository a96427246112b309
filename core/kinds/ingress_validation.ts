import { dns1035LabelError, dnsSubdomainError, type ValidationContext } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { pathSegmentError } from "../api/validate_meta.ts";
import { addressError, parseAddress } from "./addresses.ts";
import type { Ingress, IngressBackend, IngressPath, IngressRule } from "./ingress.ts";
import {
  check,
  checkAll,
  checkOptional,
  checkRequired,
  type FieldErrors,
  portNameErrors,
  portNumberError,
} from "./validators.ts";

const classAnnotation = "kubernetes.io/ingress.class";
const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const badSequences = ["//", "/./", "/../", "%2f", "%2F"];
const badSuffixes = ["/..", "/."];

/** What is wrong with an ingress. @see k8s.io/kubernetes/pkg/apis/networking/validation */
export function validateIngress(
  { metadata, spec = {} }: Ingress,
  _context: ValidationContext,
  previous?: Ingress,
): FieldErrors {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  const annotation = metadata.annotations?.[classAnnotation];
  const isNew = previous === undefined;
  return [
    ...(rules.length === 0 && !defaultBackend
      ? [fieldError.invalid("spec", [], "either `defaultBackend` or `rules` must be specified")]
      : []),
    ...(defaultBackend ? checkBackend(defaultBackend, "spec.defaultBackend") : []),
    ...rules.flatMap((rule, index) => checkRule(rule, `spec.rules[${index}]`)),
    ...tls.flatMap(({ hosts = [], secretName }, index) => [
      ...hosts.flatMap((host, at) => checkHost(`spec.tls[${index}].hosts[${at}]`, host)),
      ...checkOptional(`spec.tls[${index}].secretName`, secretName, dnsSubdomainError),
    ]),
    ...(ingressClassName === undefined
      ? []
      : check("spec.ingressClassName", ingressClassName, dnsSubdomainError(ingressClassName))),
    ...(isNew && annotation !== undefined && ingressClassName !== undefined && annotation !== ingressClassName
      ? [
          fieldError.invalid(
            `annotations.${classAnnotation}`,
            annotation,
            "must match `ingressClassName` when both are specified",
          ),
        ]
      : []),
  ];
}

function checkHost(field: string, host: string): FieldErrors {
  return check(field, host, host.includes("*") ? wildcardError(host) : dnsSubdomainError(host));
}

function wildcardError(host: string): string | undefined {
  if (host.length > 253) return "must be no more than 253 bytes";
  if (host.startsWith("*.") && dnsSubdomainError(host.slice(2)) === undefined) return undefined;
  return "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
}

function checkRule({ host, http }: IngressRule, field: string): FieldErrors {
  const errors: FieldError[] = [];
  if (host) {
    if (parseAddress(host))
      errors.push(fieldError.invalid(`${field}.host`, host, "must be a DNS name, not an IP address"));
    errors.push(...checkHost(`${field}.host`, host));
  }
  if (!http) return errors;
  const { paths = [] } = http;
  if (paths.length === 0) errors.push(fieldError.required(`${field}.http.paths`));
  return [...errors, ...paths.flatMap((path, index) => checkPath(path, `${field}.http.paths[${index}]`))];
}

function checkPath({ path = "", pathType, backend = {} }: IngressPath, field: string): FieldErrors {
  if (pathType === undefined) return [fieldError.required(`${field}.pathType`, "pathType must be specified")];
  const errors: FieldError[] = [];
  const refuse = (detail: string) => errors.push(fieldError.invalid(`${field}.path`, path, detail));
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!path.startsWith("/")) refuse("must be an absolute path");
    for (const bad of badSequences) if (path.includes(bad)) refuse(`must not contain '${bad}'`);
    for (const bad of badSuffixes) if (path.endsWith(bad)) refuse(`cannot end with '${bad}'`);
  } else if (pathType !== "ImplementationSpecific")
    errors.push(fieldError.notSupported(`${field}.pathType`, pathType, pathTypes));
  else if (path && !path.startsWith("/")) refuse("must be an absolute path");
  return [...errors, ...checkBackend(backend, `${field}.backend`)];
}

function checkBackend({ resource, service }: IngressBackend, field: string): FieldErrors {
  if (resource && service) return [fieldError.invalid(field, "", "cannot set both resource and service backends")];
  if (resource) return checkResource(resource, `${field}.resource`);
  if (!service) return [fieldError.invalid(field, "", "resource or service backend is required")];
  return [
    ...checkRequired(`${field}.service.name`, service.name, dns1035LabelError),
    ...checkPort(service.port, field),
  ];
}

function checkPort(port: NonNullable<IngressBackend["service"]>["port"] = {}, field: string): FieldErrors {
  const { name, number } = port;
  if (name && number) return [fieldError.invalid(field, "", "cannot set both port name & port number")];
  if (name) return checkAll(`${field}.service.port.name`, name, portNameErrors(name));
  if (number) return check(`${field}.service.port.number`, number, portNumberError(number));
  return [fieldError.required(field, "port name or number is required")];
}

function checkResource({ apiGroup, kind, name }: NonNullable<IngressBackend["resource"]>, field: string): FieldErrors {
  return [
    ...(apiGroup === undefined ? [] : check(`${field}.apiGroup`, apiGroup, dnsSubdomainError(apiGroup))),
    ...checkRequired(`${field}.kind`, kind, pathSegmentError),
    ...checkRequired(`${field}.name`, name, pathSegmentError),
  ];
}

/** What is wrong with where an ingress' load balancer is said to be. */
export function checkIngressStatus({ status }: Ingress): FieldErrors {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, index) => {
    const field = `status.loadBalancer.ingress[${index}]`;
    const isAddress = hostname !== undefined && parseAddress(hostname) !== undefined;
    return [
      ...checkOptional(`${field}.ip`, ip, addressError),
      ...checkOptional(`${field}.hostname`, hostname, dnsSubdomainError),
      ...(isAddress
        ? [fieldError.invalid(`${field}.hostname`, hostname, "must be a DNS name, not an IP address")]
        : []),
    ];
  });
}
