import { isJsonObject } from "../../core/api/json_object.ts";
import { parseLabelSelector, type Selector, selectorFromObject } from "../../core/api/labels.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { milliValue, parseQuantity } from "../../core/api/quantity.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { readStatusError } from "../../core/client/read_status_error.ts";
import { readBody } from "../../core/client/transport.ts";
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
} from "../../core/kinds/horizontal_pod_autoscaler.ts";
import { type PodMetrics, podMetrics } from "../../core/kinds/pod_metrics.ts";
import { parseDuration } from "../../core/util/duration.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { Observation, PodSample } from "./_replica_calculator.ts";
import { groupOf, resourcesOfKind } from "./_scales.ts";

/** Where metrics come from, and of which pods. */
export interface MetricsOptions {
  readonly client: Client;
  readonly namespace: string;
  /** Selects the pods of what is scaled. */
  readonly selector: Selector;
  readonly signal: AbortSignal;
}

const maxBytes = 32 << 20;
/** What the window of a metric is, when who serves it does not say. */
const defaultWindowMs = 60_000;
const customGroup = "custom.metrics.k8s.io";
const customVersions = ["v1beta2", "v1beta1"];

/**
 * Reads what a metric is now, from the API that serves its type. Whatever goes wrong is part of the answer, in the
 * words of kube-controller-manager.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/metrics/client.go
 */
export async function observe(metric: MetricSpec, options: MetricsOptions): Promise<Observation> {
  try {
    return await read(metric, options);
  } catch (error) {
    options.signal.throwIfAborted();
    return { failure: errorMessage(error) };
  }
}

function read(metric: MetricSpec, options: MetricsOptions): Promise<Observation> {
  const { resource, containerResource, pods, object, external } = metric;
  if (metric.type === "Resource" && resource) return resourceUse(resource.name, undefined, options);
  if (metric.type === "ContainerResource" && containerResource)
    return resourceUse(containerResource.name, containerResource.container, options);
  if (metric.type === "Pods" && pods) return podsMetric(pods.metric, options);
  if (metric.type === "Object" && object) return objectMetric(object.metric, object.describedObject, options);
  if (metric.type === "External" && external) return externalMetric(external.metric, options);
  throw new Error(`unknown metric source type ${JSON.stringify(metric.type)}`);
}

async function resourceUse(
  resource: string,
  container: string | undefined,
  { client, namespace, selector, signal }: MetricsOptions,
): Promise<Observation> {
  const labelSelector = selector.toString();
  const { items } = await client
    .list(podMetrics, { namespace, labelSelector, signal })
    .catch(rethrow("unable to fetch metrics from resource metrics API"));
  if (items.length === 0) throw new Error("no metrics returned from resource metrics API");
  const samples = new Map<string, PodSample>();
  for (const item of items) {
    const { name = "" } = item.metadata;
    const containers = (item.containers ?? []).filter((one) => container === undefined || one.name === container);
    if (container !== undefined && containers.length === 0) {
      const pod = `${namespace}/${name}`;
      throw new Error(`failed to get container metrics: container ${container} not present in metrics for pod ${pod}`);
    }
    const amounts = containers.flatMap(({ usage = {} }) => (Object.hasOwn(usage, resource) ? [usage[resource]] : []));
    if (amounts.length === 0 || amounts.length < containers.length) continue;
    samples.set(name, { milli: amounts.map(milliOf).reduce((sum, one) => sum + one, 0), ...measuredWhen(item) });
  }
  return { samples };
}

function measuredWhen({ timestamp, window }: PodMetrics): Pick<PodSample, "atMs" | "windowMs"> {
  return { atMs: timeOf(timestamp), windowMs: parseDuration(window) };
}

async function podsMetric(metric: MetricIdentifier, options: MetricsOptions): Promise<Observation> {
  const items = await customMetric("pods/*", metric, { ...options, labelSelector: options.selector.toString() });
  if (items.length === 0) throw new Error("no metrics returned from custom metrics API");
  const samples = new Map<string, PodSample>();
  for (const item of items) {
    const described = item["describedObject"];
    const name = isJsonObject(described) ? described["name"] : undefined;
    const seconds = Number(item["windowSeconds"] ?? item["window"] ?? defaultWindowMs / 1000);
    if (typeof name !== "string") continue;
    samples.set(name, {
      milli: milliOf(item["value"]),
      atMs: timeOf(item["timestamp"]),
      windowMs: Number.isFinite(seconds) ? seconds * 1000 : defaultWindowMs,
    });
  }
  return { samples };
}

async function objectMetric(
  metric: MetricIdentifier,
  object: CrossVersionObjectReference,
  options: MetricsOptions,
): Promise<Observation> {
  const isNamespace = object.kind === "Namespace" && groupOf(object.apiVersion ?? "v1") === "";
  const of = isNamespace ? "metrics" : `${await resourceText(object, options)}/${encodeURIComponent(object.name)}`;
  const items = await customMetric(of, metric, options);
  const [only] = items;
  if (!only || items.length > 1) {
    const count = `the custom metrics API server returned ${items.length} results when we asked for exactly one`;
    throw new Error(`unable to fetch metrics from custom metrics API: ${count}`);
  }
  return { milli: milliOf(only["value"]) };
}

/** `deployments.apps`, `services`. */
async function resourceText(object: CrossVersionObjectReference, options: MetricsOptions): Promise<string> {
  const [type] = await resourcesOfKind(options.client, object, options);
  if (type) return type.group ? `${type.plural}.${type.group}` : type.plural;
  const group = groupOf(object.apiVersion ?? "v1");
  const kind = group ? `${object.kind}.${group}` : object.kind;
  const reason = `unable to map kind ${kind} to resource: no matches for kind ${JSON.stringify(object.kind)} in group ${JSON.stringify(group)}`;
  throw new Error(`unable to fetch metrics from custom metrics API: ${reason}`);
}

async function customMetric(
  of: string,
  { name, selector }: MetricIdentifier,
  { labelSelector = "", ...options }: MetricsOptions & { readonly labelSelector?: string },
): Promise<readonly JsonObject[]> {
  const metricLabelSelector = selector ? selectorFromObject(selector).toString() : "";
  const query = new URLSearchParams({
    ...(labelSelector ? { labelSelector } : {}),
    ...(metricLabelSelector ? { metricLabelSelector } : {}),
  });
  try {
    const root = `/apis/${customGroup}/${await customVersion(options)}`;
    return await items(`${root}/namespaces/${options.namespace}/${of}/${encodeURIComponent(name)}`, query, options);
  } catch (error) {
    return rethrow("unable to fetch metrics from custom metrics API")(error);
  }
}

/** The version of custom metrics that is served, and known here. */
async function customVersion(options: MetricsOptions): Promise<string> {
  const group = await getJson(`/apis/${customGroup}`, options).catch((error: unknown) => {
    if (!isReason(error, "NotFound")) throw error;
    throw new Error(`no custom metrics API (${customGroup}) registered`);
  });
  const served = [group["preferredVersion"], ...listOf(group["versions"])].map((one) =>
    isJsonObject(one) ? one["version"] : undefined,
  );
  const version = served.find((one) => typeof one === "string" && customVersions.includes(one));
  if (typeof version !== "string") throw new Error("no known available metric versions found");
  return version;
}

async function externalMetric({ name, selector }: MetricIdentifier, options: MetricsOptions): Promise<Observation> {
  const labelSelector = selector ? selectorFromObject(selector).toString() : "";
  const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${options.namespace}/${encodeURIComponent(name)}`;
  const found = await items(path, new URLSearchParams(labelSelector ? { labelSelector } : {}), options).catch(
    rethrow("unable to fetch metrics from external metrics API"),
  );
  if (found.length === 0) throw new Error("no metrics returned from external metrics API");
  return { milli: found.reduce((sum, item) => sum + milliOf(item["value"]), 0) };
}

async function items(path: string, query: URLSearchParams, options: MetricsOptions): Promise<readonly JsonObject[]> {
  const list = await getJson(query.size > 0 ? `${path}?${query}` : path, options);
  return listOf(list["items"]).filter(isJsonObject);
}

async function getJson(path: string, { client, signal }: MetricsOptions): Promise<JsonObject> {
  const response = await client.raw({ method: "GET", path, headers: { accept: "application/json" } }, { signal });
  const [, , group = "", , , , ...rest] = path.split("?")[0]?.split("/") ?? [];
  const [resource, ...name] = rest.map(decodeURIComponent);
  const subject = { method: "get", resource: resource ? `${resource}.${group}` : group, name: name[0] };
  if (response.status !== 200) throw await readStatusError(response, maxBytes, subject);
  const value: unknown = JSON.parse(new TextDecoder().decode(await readBody(response.body, maxBytes)));
  if (!isJsonObject(value)) throw new Error(`the answer to ${path} is no object`);
  return value;
}

/** The selector in the status of a scale. @throws Error in Kubernetes' words */
export function parseScaleSelector(text: string): Selector {
  try {
    return parseLabelSelector(text);
  } catch (error) {
    const reason = errorMessage(error);
    throw new Error(`couldn't convert selector into a corresponding internal selector object: ${reason}`);
  }
}

function rethrow(prefix: string): (error: unknown) => never {
  return (cause) => {
    throw new Error(`${prefix}: ${errorMessage(cause)}`, { cause });
  };
}

function milliOf(amount: unknown): number {
  return typeof amount === "string" || typeof amount === "number" ? milliValue(parseQuantity(amount)) : 0;
}

/** 0, long ago, for what is no time. */
function timeOf(text: unknown): number {
  return (typeof text === "string" && Date.parse(text)) || 0;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
