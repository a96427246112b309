import { dnsLabelError } from "../api/kind.ts";
import { parseQuantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { pathSegmentError } from "../api/validate_meta.ts";
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ScalingPolicy,
  ScalingRules,
} from "./horizontal_pod_autoscaler.ts";
import { checkContainerResourceName } from "./resource_names.ts";
import {
  check,
  checkNonNegative,
  checkNonNegativeQuantity,
  checkOneOf,
  checkRequired,
  type FieldErrors,
} from "./validators.ts";

const maxPeriodSeconds = 1800;
const maxWindowSeconds = 3600;

/** Members of a metric that may be set, in the order in which Kubernetes looks for them. */
const sources = ["object", "external", "pods", "resource", "containerResource"] as const;

/** What is wrong with an autoscaler. @see k8s.io/kubernetes/pkg/apis/autoscaling/validation */
export function validateAutoscaler({ spec }: HorizontalPodAutoscaler): FieldErrors {
  const { minReplicas, maxReplicas = 0, metrics = [], behavior } = spec;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(fieldError.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  if (maxReplicas < 1) errors.push(fieldError.invalid("spec.maxReplicas", maxReplicas, "must be greater than 0"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    const detail = "must be greater than or equal to `minReplicas`";
    errors.push(fieldError.invalid("spec.maxReplicas", maxReplicas, detail));
  }
  return [
    ...errors,
    ...checkReference(spec.scaleTargetRef, "spec.scaleTargetRef"),
    ...metrics.flatMap((metric, index) => checkMetric(metric, `spec.metrics[${index}]`)),
    ...checkRules(behavior?.scaleUp, "spec.behavior.scaleUp"),
    ...checkRules(behavior?.scaleDown, "spec.behavior.scaleDown"),
  ];
}

/** What is wrong with the status of an autoscaler. */
export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldErrors {
  const { currentReplicas, desiredReplicas }: Partial<HorizontalPodAutoscalerStatus> = status ?? {};
  return [
    ...checkNonNegative("status.currentReplicas", currentReplicas),
    ...checkNonNegative("status.desiredReplicas", desiredReplicas),
  ];
}

function checkReference(reference: CrossVersionObjectReference | undefined, field: string): FieldErrors {
  return [
    ...checkRequired(`${field}.kind`, reference?.kind, pathSegmentError),
    ...checkRequired(`${field}.name`, reference?.name, pathSegmentError),
  ];
}

function checkMetric(metric: MetricSpec, field: string): FieldErrors {
  const types = ["ContainerResource", "External", "Object", "Pods", "Resource"];
  const errors: FieldError[] = [];
  if (!metric.type) errors.push(fieldError.required(`${field}.type`, "must specify a metric source type"));
  errors.push(...checkOneOf(`${field}.type`, metric.type ?? "", types));
  const present = sources.filter((name) => metric[name] !== undefined);
  const [first] = present;
  if (first !== undefined) errors.push(...checkSource(metric, first, `${field}.${first}`));
  const expected = sources.find((name) => name.toLowerCase() === metric.type?.toLowerCase());
  if (expected === undefined) errors.push(...checkOneOf(`${field}.type`, metric.type ?? "", types));
  else if (metric[expected] === undefined) {
    const detail = "must populate information for the given metric source";
    errors.push(fieldError.required(`${field}.${expected}`, detail));
  }
  if (present.length === 1) return errors;
  return [
    ...errors,
    ...present
      .filter((name) => name !== expected)
      .map((name) => fieldError.forbidden(`${field}.${name}`, "must populate the given metric source only")),
  ];
}

function checkSource(metric: MetricSpec, type: (typeof sources)[number], field: string): FieldErrors {
  const { object, external, pods, resource, containerResource } = metric;
  const average = `${field}.target.averageValue`;
  if (type === "object" && object) {
    return [
      ...checkReference(object.describedObject, `${field}.describedObject`),
      ...checkIdentifier(object.metric, field),
      ...checkTarget(object.target, field),
      ...requireOne(
        object.target,
        ["value", "averageValue"],
        average,
        "must set either a target value or averageValue",
      ),
    ];
  }
  if (type === "external" && external) {
    const detail = "may not set both a target value for metric and a per-pod target";
    return [
      ...checkIdentifier(external.metric, field),
      ...checkTarget(external.target, field),
      ...requireOne(
        external.target,
        ["value", "averageValue"],
        average,
        "must set either a target value for metric or a per-pod target",
      ),
      ...forbidBoth(external.target, ["value", "averageValue"], `${field}.target.value`, detail),
    ];
  }
  if (type === "pods" && pods) {
    return [
      ...checkIdentifier(pods.metric, field),
      ...checkTarget(pods.target, field),
      ...requireOne(pods.target, ["averageValue"], average, "must specify a positive target averageValue"),
    ];
  }
  if (type === "resource" && resource) {
    return [
      ...(resource.name ? [] : [fieldError.required(`${field}.name`, "must specify a resource name")]),
      ...checkResourceTarget(resource.target, field),
    ];
  }
  if (!containerResource) return [];
  return [
    ...(containerResource.name
      ? checkContainerResourceName(containerResource.name, `${field}.name`)
      : [fieldError.required(`${field}.name`, "must specify a resource name")]),
    ...(containerResource.container
      ? check(`${field}.container`, containerResource.container, dnsLabelError(containerResource.container))
      : [fieldError.required(`${field}.container`, "must specify a container")]),
    ...checkResourceTarget(containerResource.target, field),
  ];
}

function checkResourceTarget(target: MetricTarget, field: string): FieldErrors {
  const members = ["averageUtilization", "averageValue"] as const;
  const [utilization, value] = members.map((name) => `${field}.target.${name}`);
  return [
    ...checkTarget(target, field),
    ...requireOne(target, members, utilization ?? "", "must set either a target raw value or a target utilization"),
    ...forbidBoth(target, members, value ?? "", "may not set both a target raw value and a target utilization"),
  ];
}

type Amounts = readonly ("value" | "averageValue" | "averageUtilization")[];

function requireOne(target: MetricTarget | undefined, members: Amounts, field: string, detail: string): FieldErrors {
  return members.some((name) => target?.[name] !== undefined) ? [] : [fieldError.required(field, detail)];
}

function forbidBoth(target: MetricTarget | undefined, members: Amounts, field: string, detail: string): FieldErrors {
  return members.every((name) => target?.[name] !== undefined) ? [fieldError.forbidden(field, detail)] : [];
}

function checkIdentifier(metric: MetricIdentifier | undefined, field: string): FieldErrors {
  const at = `${field}.metric.name`;
  const name = metric?.name ?? "";
  return name ? check(at, name, pathSegmentError(name)) : [fieldError.required(at, "must specify a metric name")];
}

function checkTarget(target: MetricTarget | undefined, field: string): FieldErrors {
  const at = `${field}.target`;
  const { type, averageUtilization }: Partial<MetricTarget> = target ?? {};
  const errors: FieldError[] = type ? [] : [fieldError.required(`${at}.type`, "must specify a metric target type")];
  if (type !== "Utilization" && type !== "Value" && type !== "AverageValue") {
    const detail = "must be either Utilization, Value, or AverageValue";
    errors.push(fieldError.invalid(`${at}.type`, type ?? "", detail));
  }
  for (const member of ["value", "averageValue"] as const) {
    const amount = target?.[member];
    if (amount === undefined) continue;
    const reason = quantityError(amount);
    const isPositive = reason !== undefined || parseQuantity(amount).nano > 0n;
    errors.push(...check(`${at}.${member}`, amount, reason ?? (isPositive ? undefined : "must be positive")));
  }
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(fieldError.invalid(`${at}.averageUtilization`, averageUtilization, "must be greater than 0"));
  return errors;
}

function checkRules(rules: ScalingRules | undefined, field: string): FieldErrors {
  if (!rules) return [];
  const { stabilizationWindowSeconds: seconds, selectPolicy, policies = [], tolerance } = rules;
  const at = `${field}.stabilizationWindowSeconds`;
  const errors: FieldError[] = [];
  if (seconds !== undefined && seconds < 0)
    errors.push(fieldError.invalid(at, seconds, "must be greater than or equal to zero"));
  if (seconds !== undefined && seconds > maxWindowSeconds)
    errors.push(fieldError.invalid(at, seconds, `must be less than or equal to ${maxWindowSeconds}`));
  errors.push(...checkOneOf(`${field}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]));
  if (policies.length === 0) errors.push(fieldError.required(`${field}.policies`, "must specify at least one Policy"));
  return [
    ...errors,
    ...policies.flatMap((policy, index) => checkPolicy(policy, `${field}.policies[${index}]`)),
    ...checkNonNegativeQuantity(`${field}.tolerance`, tolerance),
  ];
}

function checkPolicy({ type, value = 0, periodSeconds = 0 }: ScalingPolicy, field: string): FieldErrors {
  const errors: FieldError[] = [...checkOneOf(`${field}.type`, type ?? "", ["Percent", "Pods"])];
  if (value <= 0) errors.push(fieldError.invalid(`${field}.value`, value, "must be greater than zero"));
  if (periodSeconds <= 0)
    errors.push(fieldError.invalid(`${field}.periodSeconds`, periodSeconds, "must be greater than zero"));
  if (periodSeconds > maxPeriodSeconds) {
    const detail = `must be less than or equal to ${maxPeriodSeconds}`;
    errors.push(fieldError.invalid(`${field}.periodSeconds`, periodSeconds, detail));
  }
  return errors;
}
