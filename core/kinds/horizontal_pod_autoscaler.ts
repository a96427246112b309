import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { defaultAutoscalerSpec } from "./horizontal_pod_autoscaler_defaults.ts";
import { metricsText } from "./horizontal_pod_autoscaler_metrics.ts";
import { validateAutoscaler, validateAutoscalerStatus } from "./horizontal_pod_autoscaler_validation.ts";

/** Points at an object in any version that has it. */
export interface CrossVersionObjectReference {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
}

/** Names a metric. */
export interface MetricIdentifier {
  readonly name: string;
  readonly selector?: LabelSelector;
}

/** What a metric is to be. */
export interface MetricTarget {
  readonly type: "Utilization" | "Value" | "AverageValue";
  readonly value?: string | number;
  readonly averageValue?: string | number;
  /** Percent of what was requested. */
  readonly averageUtilization?: number;
}

/** What a metric is. */
export interface MetricValueStatus {
  readonly value?: string | number;
  readonly averageValue?: string | number;
  readonly averageUtilization?: number;
}

/** Something to scale by. The member that `type` names is set, and no other. */
export interface MetricSpec {
  readonly type: "Object" | "Pods" | "Resource" | "ContainerResource" | "External";
  readonly object?: {
    readonly describedObject: CrossVersionObjectReference;
    readonly metric: MetricIdentifier;
    readonly target: MetricTarget;
  };
  readonly pods?: { readonly metric: MetricIdentifier; readonly target: MetricTarget };
  readonly resource?: { readonly name: string; readonly target: MetricTarget };
  readonly containerResource?: { readonly name: string; readonly container: string; readonly target: MetricTarget };
  readonly external?: { readonly metric: MetricIdentifier; readonly target: MetricTarget };
}

/** How something to scale by is. */
export interface MetricStatus {
  /** `""` keeps the place of a metric that could not be read. */
  readonly type: MetricSpec["type"] | "";
  readonly object?: {
    readonly describedObject: CrossVersionObjectReference;
    readonly metric: MetricIdentifier;
    readonly current: MetricValueStatus;
  };
  readonly pods?: { readonly metric: MetricIdentifier; readonly current: MetricValueStatus };
  readonly resource?: { readonly name: string; readonly current: MetricValueStatus };
  readonly containerResource?: {
    readonly name: string;
    readonly container: string;
    readonly current: MetricValueStatus;
  };
  readonly external?: { readonly metric: MetricIdentifier; readonly current: MetricValueStatus };
}

/** How far pods may be added or removed within a time. */
export interface ScalingPolicy {
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodSeconds: number;
}

/** How fast to scale in one direction. */
export interface ScalingRules {
  readonly stabilizationWindowSeconds?: number;
  readonly selectPolicy?: "Max" | "Min" | "Disabled";
  readonly policies?: readonly ScalingPolicy[];
  readonly tolerance?: string | number;
}

/** How fast to scale. */
export interface AutoscalerBehavior {
  readonly scaleUp?: ScalingRules;
  readonly scaleDown?: ScalingRules;
}

/** What to scale, by what, and how far. */
export interface HorizontalPodAutoscalerSpec {
  readonly scaleTargetRef: CrossVersionObjectReference;
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  readonly metrics?: readonly MetricSpec[];
  readonly behavior?: AutoscalerBehavior;
}

/** What an autoscaler sees. */
export interface HorizontalPodAutoscalerStatus {
  readonly observedGeneration?: number;
  readonly lastScaleTime?: string;
  readonly currentReplicas?: number;
  readonly desiredReplicas: number;
  readonly currentMetrics?: readonly MetricStatus[] | null;
  readonly conditions?: readonly Condition[];
}

/** Scales a workload by its load. @see https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ */
export interface HorizontalPodAutoscaler extends KubeObject {
  readonly spec: HorizontalPodAutoscalerSpec;
  readonly status?: HorizontalPodAutoscalerStatus;
}

/** The kind HorizontalPodAutoscaler. */
export const horizontalPodAutoscaler: Kind<HorizontalPodAutoscaler> = defineKind<HorizontalPodAutoscaler>({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  namespaced: true,
  shortNames: ["hpa"],
  categories: ["all"],
  schema: "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  generation: "none",
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => ({ ...object, spec: defaultAutoscalerSpec(object.spec ?? {}) }),
    prepareForCreate: (object) => ({ ...object, status: { desiredReplicas: 0, currentMetrics: null } }),
    validate: validateAutoscaler,
    validateStatusUpdate: validateAutoscalerStatus,
  },
  columns: [
    nameColumn,
    {
      name: "Reference",
      type: "string",
      description: "What is scaled.",
      cell: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
    },
    {
      name: "Targets",
      type: "string",
      description: "The metrics, as they are and as they are to be.",
      cell: ({ spec, status }) => metricsText(spec.metrics ?? [], status?.currentMetrics ?? []),
    },
    {
      name: "MinPods",
      type: "string",
      description: "Fewest pods.",
      cell: ({ spec }) => String(spec.minReplicas ?? "<unset>"),
    },
    { name: "MaxPods", type: "string", description: "Most pods.", cell: ({ spec }) => spec.maxReplicas },
    {
      name: "Replicas",
      type: "string",
      description: "Pods there are.",
      cell: ({ status }) => status?.currentReplicas ?? 0,
    },
    ageColumn,
  ],
});
