import { type FieldError, fieldError } from "../api/status.ts";
import type { Deployment, DeploymentSpec, RollingUpdate } from "./deployment.ts";
import { checkAtMostAll, checkIntOrPercent, intOrPercentAmount } from "./int_or_percent.ts";
import { checkImmutable, checkNonNegative, type FieldErrors } from "./validators.ts";
import { checkCollisionCount, checkCounts, checkNotGreater, checkSelectorAndTemplate } from "./workload_validation.ts";

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

/** What is wrong with the status of a deployment. */
export function validateDeploymentStatus({ status = {} }: Deployment, previous: Deployment): FieldErrors {
  return [
    ...checkCounts(status, [
      "observedGeneration",
      "replicas",
      "updatedReplicas",
      "readyReplicas",
      "availableReplicas",
      "unavailableReplicas",
      "terminatingReplicas",
      "collisionCount",
    ]),
    ...checkNotGreater(status, ["updatedReplicas", "readyReplicas", "availableReplicas"], "replicas"),
    ...checkNotGreater(status, ["availableReplicas"], "readyReplicas", "readyReplicas"),
    ...checkCollisionCount(status, previous.status),
  ];
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
    default: {
      // The value is shown as Kubernetes shows it: a whole strategy with the names that Go has for its fields.
      const { type, rollingUpdate = null } = strategy as { readonly type?: unknown; readonly rollingUpdate?: unknown };
      const value = { Type: type, RollingUpdate: rollingUpdate };
      return [fieldError.notSupported(field, value, ["Recreate", "RollingUpdate"])];
    }
  }
}

function checkRollingUpdate({ maxSurge = 0, maxUnavailable = 0 }: RollingUpdate, field: string): FieldErrors {
  const errors: FieldError[] = [
    ...checkIntOrPercent(`${field}.maxUnavailable`, maxUnavailable),
    ...checkIntOrPercent(`${field}.maxSurge`, maxSurge),
  ];
  if (intOrPercentAmount(maxUnavailable) === 0 && intOrPercentAmount(maxSurge) === 0)
    errors.push(fieldError.invalid(`${field}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  return [...errors, ...checkAtMostAll(`${field}.maxUnavailable`, maxUnavailable)];
}
