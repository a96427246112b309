import type { MetricFamily, MetricSample } from "../../../core/util/prometheus.ts";
import type { ContainerUsage, PodUsage } from "./pod_usage.ts";
import type { Sample } from "./usage_reader.ts";

/**
 * What `/metrics/resource` tells: what metrics-server reads.
 *
 * @see https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
export function resourceMetrics({ at, machine, complete }: Sample, pods: readonly PodUsage[]): readonly MetricFamily[] {
  const running = pods.filter(({ containers }) => containers.length > 0);
  const gauge = (name: string, help: string, samples: readonly MetricSample[]): MetricFamily => ({
    name,
    type: "gauge",
    help,
    samples,
  });
  const counter = (name: string, help: string, samples: readonly MetricSample[]): MetricFamily => ({
    ...gauge(name, help, samples),
    type: "counter",
  });
  const perContainer = (figure: (container: ContainerUsage) => number | undefined) =>
    running.flatMap(({ pod, containers }) =>
      containers.flatMap((container) => {
        const value = figure(container);
        const labels = { container: container.stats.name, ...podLabels(pod) };
        return value === undefined ? [] : [{ labels, value, at: container.stats.at }];
      }),
    );
  const perPod = (figure: (container: ContainerUsage) => number | undefined) =>
    running.flatMap(({ pod, containers }) => {
      const known = containers.map(figure).filter((value) => value !== undefined);
      const value = known.reduce((sum, one) => sum + one, 0);
      return known.length === 0 ? [] : [{ labels: podLabels(pod), value, at: containers[0]?.stats.at ?? at }];
    });
  const cpu = ({ stats }: ContainerUsage) => stats.cpuNanoseconds / 1e9;
  const memory = ({ stats }: ContainerUsage) => stats.memoryBytes;
  const swap = ({ stats }: ContainerUsage) => stats.memory?.swapBytes;
  const swapLimit = ({ stats: { memory: figures } }: ContainerUsage) =>
    Number.isFinite(figures?.swapLimitBytes) ? figures?.swapLimitBytes : undefined;
  const started = ({ startedAt }: ContainerUsage) =>
    startedAt === undefined ? undefined : Date.parse(startedAt) / 1000;
  const node = (value: number): readonly MetricSample[] => [{ value, at }];
  return [
    counter("container_cpu_usage_seconds_total", "CPU time of the container in core-seconds.", perContainer(cpu)),
    gauge("container_memory_working_set_bytes", "Working set of the container.", perContainer(memory)),
    // Without a time: it is the value that is one.
    gauge(
      "container_start_time_seconds",
      "When the container started, since the epoch.",
      perContainer(started).map(({ labels, value }) => ({ labels, value })),
    ),
    gauge("container_swap_usage_bytes", "Swap space of the container.", perContainer(swap)),
    gauge("container_swap_limit_bytes", "Swap space that the container may have.", perContainer(swapLimit)),
    counter(
      "node_cpu_usage_seconds_total",
      "CPU time of the node in core-seconds.",
      node(machine.cpuNanoseconds / 1e9),
    ),
    gauge("node_memory_working_set_bytes", "Working set of the node.", node(machine.workingSetBytes)),
    gauge("node_swap_usage_bytes", "Swap space of the node.", node(machine.swapTotalBytes - machine.swapFreeBytes)),
    counter("pod_cpu_usage_seconds_total", "CPU time of the pod in core-seconds.", perPod(cpu)),
    gauge("pod_memory_working_set_bytes", "Working set of the pod.", perPod(memory)),
    gauge("pod_swap_usage_bytes", "Swap space of the pod.", perPod(swap)),
    gauge("resource_scrape_error", "1 when the figures could not be read, else 0.", [{ value: complete ? 0 : 1 }]),
  ];
}

function podLabels({ metadata }: PodUsage["pod"]): { readonly namespace: string; readonly pod: string } {
  return { namespace: metadata.namespace ?? "", pod: metadata.name ?? "" };
}
