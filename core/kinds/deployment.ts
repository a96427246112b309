import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn, templateColumns } from "./cells.ts";
import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from "./deployment_validation.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { defaultPodTemplate } from "./pod_defaults.ts";
import { templateWarnings } from "./pod_warnings.ts";
import { withStatusOf } from "./with_status.ts";

/** How many pods may be there too many, or too few, while a template is rolled out. */
export interface RollingUpdate {
  readonly maxSurge?: number | string;
  readonly maxUnavailable?: number | string;
}

/** What a deployment is to be. */
export interface DeploymentSpec {
  readonly replicas?: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplateSpec;
  readonly strategy?: { readonly type?: "RollingUpdate" | "Recreate"; readonly rollingUpdate?: RollingUpdate };
  readonly minReadySeconds?: number;
  readonly revisionHistoryLimit?: number;
  readonly paused?: boolean;
  readonly progressDeadlineSeconds?: number;
}

/** What is known about a deployment: Available, Progressing, ReplicaFailure. */
export interface DeploymentCondition extends Condition {
  readonly lastUpdateTime?: string;
}

/** How far a deployment is. */
export interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly unavailableReplicas?: number;
  readonly terminatingReplicas?: number;
  readonly conditions?: readonly DeploymentCondition[];
  readonly collisionCount?: number;
}

/** Declarative updates for pods. @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/ */
export interface Deployment extends KubeObject {
  readonly spec: DeploymentSpec;
  readonly status?: DeploymentStatus;
}

/** The kind Deployment. */
export const deployment: Kind<Deployment> = defineKind<Deployment>({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
  shortNames: ["deploy"],
  categories: ["all"],
  schema: "io.k8s.api.apps.v1.Deployment",
  subresources: {
    status: true,
    scale: { spec: ".spec.replicas", status: ".status.replicas", selector: ".spec.selector" },
  },
  strategy: {
    applyDefaults,
    prepareForCreate: (object) => ({ ...object, status: {} }),
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    warnings: ({ spec }, previous) => templateWarnings(spec.template, previous?.spec.template),
    validate: validateDeployment,
    validateUpdate: validateDeploymentUpdate,
    validateStatusUpdate: validateDeploymentStatus,
  },
  columns: [
    nameColumn,
    {
      name: "Ready",
      type: "string",
      description: "Pods that are ready, of those wanted.",
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`,
    },
    {
      name: "Up-to-date",
      type: "string",
      description: "Pods that have the wanted template.",
      cell: ({ status }) => String(status?.updatedReplicas ?? 0),
    },
    {
      name: "Available",
      type: "string",
      description: "Pods that have been ready for minReadySeconds.",
      cell: ({ status }) => String(status?.availableReplicas ?? 0),
    },
    ageColumn,
    ...templateColumns<Deployment>("deployment", ({ spec }) => spec),
  ],
});

function applyDefaults(object: Deployment): Deployment {
  const spec: Partial<DeploymentSpec> = object.spec ?? {};
  const type = spec.strategy?.type || "RollingUpdate";
  const rollingUpdate =
    type === "RollingUpdate"
      ? { maxUnavailable: "25%", maxSurge: "25%", ...spec.strategy?.rollingUpdate }
      : spec.strategy?.rollingUpdate;
  return {
    ...object,
    spec: {
      ...spec,
      replicas: spec.replicas ?? 1,
      strategy: { ...spec.strategy, type, ...(rollingUpdate ? { rollingUpdate } : {}) },
      revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
      progressDeadlineSeconds: spec.progressDeadlineSeconds ?? 600,
      template: defaultPodTemplate(spec.template),
    } as DeploymentSpec,
  };
}
