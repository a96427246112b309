/** What the kinds that make pods from a template have in common. */
import { validateLabelSelector } from "../api/label_validation.ts";
import { type LabelSelector, selectorFromObject } from "../api/labels.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { checkPodTemplate } from "./pod_validation.ts";
import type { ReplicaSetStatus } from "./replica_set.ts";
import { checkNonNegative, type FieldErrors } from "./validators.ts";

/** A selector and the template of the pods that it must select. */
export interface SelectorAndTemplate {
  readonly selector: LabelSelector | undefined;
  readonly template: PodTemplateSpec;
}

/** What is wrong with the selector and the template of a Deployment or ReplicaSet. */
export function checkSelectorAndTemplate({ selector, template }: SelectorAndTemplate, kind: string): FieldErrors {
  // Kubernetes says "deployment" of ReplicaSets too.
  const errors: FieldError[] = [...checkRequiredSelector(selector, "deployment")];
  if (validateLabelSelector(selector, "").length > 0)
    return [...errors, fieldError.invalid("spec.selector", selector, "invalid label selector")];
  return [
    ...errors,
    ...checkTemplateLabels(selector, template),
    ...checkPodTemplate(template, "spec.template"),
    ...checkEndlessPods(template, kind),
  ];
}

/** A selector must be there and select something. */
export function checkRequiredSelector(selector: LabelSelector | undefined, kind: string): FieldErrors {
  if (!selector) return [fieldError.required("spec.selector")];
  return [...validateLabelSelector(selector, "spec.selector"), ...checkNotEmpty(selector, kind)];
}

/** A selector that selects everything is a mistake. */
export function checkNotEmpty(selector: LabelSelector | undefined, kind: string): FieldErrors {
  if (!selector || !isEmptySelector(selector)) return [];
  return [fieldError.invalid("spec.selector", selector, `empty selector is invalid for ${kind}`)];
}

/** The pods of a template must be those of the selector, which must be valid. One that is absent selects nothing. */
export function checkTemplateLabels(selector: LabelSelector | undefined, template: PodTemplateSpec): FieldErrors {
  const labels = template.metadata?.labels;
  if (selector && selectorFromObject(selector).matches(labels ?? {})) return [];
  const detail = "`selector` does not match template `labels`";
  return [fieldError.invalid("spec.template.metadata.labels", labels ?? null, detail)];
}

/** Pods that are replaced when they end may not be meant to end. */
export function checkEndlessPods({ spec }: PodTemplateSpec, kind: string): FieldErrors {
  const errors: FieldError[] = [];
  if (spec.restartPolicy !== "Always")
    errors.push(fieldError.notSupported("spec.template.spec.restartPolicy", spec.restartPolicy, ["Always"]));
  if (spec.activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(fieldError.forbidden("spec.template.spec.activeDeadlineSeconds", detail));
  }
  return errors;
}

/** Numbers of a status that may not be negative. */
export function checkCounts<T extends object>(status: T, names: readonly (keyof T & string)[]): FieldErrors {
  return names.flatMap((name) => {
    const value = status[name];
    return typeof value === "number" ? checkNonNegative(`status.${name}`, value) : [];
  });
}

/** Numbers of a status that may not exceed another one. */
export function checkNotGreater<T extends object>(
  status: T,
  names: readonly (keyof T & string)[],
  limit: keyof T & string,
  limitName: string = `status.${limit}`,
): FieldErrors {
  const numberAt = (name: keyof T) => (typeof status[name] === "number" ? (status[name] as number) : 0);
  return names
    .filter((name) => numberAt(name) > numberAt(limit))
    .map((name) => fieldError.invalid(`status.${name}`, numberAt(name), `cannot be greater than ${limitName}`));
}

/** What is wrong with the status of a ReplicaSet or ReplicationController. */
export function checkReplicaStatus(status: ReplicaSetStatus = { replicas: 0 }): FieldErrors {
  return [
    ...checkCounts(status, [
      "replicas",
      "fullyLabeledReplicas",
      "readyReplicas",
      "availableReplicas",
      "observedGeneration",
      "terminatingReplicas",
    ]),
    ...checkNotGreater(status, ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], "replicas"),
    ...checkNotGreater(status, ["availableReplicas"], "readyReplicas", "readyReplicas"),
  ];
}

/** How often a name was taken can only grow. */
export function checkCollisionCount(
  next: { readonly collisionCount?: number } | undefined,
  previous: { readonly collisionCount?: number } | undefined,
): FieldErrors {
  const count = next?.collisionCount ?? 0;
  const isLess =
    previous?.collisionCount !== undefined && (next?.collisionCount === undefined || count < previous.collisionCount);
  return isLess ? [fieldError.invalid("status.collisionCount", count, "cannot be decremented")] : [];
}

function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}
