import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import type { PodTemplateSpec } from "./pod.ts";

export interface ReplicaSetSpec {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplateSpec;
}

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
  columns: [],
});
