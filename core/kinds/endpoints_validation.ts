import { dnsLabelError, dnsSubdomainError, type ValidationContext } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { addressError, checkEndpointAddress, localRangesFor } from "./addresses.ts";
import type { EndpointAddress, EndpointPort, Endpoints } from "./endpoints.ts";
import {
  check,
  checkAll,
  checkOptional,
  checkPortNumber,
  checkRequired,
  checkRequiredOneOf,
  type FieldErrors,
} from "./validators.ts";

/** What is wrong with endpoints: no subset may be empty, no address may lead to the node itself. */
export function validateEndpoints({ metadata, subsets = [] }: Endpoints, context: ValidationContext): FieldErrors {
  const localRanges = localRangesFor(metadata, context);
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, index) => {
    const field = `subsets[${index}]`;
    const errors: FieldError[] = [];
    if (addresses.length === 0 && notReadyAddresses.length === 0)
      errors.push(fieldError.required(field, "must specify `addresses` or `notReadyAddresses`"));
    return [
      ...errors,
      ...addresses.flatMap((address, at) => checkAddress(address, `${field}.addresses[${at}]`, localRanges)),
      ...notReadyAddresses.flatMap((address, at) =>
        checkAddress(address, `${field}.notReadyAddresses[${at}]`, localRanges),
      ),
      ...ports.flatMap((port, at) => checkPort(port, `${field}.ports[${at}]`, ports.length > 1)),
    ];
  });
}

function checkAddress(address: EndpointAddress, field: string, localRanges: readonly string[]): FieldErrors {
  const { ip = "", hostname, nodeName } = address;
  return [
    ...check(`${field}.ip`, ip, addressError(ip)),
    ...checkOptional(`${field}.hostname`, hostname, dnsLabelError),
    ...(nodeName === undefined ? [] : check(`${field}.nodeName`, nodeName, dnsSubdomainError(nodeName))),
    ...checkEndpointAddress(`${field}.ip`, ip, localRanges),
  ];
}

function checkPort(port: EndpointPort, field: string, nameRequired: boolean): FieldErrors {
  return [
    ...(nameRequired
      ? checkRequired(`${field}.name`, port.name, dnsLabelError)
      : checkOptional(`${field}.name`, port.name, dnsLabelError)),
    ...checkPortNumber(`${field}.port`, port.port),
    ...checkRequiredOneOf(`${field}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]),
    ...(port.appProtocol === undefined
      ? []
      : checkAll(`${field}.appProtocol`, port.appProtocol, qualifiedNameErrors(port.appProtocol))),
  ];
}
