import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from "./horizontal_pod_autoscaler.ts";

/** Most metrics that a cell shows. */
const shown = 2;

/** What the TARGETS column shows: `cpu: 12%/80%, 3/5`. @see k8s.io/kubernetes/pkg/printers/internalversion, formatHPAMetrics */
export function metricsText(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return "<none>";
  const texts = specs.map((spec, index) => metricText(spec, statuses[index]));
  const text = texts.slice(0, shown).join(", ");
  return texts.length > shown ? `${text} + ${texts.length - shown} more...` : text;
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case "Resource":
      return spec.resource
        ? `${spec.resource.name}: ${resourceText(spec.resource.target, status?.resource?.current)}`
        : "<unknown type>";
    case "ContainerResource":
      return spec.containerResource
        ? `${spec.containerResource.name}: ${resourceText(spec.containerResource.target, status?.containerResource?.current)}`
        : "<unknown type>";
    case "Pods":
      return `${known(status?.pods?.current.averageValue)}/${spec.pods?.target.averageValue ?? "0"}`;
    case "Object":
      return valueText(spec.object?.target, status?.object?.current);
    case "External":
      return valueText(spec.external?.target, status?.external?.current);
    default:
      return "<unknown type>";
  }
}

function resourceText(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${known(current?.averageValue)}/${target.averageValue}`;
  const percent = current?.averageUtilization;
  const wanted = target.averageUtilization === undefined ? "<auto>" : `${target.averageUtilization}%`;
  return `${percent === undefined ? "<unknown>" : `${percent}%`}/${wanted}`;
}

function valueText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  return target?.averageValue !== undefined
    ? `${known(current?.averageValue)}/${target.averageValue} (avg)`
    : `${known(current?.value)}/${target?.value ?? "0"}`;
}

function known(amount: string | number | undefined): string {
  return String(amount ?? "<unknown>");
}
