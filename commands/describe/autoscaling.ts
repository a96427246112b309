import { canonicalQuantity } from "../../core/api/quantity.ts";
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
  ScalingRules,
} from "../../core/kinds/horizontal_pod_autoscaler.ts";
import { type Describer, metadataLines, nameLines, timeText } from "./common.ts";
import { describeEvents } from "./events.ts";
import type { Page } from "./page.ts";

/** An autoscaler with what it measures. */
export const describeHorizontalPodAutoscaler: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as HorizontalPodAutoscaler;
  const { scaleTargetRef } = spec;
  nameLines(page, object);
  metadataLines(page, object);
  page.line(0, `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`);
  page.line(0, `Reference:\t${scaleTargetRef.kind}/${scaleTargetRef.name}`);
  page.line(0, "Metrics:\t( current / target )");
  (spec.metrics ?? []).forEach((metric, index) => {
    page.line(1, metricText(metric, status?.currentMetrics?.[index]));
  });
  page.line(0, `Min replicas:\t${spec.minReplicas ?? "<unset>"}`);
  page.line(0, `Max replicas:\t${spec.maxReplicas}`);
  if (spec.behavior) {
    page.line(0, "Behavior:");
    directionLines(page, "Scale Up", spec.behavior.scaleUp);
    directionLines(page, "Scale Down", spec.behavior.scaleDown);
  }
  page.line(
    0,
    `${scaleTargetRef.kind} pods:\t${status?.currentReplicas ?? 0} current / ${status?.desiredReplicas ?? 0} desired`,
  );
  const conditions = status?.conditions ?? [];
  if (conditions.length > 0) {
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tReason\tMessage");
    page.line(1, "----\t------\t------\t-------");
    for (const { type, status, reason = "", message = "" } of conditions)
      page.line(1, `${type}\t${status}\t${reason}\t${message}`);
  }
  await describeEvents(page, object, context);
};

function amount(value: string | number | undefined): string {
  return canonicalQuantity(value ?? "0");
}

function metricText(metric: MetricSpec, current: MetricStatus | undefined): string {
  const { external, pods, object, resource, containerResource } = metric;
  if (external) {
    const now = current?.external?.current;
    const isAverage = external.target.averageValue !== undefined;
    return `${JSON.stringify(external.metric.name)} (target ${isAverage ? "average " : ""}value):\t${valueText(now, isAverage)} / ${targetText(external.target, isAverage)}`;
  }
  if (pods) {
    const now = current?.pods?.current;
    return `${JSON.stringify(pods.metric.name)} on pods:\t${valueText(now, true)} / ${targetText(pods.target, true)}`;
  }
  if (object) {
    const isAverage = object.target.type === "AverageValue";
    const now = current?.object?.current;
    return `"${object.metric.name}" on ${object.describedObject.kind}/${object.describedObject.name} (target ${isAverage ? "average " : ""}value):\t${valueText(now, isAverage)} / ${targetText(object.target, isAverage)}`;
  }
  const source = resource ?? containerResource;
  if (!source) return `<unknown metric type ${JSON.stringify(metric.type)}>`;
  const now = (current?.resource ?? current?.containerResource)?.current;
  const where = containerResource ? ` of container "${containerResource.container}" on pods` : " on pods";
  if (source.target.averageValue !== undefined)
    return `resource ${source.name}${where}:\t${valueText(now, true)} / ${amount(source.target.averageValue)}`;
  const share = now?.averageUtilization;
  const shown = share === undefined ? "<unknown>" : `${share}% (${amount(now?.averageValue)})`;
  const { averageUtilization } = source.target;
  return `resource ${source.name}${where}  (as a percentage of request):\t${shown} / ${averageUtilization === undefined ? "<auto>" : `${averageUtilization}%`}`;
}

function valueText(now: MetricValueStatus | undefined, isAverage: boolean): string {
  if (!now) return "<unknown>";
  return amount(isAverage ? now.averageValue : now.value);
}

function targetText({ value, averageValue }: MetricTarget, isAverage: boolean): string {
  return amount(isAverage ? averageValue : value);
}

function directionLines(page: Page, title: string, rules: ScalingRules | undefined): void {
  if (!rules) return;
  page.line(1, `${title}:`);
  if (rules.stabilizationWindowSeconds !== undefined)
    page.line(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds`);
  if (!rules.policies?.length) return;
  page.line(2, `Select Policy: ${rules.selectPolicy ?? "Max"}`);
  page.line(2, "Policies:");
  for (const { type, value, periodSeconds } of rules.policies)
    page.line(3, `- Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds`);
}
