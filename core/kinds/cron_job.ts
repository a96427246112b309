import { defineKind, type Kind, type ValidationContext } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { ageText } from "../api/table.ts";
import { ageColumn, nameColumn, templateColumns } from "./cells.ts";
import { scheduleError } from "./cron_schedule.ts";
import type { ObjectReference } from "./endpoints.ts";
import type { JobTemplateSpec } from "./job.ts";
import { defaultJobSpec } from "./job_defaults.ts";
import { checkJobTemplate } from "./job_validation.ts";
import { olderVersion } from "./older_version.ts";
import { templateWarnings } from "./pod_warnings.ts";
import { timeZoneError } from "./time_zones.ts";
import { check, checkNonNegative, checkRequiredOneOf, type FieldErrors } from "./validators.ts";
import { withMembers } from "./with_members.ts";

/** What a cron job is to be. */
export interface CronJobSpec {
  readonly schedule: string;
  readonly timeZone?: string;
  readonly startingDeadlineSeconds?: number;
  readonly concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
  readonly suspend?: boolean;
  readonly jobTemplate: JobTemplateSpec;
  readonly successfulJobsHistoryLimit?: number;
  readonly failedJobsHistoryLimit?: number;
}

/** What a cron job is doing. */
export interface CronJobStatus {
  readonly active?: readonly ObjectReference[];
  readonly lastScheduleTime?: string;
  readonly lastSuccessfulTime?: string;
}

/** Jobs at set times. @see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ */
export interface CronJob extends KubeObject {
  readonly spec: CronJobSpec;
  readonly status?: CronJobStatus;
}

/** Names of jobs are those of their cron job and eleven characters for the time. */
const maxNameLength = 63 - 11;

/** The kind CronJob. */
export const cronJob: Kind<CronJob> = defineKind<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  namespaced: true,
  shortNames: ["cj"],
  categories: ["all"],
  schema: "io.k8s.api.batch.v1.CronJob",
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => ({ ...object, spec: defaultSpec(object.spec ?? {}) }),
    prepareForCreate: (object) => ({ ...object, status: {} }),
    validate,
    warnings: ({ spec }, previous) =>
      templateWarnings(
        spec.jobTemplate.spec.template,
        previous?.spec.jobTemplate.spec.template,
        "spec.jobTemplate.spec.template.spec",
      ),
  },
  columns: [
    nameColumn,
    { name: "Schedule", type: "string", description: "When jobs are made.", cell: ({ spec }) => spec.schedule },
    {
      name: "Timezone",
      type: "string",
      description: "The time zone of the schedule.",
      cell: ({ spec }) => spec.timeZone ?? "<none>",
    },
    {
      name: "Suspend",
      type: "boolean",
      description: "Whether no jobs are made.",
      cell: ({ spec }) => (spec.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False"),
    },
    {
      name: "Active",
      type: "integer",
      description: "Jobs that run.",
      cell: ({ status }) => status?.active?.length ?? 0,
    },
    {
      name: "Last Schedule",
      type: "string",
      description: "How long ago a job was made.",
      cell: ({ status }, { now }) => (status?.lastScheduleTime ? ageText(status.lastScheduleTime, now) : "<none>"),
    },
    ageColumn,
    ...templateColumns<CronJob>("jobs", ({ spec }) => spec.jobTemplate.spec),
  ],
});

/** The kind CronJob as clients from before Kubernetes 1.21 ask for it. */
export const cronJobV1beta1: Kind<CronJob> = olderVersion(cronJob, {
  version: "v1beta1",
  hidden: true,
  deprecated: "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob",
  toStored: (object: CronJob) => ({ ...object, apiVersion: "batch/v1" }),
  fromStored: (object) => ({ ...object, apiVersion: "batch/v1beta1" }),
});

function defaultSpec(spec: CronJobSpec): CronJobSpec {
  return withMembers(spec, {
    concurrencyPolicy: spec.concurrencyPolicy || "Allow",
    suspend: spec.suspend ?? false,
    successfulJobsHistoryLimit: spec.successfulJobsHistoryLimit ?? 3,
    failedJobsHistoryLimit: spec.failedJobsHistoryLimit ?? 1,
    jobTemplate: {
      ...spec.jobTemplate,
      metadata: spec.jobTemplate?.metadata ?? {},
      spec: defaultJobSpec(spec.jobTemplate?.spec),
    },
  });
}

/** What is wrong with a cron job. @see k8s.io/kubernetes/pkg/apis/batch/validation, ValidateCronJobCreate */
function validate({ metadata, spec }: CronJob, _context: ValidationContext, previous?: CronJob): FieldErrors {
  const name = metadata.name ?? "";
  const zoneChanged = !previous || previous.spec.timeZone !== spec.timeZone;
  return [
    ...checkSchedule(spec, previous?.spec.schedule.includes("TZ") ?? false),
    ...checkNonNegative("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds),
    ...(zoneChanged ? check("spec.timeZone", spec.timeZone, timeZoneError(spec.timeZone)) : []),
    ...checkRequiredOneOf("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]),
    ...checkJobTemplate(spec.jobTemplate, "spec.jobTemplate"),
    ...checkNonNegative("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit),
    ...checkNonNegative("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit),
    ...(!previous && name.length > maxNameLength
      ? [fieldError.invalid("metadata.name", name, `must be no more than ${maxNameLength} characters`)]
      : []),
  ];
}

/** Time zones belong into a field of their own; only what had one in its schedule before may keep it. */
function checkSchedule({ schedule, timeZone }: CronJobSpec, mayNameZone: boolean): FieldErrors {
  const field = "spec.schedule";
  if (!schedule) return [fieldError.required(field)];
  const errors = check(field, schedule, scheduleError(schedule));
  if (!schedule.includes("TZ") || (mayNameZone && timeZone === undefined)) return errors;
  const detail = mayNameZone
    ? "cannot use both timeZone field and TZ or CRON_TZ in schedule"
    : "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
  return [...errors, fieldError.invalid(field, schedule, detail)];
}
