/** What claims for devices ask for, and what is wrong with it. @see k8s.io/kubernetes/pkg/apis/resource/validation */
import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkFullyQualifiedName } from "./device_names_validation.ts";
import {
  checkConfiguration,
  checkDeviceToleration,
  checkItems,
  checkSelectors,
  checkSet,
  type DeviceConfiguration,
  type DeviceSelector,
  type DeviceToleration,
  maxConfigs,
} from "./device_parts_validation.ts";
import { check, checkOneOf, checkRequired, type FieldErrors } from "./validators.ts";

/** Devices of one class. */
export interface DeviceSubRequest {
  readonly name?: string;
  readonly deviceClassName?: string;
  readonly selectors?: readonly DeviceSelector[];
  readonly allocationMode?: "ExactCount" | "All";
  readonly count?: number;
  readonly adminAccess?: boolean;
  readonly tolerations?: readonly DeviceToleration[];
}

/** Devices that are asked for together: of one class, or the first alternative that can be had. */
export interface DeviceRequest {
  readonly name: string;
  readonly exactly?: DeviceSubRequest;
  readonly firstAvailable?: readonly DeviceSubRequest[];
}

/** Requests whose devices must have an attribute in common, or must all differ in it. Of no requests: all of the claim. */
export interface DeviceConstraint {
  readonly requests?: readonly string[];
  readonly matchAttribute?: string;
  readonly distinctAttribute?: string;
}

/** What a driver is told about the devices of some requests. */
export interface DeviceClaimConfiguration extends DeviceConfiguration {
  readonly requests?: readonly string[];
}

/** Everything that a claim asks for. */
export interface DeviceClaim {
  readonly requests?: readonly DeviceRequest[];
  readonly constraints?: readonly DeviceConstraint[];
  readonly config?: readonly DeviceClaimConfiguration[];
}

const maxRequests = 32;
const maxConstraints = 32;
const maxAlternatives = 8;
const maxTolerations = 16;
const refRule = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** A claim with Kubernetes' defaults. */
export function withDeviceDefaults(claim: DeviceClaim): DeviceClaim {
  if (!claim.requests) return claim;
  return {
    ...claim,
    requests: claim.requests.map((request) => ({
      ...request,
      ...(request.exactly ? { exactly: withMode(request.exactly) } : {}),
      ...(request.firstAvailable ? { firstAvailable: request.firstAvailable.map(withMode) } : {}),
    })),
  };
}

function withMode(request: DeviceSubRequest): DeviceSubRequest {
  const allocationMode = request.allocationMode ?? "ExactCount";
  const isCounted = allocationMode === "ExactCount" && !request.count;
  return {
    ...request,
    allocationMode,
    ...(isCounted ? { count: 1 } : {}),
    ...(request.tolerations
      ? { tolerations: request.tolerations.map((one) => ({ ...one, operator: one.operator || "Equal" })) }
      : {}),
  };
}

/** What is wrong with a claim for devices. */
export function checkDeviceClaim(claim: DeviceClaim, field: string): FieldErrors {
  const { requests = [], constraints = [], config = [] } = claim;
  const names = requestNames(claim);
  const byName = { keyOf: ({ name }: DeviceRequest) => name, member: "name" };
  return [
    ...checkSet(requests, maxRequests, `${field}.requests`, checkRequest, byName),
    ...checkItems(constraints, maxConstraints, `${field}.constraints`, (constraint, at) =>
      checkConstraint(constraint, at, names),
    ),
    ...checkItems(config, maxConfigs, `${field}.config`, (one, at) => [
      ...checkRequestNames(one.requests, `${at}.requests`, names),
      ...checkConfiguration(one, at),
    ]),
  ];
}

function checkRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, field: string): FieldErrors {
  const errors: FieldError[] = [...checkRequired(`${field}.name`, name, dnsLabelError)];
  const oneOf = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly && firstAvailable.length > 0)
    return [...errors, fieldError.invalid(field, null, `${oneOf}, but multiple fields are set`)];
  if (exactly) return [...errors, ...checkSubRequest(exactly, `${field}.exactly`)];
  if (firstAvailable.length === 0) return [...errors, fieldError.required(field, oneOf)];
  const checkAlternative = (alternative: DeviceSubRequest, at: string) => [
    ...checkRequired(`${at}.name`, alternative.name, dnsLabelError),
    ...checkSubRequest(alternative, at),
  ];
  const byName = { keyOf: (alternative: DeviceSubRequest) => alternative.name, member: "name" };
  return [...errors, ...checkSet(firstAvailable, maxAlternatives, `${field}.firstAvailable`, checkAlternative, byName)];
}

function checkSubRequest(request: DeviceSubRequest, field: string): FieldErrors {
  const { deviceClassName, selectors = [], allocationMode, count = 0, tolerations = [] } = request;
  return [
    ...checkRequired(`${field}.deviceClassName`, deviceClassName, dnsSubdomainError),
    ...checkSelectors(selectors, `${field}.selectors`),
    ...checkOneOf(`${field}.allocationMode`, allocationMode, ["All", "ExactCount"]),
    ...(allocationMode === "All" && count !== 0
      ? [fieldError.invalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'")]
      : []),
    ...(allocationMode === "ExactCount" && count <= 0
      ? [fieldError.invalid(`${field}.count`, count, "must be greater than zero")]
      : []),
    ...checkItems(tolerations, maxTolerations, `${field}.tolerations`, checkDeviceToleration),
  ];
}

function checkConstraint(constraint: DeviceConstraint, field: string, names: RequestNames): FieldErrors {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  const errors = checkRequestNames(requests, `${field}.requests`, names);
  if (matchAttribute !== undefined)
    return [...errors, ...checkFullyQualifiedName(matchAttribute, `${field}.matchAttribute`)];
  if (distinctAttribute !== undefined)
    return [...errors, ...checkFullyQualifiedName(distinctAttribute, `${field}.distinctAttribute`)];
  const oneOf = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [...errors, fieldError.required(field, oneOf)];
}

/** The names by which parts of a claim may speak of its requests: `request`, and `request/alternative`. */
export type RequestNames = ReadonlySet<string>;

/** The {@linkcode RequestNames} of a claim. */
export function requestNames({ requests = [] }: DeviceClaim): RequestNames {
  return new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((alternative) => `${name}/${alternative.name}`),
    ]),
  );
}

/** What is wrong with a list of names of requests. */
export function checkRequestNames(requests: readonly string[] = [], field: string, names: RequestNames): FieldErrors {
  const checkName = (name: string, at: string) => checkRequestName(name, at, names);
  return checkSet(requests, maxRequests, field, checkName, { keyOf: (name) => name });
}

/** What is wrong with the name of a request. */
export function checkRequestName(name: string, field: string, names: RequestNames): FieldErrors {
  const unknown = fieldError.invalid(field, name, refRule);
  const parts = name.split("/");
  if (parts.length > 2) return [unknown];
  const errors = parts.flatMap((part) => check(field, part, dnsLabelError(part)));
  return names.has(name) ? errors : [...errors, unknown];
}
