/** What claims were given. @see k8s.io/kubernetes/pkg/apis/resource/validation, validateResourceClaimStatusUpdate */
import { dnsLabelError } from "../api/kind.ts";
import type { Condition } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { parseRange } from "./addresses.ts";
import { checkNodeSelectorTerms } from "./affinity_validation.ts";
import { checkConditions } from "./condition_validation.ts";
import { checkDriver, checkPoolName, checkShareId } from "./device_names_validation.ts";
import {
  checkBindingConditions,
  checkConfiguration,
  checkDeviceToleration,
  checkItems,
  checkRawObject,
  checkSet,
  type DeviceBindingConditions,
  type DeviceConfiguration,
  type DeviceToleration,
  maxConfigs,
} from "./device_parts_validation.ts";
import {
  checkRequestName,
  checkRequestNames,
  type DeviceClaim,
  type RequestNames,
  requestNames,
} from "./device_requests.ts";
import type { NodeSelectorTerm } from "./pod.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkImmutable, checkRequired, checkRequiredOneOf, checkUnique, type FieldErrors } from "./validators.ts";

/** A device, or the share of one. */
interface DeviceId {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
  readonly shareID?: string;
}

/** A device that a request got. */
export interface DeviceRequestAllocationResult extends DeviceId, DeviceBindingConditions {
  readonly request: string;
  readonly tolerations?: readonly DeviceToleration[];
}

/** What a claim got. */
export interface AllocationResult {
  readonly devices?: {
    readonly results?: readonly DeviceRequestAllocationResult[];
    readonly config?: readonly (DeviceConfiguration & {
      readonly source?: string;
      readonly requests?: readonly string[];
    })[];
  };
  readonly nodeSelector?: { readonly nodeSelectorTerms?: readonly NodeSelectorTerm[] };
}

/** Somebody who may use a claim. */
export interface ResourceClaimConsumerReference {
  readonly apiGroup?: string;
  readonly resource: string;
  readonly name: string;
  readonly uid: string;
}

/** What a driver says of a device that was given out. */
export interface AllocatedDeviceStatus extends DeviceId {
  readonly conditions?: readonly Condition[];
  readonly data?: unknown;
  readonly networkData?: {
    readonly interfaceName?: string;
    readonly hardwareAddress?: string;
    readonly ips?: readonly string[];
  };
}

/** What became of a claim. */
export interface ResourceClaimStatus {
  readonly allocation?: AllocationResult;
  readonly reservedFor?: readonly ResourceClaimConsumerReference[];
  readonly devices?: readonly AllocatedDeviceStatus[];
}

const maxReservations = 256;
const maxResults = 32;
const maxTolerations = 16;
const maxConditions = 8;
const maxData = 10 * 1024;
const maxAddresses = 16;
const maxInterfaceName = 256;
const maxHardwareAddress = 128;

/** What is wrong with the status of a claim that is written over another. */
export function checkClaimStatus(
  status: ResourceClaimStatus,
  previous: ResourceClaimStatus,
  { claim, isDeleted }: { readonly claim: DeviceClaim; readonly isDeleted: boolean },
): FieldErrors {
  const { allocation, reservedFor = [], devices = [] } = status;
  const given = new Set((allocation?.devices?.results ?? []).map(idText));
  const errors: FieldError[] = [
    ...checkSet(reservedFor, maxReservations, "status.reservedFor", checkConsumer, {
      keyOf: ({ uid }) => uid,
      member: "uid",
    }),
    ...checkItems(devices, Number.POSITIVE_INFINITY, "status.devices", (device, at) => checkStatus(device, at, given)),
    ...checkUnique(devices.map(idText), (index) => `status.devices[${index}]`),
  ];
  if (reservedFor.length > 0 && !allocation)
    errors.push(fieldError.forbidden("status.reservedFor", "may not be specified when `allocated` is not set"));
  const isKnown = (one: object) => previous.reservedFor?.some((other) => semanticEqual(one, other)) ?? false;
  const late = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
  if (allocation && isDeleted && !reservedFor.every(isKnown))
    errors.push(fieldError.forbidden("status.reservedFor", late));
  if (!allocation) return errors;
  if (previous.allocation) return [...errors, ...checkImmutable("status.allocation", allocation, previous.allocation)];
  return [...errors, ...checkAllocation(allocation, "status.allocation", requestNames(claim))];
}

function idText({ driver = "", pool = "", device = "", shareID }: DeviceId): string {
  return [driver, pool, device, ...(shareID ? [shareID] : [])].join("/");
}

function checkConsumer({ resource, name, uid }: ResourceClaimConsumerReference, field: string): FieldErrors {
  return [
    ...checkRequired(`${field}.resource`, resource),
    ...checkRequired(`${field}.name`, name),
    ...checkRequired(`${field}.uid`, uid),
  ];
}

function checkAllocation(allocation: AllocationResult, field: string, names: RequestNames): FieldErrors {
  const { devices: { results = [], config = [] } = {}, nodeSelector } = allocation;
  return [
    ...checkItems(results, maxResults, `${field}.devices.results`, (result, at) => [
      ...checkRequestName(result.request, `${at}.request`, names),
      ...checkId(result, at),
      ...checkBindingConditions(result, at),
      ...checkItems(result.tolerations ?? [], maxTolerations, `${at}.tolerations`, checkDeviceToleration),
      ...checkShareId(result.shareID, `${at}.shareID`),
    ]),
    // Of the class, and of the claim.
    ...checkItems(config, 2 * maxConfigs, `${field}.devices.config`, (one, at) => [
      ...checkRequiredOneOf(`${at}.source`, one.source, ["FromClaim", "FromClass"]),
      ...checkRequestNames(one.requests, `${at}.requests`, names),
      ...checkConfiguration(one, at),
    ]),
    ...(nodeSelector
      ? checkNodeSelectorTerms(nodeSelector.nodeSelectorTerms ?? [], `${field}.nodeSelector.nodeSelectorTerms`)
      : []),
  ];
}

function checkId({ driver, pool, device }: DeviceId, field: string): FieldErrors {
  return [
    ...checkDriver(driver, `${field}.driver`),
    ...checkPoolName(pool, `${field}.pool`),
    ...checkRequired(`${field}.device`, device, dnsLabelError),
  ];
}

function checkStatus(device: AllocatedDeviceStatus, field: string, given: ReadonlySet<string>): FieldErrors {
  const { conditions = [], data, networkData = {} } = device;
  const { interfaceName = "", hardwareAddress = "", ips = [] } = networkData;
  const errors: FieldError[] = [...checkId(device, field), ...checkShareId(device.shareID, `${field}.shareID`)];
  if (!given.has(idText(device)))
    errors.push({
      type: "Invalid",
      field,
      message: `Invalid value: ${idText(device)}: must be an allocated device in the claim`,
    });
  if (conditions.length > maxConditions)
    errors.push(fieldError.tooMany(`${field}.conditions`, conditions.length, maxConditions));
  errors.push(...checkConditions(conditions, `${field}.conditions`));
  if (data !== undefined) errors.push(...checkRawObject(data, `${field}.data`, maxData));
  const network = `${field}.networkData`;
  if (interfaceName.length > maxInterfaceName)
    errors.push(fieldError.tooLong(`${network}.interfaceName`, maxInterfaceName));
  if (hardwareAddress.length > maxHardwareAddress)
    errors.push(fieldError.tooLong(`${network}.hardwareAddress`, maxHardwareAddress));
  return [...errors, ...checkSet(ips, maxAddresses, `${network}.ips`, checkInterfaceAddress, { keyOf: (ip) => ip })];
}

function checkInterfaceAddress(address: string, field: string): FieldErrors {
  if (parseRange(address)) return [];
  const detail = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
  return [fieldError.invalid(field, address, detail)];
}
