import { defineKind, type Kind } from "../api/kind.ts";
import { selectorFromMap } from "../api/labels.ts";
import type { Condition, KubeObject, StringMap } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn, templateColumns } from "./cells.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { defaultPodTemplate } from "./pod_defaults.ts";
import { checkPodTemplate } from "./pod_validation.ts";
import { templateWarnings } from "./pod_warnings.ts";
import { checkNonNegative, type FieldErrors } from "./validators.ts";
import { withMembers } from "./with_members.ts";
import { checkEndlessPods, checkReplicaStatus } from "./workload_validation.ts";

/** What a replication controller is to be. */
export interface ReplicationControllerSpec {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly selector?: StringMap;
  readonly template?: PodTemplateSpec;
}

/** How far a replication controller is. */
export interface ReplicationControllerStatus {
  readonly replicas: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

/** A number of equal pods, in the older form. @see https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/ */
export interface ReplicationController extends KubeObject {
  readonly spec?: ReplicationControllerSpec;
  readonly status?: ReplicationControllerStatus;
}

/** The kind ReplicationController. */
export const replicationController: Kind<ReplicationController> = defineKind<ReplicationController>({
  group: "",
  version: "v1",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  namespaced: true,
  shortNames: ["rc"],
  categories: ["all"],
  schema: "io.k8s.api.core.v1.ReplicationController",
  subresources: {
    status: true,
    scale: { spec: ".spec.replicas", status: ".status.replicas", selector: ".spec.selector" },
  },
  strategy: {
    applyDefaults,
    prepareForCreate: (object) => ({ ...object, status: { replicas: 0 } }),
    validate,
    warnings: ({ spec }, previous) => (spec?.template ? templateWarnings(spec.template, previous?.spec?.template) : []),
    validateStatusUpdate: ({ status }) => checkReplicaStatus(status),
    fields: ({ status }) => ({ "status.replicas": String(status?.replicas ?? 0) }),
  },
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", description: "Pods wanted.", cell: ({ spec }) => spec?.replicas ?? 1 },
    { name: "Current", type: "integer", description: "Pods there are.", cell: ({ status }) => status?.replicas ?? 0 },
    {
      name: "Ready",
      type: "integer",
      description: "Pods that are ready.",
      cell: ({ status }) => status?.readyReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns<ReplicationController>("replication controller", ({ spec }) => ({
      template: spec?.template,
      selector: spec?.selector && { matchLabels: spec.selector },
    })),
  ],
});

function applyDefaults(object: ReplicationController): ReplicationController {
  const { metadata, spec = {} } = object;
  const template = spec.template && defaultPodTemplate(spec.template);
  const labels = template?.metadata?.labels;
  const hasSelector = Object.keys(spec.selector ?? {}).length > 0;
  const hasLabels = Object.keys(metadata.labels ?? {}).length > 0;
  return {
    ...object,
    metadata: hasLabels || !labels ? metadata : { ...metadata, labels },
    spec: withMembers(spec, {
      replicas: spec.replicas ?? 1,
      template,
      selector: hasSelector ? spec.selector : labels,
    }),
  };
}

/** What is wrong with a replication controller. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateReplicationControllerSpec */
function validate({ spec = {} }: ReplicationController): FieldErrors {
  const { selector = {}, template } = spec;
  const isEmpty = Object.keys(selector).length === 0;
  const errors: FieldError[] = [
    ...checkNonNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...(isEmpty ? [fieldError.required("spec.selector")] : []),
    ...checkNonNegative("spec.replicas", spec.replicas),
  ];
  if (!template) return [...errors, fieldError.required("spec.template")];
  const labels = template.metadata?.labels;
  if (!isEmpty && !selectorFromMap(selector).matches(labels ?? {})) {
    const detail = "`selector` does not match template `labels`";
    errors.push(fieldError.invalid("spec.template.metadata.labels", labels ?? null, detail));
  }
  return [
    ...errors,
    ...checkPodTemplate(template, "spec.template"),
    ...checkEndlessPods(template, "ReplicationController"),
  ];
}
