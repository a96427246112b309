import { validateLabelSelector } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { DaemonSet, DaemonSetSpec, DaemonSetStatus } from "./daemon_set.ts";
import { checkAtMostAll, checkIntOrPercent, intOrPercentAmount } from "./int_or_percent.ts";
import { checkPodTemplate } from "./pod_validation.ts";
import { checkNonNegative, type FieldErrors } from "./validators.ts";
import {
  checkCollisionCount,
  checkCounts,
  checkEndlessPods,
  checkNotEmpty,
  checkTemplateLabels,
} from "./workload_validation.ts";

/** What is wrong with a daemon set. @see k8s.io/kubernetes/pkg/apis/apps/validation, ValidateDaemonSetSpec */
export function validateDaemonSet({ spec }: DaemonSet): FieldErrors {
  const { selector, template } = spec;
  const invalidSelector = validateLabelSelector(selector, "spec.selector");
  return [
    ...invalidSelector,
    ...(invalidSelector.length > 0 ? [] : checkTemplateLabels(selector, template)),
    ...checkNotEmpty(selector, "daemonset"),
    ...checkPodTemplate(template, "spec.template"),
    ...checkEndlessPods(template, "DaemonSet"),
    ...checkNonNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...checkUpdateStrategy(spec),
    ...checkNonNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
  ];
}

/** What is wrong with the status of a daemon set. */
export function validateDaemonSetStatus({ status }: DaemonSet, previous: DaemonSet): FieldErrors {
  return [
    ...checkCounts<Partial<DaemonSetStatus>>(status ?? {}, [
      "currentNumberScheduled",
      "numberMisscheduled",
      "desiredNumberScheduled",
      "numberReady",
      "observedGeneration",
      "updatedNumberScheduled",
      "numberAvailable",
      "numberUnavailable",
      "collisionCount",
    ]),
    ...checkCollisionCount(status, previous.status),
  ];
}

function checkUpdateStrategy({ updateStrategy = {} }: DaemonSetSpec): FieldErrors {
  const { type, rollingUpdate } = updateStrategy;
  const field = "spec.updateStrategy";
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate") {
    // The value is shown as Kubernetes shows it: a whole strategy with the names that Go has for its fields.
    const value = { Type: type, RollingUpdate: rollingUpdate ?? null };
    return [fieldError.notSupported(field, value, ["RollingUpdate", "OnDelete"])];
  }
  if (!rollingUpdate) return [fieldError.required(`${field}.rollingUpdate`)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const at = `${field}.rollingUpdate`;
  const errors: FieldError[] = [
    ...checkIntOrPercent(`${at}.maxUnavailable`, maxUnavailable),
    ...checkIntOrPercent(`${at}.maxSurge`, maxSurge),
    ...checkAtMostAll(`${at}.maxUnavailable`, maxUnavailable),
    ...checkAtMostAll(`${at}.maxSurge`, maxSurge),
  ];
  const hasUnavailable = intOrPercentAmount(maxUnavailable) !== 0;
  const hasSurge = intOrPercentAmount(maxSurge) !== 0;
  if (hasUnavailable && hasSurge)
    errors.push(fieldError.invalid(`${at}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  if (!hasUnavailable && !hasSurge)
    errors.push(fieldError.required(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  return errors;
}
