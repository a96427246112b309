import type { StringMap } from "../api/meta.ts";
import type { Job, JobSpec } from "./job.ts";
import { defaultPodTemplate } from "./pod_defaults.ts";
import { withMembers } from "./with_members.ts";

const maxInt32 = 2 ** 31 - 1;

/** Labels that tell whose pods a job's pods are; those without a prefix are from before Kubernetes 1.27. */
export const jobLabels = {
  controllerUid: "batch.kubernetes.io/controller-uid",
  jobName: "batch.kubernetes.io/job-name",
  legacyControllerUid: "controller-uid",
  legacyJobName: "job-name",
} as const;

/** Fills what Kubernetes documents for jobs. @see k8s.io/kubernetes/pkg/apis/batch/v1/defaults.go */
export function defaultJobSpec(spec: Partial<JobSpec> = {}): JobSpec {
  const isSingle = spec.completions === undefined && spec.parallelism === undefined;
  return withMembers(spec as JobSpec, {
    completions: isSingle ? 1 : undefined,
    parallelism: spec.parallelism ?? 1,
    backoffLimit: spec.backoffLimit ?? (spec.backoffLimitPerIndex === undefined ? 6 : maxInt32),
    completionMode: spec.completionMode ?? "NonIndexed",
    suspend: spec.suspend ?? false,
    podReplacementPolicy: spec.podReplacementPolicy ?? (spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed"),
    podFailurePolicy: spec.podFailurePolicy && defaultFailurePolicy(spec.podFailurePolicy),
    template: defaultPodTemplate(spec.template),
  });
}

type FailurePolicy = NonNullable<JobSpec["podFailurePolicy"]>;

function defaultFailurePolicy(policy: FailurePolicy): FailurePolicy {
  return withMembers(policy, {
    rules: policy.rules?.map((rule) =>
      withMembers(rule, {
        onPodConditions: rule.onPodConditions?.map((pattern) => ({ ...pattern, status: pattern.status || "True" })),
      }),
    ),
  });
}

/**
 * Gives a job a selector that nobody else has, and its template the labels to match; one that the user is to write
 * (`manualSelector`) stays.
 *
 * @see k8s.io/kubernetes/pkg/registry/batch/job/strategy.go, generateSelector
 */
export function withGeneratedSelector(object: Job): Job {
  const { spec, metadata } = object;
  if (spec.manualSelector === true) return object;
  const { uid = "", name = "" } = metadata;
  const { template, selector } = spec;
  const { legacyControllerUid, legacyJobName, controllerUid, jobName } = jobLabels;
  const own = template.metadata?.labels;
  const labels: StringMap = {
    [legacyControllerUid]: uid,
    [legacyJobName]: name,
    [controllerUid]: uid,
    [jobName]: name,
    ...own,
  };
  // A job that has the labels of its template has all of them.
  const isShared = !metadata.labels || metadata.labels === own || Object.keys(metadata.labels).length === 0;
  return {
    ...object,
    metadata: isShared ? { ...metadata, labels } : metadata,
    spec: {
      ...spec,
      selector: { ...selector, matchLabels: { [controllerUid]: uid, ...selector?.matchLabels } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
