import { apiVersionOf } from "../../../core/api/kind.ts";
import type { ObjectMeta } from "../../../core/api/meta.ts";
import { formatQuantity } from "../../../core/api/quantity.ts";
import { isReason, StatusError } from "../../../core/api/status.ts";
import { type Node, node as nodeKind } from "../../../core/kinds/node.ts";
import { type NodeMetrics, nodeMetrics } from "../../../core/kinds/node_metrics.ts";
import { type Pod, pod as podKind, type ResourceList } from "../../../core/kinds/pod.ts";
import { type PodMetrics, podMetrics } from "../../../core/kinds/pod_metrics.ts";
import { type Clock, timestamp } from "../../../core/util/clock.ts";
import type { Registries, Registry, RegistryListOptions } from "../../registry/registry.ts";
import { readOnlyRegistry, unstored } from "../read_only_registry.ts";
import { type NodeUsage, type NodeUsageOptions, NodeUsageReader, type PodUsage, type Usage } from "./node_usage.ts";

/** Options of {@linkcode usageRegistries}. */
export interface UsageRegistriesOptions extends NodeUsageOptions {
  readonly registries: Registries;
}

/** What errors call the resources, as metrics-server does. */
const nodeResource = { group: nodeMetrics.group, plural: "nodemetrics" };
const podResource = { group: podMetrics.group, plural: "podmetrics" };

/**
 * NodeMetrics and PodMetrics, of which each node is asked when somebody asks for them.
 *
 * - What a node tells of a pod counts when the pod is on that node by the API, and the same one.
 * - Nodes that do not answer, pods that do not run and containers of which nothing is known are left out.
 *
 * @see https://github.com/kubernetes-sigs/metrics-server/tree/master/pkg/api
 */
export function usageRegistries({ registries, ...options }: UsageRegistriesOptions): {
  readonly nodes: Registry<NodeMetrics>;
  readonly pods: Registry<PodMetrics>;
} {
  const { clock } = options;
  const reader = new NodeUsageReader(options);
  const nodeRegistry = () => registries.for(nodeKind);
  const podRegistry = () => registries.for(podKind);

  async function metricsOfNodes(nodes: readonly Node[]): Promise<readonly NodeMetrics[]> {
    const usage = await reader.read(nodes);
    return nodes.flatMap((node) => {
      const own = usage.get(node.metadata.name ?? "");
      return own ? [nodeMetricsOf(node, own, clock)] : [];
    });
  }

  async function metricsOfPods(pods: readonly Pod[]): Promise<readonly PodMetrics[]> {
    const names = new Set(pods.map(({ spec }) => spec.nodeName ?? ""));
    const nodes = await nodeRegistry().list();
    const asked = nodes.items.map(({ object }) => object).filter(({ metadata }) => names.has(metadata.name ?? ""));
    const usage = await reader.read(asked);
    return pods.flatMap((pod) => {
      const node = usage.get(pod.spec.nodeName ?? "");
      const own = node?.pods.get(pod.metadata.uid ?? "");
      return node && own ? [podMetricsOf(pod, own, { clock, windowMs: node.windowMs })] : [];
    });
  }

  return {
    nodes: readOnlyRegistry(nodeMetrics, {
      async get({ name }) {
        const node = await orUndefined(nodeRegistry().get({ name }));
        const [found] = node ? await metricsOfNodes([node.object]) : [];
        if (!found) throw StatusError.notFound(nodeResource, name);
        return unstored(found);
      },
      async list({ matches }: RegistryListOptions = {}) {
        const { items } = await nodeRegistry().list();
        const wanted = items.map(({ object }) => object).filter(isWanted(matches));
        return { revision: 0, items: (await metricsOfNodes(wanted)).map(unstored) };
      },
    }),
    pods: readOnlyRegistry(podMetrics, {
      async get(key) {
        const pod = await orUndefined(podRegistry().get(key));
        const [found] = pod && isRunning(pod.object) ? await metricsOfPods([pod.object]) : [];
        if (!found) throw StatusError.notFound(podResource, `${key.namespace ?? ""}/${key.name}`);
        return unstored(found);
      },
      async list({ matches, namespace }: RegistryListOptions = {}) {
        const { items } = await podRegistry().list({ namespace });
        const wanted = items.map(({ object }) => object).filter(isRunning);
        return { revision: 0, items: (await metricsOfPods(wanted.filter(isWanted(matches)))).map(unstored) };
      },
    }),
  };
}

/** Whether selectors mean what is told of an object: they see its names and labels. */
function isWanted(matches: RegistryListOptions["matches"]): (object: Node | Pod) => boolean {
  return ({ metadata }) => {
    if (!matches) return true;
    return matches(unstored({ apiVersion: apiVersionOf(podMetrics), kind: "", metadata: describing(metadata) }));
  };
}

function isRunning({ spec, status }: Pod): boolean {
  return spec.nodeName !== undefined && status?.phase === "Running";
}

function nodeMetricsOf({ metadata }: Node, usage: NodeUsage, clock: Clock): NodeMetrics {
  return {
    kind: nodeMetrics.kind,
    apiVersion: apiVersionOf(nodeMetrics),
    metadata: { ...describing(metadata), creationTimestamp: timestamp(clock) },
    timestamp: usage.time,
    window: windowText(usage.windowMs),
    usage: resourcesOf(usage),
  };
}

function podMetricsOf(
  { metadata }: Pod,
  { time, containers }: PodUsage,
  { clock, windowMs }: { readonly clock: Clock; readonly windowMs: number },
): PodMetrics {
  return {
    kind: podMetrics.kind,
    apiVersion: apiVersionOf(podMetrics),
    metadata: { ...describing(metadata), creationTimestamp: timestamp(clock) },
    timestamp: time,
    window: windowText(windowMs),
    containers: containers.map(({ name, ...usage }) => ({ name, usage: resourcesOf(usage) })),
  };
}

/** What of the metadata of what is measured is shown. */
function describing({ name = "", namespace, labels }: ObjectMeta): ObjectMeta {
  return { name, ...(namespace === undefined ? {} : { namespace }), ...(labels ? { labels } : {}) };
}

function resourcesOf({ nanoCores, memoryBytes }: Usage): ResourceList {
  return {
    cpu: formatQuantity({ nano: BigInt(nanoCores), format: "DecimalSI" }),
    memory: formatQuantity({ nano: BigInt(memoryBytes) * 1_000_000_000n, format: "BinarySI" }),
  };
}

/** A duration as Go writes it: `15.013s`, `1m0.5s`. */
function windowText(ms: number): string {
  const seconds = Math.round(ms % 60_000) / 1000;
  const minutes = Math.floor(ms / 60_000);
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
