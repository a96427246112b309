import type { KubeObject } from "../../core/api/meta.ts";
import type { Container, Job, Pod } from "../../core/kinds/mod.ts";
import { podCondition } from "../../core/kinds/pod_helpers.ts";
import { countsAsFailure } from "./_job_policies.ts";
import { podFromTemplate } from "./_pod_control.ts";
import { withEntry } from "./_template_hash.ts";

/** Keeps a pod until its job has counted it. */
export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
/** Annotation and label of a pod with the index that it is for. */
const completionIndexKey = "batch.kubernetes.io/job-completion-index";
const failureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";
const ignoredFailureCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";
const completionIndexVariable = "JOB_COMPLETION_INDEX";
/** Longest prefix of a generated name: five letters follow. */
const maxPrefixLength = 58;

/** Whether a job has still to count a pod. */
export function isTracked({ metadata }: KubeObject): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) ?? false;
}

/** Whether pods are for one index each. */
export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === "Indexed";
}

/** The index that a pod of an indexed job is for: one below the number of completions; undefined where it has none. */
export function completionIndex(job: Job, pod: Pod): number | undefined {
  if (!isIndexed(job)) return undefined;
  const { spec } = job;
  const index = numberAnnotation(pod, completionIndexKey);
  return index !== undefined && index < (spec.completions ?? 0) ? index : undefined;
}

/** How often the pods of this index failed before this one: as far as it counts, and in all. */
export function failuresBefore(pod: Pod): { readonly counted: number; readonly all: number } {
  const counted = numberAnnotation(pod, failureCountAnnotation) ?? 0;
  return { counted, all: counted + (numberAnnotation(pod, ignoredFailureCountAnnotation) ?? 0) };
}

function numberAnnotation({ metadata: { annotations } }: Pod, name: string): number | undefined {
  const text = annotations && Object.hasOwn(annotations, name) ? annotations[name] : undefined;
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number < 2 ** 31 ? number : undefined;
}

/** Whether a job waits for its pods' end before it makes others in their place. */
export function replacesFailedOnly({ spec }: Job): boolean {
  // A failure policy can judge only what has ended.
  return spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;
}

/** Whether a pod has failed. One that is being deleted may never get so far as to say so. */
export function isPodFailed(job: Job, { metadata, status }: Pod): boolean {
  if (status?.phase === "Failed") return true;
  return !replacesFailedOnly(job) && metadata.deletionTimestamp !== undefined && status?.phase !== "Succeeded";
}

/** When a pod ended, in milliseconds since the epoch: by its containers, its condition, its deletion, or at last its creation. */
export function finishedAtMs(pod: Pod): number {
  const { metadata, spec, status } = pod;
  // Sidecars end after the others.
  const sidecars = new Set(
    (spec.initContainers ?? []).flatMap(({ name, restartPolicy }) => (restartPolicy === "Always" ? [name] : [])),
  );
  const ending = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ];
  const ends = ending.map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ""));
  if (ends.length > 0 && ends.every(Number.isFinite)) return Math.max(...ends);
  const ready = podCondition(pod, "Ready");
  if (ready?.status === "False" && ready.lastTransitionTime) return Date.parse(ready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = metadata;
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp ?? "") || 0;
}

/**
 * The next pod of a job.
 *
 * @param index what it is for, in an indexed job
 * @param replaced the failed pod in whose place it comes, in a job with a limit for each index
 */
export function jobPod(job: Job, index?: number, replaced?: Pod): Pod {
  const made = podFromTemplate(job);
  const finalizers = [...(made.metadata.finalizers ?? []).filter((name) => name !== trackingFinalizer)];
  const pod = { ...made, metadata: { ...made.metadata, finalizers: [...finalizers, trackingFinalizer] } };
  return index === undefined ? pod : withIndex(job, pod, index, replaced);
}

function withIndex(job: Job, pod: Pod, index: number, replaced: Pod | undefined): Pod {
  const name = job.metadata.name ?? "";
  const suffix = `-${index}-`;
  const { metadata, spec } = pod;
  let annotations = withEntry(metadata.annotations, completionIndexKey, String(index));
  if (job.spec.backoffLimitPerIndex !== undefined) {
    const { counted, all } = replaced ? failuresBefore(replaced) : { counted: 0, all: 0 };
    const ignored = all - counted;
    const counts = replaced !== undefined && countsAsFailure(job, replaced);
    const nextIgnored = replaced && !counts ? ignored + 1 : ignored;
    annotations = withEntry(annotations, failureCountAnnotation, String(counts ? counted + 1 : counted));
    if (nextIgnored > 0) annotations = withEntry(annotations, ignoredFailureCountAnnotation, String(nextIgnored));
  }
  return {
    ...pod,
    metadata: {
      ...metadata,
      generateName: `${name.slice(0, maxPrefixLength - suffix.length)}${suffix}`,
      labels: withEntry(metadata.labels, completionIndexKey, String(index)),
      annotations,
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      containers: spec.containers.map(withIndexVariable),
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(withIndexVariable) } : {}),
    },
  };
}

function withIndexVariable(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === completionIndexVariable)) return container;
  const fieldRef = { fieldPath: `metadata.labels['${completionIndexKey}']` };
  return { ...container, env: [...env, { name: completionIndexVariable, valueFrom: { fieldRef } }] };
}
