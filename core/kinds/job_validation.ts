import { dnsLabelError } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import { selectorFromObject } from "../api/labels.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { Job, JobSpec, JobTemplateSpec } from "./job.ts";
import { jobLabels } from "./job_defaults.ts";
import { checkFailurePolicy, checkSuccessPolicy } from "./job_policy_validation.ts";
import { checkPodTemplate } from "./pod_validation.ts";
import { checkImmutable, checkNonNegative, domainPrefixedPathErrors, type FieldErrors } from "./validators.ts";
import { checkTemplateLabels } from "./workload_validation.ts";

/** An indexed job with more completions than this must say how many may fail. */
const completionsSoftLimit = 100_000;
const maxParallelismIndexed = 100_000;
const maxFailedIndexes = 100_000;
const highCompletionsLimit = 10_000;
const maxManagedByLength = 63;

/** What is wrong with a job. @see k8s.io/kubernetes/pkg/apis/batch/validation, ValidateJob */
export function validateJob(object: Job): FieldErrors {
  const { spec, metadata } = object;
  const errors: FieldError[] = [...checkGeneratedSelector(object), ...checkJobSpec(spec, "spec")];
  if (!spec.selector) errors.push(fieldError.required("spec.selector"));
  else errors.push(...validateLabelSelector(spec.selector, "spec.selector"));
  if (validateLabelSelector(spec.selector, "").length === 0)
    errors.push(...checkTemplateLabels(spec.selector, spec.template));
  if (spec.completionMode === "Indexed" && (spec.completions ?? 0) > 0) {
    const hostname = `${metadata.name ?? ""}-${(spec.completions ?? 0) - 1}`;
    if (dnsLabelError(hostname) !== undefined) {
      const detail = `will not able to create pod with invalid DNS label: ${hostname}`;
      errors.push(fieldError.invalid("metadata.name", metadata.name ?? "", detail));
    }
  }
  return errors;
}

/** What is wrong with the template of a cron job's jobs: like a job, but its selector is not there yet. */
export function checkJobTemplate({ spec }: JobTemplateSpec, field: string): FieldErrors {
  const errors: FieldError[] = [...checkJobSpec(spec, `${field}.spec`)];
  if (spec.selector)
    errors.push(fieldError.invalid(`${field}.spec.selector`, spec.selector, "`selector` will be auto-generated"));
  if (spec.manualSelector === true)
    errors.push(fieldError.notSupported(`${field}.spec.manualSelector`, true, ["nil", "false"]));
  return errors;
}

/** What may not change in a job. */
export function validateJobUpdate({ spec }: Job, { spec: old, status }: Job): FieldErrors {
  const isMutable = old.suspend === true && spec.suspend !== undefined && !status?.startTime;
  return [
    ...checkCompletions(spec, old),
    ...checkImmutable("spec.selector", spec.selector, old.selector),
    ...checkImmutable("spec.template", isMutable ? withSchedulingOf(spec, old) : spec.template, old.template),
    ...checkImmutable("spec.completionMode", spec.completionMode, old.completionMode),
    ...checkImmutable("spec.podFailurePolicy", spec.podFailurePolicy, old.podFailurePolicy),
    ...checkImmutable("spec.backoffLimitPerIndex", spec.backoffLimitPerIndex, old.backoffLimitPerIndex),
    ...checkImmutable("spec.managedBy", spec.managedBy, old.managedBy),
    ...checkImmutable("spec.successPolicy", spec.successPolicy, old.successPolicy),
  ];
}

function checkCompletions(spec: JobSpec, old: JobSpec): FieldErrors {
  const field = "spec.completions";
  if (spec.completionMode !== "Indexed") return checkImmutable(field, spec.completions, old.completions);
  if (spec.completions === undefined || spec.completions === old.completions) return [];
  return spec.completions === spec.parallelism
    ? []
    : [fieldError.invalid(field, spec.completions, "can only be modified in tandem with spec.parallelism")];
}

/** The new template with the old one's part that a suspended job may still change: where its pods are to run. */
function withSchedulingOf({ template }: JobSpec, { template: old }: JobSpec): JobSpec["template"] {
  const { nodeSelector: _nodes, tolerations: _tolerations, schedulingGates: _gates, affinity, ...spec } = template.spec;
  const { labels: _labels, annotations: _annotations, ...metadata } = template.metadata ?? {};
  const { labels, annotations } = old.metadata ?? {};
  const { nodeSelector, tolerations, schedulingGates, affinity: oldAffinity } = old.spec;
  const { nodeAffinity: _node, ...others } = affinity ?? {};
  const merged = oldAffinity?.nodeAffinity ? { ...others, nodeAffinity: oldAffinity.nodeAffinity } : others;
  return {
    ...template,
    metadata: { ...metadata, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    spec: {
      ...spec,
      ...(nodeSelector ? { nodeSelector } : {}),
      ...(tolerations ? { tolerations } : {}),
      ...(schedulingGates ? { schedulingGates } : {}),
      ...(Object.keys(merged).length > 0 ? { affinity: merged } : {}),
    },
  };
}

/** A selector that was generated must be what was generated, and so must be the labels of the template. */
function checkGeneratedSelector({ spec, metadata }: Job): FieldErrors {
  if (spec.manualSelector === true || !spec.selector) return [];
  const { uid = "", name = "" } = metadata;
  const labels = spec.template.metadata?.labels ?? {};
  const expected: readonly (readonly [string, string])[] = [
    [jobLabels.legacyControllerUid, uid],
    [jobLabels.legacyJobName, name],
    [jobLabels.controllerUid, uid],
    [jobLabels.jobName, name],
  ];
  const errors: FieldError[] = uid ? [] : [fieldError.required("metadata.uid")];
  for (const [key, value] of expected) {
    const field = `spec.template.metadata.labels[${key}]`;
    if (!Object.hasOwn(labels, key)) errors.push(fieldError.required(field, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(fieldError.invalid(field, labels, `must be '${value}'`));
  }
  if (validateLabelSelector(spec.selector, "").length > 0) return errors;
  if (!selectorFromObject(spec.selector).matches(Object.fromEntries(expected)))
    errors.push(fieldError.invalid("spec.selector", spec.selector, "`selector` not auto-generated"));
  return errors;
}

function checkJobSpec(spec: JobSpec, field: string): FieldErrors {
  return [
    ...checkNonNegative(`${field}.parallelism`, spec.parallelism),
    ...checkNonNegative(`${field}.completions`, spec.completions),
    ...checkNonNegative(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...checkNonNegative(`${field}.backoffLimit`, spec.backoffLimit),
    ...checkNonNegative(`${field}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished),
    ...checkNonNegative(`${field}.backoffLimitPerIndex`, spec.backoffLimitPerIndex),
    ...checkFailedIndexes(spec, field),
    ...checkManagedBy(spec.managedBy, `${field}.managedBy`),
    ...checkMode(spec, field),
    ...checkFailurePolicy(spec, `${field}.podFailurePolicy`),
    ...checkSuccessPolicy(spec, `${field}.successPolicy`),
    ...checkReplacement(spec, `${field}.podReplacementPolicy`),
    ...checkPodTemplate(spec.template, `${field}.template`),
    ...checkRestartPolicy(spec, `${field}.template.spec.restartPolicy`),
  ];
}

function checkFailedIndexes(spec: JobSpec, field: string): FieldErrors {
  if (spec.maxFailedIndexes === undefined) return [];
  const errors = checkNonNegative(`${field}.maxFailedIndexes`, spec.maxFailedIndexes);
  return spec.backoffLimitPerIndex === undefined
    ? [...errors, fieldError.required(`${field}.backoffLimitPerIndex`, "when maxFailedIndexes is specified")]
    : errors;
}

function checkManagedBy(value: string | undefined, field: string): FieldErrors {
  if (value === undefined) return [];
  const errors: FieldError[] = [...domainPrefixedPathErrors(field, value)];
  if (value.length > maxManagedByLength) errors.push(fieldError.tooLong(field, maxManagedByLength));
  return errors;
}

function checkMode(spec: JobSpec, field: string): FieldErrors {
  const { completionMode, completions, parallelism, backoffLimitPerIndex } = spec;
  if (completionMode === "Indexed") {
    const errors: FieldError[] = [];
    if (completions === undefined)
      errors.push(fieldError.required(`${field}.completions`, "when completion mode is Indexed"));
    errors.push(
      ...atMost(
        `${field}.parallelism`,
        parallelism,
        maxParallelismIndexed,
        `must be less than or equal to ${maxParallelismIndexed} when completion mode is Indexed`,
      ),
      ...(completions === undefined
        ? []
        : atMost(
            `${field}.maxFailedIndexes`,
            spec.maxFailedIndexes,
            completions,
            "must be less than or equal to completions",
          )),
      ...atMost(
        `${field}.maxFailedIndexes`,
        spec.maxFailedIndexes,
        maxFailedIndexes,
        `must be less than or equal to ${maxFailedIndexes}`,
      ),
    );
    const isHigh = (completions ?? 0) > completionsSoftLimit && backoffLimitPerIndex !== undefined;
    return isHigh ? [...errors, ...checkHighCompletions(spec, field)] : errors;
  }
  const errors: FieldError[] =
    completionMode === "NonIndexed"
      ? []
      : [fieldError.notSupported(`${field}.completionMode`, completionMode, ["NonIndexed", "Indexed"])];
  if (completionMode !== "NonIndexed") return errors;
  for (const member of ["backoffLimitPerIndex", "maxFailedIndexes"] as const) {
    const value = spec[member];
    if (value !== undefined)
      errors.push(fieldError.invalid(`${field}.${member}`, value, "requires indexed completion mode"));
  }
  return errors;
}

function checkHighCompletions(spec: JobSpec, field: string): FieldErrors {
  const detail = `must be less than or equal to ${highCompletionsLimit} when completions are above ${completionsSoftLimit} and used with backoff limit per index`;
  const required = `must be specified when completions is above ${completionsSoftLimit}`;
  return [
    ...(spec.maxFailedIndexes === undefined ? [fieldError.required(`${field}.maxFailedIndexes`, required)] : []),
    ...atMost(`${field}.parallelism`, spec.parallelism, highCompletionsLimit, detail),
    ...atMost(`${field}.maxFailedIndexes`, spec.maxFailedIndexes, highCompletionsLimit, detail),
  ];
}

function atMost(field: string, value: number | undefined, max: number, detail: string): FieldErrors {
  return value !== undefined && value > max ? [fieldError.invalid(field, value, detail)] : [];
}

function checkReplacement({ podReplacementPolicy, podFailurePolicy }: JobSpec, field: string): FieldErrors {
  if (podReplacementPolicy === undefined) return [];
  const supported = podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  return supported.includes(podReplacementPolicy)
    ? []
    : [fieldError.notSupported(field, podReplacementPolicy, supported)];
}

function checkRestartPolicy({ template, podFailurePolicy }: JobSpec, field: string): FieldErrors {
  const { restartPolicy } = template.spec;
  // Always is what an absent one became.
  if (!restartPolicy || restartPolicy === "Always")
    return [fieldError.required(field, 'valid values: "OnFailure", "Never"')];
  if (restartPolicy !== "OnFailure" && restartPolicy !== "Never")
    return [fieldError.notSupported(field, restartPolicy, ["OnFailure", "Never"])];
  if (podFailurePolicy && restartPolicy !== "Never")
    return [fieldError.invalid(field, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')];
  return [];
}
