import { type FieldError, fieldError } from "../api/status.ts";
import type { Deployment, DeploymentSpec, RollingUpdate } from "./deployment.ts";
import { checkImmutable, checkNonNegative, type FieldErrors } from "./validators.ts";
import { checkSelectorAndTemplate } from "./workload_validation.ts";

/** What is wrong with a deployment. @see k8s.io/kubernetes/pkg/apis/apps/validation */
export function validateDeployment({ spec }: Deployment): FieldErrors {
  return [
    ...checkNonNegative("spec.replicas", spec.replicas),
    ...checkSelectorAndTemplate(spec, "Deployment"),
    ...checkStrategy(spec),
    ...checkNonNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...checkNonNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
    ...checkDeadline(spec),
  ];
}

/** What may not change in a deployment. */
export function validateDeploymentUpdate(next: Deployment, previous: Deployment): FieldErrors {
  return checkImmutable("spec.selector", next.spec.selector, previous.spec.selector);
}

function checkDeadline({ progressDeadlineSeconds, minReadySeconds = 0 }: DeploymentSpec): FieldErrors {
  const field = "spec.progressDeadlineSeconds";
  const errors: FieldError[] = [...checkNonNegative(field, progressDeadlineSeconds)];
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds)
    errors.push(fieldError.invalid(field, progressDeadlineSeconds, "must be greater than minReadySeconds"));
  return errors;
}

function checkStrategy({ strategy = {} }: DeploymentSpec): FieldErrors {
  const field = "spec.strategy";
  switch (strategy.type) {
    case "Recreate":
      return strategy.rollingUpdate
        ? [fieldError.forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
        : [];
    case "RollingUpdate":
      return strategy.rollingUpdate
        ? checkRollingUpdate(strategy.rollingUpdate, `${field}.rollingUpdate`)
        : [fieldError.required(`${field}.rollingUpdate`, "this should be defaulted and never be nil")];
    default:
      return [fieldError.notSupported(`${field}.type`, strategy.type, ["Recreate", "RollingUpdate"])];
  }
}

function checkRollingUpdate({ maxSurge = 0, maxUnavailable = 0 }: RollingUpdate, field: string): FieldErrors {
  const errors: FieldError[] = [
    ...checkIntOrPercent(`${field}.maxUnavailable`, maxUnavailable),
    ...checkIntOrPercent(`${field}.maxSurge`, maxSurge),
  ];
  if (amount(maxUnavailable) === 0 && amount(maxSurge) === 0)
    errors.push(fieldError.invalid(`${field}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  if (typeof maxUnavailable === "string" && amount(maxUnavailable) > 100)
    errors.push(fieldError.invalid(`${field}.maxUnavailable`, maxUnavailable, "must not be greater than 100%"));
  return errors;
}

function amount(value: number | string): number {
  return typeof value === "number" ? value : Number.parseInt(value, 10) || 0;
}

function checkIntOrPercent(field: string, value: number | string): FieldErrors {
  if (typeof value === "number") return checkNonNegative(field, value);
  if (/^[0-9]+%$/.test(value)) return [];
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [fieldError.invalid(field, value, detail)];
}
