import type { ContainerStatus, Job, Pod, PodFailurePolicyRule, SuccessPolicyRule } from "../../core/kinds/mod.ts";
import { type IndexSet, readIndexes, sizeOf, sizeOfBoth } from "./_job_indexes.ts";

/** What a job makes of the failure of one pod. */
export interface FailureVerdict {
  /** Absent: no rule speaks of it, and it counts. */
  readonly action?: PodFailurePolicyRule["action"];
  /** Why the whole job fails, where it does. */
  readonly message?: string;
}

/**
 * What the first rule that fits says about a failed pod.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
 */
export function judgeFailure({ spec }: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const cause = causeOf(rule, pod);
    if (cause === undefined) continue;
    const { action } = rule;
    return action === "FailJob"
      ? { action, message: `${cause} matching ${action} rule at index ${index}` }
      : { action };
  }
  return {};
}

/** Whether the failure counts towards the limits of the job and of its index. */
export function countsAsFailure(job: Job, pod: Pod): boolean {
  return judgeFailure(job, pod).action !== "Ignore";
}

/** What of a pod a rule fits, in words; undefined where it does not. */
function causeOf(rule: PodFailurePolicyRule, { metadata, status }: Pod): string | undefined {
  const name = `${metadata.namespace}/${metadata.name}`;
  const { onExitCodes, onPodConditions } = rule;
  if (onExitCodes) {
    const containers = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
    const container = containers.find((one) => hasExitCode(one, onExitCodes));
    return (
      container &&
      `Container ${container.name} for pod ${name} failed with exit code ${container.state?.terminated?.exitCode}`
    );
  }
  const condition = status?.conditions?.find((one) =>
    onPodConditions?.some((pattern) => pattern.type === one.type && (pattern.status ?? "True") === one.status),
  );
  return condition && `Pod ${name} has condition ${condition.type}`;
}

function hasExitCode(
  { name, state }: ContainerStatus,
  { containerName, operator, values }: NonNullable<PodFailurePolicyRule["onExitCodes"]>,
): boolean {
  const exitCode = state?.terminated?.exitCode ?? 0;
  if (exitCode === 0 || (containerName !== undefined && containerName !== name)) return false;
  return values.includes(exitCode) === (operator === "In");
}

/**
 * The number of the first rule by which an indexed job has succeeded already.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy
 */
export function metSuccessRule({ spec }: Job, succeeded: IndexSet): number | undefined {
  if (succeeded.length === 0) return undefined;
  const at = (spec.successPolicy?.rules ?? []).findIndex((rule) => isMet(rule, succeeded, spec.completions ?? 0));
  return at < 0 ? undefined : at;
}

function isMet(
  { succeededIndexes, succeededCount = Number.POSITIVE_INFINITY }: SuccessPolicyRule,
  succeeded: IndexSet,
  completions: number,
): boolean {
  if (succeededIndexes === undefined) return sizeOf(succeeded) >= succeededCount;
  const wanted = readIndexes(succeededIndexes, completions);
  const met = sizeOfBoth(wanted, succeeded);
  return wanted.length > 0 && (met === sizeOf(wanted) || met >= succeededCount);
}
