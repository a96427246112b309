import { validateAnnotations, validateLabelSelector, validateLabels } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkAtMostAll, checkIntOrPercent, intOrPercentAmount } from "./int_or_percent.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { semanticEqual } from "./semantic_equal.ts";
import type { StatefulSet, StatefulSetSpec } from "./stateful_set.ts";
import { checkNonNegative, checkOneOf, type FieldErrors } from "./validators.ts";
import {
  checkCollisionCount,
  checkCounts,
  checkEndlessPods,
  checkNotGreater,
  checkRequiredSelector,
  checkTemplateLabels,
} from "./workload_validation.ts";

const retentions = ["Retain", "Delete"];

/** What is wrong with a stateful set. @see k8s.io/kubernetes/pkg/apis/apps/validation, ValidateStatefulSetSpec */
export function validateStatefulSet({ spec }: StatefulSet): FieldErrors {
  const { selector, template } = spec;
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  return [
    ...checkManagement(spec),
    ...checkUpdateStrategy(spec),
    ...checkOneOf("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", retention?.whenDeleted, retentions),
    ...checkOneOf("spec.persistentVolumeClaimRetentionPolicy.whenScaled", retention?.whenScaled, retentions),
    ...checkNonNegative("spec.replicas", spec.replicas),
    ...checkNonNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...checkNonNegative("spec.ordinals.start", spec.ordinals?.start),
    ...checkRequiredSelector(selector, "statefulset"),
    ...(validateLabelSelector(selector, "").length > 0
      ? [fieldError.invalid("spec.selector", selector, "")]
      : checkTemplate(selector, template)),
    ...checkEndlessPods(template, "StatefulSet"),
  ];
}

/** What may not change in a stateful set: nearly everything that its pods' names and volumes depend on. */
export function validateStatefulSetUpdate(next: StatefulSet, previous: StatefulSet): FieldErrors {
  if (semanticEqual(fixedPart(next.spec), fixedPart(previous.spec))) return [];
  const detail =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  return [fieldError.forbidden("spec", detail)];
}

/** What is wrong with the status of a stateful set. */
export function validateStatefulSetStatus(
  { status = { replicas: 0 } }: StatefulSet,
  previous: StatefulSet,
): FieldErrors {
  return [
    ...checkCounts(status, [
      "replicas",
      "readyReplicas",
      "currentReplicas",
      "updatedReplicas",
      "availableReplicas",
      "observedGeneration",
      "collisionCount",
    ]),
    ...checkNotGreater(
      status,
      ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
      "replicas",
    ),
    ...checkNotGreater(status, ["availableReplicas"], "readyReplicas"),
    ...checkCollisionCount(status, previous.status),
  ];
}

/** The spec of the template is checked when pods are made from it: only then its claims have volumes. */
function checkTemplate(selector: StatefulSetSpec["selector"] | undefined, template: PodTemplateSpec): FieldErrors {
  return [
    ...checkTemplateLabels(selector, template),
    ...validateLabels(template.metadata?.labels, "spec.template.labels"),
    ...validateAnnotations(template.metadata?.annotations, "spec.template.annotations"),
  ];
}

function fixedPart(spec: StatefulSetSpec): unknown {
  const {
    replicas: _replicas,
    template: _template,
    updateStrategy: _strategy,
    minReadySeconds: _seconds,
    ordinals: _ordinals,
    revisionHistoryLimit: _limit,
    persistentVolumeClaimRetentionPolicy: _policy,
    ...fixed
  } = spec;
  return fixed;
}

function checkManagement({ podManagementPolicy }: StatefulSetSpec): FieldErrors {
  const field = "spec.podManagementPolicy";
  if (!podManagementPolicy) return [fieldError.required(field)];
  if (podManagementPolicy === "OrderedReady" || podManagementPolicy === "Parallel") return [];
  return [fieldError.invalid(field, podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")];
}

function checkUpdateStrategy({ updateStrategy = {} }: StatefulSetSpec): FieldErrors {
  const field = "spec.updateStrategy";
  const { type, rollingUpdate } = updateStrategy;
  switch (type) {
    case "OnDelete":
      return rollingUpdate
        ? [
            fieldError.invalid(
              `${field}.rollingUpdate`,
              rollingUpdate,
              "only allowed for updateStrategy 'RollingUpdate'",
            ),
          ]
        : [];
    case "RollingUpdate":
      return rollingUpdate ? checkRollingUpdate(rollingUpdate, `${field}.rollingUpdate`) : [];
    default:
      return [fieldError.invalid(field, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'")];
  }
}

function checkRollingUpdate(
  { partition, maxUnavailable }: NonNullable<NonNullable<StatefulSetSpec["updateStrategy"]>["rollingUpdate"]>,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [...checkNonNegative(`${field}.partition`, partition)];
  if (maxUnavailable === undefined) return errors;
  const at = `${field}.maxUnavailable`;
  errors.push(...checkIntOrPercent(at, maxUnavailable));
  if (intOrPercentAmount(maxUnavailable) === 0) errors.push(fieldError.invalid(at, maxUnavailable, "cannot be 0"));
  return [...errors, ...checkAtMostAll(at, maxUnavailable)];
}
