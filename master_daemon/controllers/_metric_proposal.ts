import type { LabelSelector } from "../../core/api/labels.ts";
import { milliCpu as milliOf, parseQuantity } from "../../core/api/quantity.ts";
import type { MetricSpec, MetricStatus, MetricTarget } from "../../core/kinds/horizontal_pod_autoscaler.ts";
import type { ObservedAutoscaler } from "./_plan_autoscaler.ts";
import {
  averageReplicas,
  type CalculatorState,
  NoProposalError,
  type Observation,
  type PodSample,
  type Proposal,
  plainReplicas,
  resourceReplicas,
  valueReplicas,
} from "./_replica_calculator.ts";
import { selectorText } from "./_selector_text.ts";

/** How many pods a metric asks for; or why it asks for nothing, as a condition says it and as the event does. */
export type MetricProposal =
  | { readonly replicas: number; readonly name: string; readonly status: MetricStatus }
  | { readonly reason: string; readonly message: string; readonly failure: string };

/** What one metric of an autoscaler comes to. */
export function proposalOf(metric: MetricSpec, observation: Observation, observed: ObservedAutoscaler): MetricProposal {
  const words = wordsOf(metric, observed.autoscaler.metadata.namespace ?? "");
  try {
    if ("failure" in observation) throw new NoProposalError(`${words.unable}${observation.failure}`);
    const { replicas, current } = compute(metric, observation, stateOf(observed));
    return { replicas, name: words.name, status: statusOf(metric, current) };
  } catch (error) {
    if (!(error instanceof NoProposalError)) throw error;
    const message = `${words.failed}${error.message}`;
    return { reason: words.reason, message, failure: `${words.outer}${message}` };
  }
}

function stateOf({
  autoscaler,
  pods,
  specReplicas,
  statusReplicas,
  settings,
  nowMs,
}: ObservedAutoscaler): CalculatorState {
  const { behavior } = autoscaler.spec;
  const part = (amount: string | number | undefined) =>
    amount === undefined ? settings.tolerance : Number(parseQuantity(amount).nano) / 1e9;
  const tolerance = { down: part(behavior?.scaleDown?.tolerance), up: part(behavior?.scaleUp?.tolerance) };
  const { cpuInitializationPeriodMs, initialReadinessDelayMs } = settings;
  return { pods, specReplicas, statusReplicas, tolerance, cpuInitializationPeriodMs, initialReadinessDelayMs, nowMs };
}

function compute(
  { resource, containerResource, pods, object, external }: MetricSpec,
  observation: Exclude<Observation, { failure: string }>,
  state: CalculatorState,
): Proposal {
  const samples: ReadonlyMap<string, PodSample> = "samples" in observation ? observation.samples : new Map();
  const milli = "milli" in observation ? observation.milli : 0;
  if (resource) return resourceReplicas({ resource: resource.name, target: resource.target }, samples, state);
  if (containerResource) {
    const { name, container, target } = containerResource;
    return resourceReplicas({ resource: name, container, target }, samples, state);
  }
  if (pods) return plainReplicas(milliOf(pods.target.averageValue), samples, state);
  const target = (object ?? external)?.target;
  return wholeReplicas(target, milli, state, object ? "object" : "external");
}

function wholeReplicas(
  target: MetricTarget | undefined,
  milli: number,
  state: CalculatorState,
  source: string,
): Proposal {
  const { type, value, averageValue } = target ?? {};
  if (averageValue !== undefined && (type === "AverageValue" || value === undefined))
    return averageReplicas(milliOf(averageValue), milli, state);
  if (value !== undefined) return valueReplicas(milliOf(value), milli, state);
  throw new NoProposalError(
    `invalid ${source} metric source: neither a value target nor an average value target was set`,
  );
}

function statusOf(
  { type, resource, containerResource, pods, object, external }: MetricSpec,
  current: Proposal["current"],
): MetricStatus {
  if (resource) return { type, resource: { name: resource.name, current } };
  if (containerResource) {
    const { name, container } = containerResource;
    return { type, containerResource: { name, container, current } };
  }
  if (pods) return { type, pods: { metric: pods.metric, current } };
  if (object) return { type, object: { describedObject: object.describedObject, metric: object.metric, current } };
  return external ? { type, external: { metric: external.metric, current } } : { type };
}

/** The parts of kube-controller-manager's sentences about a metric. */
interface Words {
  /** What the metric is called. */
  readonly name: string;
  /** Of the condition that says it is not known. */
  readonly reason: string;
  /** Before the reason in the event that sums up. */
  readonly outer: string;
  /** Before the reason in the condition. */
  readonly failed: string;
  /** Before what the API of the metrics said. */
  readonly unable: string;
}

function wordsOf({ type, resource, containerResource, pods, object, external }: MetricSpec, namespace: string): Words {
  const reason = `FailedGet${type}Metric`;
  if (resource) {
    const { name, target } = resource;
    return { reason, outer: `failed to get ${name} resource metric value: `, ...resourceWords(name, target, "") };
  }
  if (containerResource) {
    const { name, container, target } = containerResource;
    const outer = `failed to get ${container} container metric value: `;
    return { reason, outer, ...resourceWords(name, target, "container ") };
  }
  if (pods) {
    const { name } = pods.metric;
    const unable = `unable to get metric ${name}: `;
    return { reason, name: `pods metric ${name}`, outer: "failed to get pods metric value: ", failed: "", unable };
  }
  if (object) {
    const { describedObject: of, metric, target } = object;
    const isAverage = target.type === "AverageValue";
    const inner = isAverage ? `failed to get ${metric.name} object metric: ` : "";
    return {
      reason,
      name: isAverage ? externalName(metric.name, metric.selector) : `${of.kind} metric ${metric.name}`,
      outer: `failed to get object metric value: ${inner}`,
      failed: "",
      unable: `unable to get metric ${metric.name}: ${of.kind} on ${namespace} ${of.name}/`,
    };
  }
  const { name = "", selector } = external?.metric ?? {};
  const isAverage = external?.target.averageValue !== undefined;
  const inner = isAverage ? `failed to get ${name} external metric: ` : `failed to get external metric ${name}: `;
  return {
    reason,
    name: externalName(name, selector),
    outer: `failed to get ${name} external metric value: ${inner}`,
    failed: "",
    unable: `unable to get external metric ${namespace}/${name}/${selectorText(selector)}: `,
  };
}

function resourceWords(
  name: string,
  { averageValue, averageUtilization }: MetricTarget,
  part: "" | "container ",
): Pick<Words, "name" | "failed" | "unable"> {
  const isUsage = averageValue !== undefined;
  const isPart = averageUtilization !== undefined;
  return {
    name: isUsage ? `${name} resource` : `${name} ${part}resource utilization (percentage of request)`,
    failed: isUsage || isPart ? `failed to get ${name} ${isUsage ? "usage" : "utilization"}: ` : "",
    unable: `unable to get metrics for resource ${name}: `,
  };
}

function externalName(name: string, selector: LabelSelector | undefined): string {
  return `external metric ${name}(${selectorText(selector)})`;
}
