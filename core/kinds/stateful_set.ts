import { defineKind, dnsLabelError, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn, templateColumns } from "./cells.ts";
import type { PersistentVolumeClaim } from "./persistent_volume_claim.ts";
import { defaultClaim } from "./persistent_volume_claim_validation.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { defaultPodTemplate } from "./pod_defaults.ts";
import { templateWarnings } from "./pod_warnings.ts";
import {
  validateStatefulSet,
  validateStatefulSetStatus,
  validateStatefulSetUpdate,
} from "./stateful_set_validation.ts";
import { withMembers } from "./with_members.ts";

/** What becomes of a pod's claims. */
export type ClaimRetention = "Retain" | "Delete";

/** What a stateful set is to be. */
export interface StatefulSetSpec {
  readonly replicas?: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplateSpec;
  readonly volumeClaimTemplates?: readonly PersistentVolumeClaim[];
  readonly serviceName?: string;
  readonly podManagementPolicy?: "OrderedReady" | "Parallel";
  readonly updateStrategy?: {
    readonly type?: "RollingUpdate" | "OnDelete";
    readonly rollingUpdate?: { readonly partition?: number; readonly maxUnavailable?: number | string };
  };
  readonly revisionHistoryLimit?: number;
  readonly minReadySeconds?: number;
  readonly persistentVolumeClaimRetentionPolicy?: {
    readonly whenDeleted?: ClaimRetention;
    readonly whenScaled?: ClaimRetention;
  };
  readonly ordinals?: { readonly start?: number };
}

/** How far a stateful set is. */
export interface StatefulSetStatus {
  readonly observedGeneration?: number;
  readonly replicas: number;
  readonly readyReplicas?: number;
  readonly currentReplicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
  readonly currentRevision?: string;
  readonly updateRevision?: string;
  readonly collisionCount?: number;
  readonly conditions?: readonly Condition[];
}

/** Pods with names and volumes that stay. @see https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/ */
export interface StatefulSet extends KubeObject {
  readonly spec: StatefulSetSpec;
  readonly status?: StatefulSetStatus;
}

/** The kind StatefulSet. */
export const statefulSet: Kind<StatefulSet> = defineKind<StatefulSet>({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  namespaced: true,
  shortNames: ["sts"],
  categories: ["all"],
  schema: "io.k8s.api.apps.v1.StatefulSet",
  subresources: {
    status: true,
    scale: { spec: ".spec.replicas", status: ".status.replicas", selector: ".spec.selector" },
  },
  validateName: dnsLabelError,
  strategy: {
    applyDefaults: (object) => ({ ...object, spec: defaultSpec(object.spec ?? {}) }),
    prepareForCreate: (object) => ({ ...object, status: { replicas: 0, availableReplicas: 0 } }),
    warnings: ({ spec }, previous) => templateWarnings(spec.template, previous?.spec.template),
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
    validateStatusUpdate: validateStatefulSetStatus,
  },
  columns: [
    nameColumn,
    {
      name: "Ready",
      type: "string",
      description: "Pods that are ready, of those wanted.",
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`,
    },
    ageColumn,
    ...templateColumns<StatefulSet>("stateful set", ({ spec }) => spec).slice(0, 2),
  ],
});

function defaultSpec(spec: StatefulSetSpec): StatefulSetSpec {
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  return withMembers(spec, {
    replicas: spec.replicas ?? 1,
    template: defaultPodTemplate(spec.template),
    podManagementPolicy: spec.podManagementPolicy || "OrderedReady",
    updateStrategy: defaultUpdateStrategy(spec.updateStrategy),
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
    volumeClaimTemplates: spec.volumeClaimTemplates?.map(defaultClaimTemplate),
    persistentVolumeClaimRetentionPolicy: {
      whenDeleted: retention?.whenDeleted || "Retain",
      whenScaled: retention?.whenScaled || "Retain",
    },
  });
}

function defaultUpdateStrategy(
  strategy: StatefulSetSpec["updateStrategy"] = {},
): NonNullable<StatefulSetSpec["updateStrategy"]> {
  // Only a strategy of which nothing was said gets a rolling update of its own.
  const rollingUpdate = strategy.rollingUpdate ?? (strategy.type ? undefined : {});
  const type = strategy.type || "RollingUpdate";
  if (!rollingUpdate) return { ...strategy, type };
  return { type, rollingUpdate: type === "RollingUpdate" ? { partition: 0, ...rollingUpdate } : rollingUpdate };
}

/** A template of a claim says what it is, like a claim by itself. */
function defaultClaimTemplate(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  return { ...defaultClaim(claim), apiVersion: "v1", kind: "PersistentVolumeClaim" };
}
