import { qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from "./job.ts";
import { parseIndexes } from "./job_indexes.ts";
import { checkAll, checkNonNegative, type FieldErrors } from "./validators.ts";

const maxRules = 20;
const maxExitCodes = 255;
const maxConditions = 20;
const maxIndexesLength = 64 * 1024;

const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
const operators = ["In", "NotIn"];
const conditionStatuses = ["False", "True", "Unknown"];

/** What is wrong with what a job does about failed pods. @see k8s.io/kubernetes/pkg/apis/batch/validation, validatePodFailurePolicy */
export function checkFailurePolicy(spec: JobSpec, field: string): FieldErrors {
  if (!spec.podFailurePolicy) return [];
  const { rules = [] } = spec.podFailurePolicy;
  const { containers = [], initContainers = [] } = spec.template.spec;
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  return [
    ...checkCount(`${field}.rules`, rules.length, maxRules),
    ...rules.flatMap((rule, index) => checkFailureRule(rule, spec, `${field}.rules[${index}]`, names)),
  ];
}

/** What is wrong with what a job counts as success. @see k8s.io/kubernetes/pkg/apis/batch/validation, validateSuccessPolicy */
export function checkSuccessPolicy(spec: JobSpec, field: string): FieldErrors {
  if (!spec.successPolicy) return [];
  if (spec.completionMode !== "Indexed")
    return [fieldError.invalid(field, spec.successPolicy, "requires indexed completion mode")];
  const { rules = [] } = spec.successPolicy;
  const at = `${field}.rules`;
  const detail = "at least one rules must be specified when the successPolicy is specified";
  return [
    ...(rules.length === 0 ? [fieldError.required(at, detail)] : []),
    ...checkCount(at, rules.length, maxRules),
    ...rules.flatMap((rule, index) => checkSuccessRule(rule, spec.completions ?? 0, `${at}[${index}]`)),
  ];
}

function checkCount(field: string, actual: number, max: number): FieldErrors {
  return actual > max ? [fieldError.tooMany(field, actual, max)] : [];
}

function quotedList(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}

function checkChoice(field: string, value: string | undefined, values: readonly string[]): FieldErrors {
  if (!value) return [fieldError.required(field, quotedList(values))];
  return values.includes(value) ? [] : [fieldError.notSupported(field, value, values)];
}

function checkFailureRule(
  rule: PodFailurePolicyRule,
  spec: JobSpec,
  field: string,
  names: ReadonlySet<string>,
): FieldErrors {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors: FieldError[] = [...checkChoice(`${field}.action`, action, actions)];
  if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined)
    errors.push(fieldError.invalid(`${field}.action`, action, "requires the backoffLimitPerIndex to be set"));
  if (onExitCodes) errors.push(...checkExitCodes(onExitCodes, `${field}.onExitCodes`, names));
  errors.push(...checkCount(`${field}.onPodConditions`, onPodConditions.length, maxConditions));
  for (const [index, { type = "", status }] of onPodConditions.entries()) {
    const at = `${field}.onPodConditions[${index}]`;
    errors.push(
      ...checkAll(`${at}.type`, type, qualifiedNameErrors(type)),
      ...checkChoice(`${at}.status`, status, conditionStatuses),
    );
  }
  if (onExitCodes && onPodConditions.length > 0)
    errors.push(withoutValue(field, "specifying both OnExitCodes and OnPodConditions is not supported"));
  if (!onExitCodes && onPodConditions.length === 0)
    errors.push(withoutValue(field, "specifying one of OnExitCodes and OnPodConditions is required"));
  return errors;
}

/** An Invalid error that does not show the value. */
function withoutValue(field: string, detail: string): FieldError {
  return { type: "Invalid", field, message: `Invalid value: ${detail}` };
}

function checkExitCodes(
  { operator, containerName, values = [] }: NonNullable<PodFailurePolicyRule["onExitCodes"]>,
  field: string,
  names: ReadonlySet<string>,
): FieldErrors {
  const errors: FieldError[] = [...checkChoice(`${field}.operator`, operator, operators)];
  if (containerName !== undefined && !names.has(containerName)) {
    const detail = "must be one of the container or initContainer names in the pod template";
    errors.push(fieldError.invalid(`${field}.containerName`, containerName, detail));
  }
  if (values.length === 0) errors.push(fieldError.invalid(`${field}.values`, values, "at least one value is required"));
  errors.push(...checkCount(`${field}.values`, values.length, maxExitCodes));
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    const at = `${field}.values[${index}]`;
    if (operator === "In" && value === 0)
      errors.push(fieldError.invalid(at, value, "must not be 0 for the In operator"));
    if (seen.has(value)) errors.push(fieldError.duplicate(at, value));
    seen.add(value);
  }
  const isOrdered = values.every((value, index) => index === 0 || (values[index - 1] ?? value) <= value);
  if (!isOrdered) errors.push(fieldError.invalid(`${field}.values`, values, "must be ordered"));
  return errors;
}

function checkSuccessRule(
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [];
  if (succeededCount === undefined && succeededIndexes === undefined) {
    const detail = "at least one of succeededCount or succeededIndexes must be specified";
    errors.push(fieldError.required(field, detail));
  }
  let total = 0;
  if (succeededIndexes !== undefined) {
    const at = `${field}.succeededIndexes`;
    if (succeededIndexes.length > maxIndexesLength) errors.push(fieldError.tooLong(at, maxIndexesLength));
    const indexes = parseIndexes(succeededIndexes, completions);
    if (typeof indexes === "string")
      errors.push(fieldError.invalid(at, succeededIndexes, `error parsing succeededIndexes: ${indexes}`));
    else total = indexes.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }
  if (succeededCount === undefined) return errors;
  const at = `${field}.succeededCount`;
  errors.push(...checkNonNegative(at, succeededCount));
  if (succeededCount > completions) {
    const detail = `must be less than or equal to ${completions} (the number of specified completions)`;
    errors.push(fieldError.invalid(at, succeededCount, detail));
  }
  if (succeededIndexes !== undefined && succeededCount > total) {
    const detail = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    errors.push(fieldError.invalid(at, succeededCount, detail));
  }
  return errors;
}
