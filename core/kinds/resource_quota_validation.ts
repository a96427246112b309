import { type FieldError, fieldError } from "../api/status.ts";
import type { ResourceList } from "./pod.ts";
import { checkQuotaResourceName, isQuotaResource } from "./resource_names.ts";
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from "./resource_quota.ts";
import { checkAmount } from "./resource_validation.ts";
import type { FieldErrors } from "./validators.ts";

const podResources = ["pods"];
const computeResources = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

/** The scopes there are, and the resources that each can tell apart. */
const scopeResources: ReadonlyMap<string, readonly string[]> = new Map([
  ["Terminating", [...podResources, ...computeResources]],
  ["NotTerminating", [...podResources, ...computeResources]],
  ["BestEffort", podResources],
  ["NotBestEffort", [...podResources, ...computeResources]],
  ["PriorityClass", [...podResources, ...computeResources]],
  ["CrossNamespacePodAffinity", [...podResources, ...computeResources]],
  ["VolumeAttributesClass", ["persistentvolumeclaims", "requests.storage"]],
]);

/** Scopes that are either there or not. */
const plainScopes = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];

/** What is wrong with a quota. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateResourceQuota */
export function validateQuota(object: ResourceQuota): FieldErrors {
  const spec: ResourceQuotaSpec = object.spec ?? {};
  return [
    ...checkAmounts(spec.hard, "spec.hard"),
    ...checkScopes(spec),
    ...checkScopeSelector(spec),
    ...validateQuotaStatus(object),
  ];
}

/** What is wrong with the status of a quota. */
export function validateQuotaStatus({ status = {} }: ResourceQuota): FieldErrors {
  return [...checkAmounts(status.hard, "status.hard"), ...checkAmounts(status.used, "status.used")];
}

/** What may not change in a quota: what it is about. */
export function validateQuotaUpdate(next: ResourceQuota, previous: ResourceQuota): FieldErrors {
  const [scopes, old] = [next, previous].map(({ spec }) => [...new Set(spec?.scopes)].sort());
  return JSON.stringify(scopes) === JSON.stringify(old)
    ? []
    : [fieldError.invalid("spec.scopes", next.spec?.scopes ?? null, "field is immutable")];
}

function checkAmounts(list: ResourceList = {}, field: string): FieldErrors {
  return Object.entries(list).flatMap(([name, text]) => {
    const at = `${field}[${name}]`;
    return [...checkQuotaResourceName(name, at), ...checkAmount(name, text, at)];
  });
}

/** Whether a scope cannot tell apart what one of the limited resources counts. */
function unfitResources(scope: string, hard: ResourceList = {}): readonly string[] {
  const fit = scopeResources.get(scope);
  return Object.keys(hard)
    .sort()
    .filter((name) => isQuotaResource(name) && fit !== undefined && !fit.includes(name));
}

function checkScopes({ scopes = [], hard }: ResourceQuotaSpec): FieldErrors {
  const field = "spec.scopes";
  const errors: FieldError[] = scopes.flatMap((scope) => [
    ...(scopeResources.has(scope) ? [] : [fieldError.invalid(field, scopes, "unsupported scope")]),
    ...unfitResources(scope, hard).map(() =>
      fieldError.invalid(field, scopes, "unsupported scope applied to resource"),
    ),
  ]);
  return [
    ...errors,
    ...conflicting(new Set(scopes)).map(() => fieldError.invalid(field, scopes, "conflicting scopes")),
  ];
}

function conflicting(scopes: ReadonlySet<string>): readonly string[] {
  return ["BestEffort", "Terminating"].filter((scope) => scopes.has(scope) && scopes.has(`Not${scope}`));
}

function checkScopeSelector(spec: ResourceQuotaSpec): FieldErrors {
  const requirements = spec.scopeSelector?.matchExpressions ?? [];
  const field = "spec.scopeSelector.matchExpressions";
  const errors: FieldError[] = requirements.flatMap((requirement) => [
    ...(scopeResources.has(requirement.scopeName)
      ? []
      : [fieldError.invalid(`${field}.scopeName`, requirement.scopeName ?? "", "unsupported scope")]),
    ...unfitResources(requirement.scopeName, spec.hard).map(() =>
      fieldError.invalid(field, spec.scopeSelector, "unsupported scope applied to resource"),
    ),
    ...checkOperator(requirement, field),
  ]);
  const scopes = new Set(requirements.map(({ scopeName }) => scopeName));
  return [
    ...errors,
    ...conflicting(scopes).map(() => fieldError.invalid(field, spec.scopes ?? null, "conflicting scopes")),
  ];
}

function checkOperator(
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [];
  if (plainScopes.includes(scopeName) && operator !== "Exists") {
    const detail =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    errors.push(fieldError.invalid(`${field}.operator`, operator ?? "", detail));
  }
  if (operator === "In" || operator === "NotIn") {
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.push(fieldError.required(`${field}.values`, detail));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.push(fieldError.invalid(`${field}.values`, values, detail));
  } else errors.push(fieldError.invalid(`${field}.operator`, operator ?? "", "not a valid selector operator"));
  return errors;
}
