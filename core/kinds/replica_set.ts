import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn, templateColumns } from "./cells.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { defaultPodTemplate } from "./pod_defaults.ts";
import { templateWarnings } from "./pod_warnings.ts";
import { checkImmutable, checkNonNegative } from "./validators.ts";
import { withStatusOf } from "./with_status.ts";
import { checkReplicaStatus, checkSelectorAndTemplate } from "./workload_validation.ts";

/** What a replica set is to be. */
export interface ReplicaSetSpec {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplateSpec;
}

/** How far a replica set is. */
export interface ReplicaSetStatus {
  readonly replicas: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly terminatingReplicas?: number;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

/** A number of equal pods. @see https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/ */
export interface ReplicaSet extends KubeObject {
  readonly spec: ReplicaSetSpec;
  readonly status?: ReplicaSetStatus;
}

/** The kind ReplicaSet. */
export const replicaSet: Kind<ReplicaSet> = defineKind<ReplicaSet>({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  namespaced: true,
  shortNames: ["rs"],
  categories: ["all"],
  schema: "io.k8s.api.apps.v1.ReplicaSet",
  subresources: {
    status: true,
    scale: { spec: ".spec.replicas", status: ".status.replicas", selector: ".spec.selector" },
  },
  strategy: {
    applyDefaults: (object) => {
      const spec: Partial<ReplicaSetSpec> = object.spec ?? {};
      const defaulted = { ...spec, replicas: spec.replicas ?? 1, template: defaultPodTemplate(spec.template) };
      return { ...object, spec: defaulted as ReplicaSetSpec };
    },
    prepareForCreate: (object) => ({ ...object, status: { replicas: 0 } }),
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    warnings: ({ spec }, previous) => templateWarnings(spec.template, previous?.spec.template),
    validate: ({ spec }) => [
      ...checkNonNegative("spec.replicas", spec.replicas),
      ...checkNonNegative("spec.minReadySeconds", spec.minReadySeconds),
      ...checkSelectorAndTemplate(spec, "ReplicaSet"),
    ],
    validateUpdate: (next, previous) => checkImmutable("spec.selector", next.spec.selector, previous.spec.selector),
    validateStatusUpdate: ({ status }) => checkReplicaStatus(status),
    fields: ({ status }) => ({ "status.replicas": String(status?.replicas ?? 0) }),
  },
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", description: "Pods wanted.", cell: ({ spec }) => spec.replicas ?? 1 },
    { name: "Current", type: "integer", description: "Pods there are.", cell: ({ status }) => status?.replicas ?? 0 },
    {
      name: "Ready",
      type: "integer",
      description: "Pods that are ready.",
      cell: ({ status }) => status?.readyReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns<ReplicaSet>("replica set", ({ spec }) => spec),
  ],
});
