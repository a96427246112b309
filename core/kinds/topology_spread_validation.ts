import { qualifiedNameErrors, validateLabelSelector } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { PodSpec } from "./pod.ts";
import { checkAll, checkOneOf, type FieldErrors } from "./validators.ts";

type Constraint = NonNullable<PodSpec["topologySpreadConstraints"]>[number];

/** What is wrong with how pods are to be spread. @see k8s.io/kubernetes/pkg/apis/core/validation, validateTopologySpreadConstraints */
export function checkTopologySpread({ topologySpreadConstraints: list = [] }: PodSpec, field: string): FieldErrors {
  return list.flatMap((constraint, index) => {
    const at = `${field}[${index}]`;
    const { topologyKey, whenUnsatisfiable } = constraint;
    const isRepeated = list
      .slice(index + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    return [
      ...checkConstraint(constraint, at),
      ...(isRepeated
        ? [fieldError.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`)]
        : []),
      ...checkDomains(constraint, `${at}.minDomains`),
      ...checkOneOf(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, ["Honor", "Ignore"]),
      ...checkOneOf(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, ["Honor", "Ignore"]),
      ...checkLabelKeys(constraint, `${at}.matchLabelKeys`),
      ...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`),
    ];
  });
}

function checkConstraint({ maxSkew = 0, topologyKey, whenUnsatisfiable }: Constraint, field: string): FieldErrors {
  const errors: FieldError[] =
    maxSkew > 0 ? [] : [fieldError.invalid(`${field}.maxSkew`, maxSkew, "must be greater than zero")];
  if (!topologyKey) errors.push(fieldError.required(`${field}.topologyKey`, "can not be empty"));
  return [
    ...errors,
    ...checkOneOf(`${field}.whenUnsatisfiable`, whenUnsatisfiable ?? "", ["DoNotSchedule", "ScheduleAnyway"]),
  ];
}

function checkDomains({ minDomains, whenUnsatisfiable }: Constraint, field: string): FieldErrors {
  if (minDomains === undefined) return [];
  const errors: FieldError[] =
    minDomains > 0 ? [] : [fieldError.invalid(field, minDomains, "must be greater than zero")];
  if (whenUnsatisfiable !== "DoNotSchedule") {
    const detail = "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway";
    errors.push(fieldError.invalid(field, minDomains, detail));
  }
  return errors;
}

function checkLabelKeys({ matchLabelKeys = [], labelSelector }: Constraint, field: string): FieldErrors {
  if (matchLabelKeys.length === 0) return [];
  const errors = labelSelector
    ? []
    : [fieldError.forbidden(field, "must not be specified when labelSelector is not set")];
  const selected = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  const badKeys = matchLabelKeys.flatMap((key, index) => [
    ...checkAll(`${field}[${index}]`, key, qualifiedNameErrors(key)),
    ...(selected.has(key)
      ? [fieldError.invalid(`${field}[${index}]`, key, "exists in both matchLabelKeys and labelSelector")]
      : []),
  ]);
  return [...errors, ...badKeys];
}
