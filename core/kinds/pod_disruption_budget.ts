import type { IntOrPercent } from "../api/intstr.ts";
import { defineKind, type Kind } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject, StringMap } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkAtMostAll, checkIntOrPercent } from "./int_or_percent.ts";
import { olderVersion } from "./older_version.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkNonNegative, checkOneOf, type FieldErrors } from "./validators.ts";

/** How many pods must stay. */
export interface PodDisruptionBudgetSpec {
  readonly minAvailable?: IntOrPercent;
  readonly maxUnavailable?: IntOrPercent;
  readonly selector?: LabelSelector;
  readonly unhealthyPodEvictionPolicy?: "IfHealthyBudget" | "AlwaysAllow";
}

/** How many pods may go. */
export interface PodDisruptionBudgetStatus {
  readonly observedGeneration?: number;
  /** When the eviction of a pod was agreed to, by the pod's name. */
  readonly disruptedPods?: StringMap;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  readonly conditions?: readonly Condition[];
}

/** Bounds how many pods may be evicted at once. @see https://kubernetes.io/docs/tasks/run-application/configure-pdb/ */
export interface PodDisruptionBudget extends KubeObject {
  readonly spec?: PodDisruptionBudgetSpec;
  readonly status?: PodDisruptionBudgetStatus;
}

/** The kind PodDisruptionBudget. */
export const podDisruptionBudget: Kind<PodDisruptionBudget> = defineKind<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  // Kubernetes asks no more of a name than that it fits into a path.
  validateName: () => undefined,
  namespaced: true,
  shortNames: ["pdb"],
  schema: "io.k8s.api.policy.v1.PodDisruptionBudget",
  conditionalUpdate: true,
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => ({ ...object, spec: object.spec ?? {} }),
    prepareForCreate: (object) => ({
      ...object,
      status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    }),
    validate,
    validateStatusUpdate: ({ status }) =>
      (["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const).flatMap((name) =>
        checkNonNegative(`status.${name}`, status?.[name]),
      ),
  },
  columns: [
    nameColumn,
    {
      name: "Min Available",
      type: "string",
      description: "Pods that must stay.",
      cell: ({ spec }) => String(spec?.minAvailable ?? "N/A"),
    },
    {
      name: "Max Unavailable",
      type: "string",
      description: "Pods that may be missing.",
      cell: ({ spec }) => String(spec?.maxUnavailable ?? "N/A"),
    },
    {
      name: "Allowed Disruptions",
      type: "integer",
      description: "Pods that may be evicted now.",
      cell: ({ status }) => status?.disruptionsAllowed ?? 0,
    },
    ageColumn,
  ],
});

const emptyMarker = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";
const matchNone: LabelSelector = { matchExpressions: [{ key: emptyMarker, operator: "Exists" }] };
const matchAll: LabelSelector = { matchExpressions: [{ key: emptyMarker, operator: "DoesNotExist" }] };

/**
 * The kind PodDisruptionBudget as clients from before Kubernetes 1.21 ask for it: an empty selector selects no pod there, and
 * every pod in v1.
 */
export const podDisruptionBudgetV1beta1: Kind<PodDisruptionBudget> = olderVersion(podDisruptionBudget, {
  version: "v1beta1",
  hidden: true,
  deprecated:
    "policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget",
  toStored: (object: PodDisruptionBudget) => ({
    ...withSelector(object, [
      [{}, matchNone],
      [matchAll, {}],
    ]),
    apiVersion: "policy/v1",
  }),
  fromStored: (object) => ({
    ...withSelector(object, [
      [matchNone, {}],
      [{}, matchAll],
    ]),
    apiVersion: "policy/v1beta1",
  }),
});

/** A budget with its selector replaced, where it is one of those that mean something else in the other version. */
function withSelector(
  object: PodDisruptionBudget,
  meanings: readonly (readonly [LabelSelector, LabelSelector])[],
): PodDisruptionBudget {
  const { selector } = object.spec ?? {};
  const found = selector && meanings.find(([from]) => semanticEqual(from, selector));
  return found ? { ...object, spec: { ...object.spec, selector: found[1] } } : object;
}

/** What is wrong with a budget. @see k8s.io/kubernetes/pkg/apis/policy/validation */
function validate({ spec = {} }: PodDisruptionBudget): FieldErrors {
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    errors.push(fieldError.invalid("spec", internalSpec(spec), "minAvailable and maxUnavailable cannot be both set"));
  for (const member of ["minAvailable", "maxUnavailable"] as const) {
    const at = `spec.${member}`;
    errors.push(...checkIntOrPercent(at, spec[member]), ...checkAtMostAll(at, spec[member]));
  }
  return [
    ...errors,
    ...validateLabelSelector(spec.selector, "spec.selector"),
    ...checkOneOf("spec.unhealthyPodEvictionPolicy", spec.unhealthyPodEvictionPolicy, [
      "AlwaysAllow",
      "IfHealthyBudget",
    ]),
  ];
}

/** The spec as Kubernetes shows it: with the names that Go has for its fields. */
function internalSpec(spec: PodDisruptionBudgetSpec): object {
  return {
    MinAvailable: spec.minAvailable,
    Selector: spec.selector ?? null,
    MaxUnavailable: spec.maxUnavailable,
    UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
  };
}
