import { dnsLabelError, dnsSubdomainError, type ValidationContext } from "../api/kind.ts";
import { labelValueErrors, qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkEndpointAddress, localRangesFor, parseAddress } from "./addresses.ts";
import type { Endpoint, EndpointSlice, SlicePort } from "./endpoint_slice.ts";
import {
  check,
  checkAll,
  checkOneOf,
  checkOptional,
  checkPortNumber,
  checkRequiredOneOf,
  checkUnique,
  type FieldErrors,
} from "./validators.ts";

const addressTypes = ["FQDN", "IPv4", "IPv6"];
const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
const maxHints = 8;

/** What is wrong with an endpoint slice. @see k8s.io/kubernetes/pkg/apis/discovery/validation */
export function validateEndpointSlice(slice: EndpointSlice, context: ValidationContext): FieldErrors {
  const localRanges = localRangesFor(slice.metadata, context);
  const endpoints = slice.endpoints ?? [];
  const ports = slice.ports ?? [];
  const typeErrors = checkRequiredOneOf("addressType", slice.addressType, addressTypes);
  if (endpoints.length > maxEndpoints)
    return [...typeErrors, fieldError.tooMany("endpoints", endpoints.length, maxEndpoints)];
  if (ports.length > maxPorts) return [...typeErrors, fieldError.tooMany("ports", ports.length, maxPorts)];
  return [
    ...typeErrors,
    ...endpoints.flatMap((endpoint, index) =>
      checkEndpoint(endpoint, `endpoints[${index}]`, slice.addressType, localRanges),
    ),
    ...ports.flatMap((port, index) => checkPort(port, `ports[${index}]`)),
    ...checkPortNames(ports),
  ];
}

function checkEndpoint(
  endpoint: Endpoint,
  field: string,
  type: EndpointSlice["addressType"],
  localRanges: readonly string[],
): FieldErrors {
  const addresses = endpoint.addresses ?? [];
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(fieldError.required(`${field}.addresses`, "must contain at least 1 address"));
  else if (addresses.length > maxAddresses)
    errors.push(fieldError.tooMany(`${field}.addresses`, addresses.length, maxAddresses));
  return [
    ...errors,
    ...addresses.flatMap((address, at) => checkAddress(address, `${field}.addresses[${at}]`, type, localRanges)),
    ...checkIfSet(`${field}.nodeName`, endpoint.nodeName, dnsSubdomainError),
    ...checkIfSet(`${field}.hostname`, endpoint.hostname, dnsLabelError),
    ...(endpoint.zone ? checkAll(`${field}.zone`, endpoint.zone, labelValueErrors(endpoint.zone)) : []),
    ...checkHints(endpoint.hints?.forZones ?? [], `${field}.hints.forZones`, labelValueErrors),
    ...checkHints(endpoint.hints?.forNodes ?? [], `${field}.hints.forNodes`, (name) => {
      const reason = dnsSubdomainError(name);
      return reason === undefined ? [] : [reason];
    }),
  ];
}

function checkHints(
  hints: readonly { readonly name: string }[],
  field: string,
  reasonsOf: (name: string) => readonly string[],
): FieldErrors {
  if (hints.length > maxHints) return [fieldError.tooMany(field, hints.length, maxHints)];
  const at = (index: number) => `${field}[${index}].name`;
  const repeated = checkUnique(
    hints.map(({ name }) => name),
    at,
  );
  return hints.flatMap(({ name }, index) => [
    ...repeated.filter((error) => error.field === at(index)),
    ...checkAll(at(index), name, reasonsOf(name)),
  ]);
}

function checkAddress(
  address: string,
  field: string,
  type: EndpointSlice["addressType"],
  localRanges: readonly string[],
): FieldErrors {
  if (type === "FQDN") return checkDomain(address, field);
  if (type !== "IPv4" && type !== "IPv6") return [];
  const isOfType = parseAddress(address)?.length === (type === "IPv4" ? 4 : 16);
  return [
    ...(isOfType ? [] : [fieldError.invalid(field, address, `must be a valid ${type} address`)]),
    ...checkEndpointAddress(field, address, localRanges),
  ];
}

/** @see k8s.io/apimachinery/pkg/util/validation, IsFullyQualifiedDomainName */
function checkDomain(address: string, field: string): FieldErrors {
  if (!address) return [fieldError.required(field)];
  const name = address.replace(/\.$/, "");
  const reason = dnsSubdomainError(name);
  if (reason !== undefined) return [fieldError.invalid(field, name, reason)];
  const segments = name.split(".");
  const detail = "should be a domain with at least two segments separated by dots";
  if (segments.length < 2) return [fieldError.invalid(field, name, detail)];
  return segments.flatMap((segment) => check(field, segment, dnsLabelError(segment))).slice(0, 1);
}

/** Unlike most names, these may be absent but not empty. */
function checkIfSet(
  field: string,
  value: string | undefined,
  reasonOf: (value: string) => string | undefined,
): FieldErrors {
  return value === undefined ? [] : check(field, value, reasonOf(value));
}

function checkPort(port: SlicePort, field: string): FieldErrors {
  return [
    ...checkOptional(`${field}.name`, port.name, dnsLabelError),
    ...(port.port === undefined ? [] : checkPortNumber(`${field}.port`, port.port)),
    ...(port.protocol === undefined
      ? [fieldError.required(`${field}.protocol`)]
      : checkOneOf(`${field}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"])),
    ...(port.appProtocol === undefined
      ? []
      : checkAll(`${field}.appProtocol`, port.appProtocol, qualifiedNameErrors(port.appProtocol))),
  ];
}

/** Names are unique; no name is a name too. */
function checkPortNames(ports: readonly SlicePort[]): FieldErrors {
  const seen = new Set<string>();
  return ports.flatMap(({ name = "" }, index) => {
    if (seen.has(name)) return [fieldError.duplicate(`ports[${index}].name`, name)];
    seen.add(name);
    return [];
  });
}
