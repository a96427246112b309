/** What claims for devices ask for, and what is wrong with it. @see k8s.io/kubernetes/pkg/apis/resource/validation */
import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { check, checkOneOf, checkRequired, checkUnique, type FieldErrors } from "./validators.ts";

/** A CEL expression that is true of the wanted devices. */
export interface DeviceSelector {
  readonly cel?: { readonly expression?: string };
}

/** Devices of one class. */
export interface DeviceSubRequest {
  readonly name?: string;
  readonly deviceClassName?: string;
  readonly selectors?: readonly DeviceSelector[];
  readonly allocationMode?: "ExactCount" | "All";
  readonly count?: number;
  readonly adminAccess?: boolean;
}

/** Devices that are asked for together: of one class, or the first alternative that can be had. */
export interface DeviceRequest {
  readonly name: string;
  readonly exactly?: DeviceSubRequest;
  readonly firstAvailable?: readonly DeviceSubRequest[];
}

/** Everything that a claim asks for. */
export interface DeviceClaim {
  readonly requests?: readonly DeviceRequest[];
  readonly constraints?: readonly object[];
  readonly config?: readonly object[];
}

const maxRequests = 32;
const maxAlternatives = 8;
const maxSelectors = 32;
const maxExpression = 10 * 1024;

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
  return { ...request, allocationMode, ...(isCounted ? { count: 1 } : {}) };
}

/** What is wrong with a claim for devices. */
export function checkDeviceClaim({ requests = [] }: DeviceClaim, field: string): FieldErrors {
  const at = `${field}.requests`;
  if (requests.length > maxRequests) return [fieldError.tooMany(at, requests.length, maxRequests)];
  return [
    ...requests.flatMap((request, index) => checkRequest(request, `${at}[${index}]`)),
    ...checkUnique(
      requests.map(({ name }) => name),
      (index) => `${at}[${index}].name`,
    ),
  ];
}

function checkRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, field: string): FieldErrors {
  const errors: FieldError[] = [...checkRequired(`${field}.name`, name, dnsLabelError)];
  const oneOf = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly && firstAvailable.length > 0)
    return [...errors, fieldError.invalid(field, null, `${oneOf}, but multiple fields are set`)];
  if (exactly) return [...errors, ...checkSubRequest(exactly, `${field}.exactly`)];
  if (firstAvailable.length === 0) return [...errors, fieldError.required(field, oneOf)];
  const at = `${field}.firstAvailable`;
  if (firstAvailable.length > maxAlternatives)
    return [...errors, fieldError.tooMany(at, firstAvailable.length, maxAlternatives)];
  return [
    ...errors,
    ...firstAvailable.flatMap((alternative, index) => [
      ...checkRequired(`${at}[${index}].name`, alternative.name, dnsLabelError),
      ...checkSubRequest(alternative, `${at}[${index}]`),
    ]),
    ...checkUnique(
      firstAvailable.map((alternative) => alternative.name),
      (index) => `${at}[${index}].name`,
    ),
  ];
}

function checkSubRequest(request: DeviceSubRequest, field: string): FieldErrors {
  const { deviceClassName, selectors = [], allocationMode, count = 0 } = request;
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
  ];
}

/** What is wrong with selectors, but for whether their expressions compile. */
export function checkSelectors(selectors: readonly DeviceSelector[], field: string): FieldErrors {
  if (selectors.length > maxSelectors) return [fieldError.tooMany(field, selectors.length, maxSelectors)];
  return selectors.flatMap(({ cel }, index) => {
    const at = `${field}[${index}].cel`;
    if (!cel) return [fieldError.required(at)];
    const { expression = "" } = cel;
    if (!expression) return [fieldError.required(`${at}.expression`)];
    return expression.length > maxExpression ? [fieldError.tooLong(`${at}.expression`, maxExpression)] : [];
  });
}

/** What is wrong with the name of a driver. */
export function checkDriver(driver: string | undefined, field: string): FieldErrors {
  if (!driver) return [fieldError.required(field)];
  const tooLong = driver.length > 63 ? [fieldError.tooLong(field, 63)] : [];
  return [...tooLong, ...check(field, driver, dnsSubdomainError(driver.toLowerCase()))];
}
