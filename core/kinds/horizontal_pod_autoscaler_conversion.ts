/**
 * Between autoscaling/v1, which knows processor time only, and v2: what v1 has no fields for is told in annotations, as
 * Kubernetes does it, so that nothing is lost.
 *
 * @see k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go
 */
import { isJsonObject } from "../api/json_object.ts";
import type { Json, JsonObject, StringMap } from "../api/meta.ts";
import { compact } from "../util/compact.ts";
import type {
  AutoscalerBehavior,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
} from "./horizontal_pod_autoscaler.ts";
import { defaultMetrics } from "./horizontal_pod_autoscaler_defaults.ts";
import type { HorizontalPodAutoscalerV1 } from "./horizontal_pod_autoscaler_v1.ts";

const prefix = "autoscaling.alpha.kubernetes.io/";
const annotations = {
  metrics: `${prefix}metrics`,
  currentMetrics: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
  behavior: `${prefix}behavior`,
} as const;

/** An autoscaler of v2 as v1 shows it. */
export function autoscalerToV1(object: HorizontalPodAutoscaler, apiVersion: string): HorizontalPodAutoscalerV1 {
  const { metadata, spec, status } = object;
  const { metrics = [], behavior, scaleTargetRef, minReplicas, maxReplicas } = spec;
  const others = metrics.filter((metric) => cpuTarget(metric) === undefined);
  const current = status?.currentMetrics ?? [];
  const cpu = metrics.find(isCpu);
  const told = compact<StringMap>({
    ...withoutOurs(metadata.annotations),
    [annotations.metrics]: others.length > 0 ? JSON.stringify(others.map(metricToV1)) : undefined,
    [annotations.currentMetrics]: current.length > 0 ? JSON.stringify(current.map(statusToV1)) : undefined,
    [annotations.behavior]: behavior ? JSON.stringify(rename(behavior as JsonObject, upper)) : undefined,
    [annotations.conditions]: status?.conditions?.length ? JSON.stringify(status.conditions) : undefined,
  });
  return {
    ...object,
    apiVersion,
    metadata: withAnnotations(metadata, told),
    spec: compact<HorizontalPodAutoscalerV1["spec"]>({
      scaleTargetRef,
      minReplicas,
      maxReplicas,
      targetCPUUtilizationPercentage: cpu && cpuTarget(cpu),
    }),
    ...(status ? { status: statusPartToV1(status) } : {}),
  } as HorizontalPodAutoscalerV1;
}

function statusPartToV1(status: HorizontalPodAutoscalerStatus): NonNullable<HorizontalPodAutoscalerV1["status"]> {
  const cpu = (status.currentMetrics ?? []).find(
    ({ type, resource }) => type === "Resource" && resource?.name === "cpu",
  );
  return compact<NonNullable<HorizontalPodAutoscalerV1["status"]>>({
    observedGeneration: status.observedGeneration,
    lastScaleTime: status.lastScaleTime,
    currentReplicas: status.currentReplicas ?? 0,
    desiredReplicas: status.desiredReplicas ?? 0,
    currentCPUUtilizationPercentage: cpu?.resource?.current.averageUtilization,
  });
}

/** An autoscaler as it was written in v1, in v2. */
export function autoscalerFromV1(object: HorizontalPodAutoscalerV1, apiVersion: string): HorizontalPodAutoscaler {
  const { metadata, spec, status } = object;
  const { targetCPUUtilizationPercentage: percent, ...rest }: Partial<HorizontalPodAutoscalerV1["spec"]> = spec ?? {};
  const told = metadata.annotations ?? {};
  const others = readList(told[annotations.metrics]).map(metricFromV1);
  const cpu: readonly MetricSpec[] =
    percent === undefined
      ? []
      : [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: percent } } }];
  const metrics = [...others, ...cpu];
  const behavior = readObject(told[annotations.behavior]);
  return {
    ...object,
    apiVersion,
    metadata: withAnnotations(metadata, withoutOurs(told)),
    spec: compact<HorizontalPodAutoscalerSpec>({
      ...(rest as HorizontalPodAutoscalerSpec),
      metrics: metrics.length > 0 ? metrics : defaultMetrics,
      behavior: behavior && (rename(behavior, lower) as AutoscalerBehavior),
    }),
    ...(status ? { status: statusPartFromV1(status, told) } : {}),
  } as HorizontalPodAutoscaler;
}

function statusPartFromV1(
  { currentCPUUtilizationPercentage: percent, ...rest }: NonNullable<HorizontalPodAutoscalerV1["status"]>,
  told: StringMap,
): HorizontalPodAutoscalerStatus {
  const all = readList(told[annotations.currentMetrics]).map(statusFromV1);
  const cpu: readonly MetricStatus[] | null =
    percent === undefined
      ? null
      : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: percent } } }];
  const conditions = readList(told[annotations.conditions]) as unknown as NonNullable<
    HorizontalPodAutoscalerStatus["conditions"]
  >;
  return compact<HorizontalPodAutoscalerStatus>({
    ...rest,
    // What the annotation says of processor time says more.
    currentMetrics: all.length > 0 ? all : cpu,
    conditions: conditions.length > 0 ? conditions : undefined,
  });
}

function isCpu({ type, resource }: MetricSpec): boolean {
  return type === "Resource" && resource?.name === "cpu";
}

function cpuTarget(metric: MetricSpec): number | undefined {
  return isCpu(metric) ? metric.resource?.target.averageUtilization : undefined;
}

function metricToV1({ type, object, pods, resource, containerResource, external }: MetricSpec): object {
  return compact({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? "0",
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? "0",
      selector: pods.metric.selector,
    },
    resource: resource && {
      name: resource.name,
      targetAverageUtilization: resource.target.averageUtilization,
      targetAverageValue: resource.target.averageValue,
    },
    containerResource: containerResource && {
      name: containerResource.name,
      targetAverageUtilization: containerResource.target.averageUtilization,
      targetAverageValue: containerResource.target.averageValue,
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  });
}

function metricFromV1(metric: JsonObject): MetricSpec {
  const { object, pods, resource, containerResource, external } = members(metric);
  const resourceTarget = (source: JsonObject) =>
    compact({
      type: source["targetAverageUtilization"] === undefined ? "AverageValue" : "Utilization",
      averageValue: source["targetAverageValue"],
      averageUtilization: source["targetAverageUtilization"],
    });
  return compact({
    type: metric["type"],
    object: object && {
      describedObject: object["target"],
      metric: identifier(object, "selector"),
      target: compact({
        type: object["averageValue"] === undefined ? "Value" : "AverageValue",
        value:
          object["averageValue"] !== undefined && isZero(object["targetValue"]) ? undefined : object["targetValue"],
        averageValue: object["averageValue"],
      }),
    },
    pods: pods && {
      metric: identifier(pods, "selector"),
      target: { type: "AverageValue", averageValue: pods["targetAverageValue"] },
    },
    resource: resource && { name: resource["name"], target: resourceTarget(resource) },
    containerResource: containerResource && {
      name: containerResource["name"],
      container: containerResource["container"],
      target: resourceTarget(containerResource),
    },
    external: external && {
      metric: identifier(external, "metricSelector"),
      target: compact({
        type: external["targetValue"] === undefined ? "AverageValue" : "Value",
        value: external["targetValue"],
        averageValue: external["targetAverageValue"],
      }),
    },
  }) as unknown as MetricSpec;
}

function statusToV1({ type, object, pods, resource, containerResource, external }: MetricStatus): object {
  return compact({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? "0",
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? "0",
      selector: pods.metric.selector,
    },
    resource: resource && {
      name: resource.name,
      currentAverageUtilization: resource.current.averageUtilization,
      currentAverageValue: resource.current.averageValue ?? "0",
    },
    containerResource: containerResource && {
      name: containerResource.name,
      currentAverageUtilization: containerResource.current.averageUtilization,
      currentAverageValue: containerResource.current.averageValue ?? "0",
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? "0",
      currentAverageValue: external.current.averageValue,
    },
  });
}

function statusFromV1(status: JsonObject): MetricStatus {
  const { object, pods, resource, containerResource, external } = members(status);
  const resourceValue = (source: JsonObject) =>
    compact({ averageValue: source["currentAverageValue"], averageUtilization: source["currentAverageUtilization"] });
  return compact({
    type: status["type"],
    object: object && {
      describedObject: object["target"],
      metric: identifier(object, "selector"),
      current: compact({ value: object["currentValue"], averageValue: object["averageValue"] }),
    },
    pods: pods && {
      metric: identifier(pods, "selector"),
      current: { averageValue: pods["currentAverageValue"] },
    },
    resource: resource && { name: resource["name"], current: resourceValue(resource) },
    containerResource: containerResource && {
      name: containerResource["name"],
      container: containerResource["container"],
      current: resourceValue(containerResource),
    },
    external: external && {
      metric: identifier(external, "metricSelector"),
      current: compact({ value: external["currentValue"], averageValue: external["currentAverageValue"] }),
    },
  }) as unknown as MetricStatus;
}

/** The members of a metric that are objects. */
function members(metric: JsonObject): { readonly [name: string]: JsonObject | undefined } {
  const names = ["object", "pods", "resource", "containerResource", "external"];
  return Object.fromEntries(names.map((name) => [name, isJsonObject(metric[name]) ? metric[name] : undefined]));
}

function identifier(source: JsonObject, selector: string): object {
  return compact({ name: source["metricName"], selector: source[selector] });
}

function isZero(amount: Json | undefined): boolean {
  return amount === undefined || amount === "0" || amount === 0;
}

/** The annotation holds names as Go has them: `ScaleUp`, where v2 has `scaleUp`. */
function rename(value: Json, nameOf: (name: string) => string): Json {
  if (Array.isArray(value)) return value.map((item: Json) => rename(item, nameOf));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([name, member]) => [nameOf(name), rename(member, nameOf)] as const);
  return Object.fromEntries(entries.filter(([, member]) => member !== null));
}

function upper(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function lower(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function withoutOurs(map: StringMap = {}): StringMap {
  const ours: readonly string[] = Object.values(annotations);
  return Object.fromEntries(Object.entries(map).filter(([key]) => !ours.includes(key)));
}

function withAnnotations<T extends { readonly annotations?: StringMap }>(metadata: T, map: StringMap): T {
  const { annotations: _old, ...rest } = metadata;
  return (Object.keys(map).length > 0 ? { ...rest, annotations: map } : rest) as T;
}

/** What an annotation holds; nothing when a user wrote something else there. */
function readJson(text: string | undefined): Json | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  } catch {
    return undefined;
  }
}

function readList(text: string | undefined): readonly JsonObject[] {
  const value = readJson(text);
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}

function readObject(text: string | undefined): JsonObject | undefined {
  const value = readJson(text);
  return isJsonObject(value) && Object.keys(value).length > 0 ? value : undefined;
}
