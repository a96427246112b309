import { dnsLabelError } from "../api/kind.ts";
import { qualifiedNameErrors, validateLabelSelector } from "../api/label_validation.ts";
import { fieldError } from "../api/status.ts";
import type { PodAffinity, PodAffinityTerm } from "./pod.ts";
import { check, checkAll, type FieldErrors } from "./validators.ts";

/** What is wrong with the neighbours that a pod asks for, or wants to avoid. */
export function checkPodAffinity(affinity: PodAffinity | undefined, field: string): FieldErrors {
  if (!affinity) return [];
  const required = `${field}.requiredDuringSchedulingIgnoredDuringExecution`;
  const preferred = `${field}.preferredDuringSchedulingIgnoredDuringExecution`;
  return [
    ...(affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, index) =>
      checkTerm(term, `${required}[${index}]`),
    ),
    ...(affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(
      ({ weight = 0, podAffinityTerm }, index) => [
        ...(weight > 0 && weight <= 100
          ? []
          : [fieldError.invalid(`${preferred}[${index}].weight`, weight, "must be in the range 1-100")]),
        ...checkTerm(podAffinityTerm, `${preferred}[${index}].podAffinityTerm`),
      ],
    ),
  ];
}

function checkTerm(term: PodAffinityTerm | undefined, field: string): FieldErrors {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey = "" }: Partial<PodAffinityTerm> = term ?? {};
  return [
    ...validateLabelSelector(labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...namespaces.flatMap((name) => check(`${field}.namespace`, name, dnsLabelError(name))),
    ...checkKeys(term ?? { topologyKey }, field),
    ...(topologyKey === "" ? [fieldError.required(`${field}.topologyKey`, "can not be empty")] : []),
    ...checkAll(`${field}.topologyKey`, topologyKey, qualifiedNameErrors(topologyKey)),
  ];
}

/** Keys whose values are taken from the pod itself. */
function checkKeys(
  { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector }: PodAffinityTerm,
  field: string,
): FieldErrors {
  const lists = [
    ["matchLabelKeys", matchLabelKeys],
    ["mismatchLabelKeys", mismatchLabelKeys],
  ] as const;
  const keysOfBoth = matchLabelKeys.flatMap((key, index) =>
    mismatchLabelKeys.includes(key)
      ? [
          fieldError.invalid(
            `${field}.matchLabelKeys[${index}]`,
            key,
            "exists in both matchLabelKeys and mismatchLabelKeys",
          ),
        ]
      : [],
  );
  const errors = lists.flatMap(([member, keys]) => {
    if (keys.length === 0) return [];
    const at = `${field}.${member}`;
    if (!labelSelector) return [fieldError.forbidden(at, "must not be specified when labelSelector is not set")];
    return keys.flatMap((key, index) => checkAll(`${at}[${index}]`, key, qualifiedNameErrors(key)));
  });
  return [...errors, ...keysOfBoth];
}
