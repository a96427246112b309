import { apiVersionOf, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type CrossVersionObjectReference, horizontalPodAutoscaler } from "./horizontal_pod_autoscaler.ts";
import { autoscalerFromV1, autoscalerToV1 } from "./horizontal_pod_autoscaler_conversion.ts";
import { olderVersion } from "./older_version.ts";

/** Scales a workload by its load, in the older form: by processor time only, everything else is told in annotations. */
export interface HorizontalPodAutoscalerV1 extends KubeObject {
  readonly spec: {
    readonly scaleTargetRef: CrossVersionObjectReference;
    readonly minReplicas?: number;
    readonly maxReplicas: number;
    readonly targetCPUUtilizationPercentage?: number;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly lastScaleTime?: string;
    readonly currentReplicas: number;
    readonly desiredReplicas: number;
    readonly currentCPUUtilizationPercentage?: number;
  };
}

/** The kind HorizontalPodAutoscaler in autoscaling/v1: the same objects as in v2. */
export const horizontalPodAutoscalerV1: Kind<HorizontalPodAutoscalerV1> = olderVersion(horizontalPodAutoscaler, {
  version: "v1",
  schema: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
  toStored: (object: HorizontalPodAutoscalerV1) => autoscalerFromV1(object, apiVersionOf(horizontalPodAutoscaler)),
  fromStored: (object) => autoscalerToV1(object, "autoscaling/v1"),
});
