import { findCondition } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { Job, JobStatus } from "./job.ts";
import { overlapOf, parseIndexes } from "./job_indexes.ts";
import { semanticEqual } from "./semantic_equal.ts";
import type { FieldErrors } from "./validators.ts";
import { checkCounts } from "./workload_validation.ts";

/** What the checks of a job's status look at. What did not change is not checked again. */
interface Change {
  readonly next: Job;
  readonly status: JobStatus;
  readonly previous: JobStatus;
  is(type: string): boolean;
  was(type: string): boolean;
  /** Whether any of these members or conditions (upper case) differs. */
  changed(...names: readonly string[]): boolean;
}

/** What is wrong with the status of a job. @see k8s.io/kubernetes/pkg/registry/batch/job, getStatusValidationOptions */
export function validateJobStatus(next: Job, { status: previous = {} }: Job): FieldErrors {
  const status = next.status ?? {};
  const is = (type: string) => findCondition(status.conditions, type)?.status === "True";
  const was = (type: string) => findCondition(previous.conditions, type)?.status === "True";
  const changed = (...names: readonly string[]) =>
    names.some((name) =>
      /^[A-Z]/.test(name)
        ? is(name) !== was(name)
        : !semanticEqual(status[name as keyof JobStatus], previous[name as keyof JobStatus]),
    );
  const change: Change = { next, status, previous, is, was, changed };
  return [
    ...checkCounts(status, ["active", "succeeded", "failed", "ready", "terminating"]),
    ...checkUncounted(status),
    ...checkConditions(change),
    ...checkTimes(change),
    ...checkFinished(change),
    ...checkIndexes(change),
    ...checkTransitions(change),
  ];
}

function condition(detail: string): FieldError {
  return { type: "Invalid", field: "status.conditions", message: `Invalid value: ${detail}` };
}

/** Pods that are counted once only. */
function checkUncounted({ uncountedTerminatedPods: pods }: JobStatus): FieldErrors {
  const seen = new Set<string>();
  return (["succeeded", "failed"] as const).flatMap((list) =>
    (pods?.[list] ?? []).flatMap((uid, index) => {
      const field = `status.uncountedTerminatedPods.${list}[${index}]`;
      if (!uid) return [fieldError.invalid(field, uid, "must not be empty")];
      if (seen.has(uid)) return [fieldError.duplicate(field, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function checkConditions({ next, is, changed }: Change): FieldErrors {
  const errors: FieldError[] = [];
  if (changed("Complete", "Failed") && is("Complete") && is("Failed"))
    errors.push(condition("cannot set Complete=True and Failed=true conditions"));
  if (changed("Complete", "FailureTarget") && is("Complete") && is("FailureTarget"))
    errors.push(condition("cannot set Complete=True and FailureTarget=true conditions"));
  if (changed("Failed", "FailureTarget") && is("Failed") && !is("FailureTarget"))
    errors.push(condition("cannot set Failed=True condition without the FailureTarget=true condition"));
  if (changed("Complete", "SuccessCriteriaMet") && is("Complete") && !is("SuccessCriteriaMet"))
    errors.push(condition("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"));
  if (is("SuccessCriteriaMet") && is("Failed"))
    errors.push(condition("cannot set SuccessCriteriaMet=True and Failed=true conditions"));
  if (is("SuccessCriteriaMet") && is("FailureTarget"))
    errors.push(condition("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"));
  if (next.spec.successPolicy && !is("SuccessCriteriaMet") && is("Complete")) {
    errors.push(condition("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"));
  }
  return errors;
}

function checkTimes({ next, status, previous, is, was, changed }: Change): FieldErrors {
  const field = "status.completionTime";
  const { startTime, completionTime } = status;
  const errors: FieldError[] = [];
  if (changed("Complete", "completionTime")) {
    if (completionTime && !is("Complete")) {
      const detail = "cannot set completionTime when there is no Complete=True condition";
      errors.push(fieldError.invalid(field, completionTime, detail));
    }
    if (!completionTime && is("Complete"))
      errors.push(fieldError.required(field, "completionTime is required for Complete jobs"));
  }
  if (changed("startTime", "completionTime") && startTime && completionTime) {
    if (Date.parse(completionTime) < Date.parse(startTime))
      errors.push(fieldError.invalid(field, completionTime, "completionTime cannot be set before startTime"));
  }
  if (completionTime && previous.completionTime && changed("completionTime"))
    errors.push(fieldError.invalid(field, completionTime, "completionTime cannot be mutated"));
  // A job that goes on after a rest starts anew.
  const isResumed = was("Suspended") && status.startTime !== undefined;
  if (previous.startTime && changed("startTime") && next.spec.suspend !== true && !isResumed)
    errors.push(fieldError.required("status.startTime", "startTime cannot be removed for unsuspended job"));
  return errors;
}

function checkFinished({ next, status, is, changed }: Change): FieldErrors {
  const errors: FieldError[] = [];
  if (changed("ready", "active") && (status.ready ?? 0) > (status.active ?? 0))
    errors.push(fieldError.invalid("status.ready", status.ready, "cannot set more ready pods than active"));
  if (!is("Complete") && !is("Failed")) return errors;
  const finished = ["Complete", "Failed"] as const;
  if (changed(...finished, "active") && (status.active ?? 0) > 0)
    errors.push(fieldError.invalid("status.active", status.active, "active>0 is invalid for finished job"));
  const needsNoStart = next.spec.suspend === true && next.spec.completions === 0;
  if (changed(...finished, "startTime") && !status.startTime && !needsNoStart)
    errors.push(fieldError.required("status.startTime", "startTime is required for finished job"));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (changed(...finished, "uncountedTerminatedPods") && succeeded.length + failed.length > 0) {
    const detail = "uncountedTerminatedPods needs to be empty for finished job";
    errors.push(fieldError.invalid("status.uncountedTerminatedPods", status.uncountedTerminatedPods, detail));
  }
  if (changed(...finished, "terminating") && (status.terminating ?? 0) > 0)
    errors.push(
      fieldError.invalid("status.terminating", status.terminating, "terminating>0 is invalid for finished job"),
    );
  return errors;
}

function checkIndexes({ next, status, changed }: Change): FieldErrors {
  const { completions, completionMode, backoffLimitPerIndex } = next.spec;
  const { completedIndexes = "", failedIndexes } = status;
  const errors: FieldError[] = [];
  const read = (member: "completedIndexes" | "failedIndexes", text: string) => {
    const indexes = parseIndexes(text, completions ?? 0);
    if (typeof indexes !== "string") return indexes;
    if (changed(member))
      errors.push(fieldError.invalid(`status.${member}`, text, `error parsing ${member}: ${indexes}`));
    return [];
  };
  const completed = completions === undefined ? [] : read("completedIndexes", completedIndexes);
  const failed =
    completions === undefined || backoffLimitPerIndex === undefined ? [] : read("failedIndexes", failedIndexes ?? "");
  if (changed("completedIndexes") && completedIndexes !== "" && completionMode !== "Indexed") {
    const detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
    errors.push(fieldError.invalid("status.completedIndexes", completedIndexes, detail));
  }
  if (changed("failedIndexes") && failedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    const detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
    errors.push(fieldError.invalid("status.failedIndexes", failedIndexes, detail));
  }
  const overlap = changed("completedIndexes", "failedIndexes") ? overlapOf(completed, failed) : undefined;
  if (overlap !== undefined) {
    const detail = `failedIndexes and completedIndexes overlap at index: ${overlap}`;
    errors.push(fieldError.invalid("status.failedIndexes", failedIndexes, detail));
  }
  return errors;
}

function checkTransitions({ next, status, previous, is, was }: Change): FieldErrors {
  const errors: FieldError[] = ["Failed", "Complete", "FailureTarget"]
    .filter((type) => was(type) && !is(type))
    .map((type) => condition(`cannot disable the terminal ${type}=True condition`));
  if ((status.failed ?? 0) < (previous.failed ?? 0))
    errors.push(fieldError.invalid("status.failed", status.failed ?? 0, "cannot decrease the failed counter"));
  const { completionMode, completions, parallelism } = next.spec;
  // An indexed job of as many pods as indexes can be scaled down.
  const mayShrink = completionMode === "Indexed" && completions === parallelism;
  if (!mayShrink && (status.succeeded ?? 0) < (previous.succeeded ?? 0))
    errors.push(fieldError.invalid("status.succeeded", status.succeeded ?? 0, "cannot decrease the succeeded counter"));
  if (was("SuccessCriteriaMet") && !is("SuccessCriteriaMet"))
    errors.push(condition("cannot disable the SuccessCriteriaMet=True condition"));
  if (was("Complete") && !was("SuccessCriteriaMet") && is("SuccessCriteriaMet"))
    errors.push(condition("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"));
  return errors;
}
