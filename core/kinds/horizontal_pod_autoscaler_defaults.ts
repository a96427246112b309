import type {
  AutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricTarget,
  ScalingRules,
} from "./horizontal_pod_autoscaler.ts";
import { canonicalAmount } from "./pod_resources.ts";
import { withMembers } from "./with_members.ts";

const periodSeconds = 15;

const scaleUp: ScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds },
    { type: "Percent", value: 100, periodSeconds },
  ],
};

const scaleDown: ScalingRules = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds }] };

/** What is scaled by when nothing is said: 80 % of the processor time that pods asked for. */
export const defaultMetrics: readonly MetricSpec[] = [
  { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
];

/** Fills what Kubernetes documents for autoscalers. @see k8s.io/kubernetes/pkg/apis/autoscaling/v2/defaults.go */
export function defaultAutoscalerSpec(spec: HorizontalPodAutoscalerSpec): HorizontalPodAutoscalerSpec {
  return withMembers(spec, {
    minReplicas: spec.minReplicas ?? 1,
    metrics: spec.metrics?.length ? spec.metrics.map(canonicalMetric) : defaultMetrics,
    behavior: spec.behavior && defaultBehavior(spec.behavior),
  });
}

function defaultBehavior(behavior: AutoscalerBehavior): AutoscalerBehavior {
  return {
    scaleUp: canonicalRules({ ...scaleUp, ...behavior.scaleUp }),
    scaleDown: canonicalRules({ ...scaleDown, ...behavior.scaleDown }),
  };
}

function canonicalRules(rules: ScalingRules): ScalingRules {
  return withMembers(rules, { tolerance: canonicalAmount(rules.tolerance) });
}

function canonicalMetric(metric: MetricSpec): MetricSpec {
  const { object, pods, resource, containerResource, external } = metric;
  return withMembers(metric, {
    object: object && { ...object, target: canonicalTarget(object.target) },
    pods: pods && { ...pods, target: canonicalTarget(pods.target) },
    resource: resource && { ...resource, target: canonicalTarget(resource.target) },
    containerResource: containerResource && { ...containerResource, target: canonicalTarget(containerResource.target) },
    external: external && { ...external, target: canonicalTarget(external.target) },
  });
}

function canonicalTarget(target: MetricTarget): MetricTarget {
  return withMembers(target ?? {}, {
    value: canonicalAmount(target?.value),
    averageValue: canonicalAmount(target?.averageValue),
  });
}
