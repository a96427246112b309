import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import { type Condition, findCondition, type KubeObject, type ObjectMeta } from "../api/meta.ts";
import { durationText } from "../api/table.ts";
import { ageColumn, nameColumn, templateColumns } from "./cells.ts";
import { defaultJobSpec, withGeneratedSelector } from "./job_defaults.ts";
import { validateJobStatus } from "./job_status_validation.ts";
import { validateJob, validateJobUpdate } from "./job_validation.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { templateWarnings } from "./pod_warnings.ts";

/** What becomes of a job when one of its pods fails in a certain way. */
export interface PodFailurePolicyRule {
  readonly action: "Count" | "FailIndex" | "FailJob" | "Ignore";
  readonly onExitCodes?: {
    readonly containerName?: string;
    readonly operator: "In" | "NotIn";
    readonly values: readonly number[];
  };
  readonly onPodConditions?: readonly { readonly type: string; readonly status?: string }[];
}

/** When an indexed job has succeeded before all its indexes have. */
export interface SuccessPolicyRule {
  readonly succeededIndexes?: string;
  readonly succeededCount?: number;
}

/** What a job is to be. */
export interface JobSpec {
  readonly parallelism?: number;
  readonly completions?: number;
  readonly activeDeadlineSeconds?: number;
  readonly podFailurePolicy?: { readonly rules?: readonly PodFailurePolicyRule[] };
  readonly successPolicy?: { readonly rules?: readonly SuccessPolicyRule[] };
  readonly backoffLimit?: number;
  readonly backoffLimitPerIndex?: number;
  readonly maxFailedIndexes?: number;
  readonly selector?: LabelSelector;
  readonly manualSelector?: boolean;
  readonly template: PodTemplateSpec;
  readonly ttlSecondsAfterFinished?: number;
  readonly completionMode?: "NonIndexed" | "Indexed";
  readonly suspend?: boolean;
  readonly podReplacementPolicy?: "TerminatingOrFailed" | "Failed";
  readonly managedBy?: string;
}

/** What is known about a job: Complete, Failed, Suspended, FailureTarget, SuccessCriteriaMet. */
export interface JobCondition extends Condition {
  readonly lastProbeTime?: string;
}

/** How far a job is. */
export interface JobStatus {
  readonly conditions?: readonly JobCondition[];
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly active?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly terminating?: number;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
  readonly uncountedTerminatedPods?: { readonly succeeded?: readonly string[]; readonly failed?: readonly string[] };
  readonly ready?: number;
}

/** Pods that run until enough of them have succeeded. @see https://kubernetes.io/docs/concepts/workloads/controllers/job/ */
export interface Job extends KubeObject {
  readonly spec: JobSpec;
  readonly status?: JobStatus;
}

/** What jobs made from it are like. */
export interface JobTemplateSpec {
  readonly metadata?: ObjectMeta;
  readonly spec: JobSpec;
}

/** The kind Job. */
export const job: Kind<Job> = defineKind<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  namespaced: true,
  categories: ["all"],
  schema: "io.k8s.api.batch.v1.Job",
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => withTemplateLabels({ ...object, spec: defaultJobSpec(object.spec) }),
    prepareForCreate: (object) => withGeneratedSelector({ ...object, status: {} }),
    warnings: ({ spec }, previous) => templateWarnings(spec.template, previous?.spec.template),
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    validateStatusUpdate: validateJobStatus,
    fields: ({ status }) => ({ "status.successful": String(status?.succeeded ?? 0) }),
  },
  columns: [
    nameColumn,
    { name: "Status", type: "string", description: "What the job is doing.", cell: jobStatusText },
    {
      name: "Completions",
      type: "string",
      description: "Pods that have succeeded, of those that must.",
      cell: completionsText,
    },
    {
      name: "Duration",
      type: "string",
      description: "How long the job has been running, or ran.",
      cell: ({ status }, { now }) => {
        if (!status?.startTime) return "";
        const end = status.completionTime ? Date.parse(status.completionTime) : now;
        return durationText(end - Date.parse(status.startTime));
      },
    },
    ageColumn,
    ...templateColumns<Job>("job", ({ spec }) => spec),
  ],
});

/** A job without labels has those of its template. */
function withTemplateLabels(object: Job): Job {
  const { labels } = object.spec.template.metadata ?? {};
  if (!labels || Object.keys(object.metadata.labels ?? {}).length > 0) return object;
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** Complete, Failed, Suspended, or what is between. @see k8s.io/kubernetes/pkg/printers/internalversion, printJob */
export function jobStatusText({ metadata, status }: Job): string {
  const is = (type: string) => findCondition(status?.conditions, type)?.status === "True";
  if (is("Complete")) return "Complete";
  if (is("Failed")) return "Failed";
  if (metadata.deletionTimestamp) return "Terminating";
  if (is("Suspended")) return "Suspended";
  if (is("FailureTarget")) return "FailureTarget";
  return is("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}
