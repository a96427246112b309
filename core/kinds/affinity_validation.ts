import { dnsSubdomainError } from "../api/kind.ts";
import { labelValueErrors, qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { Affinity, NodeSelectorRequirement, NodeSelectorTerm } from "./pod.ts";
import { checkPodAffinity } from "./pod_affinity_validation.ts";
import { check, checkAll, checkRange, type FieldErrors } from "./validators.ts";

/** What is wrong with the nodes and neighbours that a pod asks for. */
export function checkAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, field: string): FieldErrors {
  return [
    ...(nodeAffinity ? checkNodeAffinity(nodeAffinity, field) : []),
    ...checkPodAffinity(podAffinity, `${field}.podAffinity`),
    ...checkPodAffinity(podAntiAffinity, `${field}.podAntiAffinity`),
  ];
}

function checkNodeAffinity(nodeAffinity: NonNullable<Affinity["nodeAffinity"]>, field: string): FieldErrors {
  const required = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  const requiredField = `${field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  const preferredField = `${field}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution`;
  return [
    ...(required ? checkNodeSelectorTerms(required.nodeSelectorTerms ?? [], requiredField) : []),
    ...(nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ weight, preference }, index) => [
      ...checkWeight(`${preferredField}[${index}].weight`, weight),
      ...checkTerm(preference, `${preferredField}[${index}].preference`, { valuesAreLabels: false }),
    ]),
  ];
}

/** What is wrong with the terms of a node selector: one of them must hold. */
export function checkNodeSelectorTerms(terms: readonly NodeSelectorTerm[], field: string): FieldErrors {
  if (terms.length === 0) return [fieldError.required(field, "must have at least one node selector term")];
  return terms.flatMap((term, index) => checkTerm(term, `${field}[${index}]`, { valuesAreLabels: true }));
}

function checkWeight(field: string, weight = 0): FieldErrors {
  return checkRange(field, weight, 1, 100).length > 0
    ? [fieldError.invalid(field, weight, "must be in the range 1-100")]
    : [];
}

function checkTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm = {},
  field: string,
  { valuesAreLabels }: { readonly valuesAreLabels: boolean },
): FieldErrors {
  return [
    ...matchExpressions.flatMap((requirement, index) => {
      const at = `${field}.matchExpressions[${index}]`;
      return [
        ...checkValues(requirement, at),
        ...checkAll(`${at}.key`, requirement.key, qualifiedNameErrors(requirement.key ?? "")),
        ...(valuesAreLabels ? (requirement.values ?? []) : []).flatMap((value, place) =>
          checkAll(`${at}.values[${place}]`, value, labelValueErrors(value)),
        ),
      ];
    }),
    ...matchFields.flatMap((requirement, index) => {
      const at = `${field}.matchFields[${index}]`;
      const errors: FieldError[] = [];
      if (requirement.operator !== "In" && requirement.operator !== "NotIn")
        errors.push(fieldError.invalid(`${at}.operator`, requirement.operator, "not a valid selector operator"));
      else if (requirement.values?.length !== 1)
        errors.push(
          fieldError.required(
            `${at}.values`,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
          ),
        );
      if (requirement.key !== "metadata.name")
        return [...errors, fieldError.invalid(`${at}.key`, requirement.key, "not a valid field selector key")];
      return [
        ...errors,
        ...(requirement.values ?? []).flatMap((name, place) =>
          check(`${at}.values[${place}]`, name, dnsSubdomainError(name)),
        ),
      ];
    }),
  ];
}

function checkValues({ operator, values = [] }: NodeSelectorRequirement, field: string): FieldErrors {
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? []
        : [fieldError.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [
            fieldError.forbidden(
              `${field}.values`,
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          ];
    case "Gt":
    case "Lt":
      return values.length === 1
        ? []
        : [fieldError.required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [fieldError.invalid(`${field}.operator`, operator, "not a valid selector operator")];
  }
}
